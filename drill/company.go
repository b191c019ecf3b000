// Package drill is a miniature of the operators' company on loopback, out of real servers, with the real bot as a
// child: to rehearse a recovery, and for tests. It breaks hosts, counts what users lose, plays the operator where asked
// to, and judges the result by its own facts. Nothing in the bot knows of it.
package drill

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"recoverbot/drill/server"
	"recoverbot/drill/service"
)

// The ports of the company, the same on every host.
const (
	sshPort   = 2222
	mysqlPort = 3306
	redisPort = 6379
	frontPort = 8000
	apiPort   = 8080
)

var services = []string{"go-api", "go-upload", "go-fly", "go-admin", "go-job"}

var servicePorts = map[string]int{"go-api": apiPort, "go-upload": 8081, "go-fly": 8082, "go-admin": 8083, "go-job": 8084}

// Company is the running miniature.
type Company struct {
	Dir      string // short enough for unix sockets; a symbolic link to the real directory where that is not
	program  string // recoverbot
	user     string
	hosts    []*Host
	secrets  secrets
	python   string
	lock     net.Listener
	mark     *os.File
	link     string
	cancel   context.CancelFunc
	work     sync.WaitGroup
	dumps    dumpNames
	closeOne sync.Once
}

// Build makes the company's files in dir, which must be new or empty, without starting anything. program is the path
// of recoverbot, which the hosts' services and shims run.
func Build(dir, program string) (*Company, error) {
	c := &Company{program: program}
	if err := c.build(dir); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Company) build(dir string) error {
	if err := c.claim(dir); err != nil {
		return err
	}
	me, err := user.Current()
	if err != nil {
		return fmt.Errorf("find the current user: %w", err)
	}
	c.user = me.Username
	c.python = findPython()
	base, lock, err := freeNetwork()
	if err != nil {
		return err
	}
	c.lock = lock
	add := func(name string, last int, roles string, httpPort int) {
		c.hosts = append(c.hosts, &Host{Name: name, Address: base + "." + strconv.Itoa(last), Roles: roles, HTTPPort: httpPort,
			Root: filepath.Join(c.Dir, "hosts", name), company: c, units: map[string]*server.Process{}, started: map[string]time.Time{}, failed: map[string]bool{}})
	}
	add("nginx1", 11, "nginx", frontPort)
	add("nginx2", 12, "nginx", frontPort)
	add("primary", 21, "primary", apiPort)
	add("standby", 22, "standby, backup", apiPort)
	add("report", 31, "report, backup", 0)
	add("hongkong", 32, "backup", 0)
	add("spare1", 41, "spare", apiPort)
	add("spare2", 42, "spare", apiPort)
	add("spare3", 43, "spare", apiPort)
	c.secrets = newSecrets()
	if err := c.writeKeys(); err != nil {
		return err
	}
	if err := c.writeCertificate(); err != nil {
		return err
	}
	for _, h := range c.hosts {
		if err := c.writeTree(h); err != nil {
			return err
		}
	}
	return c.writeInstallFiles()
}

// claim makes the directory the drill's own.
func (c *Company) claim(dir string) error {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("make the drill's directory: %w", err)
	}
	if err := os.MkdirAll(abs, 0o755); err != nil {
		return fmt.Errorf("make the drill's directory: %w", err)
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return fmt.Errorf("make the drill's directory: %w", err)
	}
	fresh := !ours(abs)
	if fresh {
		for _, name := range built {
			if _, err := os.Lstat(filepath.Join(abs, name)); err == nil {
				return fmt.Errorf("make the drill's directory: %s is in %s already, and no earlier drill put it there", name, abs)
			}
		}
	}
	if c.mark, err = os.OpenFile(filepath.Join(abs, markFile), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return fmt.Errorf("make the drill's directory: %w", err)
	}
	if err := syscall.Flock(int(c.mark.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return fmt.Errorf("make the drill's directory: another drill runs in %s: %w", abs, err)
	}
	for _, name := range built {
		if err := os.RemoveAll(filepath.Join(abs, name)); err != nil {
			return fmt.Errorf("clear the drill's directory: %w", err)
		}
	}
	c.Dir = abs
	if len(abs) > 60 { // a unix socket's path holds 107 bytes
		tmp, err := os.MkdirTemp("", "rb")
		if err != nil {
			return fmt.Errorf("make a short name for %s: %w", abs, err)
		}
		c.link = tmp
		c.Dir = filepath.Join(tmp, "d")
		if err := os.Symlink(abs, c.Dir); err != nil {
			return fmt.Errorf("make a short name for %s: %w", abs, err)
		}
	}
	return nil
}

// built is what a drill puts into its directory, and what the next one in it removes.
var built = []string{"hosts", "keys", "journal.db", "journal.db-wal", "journal.db-shm", "journal.db.lock", "drill.json", "drill.sock", ".env", "fleet.yaml", "known_hosts", "provision", "log", "blackbox", "blackbox.key"}

// markFile says that a directory is a drill's, and is locked while it runs.
const markFile = ".recoverbot-drill"

func ours(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, markFile))
	return err == nil
}

// freeNetwork picks the first 127.0.N of which neither another drill nor anything else uses the ports.
func freeNetwork() (string, net.Listener, error) {
	var last error
	for n := 10; n < 60; n++ {
		base := "127.0." + strconv.Itoa(n)
		lock, err := net.Listen("unix", "@recoverbot-drill-"+base)
		if err != nil {
			last = err
			continue
		}
		if last = free(base); last == nil {
			return base, lock, nil
		}
		lock.Close()
	}
	return "", nil, fmt.Errorf("find a free loopback network: %w", last)
}

func free(base string) error {
	for _, at := range []string{".11:8000", ".11:8080", ".12:8000", ".12:8443", ".21:3306", ".21:6379", ".21:8080", ".22:3306", ".22:6379", ".22:8080", ".31:2222", ".41:2222"} {
		l, err := net.Listen("tcp", base+at)
		if err != nil {
			return err
		}
		l.Close()
	}
	return nil
}

// findPython returns a directory with python3 that the hosts' PATH would lack, or "".
func findPython() string {
	for _, d := range []string{"/usr/local/bin", "/usr/bin", "/bin"} {
		if _, err := os.Stat(filepath.Join(d, "python3")); err == nil {
			return ""
		}
	}
	out, err := exec.Command("python3", "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		return ""
	}
	return filepath.Dir(strings.TrimSpace(string(out)))
}

// Host finds a host by name.
func (c *Company) Host(name string) (*Host, error) {
	for _, h := range c.hosts {
		if h.Name == name {
			return h, nil
		}
	}
	return nil, fmt.Errorf("no host is called %q", name)
}

func (c *Company) must(name string) *Host {
	h, err := c.Host(name)
	if err != nil {
		panic(err) // only with a name that is written in this package
	}
	return h
}

// Start boots every host, fills the databases, and returns when all services answer through nginx.
func (c *Company) Start(ctx context.Context) error {
	// What runs on belongs to the company, not to the caller's start.
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	c.cancel = cancel
	if err := c.serveNames(background, &c.work); err != nil {
		return err
	}
	g, gctx := errgroup.WithContext(ctx)
	for _, h := range c.hosts {
		g.Go(func() error { return h.listen(&c.work, background) })
		g.Go(func() error { return h.startSSHD(gctx) })
	}
	for _, name := range []string{"primary", "standby"} {
		h := c.must(name)
		for _, u := range []string{"mariadb", "redis-server"} {
			g.Go(func() error { return h.start(gctx, u) })
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if err := c.fill(ctx); err != nil {
		return err
	}
	g, gctx = errgroup.WithContext(ctx)
	for _, h := range c.hosts {
		for _, u := range h.enabled() {
			g.Go(func() error { return h.start(gctx, u) })
		}
	}
	if err := g.Wait(); err != nil {
		return err
	}
	c.work.Go(func() { c.cron(background) })
	return c.answering(ctx)
}

// answering waits until requests through both nginx are served.
func (c *Company) answering(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	var urls []string
	for _, n := range []string{"nginx1", "nginx2"} {
		for _, p := range []string{"/", "/upload/", "/admin/", "/fly/"} {
			urls = append(urls, c.frontURL(c.must(n))+p)
		}
	}
	for _, n := range []string{"primary", "standby"} {
		urls = append(urls, "http://"+net.JoinHostPort(c.must(n).Address, strconv.Itoa(apiPort))+"/healthz")
	}
	for _, u := range urls {
		if err := until(ctx, func() error { return get(ctx, u) }); err != nil {
			return fmt.Errorf("wait for the company's services: %w", err)
		}
	}
	return nil
}

func (c *Company) frontURL(h *Host) string {
	return "http://" + net.JoinHostPort(h.Address, strconv.Itoa(frontPort))
}

// until tries again until it works or ctx ends, and then returns the last error.
func until(ctx context.Context, try func() error) error {
	t := time.NewTicker(50 * time.Millisecond)
	defer t.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return err
		case <-t.C:
		}
	}
}

// visitor is one user: no connection is kept, as a new user has none.
var visitor = &http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

func get(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := visitor.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, res.Status)
	}
	return nil
}

// Break does to a host what how says: kill (power cut), freeze (it accepts connections and never answers) or partial
// (nginx, or else MySQL, alone dies).
func (c *Company) Break(host, how string) error {
	h, err := c.Host(host)
	if err != nil {
		return err
	}
	switch how {
	case "kill", "":
		return h.kill()
	case "freeze":
		return h.freeze()
	case "partial":
		return h.partial()
	}
	return fmt.Errorf("break %s: --how is kill, freeze or partial, not %q", host, how)
}

// Heal thaws a frozen host, or boots a dead one: what is enabled there starts again.
func (c *Company) Heal(ctx context.Context, host string) error {
	h, err := c.Host(host)
	if err != nil {
		return err
	}
	return h.heal(ctx)
}

// Close ends everything. It may be called at any time, also twice.
func (c *Company) Close() error {
	var err error
	c.closeOne.Do(func() {
		if c.cancel != nil {
			c.cancel()
		}
		var g errgroup.Group
		for _, h := range c.hosts {
			g.Go(h.kill)
		}
		err = g.Wait()
		c.work.Wait()
		if c.lock != nil {
			err = errors.Join(err, c.lock.Close())
		}
		if c.mark != nil {
			err = errors.Join(err, c.mark.Close())
		}
		if c.link != "" {
			err = errors.Join(err, os.RemoveAll(c.link))
		}
	})
	return err
}

// sessionEnv is the environment of everything that people and the bot run on a host.
func (c *Company) sessionEnv(h *Host) map[string]string {
	path := filepath.Join(h.Root, "bin") + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	if c.python != "" {
		path += ":" + c.python
	}
	env := map[string]string{
		"PATH": path, "HOME": filepath.Join(h.Root, "root"), "MYSQL_HOME": filepath.Join(h.Root, "root"),
		"MYSQL_UNIX_PORT": h.socket(), "LANG": "C.UTF-8",
		service.EnvCertificate: c.certificateFile(),
		service.EnvDir:         c.Dir, service.EnvHost: h.Name, service.EnvLoopback: h.Address, service.EnvControl: h.control(), service.EnvProgram: c.program,
	}
	if tz, ok := os.LookupEnv("TZ"); ok && tz != "" {
		env["TZ"] = tz
	}
	return env
}

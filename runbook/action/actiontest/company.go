// Package actiontest gives tests of actions a small company of real servers: one sshd a host, each on its own loopback
// address with its own directory tree, and on demand real MariaDB, redis and nginx inside of it.
//
//	func TestX(t *testing.T) {
//		t.Parallel()
//		c := actiontest.New(t, "nginx1", "primary", "standby")
//		db := c.StartMariaDB("standby")          // socket HOSTROOT/run/mysqld/mysqld.sock, port 3306, root without password
//		c.WriteFile("standby", "/wwwroot/go/go-api/config.yaml", "…", 0o644)
//		env := c.Env(runbook.Step{ID: "s", Kind: "edit", Host: "standby"})
//		a, err := edit.New(&edit.Spec{…}, env)
//		out := actiontest.NewRecorder()
//		…
//
// Paths given to helpers are as on a real host ("/shell/sql_backup"); they lie below the host's root. Names decide roles:
// nginx… → nginx, primary → primary, standby → standby and backup, report and hongkong → backup, spare… → spare; any
// other name has none. Env binds every role of the fleet to its hosts, as a run does.
//
// Ports are the same on every host: ssh 2222, mysql 3306, redis 6379, nginx 8000 (http_port), go-api 8080, go-upload 8081,
// go-fly 8082, go-admin 8083; go-job has none. What runs on a host must listen on Host.Address (equal to
// LoopbackAddress), since all hosts share one machine.
//
// Sessions get PATH=HOSTROOT/bin first. There are shims: systemctl (see Company.Unit), crontab (its file is
// HOSTROOT/crontab), mysql and mysqldump (the host's own socket). Everything else is the machine's own.
package actiontest

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"recoverbot/drill/server"
	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/blackbox"
	"recoverbot/runbook/fleet"
)

// The ports of every host.
const (
	SSHPort   = 2222
	MySQLPort = 3306
	RedisPort = 6379
	HTTPPort  = 8000
)

// Company is a running fleet. Everything ends with the test.
type Company struct {
	Fleet     *fleet.Fleet
	Dir       string // short: /tmp/rb…
	FleetFile string // fleet.yaml, which tests may rewrite before Fleet.Reload
	// Run is what Env hands to actions, without the step itself; tests may fill Params and earlier Steps.
	Run runbook.Run
	Box blackbox.Reader // what Env hands to actions as the black box; nothing is in it unless a test sets it

	t     testing.TB
	hosts map[string]*machine
}

type machine struct {
	root, address string
	sshd          *server.SSHD
}

// New starts an sshd for each host and opens the fleet.
func New(t testing.TB, hosts ...string) *Company {
	t.Helper()
	dir, err := os.MkdirTemp("", "rb")
	if err != nil {
		t.Fatal(err)
	}
	c := &Company{Box: (*blackbox.Store)(nil), t: t, Dir: dir, FleetFile: filepath.Join(dir, "fleet.yaml"), hosts: map[string]*machine{}}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	key := filepath.Join(dir, "id_ed25519")
	public, err := server.HostKey(key)
	if err != nil {
		t.Fatal(err)
	}
	net := network()
	for i, name := range hosts {
		c.hosts[name] = &machine{root: filepath.Join(dir, name), address: fmt.Sprintf("%s.%d", net, 11+i)}
		for _, sub := range []string{"bin", "tmp", "run/mysqld", "var/lib/recoverbot", "shell/sql_backup", "root/workdir", "etc/nginx/conf.d", "units"} {
			c.must(os.MkdirAll(filepath.Join(c.hosts[name].root, sub), 0o755))
		}
		c.shims(name)
	}
	var wg sync.WaitGroup
	errs := make([]error, len(hosts))
	for i, name := range hosts {
		wg.Go(func() { errs[i] = c.startSSHD(name, public) })
	}
	wg.Wait()
	var known strings.Builder
	for i, name := range hosts {
		if m := c.hosts[name]; m.sshd != nil {
			t.Cleanup(func() { _ = m.sshd.Kill() })
			fmt.Fprintf(&known, "[%s]:%d %s\n", m.address, SSHPort, m.sshd.HostKey)
		}
		c.must(errs[i])
	}
	c.must(os.WriteFile(c.KnownHosts(), []byte(known.String()), 0o600))
	c.must(os.WriteFile(c.FleetFile, []byte(c.fleetYAML(hosts)), 0o600))
	c.Fleet, err = fleet.Open(c.FleetFile, c.Options())
	c.must(err)
	t.Cleanup(func() { _ = c.Fleet.Close() })
	c.Run = runbook.Run{ID: "r" + strings.ToLower(rand.Text()[:6]), State: runbook.Open, StartedAt: time.Now(),
		Params: map[string]string{}, Bindings: c.bindings(hosts)}
	return c
}

// Options are those that the company's fleet was opened with, to open another one.
func (c *Company) Options() fleet.Options {
	return fleet.Options{Getenv: func(string) string { return "" }, KeyFile: filepath.Join(c.Dir, "id_ed25519"), KnownHosts: c.KnownHosts()}
}

// KnownHosts is the file of pinned host keys.
func (c *Company) KnownHosts() string { return filepath.Join(c.Dir, "known_hosts") }

// Host is the host as fleet.yaml has it.
func (c *Company) Host(name string) fleet.Host {
	c.t.Helper()
	h, ok := c.Fleet.Config().Host(name)
	if !ok {
		c.t.Fatalf("no host %s", name)
	}
	return h
}

// SSHD is the host's sshd, to kill or freeze it.
func (c *Company) SSHD(name string) *server.SSHD { return c.machine(name).sshd }

// Client is the fleet's connection to the host.
func (c *Company) Client(name string) *fleet.Client {
	c.t.Helper()
	cl, err := c.Fleet.SSH(c.t.Context(), c.Host(name))
	c.must(err)
	return cl
}

// Env is what an action of this step gets: the company's Run with the step added, its host resolved where it names
// one, attempt 1.
func (c *Company) Env(def runbook.Step) action.Env {
	c.t.Helper()
	env := action.Env{Fleet: c.Fleet, Run: c.Run, Now: time.Now, Box: c.Box,
		Step: runbook.StepRun{RunID: c.Run.ID, ID: def.ID, Def: def, State: runbook.Planning, Attempt: 1, Inputs: map[string]string{}}}
	if def.Host != "" {
		h, err := env.Host(def.Host)
		c.must(err)
		env.Step.Host = h.Name
	}
	env.Run.Steps = append(append([]runbook.StepRun(nil), c.Run.Steps...), env.Step)
	return env
}

// Job is the job of the step that Env was made for.
func (c *Company) Job(env action.Env) runbook.Job {
	return runbook.Job{Run: env.Run.ID, Step: env.Step.ID, Attempt: env.Step.Attempt}
}

func (c *Company) machine(name string) *machine {
	c.t.Helper()
	m := c.hosts[name]
	if m == nil {
		c.t.Fatalf("no host %s", name)
	}
	return m
}

func (c *Company) must(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *Company) startSSHD(name, public string) (err error) {
	m := c.hosts[name]
	m.sshd, err = server.StartSSHD(context.Background(), server.SSHDOptions{
		Dir: filepath.Join(c.Dir, "sshd-"+name), Address: m.address, Port: SSHPort, AuthorizedKey: public,
		Env: map[string]string{
			"PATH":   filepath.Join(m.root, "bin") + ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			"GORACE": "atexit_sleep_ms=0", // a test binary that serves as a host's helper would end a second late
		},
	})
	return err
}

// RestartSSHD starts a host's sshd again after it was killed; its host key stays.
func (c *Company) RestartSSHD(name string) {
	c.t.Helper()
	public, err := server.HostKey(filepath.Join(c.Dir, "id_ed25519"))
	c.must(err)
	c.must(c.startSSHD(name, public))
	m := c.machine(name)
	c.t.Cleanup(func() { _ = m.sshd.Kill() })
}

// network picks three bytes of 127/8 that no other test of this machine uses, by chance.
func network() string {
	b := make([]byte, 2)
	_, _ = rand.Read(b)
	return fmt.Sprintf("127.%d.%d", 64+int(b[0])%180, b[1])
}

package server

import (
	"context"
	"database/sql"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"
	"go.uber.org/goleak"
	"golang.org/x/crypto/ssh"
)

func TestMain(m *testing.M) {
	if role := os.Getenv("SERVER_TEST_CHILD"); role != "" {
		child(role)
		return
	}
	goleak.VerifyTestMain(m)
}

const addr = "127.0.10.200"

// short makes a directory whose unix sockets fit.
func short(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "rb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// eventually polls until ok.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
		if ok() {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

func closed(address string, port int) bool {
	c, err := net.DialTimeout("tcp", net.JoinHostPort(address, strconv.Itoa(port)), time.Second)
	if err == nil {
		c.Close()
	}
	return err != nil
}

func login(t *testing.T, s *SSHD, key string) *ssh.Client {
	t.Helper()
	b, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.ParsePrivateKey(b)
	if err != nil {
		t.Fatal(err)
	}
	me, err := exec.Command("id", "-un").Output()
	if err != nil {
		t.Fatal(err)
	}
	want, _, _, _, err := ssh.ParseAuthorizedKey([]byte(s.HostKey))
	if err != nil {
		t.Fatal(err)
	}
	c, err := ssh.Dial("tcp", net.JoinHostPort(s.Address, strconv.Itoa(s.Port)), &ssh.ClientConfig{
		User: strings.TrimSpace(string(me)), Auth: []ssh.AuthMethod{ssh.PublicKeys(signer)}, HostKeyCallback: ssh.FixedHostKey(want), Timeout: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func run(t *testing.T, c *ssh.Client, script string) string {
	t.Helper()
	s, err := c.NewSession()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	out, err := s.Output(script)
	if err != nil {
		t.Fatalf("%s: %v", script, err)
	}
	return strings.TrimSpace(string(out))
}

func sshd(t *testing.T, dir string) (*SSHD, string) {
	t.Helper()
	key := filepath.Join(dir, "client")
	pub, err := HostKey(key)
	if err != nil {
		t.Fatal(err)
	}
	s, err := StartSSHD(t.Context(), SSHDOptions{Dir: filepath.Join(dir, "sshd"), Address: addr, AuthorizedKey: pub,
		Env: map[string]string{"PATH": "/bin:/usr/bin", "HOME": dir, "SAID": "a b"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	return s, key
}

func TestSSHDSessionsGetTheEnvironmentAndDieWithIt(t *testing.T) {
	t.Parallel()
	dir := short(t)
	s, key := sshd(t, dir)
	c := login(t, s, key)
	if got := run(t, c, `echo "$SAID|$PATH|$HOME"`); got != "a b|/bin:/usr/bin|"+dir {
		t.Fatalf("session environment: %s", got)
	}
	job := run(t, c, `setsid sh -c 'echo $$; exec >/dev/null; while :; do sleep 100; done' 2>/dev/null </dev/null & sleep 0.3`)
	pid, err := strconv.Atoi(job)
	if err != nil {
		t.Fatalf("pid of the detached job: %q", job)
	}
	if err := syscall.Kill(pid, 0); err != nil {
		t.Fatalf("the detached job does not run: %v", err)
	}
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the detached job dies with its host", func() bool { return dead(pid) })
	if left := s.tree(); len(left) > 0 {
		t.Errorf("left running: %v", left)
	}
}

func TestSSHDFreezesWithItsSessions(t *testing.T) {
	t.Parallel()
	s, key := sshd(t, short(t))
	c := login(t, s, key)
	if err := s.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	answered := make(chan string, 1)
	go func() {
		if sess, err := c.NewSession(); err == nil {
			out, _ := sess.Output("echo thawed")
			sess.Close()
			answered <- string(out)
			return
		}
		answered <- "no session"
	}()
	select {
	case got := <-answered:
		t.Fatalf("a frozen session answered %q", got)
	case <-time.After(300 * time.Millisecond):
	}
	if err := s.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if got := <-answered; got != "thawed\n" {
		t.Fatalf("after thawing: %q", got)
	}
}

func TestMariaDBIsDurableAndKeepsItsDataOverAKill(t *testing.T) {
	t.Parallel()
	dir := short(t)
	o := MariaDBOptions{Dir: filepath.Join(dir, "m"), Address: addr, Socket: filepath.Join(dir, "s"), RootPassword: `p'a\ss`, Durable: true}
	m, err := StartMariaDB(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Stop() })
	db := open(t, m, o.RootPassword)
	var bin, sync, flush string
	if err := db.QueryRow("select @@log_bin, @@sync_binlog, @@innodb_flush_log_at_trx_commit").Scan(&bin, &sync, &flush); err != nil || bin+sync+flush != "111" {
		t.Fatalf("durable settings: %s %s %s %v", bin, sync, flush, err)
	}
	if _, err := db.Exec("create database x; create table x.t (a int primary key); insert into x.t values (7)"); err != nil {
		t.Fatal(err)
	}
	if err := m.Kill(); err != nil {
		t.Fatal(err)
	}
	o.Port = m.Port
	again, err := StartMariaDB(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = again.Stop() })
	var a int
	if err := open(t, again, o.RootPassword).QueryRow("select a from x.t").Scan(&a); err != nil || a != 7 {
		t.Fatalf("after a kill: %d %v", a, err)
	}
	if err := again.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := again.Stop(); err != nil {
		t.Fatal(err)
	}
	if !closed(addr, o.Port) {
		t.Error("the port is still open")
	}
}

func open(t *testing.T, m *MariaDB, password string) *sql.DB {
	t.Helper()
	db, err := sql.Open("mysql", m.DSN(password, ""))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func TestRedisAnswersWithItsPassword(t *testing.T) {
	t.Parallel()
	r, err := StartRedis(t.Context(), RedisOptions{Dir: short(t), Address: addr, Password: "secret"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Stop() })
	c, err := r.Connect(t.Context(), "secret")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := redis.DoContext(c, t.Context(), "SET", "a", 1); err != nil {
		t.Fatal(err)
	}
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	if !closed(addr, r.Port) {
		t.Error("the port is still open")
	}
}

func nginx(t *testing.T) (*Nginx, int) {
	t.Helper()
	dir := short(t)
	port, err := FreePort(addr)
	if err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "nginx.conf")
	text := "pid nginx.pid; error_log logs/error.log; events {} http { access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f;" +
		" uwsgi_temp_path u; scgi_temp_path s; server { listen " + addr + ":" + strconv.Itoa(port) + "; return 204; } }"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	n, err := StartNginx(t.Context(), dir, conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Stop() })
	return n, port
}

func TestNginxServesAndItsWorkersDieWithIt(t *testing.T) {
	t.Parallel()
	n, port := nginx(t)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get("http://" + addr + ":" + strconv.Itoa(port))
	if err != nil || res.StatusCode != 204 {
		t.Fatalf("GET: %v %v", res, err)
	}
	res.Body.Close()
	if err := n.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the port closes", func() bool { return closed(addr, port) })
}

func TestAServerThatCannotStartSaysWhy(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", addr+":0")
	if err != nil {
		t.Fatal(err)
	}
	var hangUp sync.WaitGroup
	defer hangUp.Wait()
	defer l.Close()
	hangUp.Go(func() { // else the one who waits for redis waits for this listener's answer
		for c, err := l.Accept(); err == nil; c, err = l.Accept() {
			c.Close()
		}
	})
	_, err = StartRedis(t.Context(), RedisOptions{Dir: short(t), Address: addr, Port: l.Addr().(*net.TCPAddr).Port})
	if err == nil || !strings.Contains(err.Error(), "Address already in use") {
		t.Fatalf("error: %v", err)
	}
}

func dead(pid int) bool {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	return err != nil || strings.Contains(string(b), ") Z ")
}

// TestNothingOutlivesAKillOfItsParent kills a process that has all four servers, one of them frozen, and a detached job.
func TestNothingOutlivesAKillOfItsParent(t *testing.T) {
	t.Parallel()
	dir := short(t)
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "SERVER_TEST_CHILD="+dir)
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var pids []int
	eventually(t, "the child is ready", func() bool {
		b, err := os.ReadFile(filepath.Join(dir, "ready"))
		for f := range strings.FieldsSeq(string(b)) {
			pid, _ := strconv.Atoi(f)
			pids = append(pids, pid)
		}
		return err == nil
	})
	if len(pids) < 6 {
		t.Fatalf("the child has only %v", pids)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for _, pid := range pids {
		eventually(t, "process "+strconv.Itoa(pid)+" is gone", func() bool { return dead(pid) })
	}
}

// child runs in another process: it starts everything, writes the process ids down and waits to be killed.
func child(dir string) {
	t := &testing.T{}
	ctx := context.Background()
	key := filepath.Join(dir, "client")
	pub, _ := HostKey(key)
	s, err1 := StartSSHD(ctx, SSHDOptions{Dir: filepath.Join(dir, "ssh"), Address: addr, AuthorizedKey: pub})
	m, err2 := StartMariaDB(ctx, MariaDBOptions{Dir: filepath.Join(dir, "m"), Address: addr, Socket: filepath.Join(dir, "s")})
	r, err3 := StartRedis(ctx, RedisOptions{Dir: filepath.Join(dir, "r"), Address: addr})
	port, _ := FreePort(addr)
	conf := filepath.Join(dir, "nginx.conf")
	_ = os.WriteFile(conf, []byte("pid nginx.pid; error_log logs/error.log; events {} http { access_log off; client_body_temp_path b; proxy_temp_path p; fastcgi_temp_path f; uwsgi_temp_path u; scgi_temp_path s; server { listen "+addr+":"+strconv.Itoa(port)+"; return 204; } }"), 0o600)
	n, err4 := StartNginx(ctx, filepath.Join(dir, "n"), conf)
	for _, err := range []error{err1, err2, err3, err4} {
		if err != nil {
			println(err.Error())
			os.Exit(1)
		}
	}
	c := login(t, s, key)
	job := run(t, c, `setsid sh -c 'echo $$; exec >/dev/null; while :; do sleep 100; done' 2>/dev/null </dev/null & sleep 0.3`)
	_ = s.Signal(syscall.SIGSTOP)
	_ = n.Signal(syscall.SIGSTOP)
	var pids []string
	for _, p := range []*Process{s.Process, m.Process, r.Process, n.Process} {
		for _, pid := range p.tree() {
			pids = append(pids, strconv.Itoa(pid))
		}
	}
	_ = os.WriteFile(filepath.Join(dir, "tmp"), []byte(strings.Join(append(pids, job), " ")), 0o600)
	_ = os.Rename(filepath.Join(dir, "tmp"), filepath.Join(dir, "ready"))
	select {}
}

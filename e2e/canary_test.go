package e2e

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var (
	secretKey  = regexp.MustCompile(`(?m)^(\w*(?:TOKEN|PASSWORD|SECRET|PASSPHRASE)\w*)=["']?([^"'\n]+)`)
	configured = regexp.MustCompile(`(?m)password["']?: *["']?([^\s"']{6,})|\b\w+:([^\s:@/]{6,})@(?:tcp|unix)\(|://\w*:([^\s:@/]{6,})@`)
)

// ownCopy matches what the bot may leave with secrets in it.
var ownCopy = regexp.MustCompile(`/recoverbot/(backup/.*|jobs/[^/]+/out)$`)

// canaries are all secrets of a company by what they are: of the bot's settings, of its people, of its hosts and of the
// configuration files there.
func (c *company) canaries() map[string]string {
	c.t.Helper()
	out := map[string]string{"the token of alerts": c.d.Alerts}
	for name, token := range c.d.Tokens {
		out["the console token of "+name] = token
	}
	for host, h := range c.d.Hosts {
		if h.MySQL.Password != "" {
			out["MySQL's password on "+host] = h.MySQL.Password
		}
	}
	read := func(name string) string {
		text, err := os.ReadFile(name)
		if err != nil {
			c.t.Fatal(err)
		}
		return string(text)
	}
	for _, m := range secretKey.FindAllStringSubmatch(read(c.d.Bot.EnvFile), -1) {
		out[m[1]] = m[2]
	}
	out["the key of the black box"] = strings.TrimSpace(read(filepath.Join(c.dir, "blackbox.key")))
	for i, line := range strings.Split(read(filepath.Join(c.dir, "keys", "id_ed25519")), "\n") {
		if len(line) > 20 && !strings.HasPrefix(line, "-----") && i > 1 { // the first line is the same in every key
			out[fmt.Sprintf("line %d of the SSH key", i)] = line
		}
	}
	files, err := filepath.Glob(filepath.Join(c.dir, "hosts", "*", "wwwroot", "*", "*", "config.yaml"))
	if err != nil || len(files) == 0 {
		c.t.Fatalf("no configuration files: %v", err)
	}
	for _, f := range files {
		for _, m := range configured.FindAllStringSubmatch(read(f), -1) {
			out["a password in "+f] = m[1] + m[2] + m[3] // one of them
		}
	}
	if len(out) < 12 {
		c.t.Fatalf("only %d secrets are known", len(out))
	}
	return out
}

// spelled are the forms in which a secret may occur.
func spelled(secret string) []string {
	quoted, _ := json.Marshal(secret) // a string
	out := []string{secret, strings.Trim(string(quoted), `"`), url.QueryEscape(secret), url.PathEscape(secret), html.EscapeString(secret), hex.EncodeToString([]byte(secret))}
	for before := range 3 { // in base64 at any place
		text := base64.StdEncoding.EncodeToString(append(make([]byte, before), secret...))
		out = append(out, text[(before*8+5)/6:(before+len(secret))*8/6])
	}
	return out
}

// kept sees that no secret, in whatever spelling, is anywhere but where it was given (fault 40): in nothing that the bot writes
// or answers, in the output of no command, more than the usual ones included, in nothing that was said in a chat. secrets are
// those of the chat.
func (c *company) kept(secrets []string, said map[string][]byte, more ...[]string) {
	c.t.Helper()
	canaries := c.canaries()
	for i, s := range secrets {
		canaries[fmt.Sprintf("secret %d of the chat", i)] = s
	}
	where := map[string][]byte{}
	maps.Copy(where, said)
	var err error
	for _, f := range append(c.logs(), filepath.Join(c.dir, "journal.db"), filepath.Join(c.dir, "journal.db-wal"), fmt.Sprintf("/proc/%d/cmdline", c.d.Bot.Pid), fmt.Sprintf("/proc/%d/cmdline", c.cmd.Process.Pid)) {
		if where[f], err = os.ReadFile(f); err != nil {
			c.t.Error(err)
		}
	}
	var runs []struct{ ID string }
	if err := c.call(http.MethodGet, "/api/runs", nil, &runs); err != nil || len(runs) == 0 {
		c.t.Errorf("%d runs, %v", len(runs), err)
	}
	paths, commands := []string{"/readyz", "/metrics", "/api/runs", "/api/alerts", "/"}, append(more, []string{"runs"}, []string{"check"}, []string{"audit", "export"})
	for _, r := range runs {
		paths, commands = append(paths, "/api/runs/"+r.ID), append(commands, []string{"report", r.ID})
	}
	for _, path := range paths {
		where[path] = []byte(c.get(path))
	}
	for _, args := range commands {
		out, _ := c.recoverbot(args...) // its status is another test's
		where["recoverbot "+strings.Join(args, " ")] = []byte(out)
	}
	cards, err := c.console().cards("")
	if err != nil {
		c.t.Error(err)
	}
	if where["the console"], err = json.Marshal(cards); err != nil {
		c.t.Error(err)
	}
	for name, b := range where {
		text := string(b)
		for what, secret := range canaries {
			if strings.HasPrefix(what, "the console token") && strings.HasSuffix(name, "drill.log") {
				continue // whoever starts a drill is told
			}
			for _, form := range spelled(secret) {
				if strings.Contains(text, form) {
					c.t.Errorf("%s holds %s, as %s…", name, what, form[:5])
				}
			}
		}
	}
	c.left(canaries)
}

// left looks through what the bot left behind on its hosts: secrets are in copies of files that had them, and in what a script
// printed, and those only their owner may read.
func (c *company) left(canaries map[string]string) {
	c.t.Helper()
	for host := range c.d.Hosts {
		for _, dir := range []string{"var/lib/recoverbot", "tmp"} {
			_ = filepath.WalkDir(c.path(host, dir), func(path string, e fs.DirEntry, err error) error {
				if err != nil || !e.Type().IsRegular() {
					return nil // it may go while one looks
				}
				info, err := e.Info()
				b, readErr := os.ReadFile(path)
				if err != nil || readErr != nil {
					return nil
				}
				text := string(b)
				for what, secret := range canaries {
					if strings.Contains(text, secret) && (!ownCopy.MatchString(path) || info.Mode().Perm()&0o077 != 0) {
						c.t.Errorf("%s (%s) was left with %s", path, info.Mode(), what)
					}
				}
				return nil
			})
		}
	}
}

// processes are the command lines of all processes that were seen.
type processes map[string]bool

// watchProcesses looks at the command lines of all processes, which everybody on a machine can read, until the test ends.
// No secret of the company may have stood in one.
func (c *company) watchProcesses(t *testing.T) {
	t.Helper()
	p := processes{}
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(250 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-over:
				return
			case <-tick.C:
				p.look()
			}
		}
	}()
	canaries := c.canaries()
	t.Cleanup(func() {
		close(over)
		<-done
		for line := range p {
			for what, secret := range canaries {
				if strings.Contains(line, secret) {
					t.Errorf("%s stood in a command line: %.60q…", what, line)
				}
			}
		}
		if len(p) < 20 {
			t.Errorf("only %d command lines were seen", len(p))
		}
	})
}

func (p processes) look() {
	names, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		return
	}
	for _, name := range names {
		if text, err := os.ReadFile(name); err == nil && len(text) > 0 { // else it has ended
			p[string(text)] = true
		}
	}
}

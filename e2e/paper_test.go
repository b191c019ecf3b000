package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var rule = regexp.MustCompile(`(?m)^# ─+\n`)

// sheet is a printed paper runbook: the top, and the text of every step.
type sheet struct {
	top   string
	steps []string
}

func (c *company) print(words ...string) sheet {
	c.t.Helper()
	cmd := exec.Command(c.bin, append([]string{"plan", "--as-shell", "--env-file", c.d.Bot.EnvFile}, words...)...)
	cmd.Dir = c.dir
	text, err := cmd.Output()
	if err != nil {
		c.t.Fatalf("print: %v\n%s", err, text)
	}
	out := string(text)
	file := filepath.Join(c.dir, "paper.sh")
	if err := os.WriteFile(file, []byte(out), 0o600); err != nil {
		c.t.Fatal(err)
	}
	if text, err := exec.Command("sh", "-n", file).CombinedOutput(); err != nil {
		c.t.Errorf("not a script of the shell: %s", text)
	}
	if text, err := exec.Command("sh", file).CombinedOutput(); err == nil {
		c.t.Errorf("it ran as a whole: %s", text)
	}
	env, err := os.ReadFile(c.d.Bot.EnvFile)
	if err != nil {
		c.t.Fatal(err)
	}
	secrets := []string{c.d.Token}
	for line := range strings.Lines(string(env)) {
		if key, value, _ := strings.Cut(strings.TrimSpace(line), "="); strings.Contains(key, "PASSWORD") || strings.Contains(key, "TOKEN") {
			secrets = append(secrets, value)
		}
	}
	for _, m := range regexp.MustCompile(`app#[A-Za-z0-9]+@1`).FindAllString(c.file("standby", "wwwroot/go/go-api/config.yaml"), -1) {
		secrets = append(secrets, m)
	}
	for _, s := range secrets {
		if strings.Contains(out, s) {
			c.t.Errorf("a secret is on the paper: %.5s…", s)
		}
	}
	parts := rule.Split(out, -1)
	return sheet{parts[0], parts[1:]}
}

// paste types the commands of the step with that title as a person would, who answers yes to every question.
func (c *company) paste(s sheet, title string) string {
	c.t.Helper()
	bin := filepath.Join(c.dir, "paperbin")
	if err := os.MkdirAll(bin, 0o700); err != nil {
		c.t.Fatal(err)
	}
	shim := "#!/bin/sh\nPATH=${PATH#*:} exec ssh -F none -o BatchMode=yes -i '" + filepath.Join(c.dir, "keys/id_ed25519") + "' -o UserKnownHostsFile='" + c.d.Known + "' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(bin, "ssh"), []byte(shim), 0o700); err != nil { //nolint:gosec // it is a program
		c.t.Fatal(err)
	}
	for _, step := range s.steps {
		if first, _, _ := strings.Cut(step, "\n"); !strings.HasSuffix(first, "· "+title) {
			continue
		}
		top := regexp.MustCompile(`(?m)^case \$- .*\n`).ReplaceAllString(s.top, "")
		cmd := exec.Command("sh", "-c", top+step)
		cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
		cmd.Stdin = strings.NewReader("yes\nyes\n")
		out, err := cmd.CombinedOutput()
		if err != nil || strings.Contains(string(out), "FAILED") {
			c.t.Fatalf("%s: %v\n%s\n%s", title, err, out, step)
		}
		return string(out)
	}
	c.t.Fatalf("no step is called %s", title)
	return ""
}

// nginxOnPaper does what the paper has for a new nginx: on the list comes one row of the dead machine's, and nothing is done
// on a new machine in a drill.
func (c *company) nginxOnPaper() {
	c.t.Helper()
	s := c.print("nginx", "which=nginx1")
	text := s.top + strings.Join(s.steps, "")
	for _, want := range []string{"THIS IS A DRILL'S PAPER", "NEW_ADDRESS=''", "NEW_DOMAIN=''", "spare1 ", "Only if nginx1 answers SSH"} {
		if !strings.Contains(text, want) {
			c.t.Errorf("the paper lacks %q", want)
		}
	}
	if strings.Contains(text, "pprove") {
		c.t.Error("the paper asks for an approval")
	}
	for line := range strings.Lines(text) {
		if at := strings.Index(line, "ssh -"); at >= 0 && !strings.HasPrefix(line, "#") && !strings.Contains(line, "ssh-keygen") && !strings.Contains(line, "-o ConnectTimeout=10 -o ServerAliveInterval=5 -o ServerAliveCountMax=3 ") {
			c.t.Errorf("it may wait for ever: %s", line)
		}
	}
	for name, value := range map[string]string{"ADDRESS": "192.0.2.9", "DNS_IP": "192.0.2.9", "DOMAIN": "new.example.com"} {
		s.top = strings.Replace(s.top, "NEW_"+name+"=''", "NEW_"+name+"="+value, 1)
	}
	for _, title := range []string{"Copy the install files to the new machine", "Install nginx on the new machine", "Start nginx on the new machine"} {
		if out := c.paste(s, title); !strings.Contains(out, "nothing is done on a new machine") {
			c.t.Errorf("%s: %s", title, out)
		}
	}
	c.paste(s, "Put the new nginx on the domain list")
	if got := c.mysql("primary", "SELECT CONCAT(domain, ' ', status) FROM speed.t_app_dns WHERE ip='192.0.2.9'"); got != "new.example.com 1" {
		c.t.Errorf("the new rows of the domain list: %s", got)
	}
	c.mysql("primary", "DELETE FROM speed.t_app_dns WHERE ip='192.0.2.9'")
}

// The bot is dead, and so is the primary: what was printed brings the service back.
func TestPaper(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.nginxOnPaper()
	well := c.print("primary")
	c.drill("break", "primary", "--how", "kill")
	s := c.print("primary")
	if len(well.steps) != len(s.steps) || len(s.steps) < 20 {
		t.Errorf("%d steps while all was well, %d now", len(well.steps), len(s.steps))
	}
	// The steps on nginx are of the week before; the others of tonight.
	c.paste(well, "Take the primary out of nginx · nginx1")
	c.paste(well, "Take the primary out of nginx · nginx2")
	for _, title := range []string{
		"Check that nginx and the standby can take over",
		"Restore the newest backup on the standby",
		"Create the tables that backups do not hold",
		"Take the primary off the domain list",
		"Point go-api at the standby's own redis and MySQL",
		"Restart go-api on the standby",
	} {
		c.paste(s, title)
	}
	for _, front := range c.d.Fronts {
		eventually(t, 20*time.Second, "service through "+front, func() error { _, err := answers(front); return err })
	}
	if got := c.mysql("standby", "SELECT COUNT(*) FROM speed_old_paper.orders"); got == "" {
		t.Error("what was live is not kept")
	}
	if got := c.mysql("standby", "SELECT status FROM speed.t_app_dns WHERE ip='"+c.address("primary")+"' GROUP BY status"); got != "2" {
		t.Errorf("the primary's rows of the domain list: %s", got)
	}
	out := c.paste(s, "See that the service is back")
	if strings.Count(out, "200") < 3 {
		t.Errorf("the check says %s", out)
	}
	if strings.Contains(c.file("standby", "wwwroot/go/go-api/config.yaml"), c.address("primary")+":3306") {
		t.Error("go-api is still configured for the primary")
	}
	if out, err := c.recoverbot("plan", "primry", "--as-shell"); err == nil || !strings.Contains(out, "Did you mean primary?") {
		t.Errorf("unknown scenario: %v %s", err, out)
	}
}

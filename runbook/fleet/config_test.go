package fleet

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"recoverbot/locale"
	"recoverbot/runbook"
)

func env(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

// Every problem is reported at once, in order, with its place; the text says what to do.
func TestProblems(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil || len(files) < 4 {
		t.Fatal(files, err)
	}
	b, err := locale.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			_, err := LoadConfig(file, env(nil))
			var bad *ConfigError
			if !errors.As(err, &bad) || runbook.CodeOf(err) != runbook.Invalid {
				t.Fatalf("want a ConfigError, got %v", err)
			}
			var got strings.Builder
			for _, lang := range []string{"en", "zh"} {
				p := b.Printer(lang, time.UTC)
				for _, problem := range bad.Problems {
					fmt.Fprintln(&got, p.Say(problem.Text()))
				}
			}
			golden(t, strings.TrimSuffix(file, ".yaml")+".golden", got.String())
		})
	}
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got), -update writes it anew:\n%s", file, d)
	}
}

func TestRefusedFiles(t *testing.T) {
	t.Parallel()
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for i := 'b'; i < 'k'; i++ {
		bomb += fmt.Sprintf("%c: &%c [*%c,*%c,*%c,*%c,*%c,*%c,*%c,*%c]\n", i, i, i-1, i-1, i-1, i-1, i-1, i-1, i-1, i-1)
	}
	for name, tc := range map[string]struct{ text, id string }{
		"empty":      {"", "fleet.config_empty"},
		"comment":    {"# nothing\n", "fleet.config_empty"},
		"list":       {"- a\n", "fleet.config_want_mapping"},
		"scalar":     {"hello\n", "fleet.config_want_mapping"},
		"two":        {"hosts: []\n---\nhosts: []\n", "fleet.config_documents"},
		"syntax":     {"hosts: [\n", "fleet.config_syntax"},
		"tab":        {"hosts:\n\t- name: a\n", "fleet.config_syntax"},
		"deep":       {"hosts: " + strings.Repeat("[", 200000), "fleet.config_too_deep"},
		"bomb":       {bomb, "fleet.config_too_deep"},
		"alias bomb": {"hosts: &a [*a]\n", "fleet.config_no_anchors"},
		"merge":      {"hosts:\n  - <<: *x\n", "fleet.config_no_anchors"},
		"large":      {strings.Repeat("#", 1<<20+1), "fleet.config_too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := ParseConfig("f.yaml", []byte(tc.text), env(nil))
			var bad *ConfigError
			if !errors.As(err, &bad) || c != nil {
				t.Fatalf("want a ConfigError, got %v", err)
			}
			for _, p := range bad.Problems {
				if p.Msg.ID == tc.id {
					return
				}
			}
			t.Errorf("want %s, got %v", tc.id, err)
		})
	}
}

// A literal password is refused and never repeated; ${NAME} means something in password fields alone.
func TestSecrets(t *testing.T) {
	t.Parallel()
	const canary = "hunter2canary"
	_, err := ParseConfig("f.yaml", []byte("hosts: [{name: a, address: 192.0.2.1}]\ndatabases: [{name: speed, password: "+canary+"}]\nredis:\n  password: "+canary+"\n"), env(nil))
	if err == nil {
		t.Fatal("a literal password was taken")
	}
	var bad *ConfigError
	if errors.As(err, &bad); strings.Contains(fmt.Sprintf("%v %+v", err, bad.Problems), canary) {
		t.Errorf("the error tells the password: %+v", bad.Problems)
	}
	c, err := ParseConfig("f.yaml", []byte("hosts: [{name: a, address: 192.0.2.1}]\ndatabases: [{name: speed, password: '${PW}'}]\nservices: [{name: s, start: 'echo ${PW}'}]\n"),
		env(map[string]string{"PW": canary}))
	if err != nil {
		t.Fatal(err)
	}
	if c.Databases[0].Password.Reveal() != canary || c.Services[0].Start != "echo ${PW}" {
		t.Errorf("%q %q", c.Databases[0].Password.Reveal(), c.Services[0].Start)
	}
	if s := fmt.Sprintf("%v %+v %#v %s", c.Databases, c.Databases, c.Databases, c.Databases[0].Password); strings.Contains(s, canary) {
		t.Errorf("a secret prints: %s", s)
	}
}

func TestDefaults(t *testing.T) {
	t.Parallel()
	text := "\xef\xbb\xbfhosts:\r\n  - name: a\r\n    address: 192.0.2.1\r\n    roles: [primary]\r\n  - {name: b, address: b.example.com}\r\n" +
		"databases: [{name: speed}]\r\nservices: [{name: go-api, health: {port: 8080}}]\r\nwatch: {roles: [{role: primary, scenario: primary}]}\r\n"
	c, err := ParseConfig("f.yaml", []byte(text), env(nil))
	if err != nil {
		t.Fatal(err)
	}
	a, b := c.Hosts[0], c.Hosts[1]
	if a.Port != 22 || a.User != "root" || a.HTTPPort != 80 || a.DNSIP.String() != "192.0.2.1" || b.DNSIP.IsValid() {
		t.Errorf("hosts %+v", c.Hosts)
	}
	if d := c.Databases[0]; d.Schema != "speed" || d.Socket != "/run/mysqld/mysqld.sock" || d.Host != "primary" || d.User != "root" {
		t.Errorf("database %+v", d)
	}
	s := c.Services[0]
	if s.Restart != "systemctl restart go-api" || s.Status != "systemctl is-active --quiet go-api" || s.Health.Path != "/" {
		t.Errorf("service %+v", s)
	}
	if c.BackupScript.Interpreter != "python3" || c.BackupScript.Targets != "TARGETS" || c.DomainList.Table != "t_app_dns" || c.DomainList.Down != 2 {
		t.Errorf("%+v %+v", c.BackupScript, c.DomainList)
	}
	if time.Duration(c.Watch.Every) != 10*time.Second || c.Watch.Failures != 3 || c.Policy.Approvals != 1 {
		t.Errorf("%+v %+v", c.Watch, c.Policy)
	}
}

// The example that people begin with is valid, and the roles of its company are all there.
func TestExample(t *testing.T) {
	t.Parallel()
	c, err := LoadConfig("../../fleet.example.yaml", env(nil))
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range c.Warnings() {
		if !slices.Contains([]string{"fleet.warn_no_token", "fleet.warn_no_way_in", "fleet.warn_no_provision"}, w.ID) { // these need a person's own values
			t.Errorf("warning %v", w)
		}
	}
}

func TestProvisionWarnings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "fleet.yaml")
	text := "hosts: [{name: a, address: 192.0.2.1}]\nprovision: {standby: {script: there.sh}, primary: {script: gone.sh}}\n"
	for name, content := range map[string]string{"fleet.yaml": text, "there.sh": "true\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c, err := LoadConfig(file, env(nil))
	if err != nil {
		t.Fatal(err)
	}
	got := map[any]string{}
	for _, w := range c.Warnings() {
		if strings.Contains(w.ID, "provision") {
			got[w.Args["role"]] = w.ID
		}
	}
	if diff := cmp.Diff(map[any]string{"nginx": "fleet.warn_no_provision", "primary": "ssh.no_provision_file"}, got); diff != "" {
		t.Error(diff)
	}
}

// What the example has as comments is valid, too: all of it at once, but for what excludes something else.
func TestExampleWithAllComments(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../fleet.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(text), "\n")
	comment := regexp.MustCompile(`^( *)# ( *(?:- |[a-z_]+:).*)$`)
	for i, line := range lines {
		if m := comment.FindStringSubmatch(line); m != nil && i > 5 && !regexp.MustCompile(`jump:|socket:|token_hash:`).MatchString(line) {
			lines[i] = m[1] + m[2]
		}
	}
	c, err := ParseConfig("fleet.yaml", []byte(strings.Join(lines, "\n")), func(string) string { return "s3cret" })
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Alerts.Rules) == 0 || len(c.Provision) != 3 || c.BlackBox.At == "" || c.DNSVia["nginx"] != "admin" || c.DomainList.Admin == "" {
		t.Errorf("not all comments were taken: %+v", c)
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "fleet.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("hosts: [{name: a, address: 192.0.2.1}]\n")
	f, err := Open(file, Options{Getenv: env(nil)})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	before := f.Config()
	write("hosts: [{name: a, adress: 192.0.2.2}]\n")
	if err := f.Reload(t.Context()); runbook.CodeOf(err) != runbook.Invalid || f.Config() != before {
		t.Fatalf("an invalid file: %v", err)
	}
	write("hosts: [{name: a, address: 192.0.2.2}]\n")
	if err := f.Reload(t.Context()); err != nil || f.Config().Hosts[0].Address != "192.0.2.2" || before.Hosts[0].Address != "192.0.2.1" {
		t.Fatalf("a valid file: %v", err)
	}
}

// A number that is written is meant: none of them is taken for the default.
func TestWrittenNumbers(t *testing.T) {
	t.Parallel()
	const host = "hosts: [{name: a, address: 192.0.2.1}]\n"
	for text, id := range map[string]string{
		"watch: {failures: 0}":                              "fleet.config_number_from",
		"policy: {approvals: 0}":                            "fleet.config_number_from",
		"alerts: {flaps: 0}":                                "fleet.config_number_from",
		"alerts: {flaps: 101}":                              "fleet.config_number_from",
		"black_box: {keep: 0}":                              "blackbox.bad_keep",
		"watch: {failures: few}":                            "fleet.config_want_number",
		"watch: {together: [{roles: [a, a], scenario: x}]}": "fleet.config_together_one",
	} {
		c, err := ParseConfig("f.yaml", []byte(host+text), env(nil))
		var bad *ConfigError
		if !errors.As(err, &bad) || c != nil || len(bad.Problems) != 1 || bad.Problems[0].Msg.ID != id || bad.Problems[0].Line != 2 {
			t.Errorf("%s: %v", text, err)
		}
	}
	c, err := ParseConfig("f.yaml", []byte(host+"databases: [{name: speed, password: '${P}'}]\ndomain_list: {up: 1, down: 0}\n"), env(map[string]string{"P": "x"}))
	if err != nil || c.DomainList.Up != 1 || c.DomainList.Down != 0 || c.Watch.Failures != 3 || c.Policy.Approvals != 1 || c.Alerts.Flaps != 4 || c.BlackBox.Keep != 14 {
		t.Errorf("%v %+v", err, c)
	}
}

package e2e

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

func chinese(text string) bool { return regexp.MustCompile(`\p{Han}`).MatchString(text) }

// TestWhatIsWrongIsSaidAndChangesNothing: strangers, typing mistakes, bad files, machines that are not what they were.
func TestWhatIsWrongIsSaidAndChangesNothing(t *testing.T) {
	t.Parallel()
	c := start(t)
	zh := c.api
	zh.language = "zh"

	t.Run("requests", func(t *testing.T) {
		stranger := c.api
		stranger.token = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
		for name, x := range map[string]struct {
			ask    func(api) error
			status []int
			text   string
		}{
			"no such token":      {func(a api) error { a.token = stranger.token; _, _, err := a.say("/recover primary"); return err }, []int{401, 403}, "token"},
			"unknown command":    {func(a api) error { _, _, err := a.say("/recover frobnicate"); return err }, []int{422}, "frobnicate"},
			"misspelled command": {func(a api) error { _, _, err := a.say("/recover primarry"); return err }, []int{422}, "primary"},
			"unknown parameter":  {func(a api) error { _, _, err := a.say("/recover primary frob=1"); return err }, []int{422}, "frob"},
			"bad parameter":      {func(a api) error { _, _, err := a.say("/recover primary dump=../../etc/passwd"); return err }, []int{422}, "dump"},
			"answer to no run":   {func(a api) error { _, _, err := a.say("/recover approve 3f2a"); return err }, []int{404}, "/recover"},
			"no such run":        {func(a api) error { _, err := a.run("nothing"); return err }, []int{404}, ""},
		} {
			for _, a := range []api{c.api, zh} {
				err := x.ask(a)
				var no *refused
				if !errors.As(err, &no) || !slices.Contains(x.status, no.Status) || !strings.Contains(no.Message, x.text) || no.Message == "" || chinese(no.Message) != (a.language == "zh") {
					t.Errorf("%s (%s): %v", name, a.language, err)
				}
			}
		}
		var runs []run
		if err := c.call("GET", "/api/runs", nil, &runs); err != nil || len(runs) != 0 {
			t.Errorf("%d runs began: %v", len(runs), err)
		}
	})

	t.Run("files", func(t *testing.T) {
		dir := t.TempDir()
		text, err := os.ReadFile(c.d.Fleet)
		if err != nil {
			t.Fatal(err)
		}
		put := func(name, text string) string {
			t.Helper()
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			return path
		}
		bad := strings.Replace(string(text), "    roles: [primary]", "    roles: [primry]\n    colour: red", 1)
		for name, x := range map[string]struct {
			env  string
			want []string
		}{
			"fleet.yaml":   {"FLEET_FILE=" + put("fleet.yaml", bad), []string{"fleet.yaml:", "colour"}},
			"no fleet":     {"FLEET_FILE=" + filepath.Join(dir, "none.yaml"), []string{"none.yaml"}},
			"own scenario": {"RUNBOOK_DIR=" + filepath.Dir(put("own/mine.yaml", "name: mine\ntitle: {en: Mine, zh: Mine}\nsteps:\n  - id: one\n    kind: frobnicate\n")), []string{"mine.yaml:", "frobnicate"}},
		} {
			for _, language := range []string{"en", "zh"} {
				for _, command := range []string{"check", "serve"} {
					cmd := exec.Command(c.bin, command, "--env-file", c.d.Bot.EnvFile)
					cmd.Dir = dir
					cmd.Env = append(os.Environ(), x.env, "LANGUAGE="+language, "HTTP_ADDR=127.0.0.1:0", "DATABASE_URL=sqlite://"+filepath.Join(dir, "j.db"))
					out, err := cmd.CombinedOutput()
					if chinese(string(out)) != (language == "zh") {
						t.Errorf("%s %s in %s: %s", command, name, language, out)
					}
					for _, want := range x.want {
						if err == nil || !strings.Contains(string(out), want) {
							t.Errorf("%s %s (%s): %v, without %q: %s", command, name, language, err, want, out)
						}
					}
				}
			}
		}
		if out, err := c.recoverbot("recover", "primary", "--as", "operator"); err == nil || !strings.Contains(out, "terminal") {
			t.Errorf("recover without a terminal: %v: %s", err, out)
		}
		if out, err := c.recoverbot("check", "--connect"); err != nil {
			t.Errorf("check of a healthy company: %s", out)
		}
	})

	// The standby is not the machine that it was.
	known, err := os.ReadFile(c.d.Known)
	if err != nil {
		t.Fatal(err)
	}
	var forged []string
	var foreign string
	for line := range strings.Lines(string(known)) {
		if strings.Contains(line, c.address("hongkong")) {
			_, foreign, _ = strings.Cut(line, " ")
		}
	}
	for line := range strings.Lines(string(known)) {
		if host, _, _ := strings.Cut(line, " "); strings.Contains(host, c.address("standby")) {
			line = host + " " + foreign
		}
		forged = append(forged, line)
	}
	if err := os.WriteFile(c.d.Known, []byte(strings.Join(forged, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	c.killBot() // it holds a connection from before
	c.drill("break", "primary")
	rows := c.mysql("standby", domains)
	id := c.recover("/recover primary")
	stands := func(text string) step {
		t.Helper()
		var s step
		eventually(t, 30*time.Second, "assess waits for a person", func() error {
			r, err := c.run(id)
			if s = r.step("assess"); err == nil && (s.State != "waiting" || !slices.Contains(s.Choices, "retry") || !strings.Contains(tables(s), text)) {
				err = errors.New(s.why() + tables(s))
			}
			return err
		})
		return s
	}
	if s := stands("host key"); !slices.Contains(s.NeedsReason, "approve") {
		t.Errorf("going on with a machine that cannot be known is no danger: %s", s.why())
	}
	if r, err := zh.run(id); err != nil || !chinese(r.step("assess").Plan.Summary+tables(r.step("assess"))) {
		t.Errorf("not in Chinese: %v %s", err, r.step("assess").why())
	}
	if err := os.WriteFile(c.d.Known, known, 0o600); err != nil {
		t.Fatal(err)
	}

	// The standby freezes.
	c.drill("break", "standby", "--how", "freeze")
	begin := time.Now()
	c.answer(id, "assess", "retry")
	eventually(t, 20*time.Second, "plan again", func() error {
		r, err := c.run(id)
		if s := r.step("assess"); err == nil && (s.State != "waiting" || s.Attempt < 2) {
			err = errors.New(s.why())
		}
		return err
	})
	if took := time.Since(begin); took > 12*time.Second {
		t.Errorf("a frozen standby held the check up for %s", took)
	}
	c.drill("heal", "standby")
	if now := c.mysql("standby", domains); now != rows {
		t.Errorf("rows changed:\n%s", now)
	}

	// There is no dump anywhere.
	for _, h := range []string{"standby", "report", "hongkong"} {
		if err := os.Rename(c.path(h, "shell/sql_backup"), c.path(h, "shell/away")); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, 60*time.Second, "come to the restore", func() error {
		r, err := c.run(id)
		if err != nil {
			return err
		}
		if s := r.step("restore"); s.State == "waiting" {
			if s.Plan.Verdict != "blocked" || s.Plan.Why == "" || slices.Contains(s.Choices, "approve") {
				t.Errorf("without a dump: %s %v", s.why(), s.Choices)
			}
			return nil
		}
		for _, s := range r.Steps {
			if d, ok := c.yes(r, s); ok && s.ID != "restore" {
				return errors.Join(errors.New(s.why()), c.decide(id, d))
			}
		}
		return errors.New("nothing waits")
	})
	if n := c.schemas("standby", "speed%"); n != 1 {
		t.Errorf("%d schemas without a dump", n)
	}
	for _, h := range []string{"standby", "report", "hongkong"} {
		if err := os.RemoveAll(c.path(h, "shell/sql_backup")); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(c.path(h, "shell/away"), c.path(h, "shell/sql_backup")); err != nil {
			t.Fatal(err)
		}
	}
	c.answer(id, "restore", "retry")
	if r := c.until(id, "restore"); !strings.Contains(r.step("restore").Plan.Summary, c.d.Expected.Dump) {
		t.Errorf("with the dumps back: %s", r.step("restore").Plan.Summary)
	}
}

// tables is all text in a plan's tables.
func tables(s step) string {
	if s.Plan == nil {
		return ""
	}
	var b strings.Builder
	for _, table := range s.Plan.Tables {
		b.Write(table)
	}
	return b.String() + strings.Join(s.Plan.Facts, " ") + strings.Join(s.Plan.Warnings, " ") + s.Plan.Text
}

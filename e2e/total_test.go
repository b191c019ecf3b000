package e2e

import (
	"crypto/sha256"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// hashes are of all files of a host but for what its servers write while they run.
func (c *company) hashes(host string) map[string][sha256.Size]byte {
	c.t.Helper()
	out := map[string][sha256.Size]byte{}
	root := c.path(host, "")
	err := filepath.WalkDir(root, func(p string, e fs.DirEntry, err error) error {
		name, _ := filepath.Rel(root, p)
		switch {
		case err != nil || e.Name() == "sshd.log":
			return err
		case e.IsDir() && slices.Contains([]string{"run", "var/log", "var/lib"}, name):
			return fs.SkipDir
		case !e.Type().IsRegular():
			out[name] = [sha256.Size]byte{}
			return nil
		}
		b, err := os.ReadFile(p)
		out[name] = sha256.Sum256(b)
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	return out
}

// TestEverythingIsLost: both application servers and the report server are dead, and Hong Kong has no complete dump. That
// is said, and nothing is done. Then a dump turns up there.
func TestEverythingIsLost(t *testing.T) {
	t.Parallel()
	c := start(t)
	zh := c.api
	zh.language = "zh"
	right := c.path("hongkong", "shell/sql_backup/"+c.d.Expected.Dump)
	whole, err := os.ReadFile(right)
	if err != nil {
		t.Fatal(err)
	}
	dumps, err := filepath.Glob(c.path("hongkong", "shell/sql_backup/speed-*.sql"))
	if err != nil || len(dumps) < 3 {
		t.Fatalf("%v %v", dumps, err)
	}
	for _, p := range dumps {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, b[:len(b)*6/10], 0o644); err != nil {
			t.Fatal(err)
		}
	}
	c.drill("break", "standby")
	c.drill("break", "primary")
	c.drill("break", "report", "--how", "freeze")
	alive := []string{"nginx1", "nginx2", "hongkong", "spare1", "spare2", "spare3"}
	before := map[string]map[string][sha256.Size]byte{}
	for _, h := range alive {
		before[h] = c.hashes(h)
	}
	files := map[string]string{}
	for _, p := range []string{c.d.Fleet, c.d.Known} {
		b, err := os.ReadFile(p)
		if err != nil {
			t.Fatal(err)
		}
		files[p] = string(b)
	}

	begin := time.Now()
	id := c.recover("/recover total")
	lost := c.survey(id)
	t.Logf("lost, said after %s", time.Since(begin).Round(time.Second))
	if slices.Contains(lost.Choices, "approve") || slices.Contains(lost.NeedsReason, "approve") {
		t.Errorf("a survey that found nothing can be approved: %v", lost.Choices)
	}
	if lost.Plan.Hint != "abort" || !slices.Contains(lost.Choices, "abort") && !slices.Contains(lost.Choices, "retry") {
		t.Errorf("what to do: %q %v", lost.Plan.Hint, lost.Choices)
	}
	r, err := zh.run(id)
	if err != nil {
		t.Fatal(err)
	}
	for language, x := range map[string]struct {
		s    step
		text string
	}{"en": {lost, "The data is lost"}, "zh": {r.step("survey"), "丢失"}} {
		all := x.s.why() + tables(x.s)
		for _, want := range append([]string{x.text, "primary", "standby", "report", "hongkong"}, base(dumps)...) {
			if !strings.Contains(all, want) {
				t.Errorf("%s does not name %q: %s", language, want, all)
			}
		}
		if chinese(x.s.Plan.Why) != (language == "zh") {
			t.Errorf("%s: %s", language, x.s.Plan.Why)
		}
	}
	approve := lost.to("approve")
	approve.Reason = "I want it"
	var no *refused
	if err := c.decide(id, approve); !errors.As(err, &no) || no.Status != 409 && no.Status != 422 {
		t.Errorf("approve without data: %v", err)
	}

	// Skipped, it stands in the way of everything after it all the same.
	d := lost.to("skip")
	d.Reason = "let us see"
	if err := c.decide(id, d); err != nil {
		t.Fatal(err)
	}
	next := c.stands(id)
	if next.Plan == nil || next.Plan.Verdict != "blocked" || !strings.Contains(next.Plan.Why, "dump") && !strings.Contains(next.Plan.Why, "survey") {
		t.Errorf("after a skipped survey: %s", next.why())
	}
	d = next.to("approve")
	d.Reason = ""
	if err := c.decide(id, d); err == nil {
		t.Errorf("%s goes on without data and without a reason", next.ID)
	}
	for _, h := range alive {
		if now := c.hashes(h); !maps.Equal(now, before[h]) {
			for name := range now {
				if now[name] != before[h][name] {
					t.Errorf("%s changed %s", h, name)
				}
			}
			t.Errorf("%s has %d files, had %d", h, len(now), len(before[h]))
		}
	}
	for p, text := range files {
		if now, err := os.ReadFile(p); err != nil || string(now) != text {
			t.Errorf("%s changed: %v\n%s", p, err, now)
		}
	}

	// A dump turns up: the run goes on with it.
	c.answer(id, "survey", "reopen")
	if s := c.survey(id); s.Plan.Verdict != "blocked" {
		t.Errorf("looked at again: %s", s.why())
	}
	if err := os.WriteFile(right, whole, 0o644); err != nil {
		t.Fatal(err)
	}
	c.answer(id, "survey", "retry")
	if s := c.at(id, "survey", "done"); !strings.Contains(s.Plan.Why+s.why(), c.d.Expected.Dump+" on hongkong") {
		t.Errorf("with a dump: %s", s.why())
	}
	if s := c.until(id, "machine").step("machine"); s.State != "waiting" || s.Plan.Verdict == "blocked" {
		t.Errorf("with a dump: %s", s.why())
	}
	if err := c.decide(id, decision{Choice: "abort"}); err != nil {
		t.Error(err)
	}
}

func base(paths []string) []string {
	var out []string
	for _, p := range paths {
		out = append(out, filepath.Base(p))
	}
	return out
}

// survey comes to a survey that found no dump.
func (c *company) survey(id string) step {
	c.t.Helper()
	var s step
	eventually(c.t, 120*time.Second, "a survey without a dump", func() error {
		r, err := c.run(id)
		if err != nil {
			return err
		}
		if s = r.step("survey"); s.State == "waiting" && s.Plan != nil {
			return nil
		}
		for _, x := range r.Steps {
			if d, ok := c.yes(r, x); ok {
				return errors.Join(errors.New(x.why()), c.decide(id, d))
			}
		}
		return errors.New(s.why())
	})
	return s
}

// stands is the first step that waits for a person.
func (c *company) stands(id string) step {
	c.t.Helper()
	var s step
	eventually(c.t, 60*time.Second, "the next step", func() error {
		r, err := c.run(id)
		if err != nil {
			return err
		}
		for _, x := range r.Steps {
			if x.State == "waiting" && x.Plan != nil {
				s = x
				return nil
			}
		}
		return errors.New("nothing waits")
	})
	return s
}

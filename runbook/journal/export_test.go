package journal

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	osexec "os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/journal/journaltest"
)

func exported(t *testing.T, j *Journal, s Selection) []string {
	t.Helper()
	var out bytes.Buffer
	must(t, j.Export(t.Context(), &out, s))
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

// TestExportIsVerifiedByTheLinesInTheDocs runs the program that docs/audit.md gives to people.
func TestExportIsVerifiedByTheLinesInTheDocs(t *testing.T) {
	t.Parallel()
	j := open(t)
	must(t, j.CreateRun(t.Context(), journaltest.NewRun("r1")))
	must(t, j.Note(t.Context(), "r1", runbook.Actor{Name: "某人 <&> \u2028"}, map[string]string{"x": `"Prev":"00","Hash":"00"}` + "\n\x00\x7f"}))
	must(t, j.Note(t.Context(), "", runbook.Actor{}, nil))
	head, err := j.Head(t.Context(), "")
	must(t, err)
	lines := exported(t, j, Selection{})
	for page, program := range map[string]string{"../../docs/audit.md": "", "../../docs/audit.zh.md": ""} {
		text, err := os.ReadFile(page)
		must(t, err)
		found := regexp.MustCompile("(?s)```python\n(.*?)```").FindStringSubmatch(string(text))
		if found == nil {
			t.Fatalf("%s has no program", page)
		}
		program = found[1]
		run := func(lines ...string) (string, error) {
			cmd := osexec.Command("python3", "-c", program)
			cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
			out, err := cmd.CombinedOutput()
			return string(out), err
		}
		if out, err := run(lines...); err != nil || !strings.Contains(out, "3 ") || !strings.Contains(out, head) {
			t.Errorf("%s: %s, %v", page, out, err)
		}
		for name, bad := range map[string][]string{
			"edited": {lines[0], strings.Replace(lines[1], "note", "nope", 1), lines[2]}, "removed": {lines[0], lines[2]},
			"begun late": {lines[1], lines[2]}, "swapped": {lines[0], lines[2], lines[1]}, "no event": {lines[0], "{}"},
		} {
			if out, err := run(bad...); err == nil {
				t.Errorf("%s: %s was not found: %s", page, name, out)
			}
		}
	}
}

func TestExportSelects(t *testing.T) {
	t.Parallel()
	j := open(t)
	at := clock()
	j.now = func() time.Time { at = at.Add(time.Minute); return at }
	for _, id := range []string{"r1", "r2", "r3"} {
		r := journaltest.NewRun(id)
		r.DryRun = true
		must(t, j.CreateRun(t.Context(), r))
	}
	for name, c := range map[string]struct {
		s    Selection
		want string
	}{
		"all":   {Selection{}, "r1 r2 r3"},
		"run":   {Selection{Run: "r2"}, "r2"},
		"since": {Selection{Since: clock().Add(2 * time.Minute).In(time.FixedZone("", 3600))}, "r2 r3"},
		"from":  {Selection{From: 3}, "r3"},
	} {
		var got []string
		for _, line := range exported(t, j, c.s) {
			var e eventRow
			must(t, json.Unmarshal([]byte(line), &e))
			if e.sum() != e.Hash {
				t.Errorf("%s: %s", name, line)
			}
			got = append(got, e.RunID)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %v, want %s", name, got, c.want)
		}
	}
	var out bytes.Buffer
	if err := j.Export(t.Context(), &out, Selection{Run: "r9"}); runbook.CodeOf(err) != runbook.NotFound || out.Len() > 0 {
		t.Errorf("a run that is not there: %v, %q", err, out.String())
	}
	var e *runbook.Error
	if err := j.Export(t.Context(), full{}, Selection{}); !errors.Is(err, errFull) || errors.As(err, &e) {
		t.Errorf("where nothing can be written to: %v", err)
	}
}

var errFull = errors.New("full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// TestAuditBesideAWriter: what is read is one moment's.
func TestAuditBesideAWriter(t *testing.T) {
	t.Parallel()
	j := open(t)
	must(t, j.CreateRun(t.Context(), journaltest.NewRun("r1")))
	var wg sync.WaitGroup
	written := make(chan error, 1)
	wg.Go(func() {
		s := journaltest.NewRun("r1").Steps[0]
		for range 25 {
			next := s
			next.Note = runbook.T("x", "n", s.Version)
			moved, err := j.MoveStep(t.Context(), runbook.StepAt{State: s.State, Version: s.Version}, next, &runbook.Decision{Choice: runbook.Look})
			if err != nil {
				written <- err
				return
			}
			s = moved
		}
		written <- nil
	})
	reader, err := OpenReader(t.Context(), "sqlite://"+file(t, j), clock)
	must(t, err)
	defer reader.Close()
	for done := false; !done; {
		select {
		case err := <-written:
			must(t, err)
			done = true
		default:
		}
		if _, err := reader.Verify(t.Context(), ""); err != nil {
			t.Fatalf("verify: %v", err)
		}
		lines := exported(t, reader, Selection{})
		if last := lines[len(lines)-1]; !strings.HasSuffix(last, `"}`) {
			t.Fatalf("the last line is %s", last)
		}
	}
	wg.Wait()
}

func TestWhatIsNoJournalIsNotRead(t *testing.T) {
	t.Parallel()
	whole, _ := sample(t)
	good, err := os.ReadFile(whole)
	must(t, err)
	damaged := bytes.Clone(good)
	for i := 4096 * 5; i < 4096*9; i++ {
		damaged[i] ^= 0x5a
	}
	for name, c := range map[string]struct {
		file []byte
		want string
	}{
		"empty":   {nil, "audit.no_journal"},
		"text":    {bytes.Repeat([]byte("no database\n"), 100), "audit.unreadable"},
		"short":   {good[:5000], "malformed"},
		"damaged": {damaged, "audit.damaged"},
	} {
		path := t.TempDir() + "/j.db"
		must(t, os.WriteFile(path, c.file, 0o600))
		j, err := OpenReader(t.Context(), "sqlite://"+path, clock)
		if err == nil {
			_, err = j.Verify(t.Context(), "")
			must(t, j.Close())
		}
		if err == nil || !strings.Contains(err.Error(), c.want) || runbook.CodeOf(err) == runbook.Conflicting {
			t.Errorf("%s: %v", name, err)
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(after, c.file) {
			t.Errorf("%s was changed", name)
		}
	}
	if _, err := OpenReader(t.Context(), "sqlite:///nowhere/j.db", clock); runbook.CodeOf(err) != runbook.NotFound {
		t.Errorf("no file: %v", err)
	}
}

package handlers

import (
	"fmt"
	"strings"
	"testing"

	"recoverbot/bot"
	"recoverbot/runbook"
)

// A dry run is told as one wherever runs are listed.
func TestADryRunIsToldAsOne(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.tell(t, "guest", "/recover primary --dry-run")
	if r.Refused || r.Text != "Planned only, nothing changes: Primary dead (dry run run1)." {
		t.Fatalf("reply: %+v", r)
	}
	if got := w.tell(t, "guest", "/recover history").Text; !strings.Contains(got, "run1  primary  dry run  ") {
		t.Errorf("history: %s", got)
	}
	in := bot.Inbound{Platform: "web", UserID: "guest", Text: "/recover history", Language: "zh"}
	if got := w.Handle(t.Context(), in).Text; !strings.Contains(got, "run1  primary  试运行  ") {
		t.Errorf("in Chinese: %s", got)
	}
	if r := w.tell(t, "ops1", "/recover primary"); !strings.HasPrefix(r.Text, "Started: ") {
		t.Errorf("reply: %+v", r)
	}
	if got := w.tell(t, "guest", "/recover history").Text; !strings.Contains(got, "run2  primary  open  ") {
		t.Errorf("history: %s", got)
	}
}

// Who starts a recovery of what answers is told so first.
func TestAStartSaysThatAllAnswers(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		port  int
		flags string
		says  string
	}{
		"well":    {listen(t, "127.0.96.21", false), "", "app1: all that this recovery takes for dead answers now."},
		"dead":    {9, "", "Started: "},
		"dry run": {listen(t, "127.0.96.21", false), " --dry-run", "Planned only"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, fmt.Sprintf(`
hosts:
  - {name: app1, address: 127.0.96.21, port: %d, roles: [primary]}
people:
  - {name: ops1, roles: [approver], token_hash: "sha256:TOKEN1"}
`, c.port))
			s := w.Scenarios["primary"]
			s.When = []runbook.Probe{{Kind: "tcp", Host: "dead", Port: c.port, Expect: "down"}, {Kind: "tcp", Host: "primary", Port: 9}}
			s.Steps = s.Steps[:1]
			w.Scenarios["primary"] = s
			r := w.tell(t, "ops1", "/recover primary"+c.flags)
			if r.Refused || r.RunID != "run1" || !strings.HasPrefix(r.Text, c.says) {
				t.Errorf("%+v", r)
			}
		})
	}
}

// A bad value says what is wanted.
func TestABadValueSaysWhatIsWanted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	dump := w.Scenarios["primary"]
	dump.Params = []runbook.Param{
		{Name: "dump", Type: "string", Pattern: "[a-z]+", Title: runbook.Text{EN: "another dump (FILE or HOST:FILE)", ZH: "备份（文件名）"}},
		{Name: "port", Type: "port"},
	}
	w.Scenarios["primary"] = dump
	fence := testScenario()
	fence.Name, fence.Bind, fence.Params = "fence", nil, []runbook.Param{{Name: "which", Type: "host", Required: true, Role: "retired"}}
	w.Scenarios["fence"] = fence
	for text, want := range map[string]string{
		"primary dump=../x":  "dump=../x is not valid. Wanted: another dump (FILE or HOST:FILE). Nothing was started.",
		"primary port=high":  "port=high is not valid (port). Nothing was started.",
		"fence which=nginx1": "nginx1 is no retired machine. No machine is retired. Nothing was started.",
		"fence":              "which=… is missing. No machine is retired. Nothing was started.",
	} {
		if r := w.tell(t, "ops1", "/recover "+text); !r.Refused || r.Text != want {
			t.Errorf("%s: %q", text, r.Text)
		}
	}
	in := bot.Inbound{Platform: "web", UserID: "ops1", Text: "/recover primary dump=../x", Language: "zh"}
	if r := w.Handle(t.Context(), in); r.Text != "dump=../x 无效。应填：备份（文件名）。未启动。" {
		t.Errorf("in Chinese: %q", r.Text)
	}
	if runs, err := w.Journal.Runs(t.Context(), 10); err != nil || len(runs) != 0 {
		t.Errorf("%d runs (%v) of bad input", len(runs), err)
	}
}

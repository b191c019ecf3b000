package handlers

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"recoverbot/runbook"
	"recoverbot/runbook/paper"
)

// paperActions says the same of every step.
type paperActions struct{ sheet runbook.Sheet }

func (a paperActions) New(runbook.Run, runbook.StepRun) (runbook.Action, error) { return a, nil }

func (a paperActions) Probe(context.Context, runbook.Run, []runbook.Probe) []runbook.Finding {
	return []runbook.Finding{{Host: "app1", Text: runbook.T("paper.line", "text", "\n$(touch canary)\x1b[2J`touch canary`\r\ntouch canary")}}
}

func (a paperActions) Plan(context.Context) (runbook.Plan, error) { return runbook.Plan{}, nil }

func (a paperActions) Apply(context.Context, runbook.Plan, runbook.Job, runbook.Output) (runbook.Result, error) {
	return runbook.Result{}, nil
}

func (a paperActions) Paper(runbook.Plan) runbook.Sheet { return a.sheet }

// Words from outside stay comments; the paper does nothing as a whole, asks where it must, and takes no odd value.
func TestPaperIsSafe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Fleet.Redactor().Add("hunter2canary")
	hostile := runbook.T("paper.line", "text", "'\ntouch canary; $(touch canary) hunter2canary\r`touch canary`")
	a := paperActions{runbook.Sheet{
		Machine: "new", Values: paper.Enrolled("new"), Head: []runbook.Msg{hostile, hostile},
		Blanks: []runbook.Blank{{Name: "NEW_ADDRESS", Value: "192.0.2.60", Note: hostile}, {Name: "NEW_PORT", Value: "22", Note: hostile},
			{Name: "NEW_USER", Value: "root", Note: hostile}},
		Typed: []runbook.Typed{{Note: hostile}, {Host: "new", Script: "echo hunter2canary\n", Note: hostile}, {Ask: true, Script: "echo asked\n"}},
	}}
	r := runbook.Run{Scenario: testScenario(), Params: map[string]string{"which": "app1"}}
	r.Steps = []runbook.StepRun{{ID: "one", Def: r.Scenario.Steps[0]}, {ID: "two", Def: r.Scenario.Steps[0], State: runbook.Failed, Note: hostile}}
	dir := t.TempDir()
	file := filepath.Join(dir, "paper.sh")
	for _, lang := range []string{"en", "zh"} {
		text := w.Paper(t.Context(), PaperRequest{Actions: a, Run: r, Language: lang, Version: "1"})
		if strings.Contains(text, "hunter2canary") || strings.Count(text, "touch canary; ") < 5 {
			t.Errorf("%s: a secret, or a note is missing:\n%s", lang, text)
		}
		if again := "plan " + r.Scenario.Name + " which=app1 --as-shell | lp\n"; !strings.Contains(text, again) {
			t.Errorf("%s: what cron is to type lacks %q", lang, again)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"-n", file}, {file}} {
			cmd := exec.Command("sh", args...)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); (err != nil) != (len(args) == 1) {
				t.Errorf("%s: sh %v: %v %s", lang, args, err, out)
			}
		}
		paste := func(change func(string) string, answer string) string {
			cmd := exec.Command("sh", "-c", "ssh() { cat >/dev/null; echo \"ssh $*\"; }\n"+change(strings.Replace(text, "case $- in", "case i in", 1)))
			cmd.Dir, cmd.Stdin = dir, strings.NewReader(strings.Repeat(answer+"\n", 9))
			out, _ := cmd.CombinedOutput() // a variable that is not set is an error
			return string(out)
		}
		same := func(s string) string { return s }
		if got := paste(same, "yes"); !strings.Contains(got, "-p 22 root@192.0.2.60 sh -s") || strings.Count(got, "asked") != 2 {
			t.Errorf("%s: %s", lang, got)
		}
		if got := paste(same, "y"); strings.Contains(got, "asked") {
			t.Errorf("%s: done without a yes: %s", lang, got)
		}
		for _, bad := range []string{"''", "'$(touch canary)'", "'-oProxyCommand=touch\tcanary'"} {
			if got := paste(func(s string) string { return strings.ReplaceAll(s, "NEW_ADDRESS=192.0.2.60", "NEW_ADDRESS="+bad) }, "yes"); strings.Contains(got, "ssh -o") {
				t.Errorf("%s: went on with %s: %s", lang, bad, got)
			}
		}
		if _, err := os.Stat(filepath.Join(dir, "canary")); err == nil {
			t.Fatalf("%s: text from outside was run", lang)
		}
	}
}

// A step that depends on whether a machine answers says so; in a drill nothing is done on a machine that nobody has yet.
func TestPaperOfADrill(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := paperActions{runbook.Sheet{Machine: "new", Values: paper.Enrolled("new"), Typed: []runbook.Typed{{Host: "app1", Script: "echo known\n"}, {Host: "new", Script: "echo unknown\n"}}}}
	r := runbook.Run{Scenario: testScenario(), Bindings: map[string][]string{"dead": {"app1"}}}
	def := r.Scenario.Steps[0]
	for _, probe := range []runbook.Probe{{Kind: "ssh", Host: "dead"}, {Kind: "ssh", Host: "member", Expect: "down"}, {Kind: "mysql", Host: "dead", Database: "speed"}} {
		def.When = []runbook.Probe{probe}
		r.Steps = append(r.Steps, runbook.StepRun{ID: probe.Kind + probe.Expect, Def: def, Member: "app2"})
	}
	text := func() string {
		return w.Paper(t.Context(), PaperRequest{Actions: a, Run: r, Language: "en", Version: "1"})
	}
	got := text()
	for _, want := range []string{"Only if app1 answers SSH. If not (\"timed out\" or \"refused\"), go on with step 2.", "Only if app2 does NOT answer SSH. If it does, go on with step 3.",
		"Only if this answers on app1: mysql speed. If not so, you are done."} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if strings.Contains(got, "DRILL") {
		t.Error("no drill is on")
	}
	w.Fleet.Config().Drill = true
	got = text()
	if strings.Count(got, "nothing is done on a new machine") != 3 || strings.Index(got, "THIS IS A DRILL'S PAPER") > 200 {
		t.Errorf("it does not refuse:\n%s", got)
	}
	cmd := exec.Command("sh", "-c", "ssh() { cat; }\nNEW_PORT=22 NEW_USER=root NEW_ADDRESS=192.0.2.9\n"+strings.Replace(got, "case $- in", "case i in", 1))
	if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), "echo unknown") || strings.Count(string(out), "echo known") != 3 {
		t.Errorf("%v %s", err, out)
	}
}

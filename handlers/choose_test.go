package handlers

import (
	"strings"
	"testing"

	"recoverbot/bot"
	"recoverbot/runbook"
)

// nginxWorld has a scenario that must be told which of the two nginx machines is dead.
func nginxWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	s := testScenario()
	s.Name, s.Title = "nginx", runbook.Text{EN: "nginx dead", ZH: "nginx 挂"}
	s.Params = []runbook.Param{
		{Name: "which", Type: "host", Role: "nginx", Required: true, Title: runbook.Text{EN: "the dead one", ZH: "挂掉的"}},
		{Name: "fast", Type: "bool"},
	}
	s.Bind = map[string]runbook.Binding{"dead": {From: []string{"$param.which"}}, "rest": {From: []string{"nginx"}, Except: []string{"dead"}, Many: true}}
	w.Scenarios["nginx"] = s
	return w
}

func TestAPersonChoosesTheMachineByAButton(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"/recover nginx fast=1", "/recover nginx which=app1 fast=1", "/recover nginx which=nowhere fast=1", "/recover nginx which=<!here> fast=1"} {
		t.Run(text, func(t *testing.T) {
			t.Parallel()
			w := nginxWorld(t)
			r := w.tell(t, "ops1", text)
			if !r.Refused || r.Message == nil || !strings.Contains(r.Text, "may be: nginx1, nginx2.") {
				t.Fatalf("reply: %+v", r)
			}
			if lines := strings.Join(r.Message.Lines, "\n"); len(r.Message.Buttons) != 2 || !strings.Contains(lines, "nginx1: ") || r.Message.Context != "the dead one" {
				t.Errorf("card: %+v", r.Message)
			}
			b := button(t, *r.Message, "nginx2")
			if b.Label != "nginx2" {
				t.Errorf("label %q", b.Label)
			}
			if r := w.press(t, "guest", b, ""); !r.Refused || r.Message != nil {
				t.Errorf("a viewer: %+v", r)
			}
			if runs, err := w.Journal.Runs(t.Context(), 10); err != nil || len(runs) != 0 {
				t.Fatalf("%d runs (%v) before anybody chose", len(runs), err)
			}
			if r := w.press(t, "ops1", b, ""); r.Refused || r.RunID != "run1" {
				t.Fatalf("chosen: %+v", r)
			}
			run, err := w.Journal.Run(t.Context(), "run1")
			if err != nil || run.Params["which"] != "nginx2" || run.Params["fast"] != "true" || strings.Join(run.Bindings["rest"], " ") != "nginx1" {
				t.Errorf("run: %+v %v", run.Bindings, err)
			}
		})
	}
}

// A value of which nothing is left, such as a chat's own word for everybody, is told as such.
func TestAnEmptyValueIsToldAsSuch(t *testing.T) {
	t.Parallel()
	w := nginxWorld(t)
	r := w.tell(t, "ops1", "/recover nginx which=")
	if want := "The value of which=… cannot be used. It may be: nginx1, nginx2. Nothing was started."; !r.Refused || r.Text != want || r.Message == nil {
		t.Errorf("%+v, want %q", r, want)
	}
	if runs, err := w.Journal.Runs(t.Context(), 10); err != nil || len(runs) != 0 {
		t.Errorf("%d runs (%v)", len(runs), err)
	}
}

func TestWhoMayNotStartChoosesNothing(t *testing.T) {
	t.Parallel()
	w := nginxWorld(t)
	if r := w.tell(t, "guest", "/recover nginx"); !r.Refused || r.Message != nil {
		t.Errorf("reply: %+v", r)
	}
}

func TestTheSameParametersJoin(t *testing.T) {
	t.Parallel()
	w := nginxWorld(t)
	if r := w.tell(t, "ops1", "/recover nginx which=nginx1 fast=true"); r.RunID != "run1" {
		t.Fatalf("start: %+v", r)
	}
	if r := w.tell(t, "ops2", "/recover nginx fast=1 which=nginx1"); r.Refused || r.RunID != "run1" || !strings.Contains(r.Text, "already running") {
		t.Errorf("the same again: %+v", r)
	}
	r := w.tell(t, "ops2", "/recover nginx which=nginx2")
	if !r.Refused || r.Message == nil || !strings.Contains(bot.Plain(*r.Message, 100), "/recover nginx which=nginx2 --park") {
		t.Errorf("another machine: %+v", r)
	}
	if runs, err := w.Journal.Runs(t.Context(), 10); err != nil || len(runs) != 1 {
		t.Errorf("%d runs (%v)", len(runs), err)
	}
}

// The value alone does where only one is needed.
func TestABareValue(t *testing.T) {
	t.Parallel()
	w := nginxWorld(t)
	for text, want := range map[string]string{
		"/recover nginx nginx1 nginx2":           "which is given twice",
		"/recover nginx nginx1 which=nginx2":     "which is given twice",
		"/recover nginx app1":                    "app1 is no machine in service with the role nginx. which=… may be: nginx1, nginx2.",
		"/recover nginx wich=nginx1":             "Did you mean which?",
		"/recover nginx WHICH=nginx1":            "not of the form name=value. Parameters of nginx: which, fast.",
		"/recover nginx which=nginx1 fast=maybe": "fast=maybe is not valid (bool). fast=… may be: true, false.",
	} {
		if r := w.tell(t, "ops1", text); !r.Refused || !strings.Contains(r.Text, want) {
			t.Errorf("%s: %q, want %q", text, r.Text, want)
		}
	}
	if runs, err := w.Journal.Runs(t.Context(), 10); err != nil || len(runs) != 0 {
		t.Fatalf("%d runs (%v) of bad input", len(runs), err)
	}
	if r := w.tell(t, "ops1", "/recover list"); !strings.Contains(r.Text, "nginx: nginx dead\n  which=nginx1|nginx2 (needed): the dead one\n  fast=true|false") {
		t.Errorf("list: %s", r.Text)
	}
	if r := w.tell(t, "ops1", "/recover nginx nginx1"); r.Refused || r.RunID != "run1" {
		t.Fatalf("start: %+v", r)
	}
	if run, err := w.Journal.Run(t.Context(), "run1"); err != nil || run.Params["which"] != "nginx1" {
		t.Errorf("run: %+v %v", run.Params, err)
	}
}

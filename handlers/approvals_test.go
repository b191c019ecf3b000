package handlers

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// officeFleet is four people who may approve, two of them dangerous steps, and one who looks on.
const officeFleet = `
hosts:
  - {name: nginx1, address: 127.0.10.11, roles: [nginx]}
  - {name: app1, address: 127.0.10.21, roles: [primary]}
people:
  - {name: ops1, roles: [danger], token_hash: "sha256:TOKEN1", slack: U0OPS1, telegram: 41}
  - {name: ops2, roles: [approver], token_hash: "sha256:TOKEN2"}
  - {name: boss, roles: [danger]}
  - {name: night, roles: [approver]}
  - {name: guest, roles: [viewer], token_hash: "sha256:TOKEN3"}
policy: POLICY
`

// office is a world whose clock the test moves; its run waits at a step that POLICY is about.
type office struct {
	*world
	t     *testing.T
	ahead atomic.Int64
}

func newOffice(t *testing.T, policy string, steps ...runbook.Step) *office {
	t.Helper()
	o := &office{t: t}
	s := runbook.Scenario{Name: "primary", Title: runbook.Text{EN: "Primary dead", ZH: "主"}, Steps: steps}
	for i := range s.Steps {
		s.Steps[i].Kind, s.Steps[i].Title = "ssh", runbook.Text{EN: "Step " + s.Steps[i].ID, ZH: "步骤"}
	}
	o.world = newWorldAt(t, strings.Replace(officeFleet, "POLICY", policy, 1),
		func() time.Time { return time.Now().Add(time.Duration(o.ahead.Load())) }, s,
		func(applied *atomic.Int64) engine.Actions { return countingActions{applied} })
	o.say("ops1", "desk", "primary", "Started")
	return o
}

func (o *office) pass(d time.Duration) { o.ahead.Add(int64(d)) }

// asks waits until the card of a step waits, and is as ok wants.
func (o *office) asks(id string, ok func(bot.Message) bool) bot.Message {
	o.t.Helper()
	return o.hub.until(o.t, "step/run1/"+id, func(m bot.Message) bool { return waiting(m) && ok(m) })
}

// say is a text of a person at a seat; the reply must hold want.
func (o *office) say(who, seat, text, want string) bot.Reply {
	o.t.Helper()
	r := o.Handle(o.t.Context(), bot.Inbound{Platform: "web", UserID: who, Seat: seat, Text: text})
	if !strings.Contains(r.Text, want) {
		o.t.Errorf("%s: %s: %+v, want %q", who, text, r, want)
	}
	return r
}

// step is a step of the run as it is journaled.
func (o *office) step(id string) runbook.StepRun {
	o.t.Helper()
	r, err := o.Journal.Run(o.t.Context(), "run1")
	if err != nil {
		o.t.Fatal(err)
	}
	return *r.Step(id)
}

// refuse asserts that an answer that was refused changed nothing.
func (o *office) refuse(who, seat, text, want string) {
	o.t.Helper()
	before := o.step("one")
	if r := o.say(who, seat, text, want); !r.Refused || o.step("one").Version != before.Version || o.applied.Load() != 0 {
		o.t.Errorf("%s: %s changed something: %+v", who, text, r)
	}
}

// rewrite edits fleet.yaml under the running bot.
func (o *office) rewrite(old, text string) {
	o.t.Helper()
	path := o.Fleet.Config().Path()
	b, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(b), old) {
		o.t.Fatal(err, string(b))
	}
	if err := os.WriteFile(path, []byte(strings.Replace(string(b), old, text, 1)), 0o600); err != nil {
		o.t.Fatal(err)
	}
}

func anyCard(bot.Message) bool { return true }

func saying(text string) func(bot.Message) bool {
	return func(m bot.Message) bool { return strings.Contains(strings.Join(m.Lines, "\n"), text) }
}

func TestTwoMustApprove(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "{approvals: 2}", runbook.Step{ID: "one"}, runbook.Step{ID: "two", On: []string{"nginx"}})
	code := o.asks("one", saying("0 of 2 approvals · may still approve: ops1, ops2, boss, night")).Code
	o.hub.until(t, "nudge/run1/one/waiting-"+unix(o.step("one").ChangedAt)+"/0", func(m bot.Message) bool {
		return slices.Equal(m.Notify, []string{"ops1", "ops2", "boss", "night"})
	})
	o.refuse("guest", "", "approve "+code, "you may not do this")
	o.say("ops1", "desk", "approve "+code, "1 of 2 approvals; somebody else must approve it, too: ops2, boss, night")
	o.say("ops1", "phone", "approve "+code, "1 of 2 approvals")
	o.asks("one", saying("1 of 2 approvals: ops1 · may still approve: ops2, boss, night"))
	o.refuse("ops2", "desk", "approve "+code, "ops1 has approved this already from this browser")
	o.hub.until(t, "nudge/run1/one/waiting-"+unix(o.step("one").Approvals[0].At)+"-1/0", func(m bot.Message) bool {
		return slices.Equal(m.Notify, []string{"ops2", "boss", "night"}) && strings.Contains(m.Title, "your approval, too")
	})
	o.say("ops2", "sofa", "approve "+code, "Noted: approved. Step 1 of 2 begins.")
	o.asks("two", saying("0 of 2 approvals"))
	if m := o.hub.until(t, "step/run1/one", inState("done")); !strings.Contains(strings.Join(m.Lines, "\n"), "2 of 2 approvals: ops1, ops2") {
		t.Errorf("%+v", m.Lines)
	}
	if o.applied.Load() != 1 {
		t.Errorf("%d effects", o.applied.Load())
	}
}

func unix(at time.Time) string { return itoa(at.Unix()) }

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// TestWhoIsTakenOutOfTheFile: fleet.yaml counts as it is at the click, also for an approval that was given before. (fault 25)
func TestWhoIsTakenOutOfTheFile(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "{approvals: 2}", runbook.Step{ID: "one"})
	code := o.asks("one", anyCard).Code
	o.say("ops2", "", "approve "+code, "1 of 2")
	o.rewrite("{name: ops2, roles: [approver], ", "{name: ops2, roles: [viewer], ")
	o.refuse("ops2", "", "skip "+code, "you may not do this")
	o.say("night", "", "approve "+code, "1 of 2 approvals; somebody else must approve it, too: ops1, boss.")
	o.asks("one", saying("1 of 2 approvals: night"))
	o.rewrite("  - {name: night, roles: [approver]}\n", "")
	o.refuse("night", "", "approve "+code, "I do not know you")
	o.rewrite("policy:", "policy: [") // a file that is wrong changes nothing
	o.refuse("night", "", "approve "+code, "I do not know you")
	o.Changed(runbook.Run{ID: "run1"}, "")
	o.asks("one", func(m bot.Message) bool {
		return strings.Contains(strings.Join(m.Warn, ""), "fleet.yaml has a mistake")
	})
	o.rewrite("policy: [", "policy:")
	o.Changed(runbook.Run{ID: "run1"}, "")
	o.asks("one", func(m bot.Message) bool { return len(m.Warn) == 0 })
	o.rewrite("people:\n", "people:\n  - {name: new, roles: [approver]}\n")
	o.say("new", "", "approve "+code, "1 of 2")
	o.say("boss", "", "approve "+code, "begins")
	o.hub.until(t, "run/run1", inState("done"))
	if o.applied.Load() != 1 || len(o.step("one").Approvals) != 2 {
		t.Errorf("%d effects, %+v", o.applied.Load(), o.step("one").Approvals)
	}
}

// Nobody is not everybody: with an empty list of people nobody may anything.
func TestAnEmptyListIsNobody(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "{}", runbook.Step{ID: "one"})
	code := o.asks("one", anyCard).Code
	text, _ := os.ReadFile(o.Fleet.Config().Path())
	begin, end := strings.Index(string(text), "people:"), strings.Index(string(text), "policy:")
	o.rewrite(string(text[begin:end]), "people: []\n")
	for _, who := range []string{"ops1", "boss", "guest", ""} {
		o.refuse(who, "", "approve "+code, "I do not know you")
	}
}

func TestTheTwoPersonRule(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "{two_person: true}", runbook.Step{ID: "one", Danger: true}, runbook.Step{ID: "two"})
	code := o.asks("one", saying("Dangerous: besides ops1, who started or resumed the run, somebody else must approve. · may still approve: boss")).Code
	o.refuse("ops2", "", "approve "+code+" why", "you may not approve danger steps. These may: boss.")
	o.refuse("guest", "", "approve "+code+" why", "you may not do this. These may: boss.")
	o.refuse("guest", "", "skip "+code, "you may not do this. These may: ops1, ops2, boss, night.")
	o.say("ops1", "desk", "approve "+code+" why", "1 of 2 approvals; somebody else must approve it, too: boss")
	o.say("boss", "sofa", "approve "+code+" why", "begins")
	code = o.asks("two", func(m bot.Message) bool { return !strings.Contains(strings.Join(m.Lines, ""), "approve") }).Code
	o.say("ops1", "desk", "approve "+code, "begins")
	o.hub.until(t, "run/run1", inState("done"))
}

// At the end of a run what was approved alone and never began is told from what ran.
func TestAloneNamesTheAttemptThatCameToNothing(t *testing.T) {
	t.Parallel()
	v := viewer{say: newWorld(t).printer("en")}
	a := runbook.Approval{By: runbook.Actor{Name: "carol", Platform: "web"}, Alone: true, Attempt: 3, Reason: "nobody else is up"}
	ran := strings.Join(v.aloneLines(runbook.Run{Steps: []runbook.StepRun{{ID: "one", Attempt: 3, Alone: []runbook.Approval{a}}}}), "")
	a.Came = runbook.T("action.job_never_ran", "host", "standby")
	not := strings.Join(v.aloneLines(runbook.Run{Steps: []runbook.StepRun{{ID: "one", Attempt: 4, Alone: []runbook.Approval{a}}}}), "")
	if not != ran+" This was attempt 3, which was planned anew since. It came to: The command was never started on standby." {
		t.Errorf("%q, and where it ran %q", not, ran)
	}
}

// Who has answered is not said to have been silent where one person alone may approve.
func TestBreakGlassNamesWhoAnswered(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "{approvals: 2, break_glass: 5m}", runbook.Step{ID: "one"})
	code := o.asks("one", anyCard).Code
	o.pass(6 * time.Minute)
	o.say("ops2", "sofa", "approve "+code, "1 of 2 approvals")
	o.asks("one", saying("Nobody but ops2 has answered: one person alone may approve it now"))
}

// One person alone may approve when nobody else answers: not early, not without a reason, and everybody is told.
func TestBreakGlass(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "{two_person: true, break_glass: 5m, on_call: [ops2]}", runbook.Step{ID: "one", Danger: true})
	m := o.asks("one", saying("If nobody else answers, one person alone may approve it from "))
	for _, b := range m.Buttons {
		if b.Choice == "alone" {
			t.Errorf("a button before its time: %+v", b)
		}
	}
	o.pass(5*time.Minute - time.Since(o.step("one").ChangedAt) - 20*time.Second)
	o.refuse("ops1", "desk", "approve "+m.Code+" alone disk is full", "These may approve, too: boss. Nothing was done.")
	o.refuse("ops1", "desk", "独自批准 "+m.Code+" disk is full", "Not yet: one person alone may approve this from ")
	o.pass(20 * time.Second)
	o.Changed(runbook.Run{ID: "run1"}, "")
	m = o.asks("one", saying("Nobody has answered: one person alone may approve it now"))
	b := button(t, m, "alone")
	if b.Label != "Approve alone" || !b.NeedsReason || !strings.Contains(b.Confirm, "Approve it alone?") {
		t.Errorf("%+v", b)
	}
	o.refuse("ops2", "", "approve "+m.Code+" alone because", "you may not approve danger steps")
	o.refuse("guest", "", "alone "+m.Code+" because", "you may not do this")
	o.refuse("ops1", "desk", "approve "+m.Code+" alone", "Type: approve "+m.Code+" alone REASON")
	if r := o.Handle(t.Context(), bot.Inbound{Platform: "slack", UserID: "U0OPS1", Action: b.Action, Reason: "the disk is full"}); r.Refused || !strings.Contains(r.Text, "approved alone") {
		t.Fatalf("%+v", r)
	}
	o.hub.until(t, "run/run1", func(m bot.Message) bool {
		return m.State == "done" && strings.Contains(strings.Join(m.Lines, "\n"), "Approved alone: 1/1 Step one, by ops1 (Slack)")
	})
	a := o.step("one").Alone
	if len(a) != 1 || a[0].By.Name != "ops1" || a[0].Reason != "the disk is full" || !slices.Equal(a[0].Missing, []string{"boss"}) {
		t.Fatalf("recorded: %+v", a)
	}
	told := o.hub.until(t, "alone/run1/one/"+itoa(a[0].At.UnixNano()), anyCard)
	if !slices.Equal(told.Notify, []string{"ops1", "ops2", "boss", "night"}) || told.Title != "ops1 approved alone: 1/1 Step one" || told.Nudge ||
		!strings.Contains(told.Warn[0], "Had not answered: boss.") || !strings.Contains(told.Warn[0], "reason: the disk is full") {
		t.Errorf("told: %+v", told)
	}
	done := o.hub.until(t, "step/run1/one", inState("done"))
	if !strings.Contains(done.Footer, "approved alone by ops1") || !strings.Contains(strings.Join(done.Warn, ""), "Approved by one person alone: ops1") {
		t.Errorf("card: %+v", done)
	}
	r, err := o.Journal.Run(t.Context(), "run1")
	if report := PlainRun(o.Handlers.say, r, time.Now(), ""); err != nil || !strings.Contains(report, "ops1 approved alone") {
		t.Errorf("report: %s", report)
	}
	events, err := o.Journal.Events(t.Context(), 0, 100)
	if err != nil || !slices.ContainsFunc(events, func(e runbook.Event) bool {
		return e.Kind == "decision" && e.Data["choice"] == "approve" && e.Data["alone"] == "true" && e.Data["missing"] == "boss" && e.Data["reason"] != ""
	}) {
		t.Errorf("events: %+v", events)
	}
}

func TestBreakGlassIsOff(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "{approvals: 2, break_glass: off}", runbook.Step{ID: "one"})
	code := o.asks("one", func(m bot.Message) bool { return !strings.Contains(strings.Join(m.Lines, ""), "alone") }).Code
	o.pass(time.Hour)
	o.refuse("ops1", "", "approve "+code+" alone because", "Nobody may approve this alone")
	o.rewrite("  - {name: boss, roles: [danger]}\n  - {name: night, roles: [approver]}\n", "")
	o.rewrite("name: ops2, roles: [approver]", "name: ops2, roles: [viewer]")
	o.Changed(runbook.Run{ID: "run1"}, "")
	o.asks("one", func(m bot.Message) bool {
		return strings.Contains(strings.Join(m.Warn, ""), "Approvals still needed: 2, but only 1 more may approve this. Give somebody the role approver in fleet.yaml; that counts at once. Or skip or abort.")
	})
}

// The API says how a step stands with its approvals, and takes them.
func TestApprovalsInTheAPI(t *testing.T) {
	t.Parallel()
	o := newOffice(t, "{scenarios: {primary: {approvals: 2, two_person: true}}}", runbook.Step{ID: "one"})
	o.asks("one", anyCard)
	call := func(who, method, path, body string) (int, string) {
		t.Helper()
		q := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
		q.Header.Set("Authorization", "Bearer "+token(who))
		w := httptest.NewRecorder()
		o.API().ServeHTTP(w, q)
		return w.Code, w.Body.String()
	}
	s := o.step("one")
	decision := func(more string) string {
		return `{"step": "one", "attempt": 1, "digest": "` + s.Digest + `", "choice": "approve"` + more + `}`
	}
	for more, want := range map[string]string{
		`, "fields": {"host": "spare2"}`: "fields belong to the choice input", `, "choice": "skip", "alone": true`: "alone belongs to the choice approve",
		`, "reason": "` + strings.Repeat("x", 2001) + `"`: "longer than 2000 bytes", `, "group": "one"`: "not both", `, "choice": "yes"`: "yes is not a choice",
		`, "seat": "x"`: "seat",
	} {
		if code, body := call("ops1", "POST", "/api/runs/run1/decisions", decision(more)); code != http.StatusUnprocessableEntity ||
			!strings.Contains(body, want) || o.step("one").Version != s.Version {
			t.Errorf("%s: %d %s", more, code, body)
		}
	}
	if code, body := call("ops1", "POST", "/api/runs/run1/decisions", decision(`, "alone": true, "reason": "x"`)); code != http.StatusForbidden || !strings.Contains(body, "Not yet") {
		t.Errorf("alone: %d %s", code, body)
	}
	if code, body := call("ops1", "POST", "/api/runs/run1/decisions", decision("")); code != http.StatusOK ||
		!strings.Contains(body, `"approvals":{"need":2,"by":["ops1"],"missing":1,"may":["ops2","boss","night"],"alone_from":"`) {
		t.Errorf("the first: %d %s", code, body)
	}
	if code, body := call("ops2", "POST", "/api/runs/run1/decisions", decision("")); code != http.StatusOK || !strings.Contains(body, `"approvals":{"need":2,"by":["ops1","ops2"]}`) {
		t.Errorf("the second: %d %s", code, body)
	}
	o.hub.until(t, "run/run1", inState("done"))
	if o.applied.Load() != 1 {
		t.Errorf("%d effects", o.applied.Load())
	}
}

package handlers

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"recoverbot/handlers/alert"
	"recoverbot/runbook"
)

const (
	p1, s1 = "app1", "app2"
	which  = "nginx which=nginx2"
)

func TestOneCardWhoeverSaysSo(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.tell(silent("primary", p1))
	b.want("primary firing", 1)
	b.tell(outside("alertmanager", "a", "primary", p1), outside("grafana", "a", "primary", p1))
	b.tell(outside("alertmanager", "a", "primary", p1))
	b.want("primary firing", 1)
	m := b.card("primary")
	if len(shownKeys(b.hub)) != 1 || !strings.Contains(text(m), "alertmanager, grafana: 2 alerts, told 4 times") ||
		!strings.Contains(text(m), "since 03:11:40, seen from bot") || len(m.Buttons) != 3 {
		t.Errorf("card: %+v", m)
	}
	b.tell(ended(silent("primary", p1)), ended(outside("grafana", "a", "primary", p1)))
	b.want("primary firing", 1)
	again, first := outside("alertmanager", "a", "primary", p1), b.now
	b.now = b.now.Add(time.Second)
	again.Since = b.now // startsAt changes
	b.tell(again)
	if c := b.alerts.all()[0]; !c.Since.Equal(first) {
		t.Errorf("since %s", c.Since)
	}
	b.tell(ended(again))
	b.want("primary resolved", 1)
	if m = b.card("primary"); m.State != "done" || len(m.Buttons) != 0 || len(shownKeys(b.hub)) != 1 || b.rows() != 1 {
		t.Errorf("resolved: %+v, %d rows", m, b.rows())
	}
	b.tell(ended(again), ended(outside("alertmanager", "never", "primary", p1)))
	b.want("primary resolved", 1)
	b.wait(11 * time.Minute)
	b.tell(again)
	b.want("primary firing", 2) // another trouble has a card of its own
	if len(shownKeys(b.hub)) != 2 || b.rows() != 2 {
		t.Errorf("cards %v", shownKeys(b.hub))
	}
}

func TestTheWiderCallTakesThePlaceOfTheNarrower(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.tell(outside("alertmanager", "n", "nginx", "nginx2"))
	b.want(which+" firing", 1)
	b.tell(outside("grafana", "s", "standby", s1))
	b.want(which+" merged; standby firing", 2) // as many hosts; the fleet's order counts
	b.tell(silent("primary", p1))
	b.want("both firing; "+which+" merged; primary replaced; standby replaced", 3)
	m := b.card("both")
	if !strings.Contains(text(m), "also: nginx2: not answering at all → afterwards: nginx which=nginx2") || !strings.HasPrefix(m.Title, "app1, app2: not answering") {
		t.Errorf("card: %s", text(m))
	}
	for _, s := range []string{"standby", "nginx"} {
		if m := b.card(s); len(m.Buttons) != 0 || !strings.Contains(text(m), "app1, app2: not answering at all") {
			t.Errorf("%s: %+v", s, m)
		}
	}
	if m := b.card("primary"); m.Key != "" {
		t.Errorf("a card that nobody needs: %+v", m)
	}
	b.tell(ended(outside("grafana", "s", "standby", s1)))
	b.want("both resolved; "+which+" merged; primary firing; standby resolved", 4)
	if m := b.card("both"); m.State != "done" || m.Title != "app2 answers again" || len(m.Buttons) != 0 {
		t.Errorf("both: %+v", m)
	}
	b.tell(ended(silent("primary", p1)))
	b.want("both resolved; "+which+" firing; primary resolved; standby resolved", 5)
	if m := b.card("nginx"); len(m.Buttons) != 3 {
		t.Errorf("nginx: %+v", m)
	}
}

func TestABurstOfThreeIsOnePrompt(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.tell(outside("alertmanager", "n", "nginx", "nginx2"), outside("alertmanager", "s", "standby", s1), outside("alertmanager", "p", "primary", p1))
	b.want("both firing; "+which+" merged; primary replaced; standby replaced", 1)
	if n := len(shownKeys(b.hub)); n != 1 {
		t.Errorf("%d cards", n)
	}
	if m := b.card("both"); !strings.Contains(text(m), "alertmanager: 2 alerts, told 2 times") {
		t.Errorf("card: %s", text(m))
	}
	b.restart()
	b.want("both firing; "+which+" merged; primary replaced; standby replaced", 1)
}

// A wide call of a process that died is closed where a machine is retired, or has another role, by now.
func TestAWideCallIsClosedAfterARestart(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.tell(silent("standby", s1), silent("primary", p1))
	b.want("both firing; primary replaced; standby replaced", 1)
	b.Fleet = openFleet(t, strings.Replace(alertFleet, "roles: [primary]}", "roles: [], retired: true}", 1)+"\n")
	b.restart()
	b.want("both resolved; primary resolved; standby firing", 2)
	if m := b.card("both"); m.Title != "No longer watched: app1 is retired" || len(m.Buttons) != 0 {
		t.Errorf("both: %+v", m)
	}
	b.Fleet = openFleet(t, strings.NewReplacer("roles: [primary]}", "roles: [], retired: true}", "[standby, backup]", "[primary, backup]").Replace(alertFleet))
	b.restart()
	b.want("both resolved; primary resolved; standby resolved", 2)
	b.tell(outside("alertmanager", "late", "primary", p1))
	b.want("both resolved; primary resolved; standby resolved", 2) // monitoring goes on about a machine that is retired
}

func TestSnoozeEnds(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.tell(silent("primary", p1))
	who := caller{platform: "web", say: b.say}
	who.person, _ = b.Fleet.Config().Person("ops1")
	if _, err := b.snooze(t.Context(), who, b.alerts.all()[0].ID); err != nil {
		t.Fatal(err)
	}
	b.tell(silent("primary", p1))
	b.want("primary snoozed", 1)
	b.restart()
	b.want("primary snoozed", 1)
	if m := b.card("primary"); len(m.Buttons) != 1 || m.Buttons[0].Choice != "start" {
		t.Errorf("snoozed: %+v", m)
	}
	b.wait(29 * time.Minute)
	b.want("primary snoozed", 1)
	b.wait(2 * time.Minute)
	b.want("primary firing", 2)
}

func TestFlapping(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	a := outside("alertmanager", "a", "primary", p1)
	for range 2 {
		b.tell(a)
		b.now = b.now.Add(time.Minute)
		b.tell(ended(a))
		b.now = b.now.Add(time.Minute)
	}
	b.want("primary unsteady firing", 2) // four changes within ten minutes
	if m := b.card("primary"); !strings.Contains(text(m), "Unsteady: 4 changes in 10 min") || len(m.Notify) != 0 || len(m.Buttons) != 3 {
		t.Errorf("card: %s", text(m))
	}
	for range 3 {
		b.tell(a)
		b.tell(ended(a))
		b.wait(5 * time.Minute)
	}
	b.want("primary unsteady firing", 2)
	b.restart()
	b.want("primary unsteady firing", 2)
	b.wait(6 * time.Minute)
	b.want("primary resolved", 2)
	if n := len(shownKeys(b.hub)); n != 1 || b.rows() != 1 {
		t.Errorf("%d cards", n)
	}
}

func TestRunsAndAlerts(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.runs = []runbook.RunSummary{{ID: "r1", Scenario: "primary", State: runbook.Open}}
	b.tell(silent("primary", p1), outside("alertmanager", "n", "nginx", "nginx2"), outside("alertmanager", "d", "", s1))
	b.want("app2 silent firing; "+which+" firing; primary started", 0)
	danger := alert.Alert{Source: "watch", Fingerprint: "returned-app1", Host: p1, Level: returned}
	b.tell(danger)
	if b.hub.prompt != 1 {
		t.Errorf("the danger disturbs nobody")
	}
	b.tell(ended(danger))
	b.runs[0].State = runbook.Parked
	b.wait(0)
	b.want("app1 returned resolved; app2 silent firing; "+which+" firing; primary started", 3) // the others may disturb now
	b.runs[0] = runbook.RunSummary{ID: "r1", Scenario: "primary", State: runbook.Aborted, EndedAt: b.now}
	b.wait(time.Minute)
	b.want("app1 returned resolved; app2 silent firing; "+which+" firing; primary firing", 3) // it cools down
	b.wait(10 * time.Minute)
	b.want("app1 returned resolved; app2 silent firing; "+which+" merged; primary firing", 5) // and nobody answers about app2
	b.runs = append(b.runs, runbook.RunSummary{ID: "r2", Scenario: "nginx", State: runbook.Open, Params: map[string]string{"which": "nginx2"}})
	b.wait(time.Minute)
	b.want("app1 returned resolved; app2 silent firing; "+which+" started; primary firing", 5)
	b.runs[1].Params["which"] = "nginx1"
	b.wait(time.Minute)
	b.want("app1 returned resolved; app2 silent firing; "+which+" firing; primary firing", 5)
}

func TestNothingIsTakenThatCannotBeStored(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.full = true
	err := b.Alerts(t.Context(), []alert.Alert{silent("primary", p1)})
	if runbook.CodeOf(err) != runbook.Unavailable {
		t.Fatal(err)
	}
	b.showAlerts(t.Context())
	b.want("", 0)
	b.full = false
	b.tell(silent("primary", p1))
	b.want("primary firing", 1)
	b.full = true
	if err := b.Alerts(t.Context(), []alert.Alert{ended(silent("primary", p1))}); err == nil {
		t.Error("stored")
	}
	b.want("primary firing", 1)
}

// Between the commit and the prompt the bot may die: then people are asked once, after the restart.
func TestAPromptIsNeitherLostNorRepeated(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	if err := b.Alerts(t.Context(), []alert.Alert{silent("primary", p1)}); err != nil {
		t.Fatal(err)
	}
	b.want("primary firing", 0)
	b.restart()
	b.want("primary firing", 1)
	b.restart()
	b.restart()
	b.want("primary firing", 1)
	if err := b.Alerts(t.Context(), []alert.Alert{ended(silent("primary", p1))}); err != nil {
		t.Fatal(err)
	}
	b.restart() // resolved, but not shown so yet
	if m := b.card("primary"); m.State != "done" {
		t.Errorf("card: %+v", m)
	}
}

func TestMembersAreBounded(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	tell := func(resolved bool, from, to int) {
		var batch []alert.Alert
		for i := from; i < to; i++ {
			a := outside("alertmanager", fmt.Sprint("f", i), "primary", p1)
			a.Resolved = resolved
			batch = append(batch, a)
		}
		b.tell(batch...)
	}
	tell(false, 0, 500)
	tell(false, 0, 500)
	c := b.alerts.all()[0]
	if len(c.Members) != keptMembers || c.tally.size() != 300 || !strings.Contains(text(b.card("primary")), "500 alerts, told 1000 times") {
		t.Errorf("%d members, %d others: %s", len(c.Members), c.tally.size(), text(b.card("primary")))
	}
	tell(true, 0, 499)
	b.want("primary firing", 1)
	tell(true, 499, 500)
	b.want("primary resolved", 1)
}

// TestHostileTextIsShownHarmless: what alerts say is text on a card, and starts nothing (fault 31, fault 33).
func TestHostileTextIsShownHarmless(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	for i, s := range []string{"x; rm -rf / $(reboot) `id`", "1' OR '1'='1", "<!channel> *b* <b>x</b> [a](tg://user?id=1)", "a\nb\r\nc", "\u202eevil\u200b\x1b[31m", strings.Repeat("long ", 20_000), "\xff\xfe"} {
		a := outside("alertmanager", fmt.Sprint(i), "", p1)
		a.Summary = s
		b.tell(a)
	}
	for _, m := range b.hub.last {
		for _, line := range append(m.Lines, m.Title) {
			if strings.ContainsAny(line, "\n\r\u202e\u200b\x1b") || len(line) > 1000 {
				t.Errorf("line %q", line)
			}
		}
	}
	for _, id := range []string{"1' OR '1'='1", "nothing"} {
		if _, err := b.answerAlert(t.Context(), caller{say: b.say}, press{Alert: id, Choice: "start"}, ""); runbook.CodeOf(err) != runbook.NotFound {
			t.Errorf("press on %q: %v", id, err)
		}
	}
	var e *runbook.Error
	if _, err := b.answerAlert(t.Context(), caller{say: b.say}, press{Alert: b.alerts.all()[0].ID, Choice: "start"}, ""); !errors.As(err, &e) {
		t.Errorf("a call without a scenario starts: %v", err)
	}
}

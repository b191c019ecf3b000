package handlers

import (
	"slices"
	"strings"
	"testing"
	"time"

	"recoverbot/handlers/alert"
	"recoverbot/runbook"
)

// call is the call of a scenario.
func (b *book) call(scenario string) *call {
	b.t.Helper()
	i := slices.IndexFunc(b.alerts.all(), func(c *call) bool { return c.Scenario == scenario })
	if i < 0 {
		b.t.Fatalf("no call for %q", scenario)
	}
	return b.alerts.all()[i]
}

// well is what the watcher sees, and the review that follows.
func (b *book) well(hosts ...string) {
	b.Well(hosts)
	b.wait(0)
}

func since(a alert.Alert, at time.Time) alert.Alert { a.Since = at; return a }

// An alert of long ago that nobody resolved dates no later outage back: its loss of data would look like none.
func TestAnOldAlertDatesNothingBack(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	start := b.now
	b.well(p1, s1, "nginx2")
	b.well(p1, "nginx2")
	b.tell(outside("alertmanager", "p", "primary", p1), since(silent("standby", s1), b.now))
	b.want("primary firing; standby firing", 2)
	b.now = b.now.Add(time.Minute)
	b.tell(ended(silent("standby", s1)))
	b.well(p1, s1, "nginx2")
	b.want("primary firing; standby resolved", 2)

	b.now = start.Add(time.Hour)
	b.well(p1, s1, "nginx2")
	b.now = b.now.Add(10 * time.Second)
	died := b.now
	b.well("nginx2") // both fail, and the watcher is not certain yet
	if got := b.downSince(b.call("primary")); !got.Equal(start.Add(time.Hour)) {
		t.Errorf("a primary of which nothing is certain is down since %s", got)
	}
	b.now = b.now.Add(30 * time.Second)
	b.tell(since(silent("primary", p1), died), since(silent("standby", s1), died.Add(20*time.Second)))
	both := b.call("both")
	if both.State != firing || !both.Since.Equal(died.Add(20*time.Second)) {
		t.Errorf("both is %s since %s", both.State, both.Since)
	}
	for _, scenario := range []string{"both", "primary"} {
		if got, id := b.calledSince(scenario, nil); !got.Equal(died) || id != b.call(scenario).ID {
			t.Errorf("%s is down since %s (%s), want %s", scenario, got, id, died)
		}
	}
	if got := b.downSince(b.call("standby")); !got.Equal(died.Add(20 * time.Second)) {
		t.Errorf("the standby is down since %s", got)
	}

	b.tell(ended(silent("primary", p1)), ended(silent("standby", s1)))
	b.now = b.now.Add(time.Minute)
	b.well(p1, s1, "nginx2")
	if got := b.downSince(b.call("primary")); !got.Equal(b.now) {
		t.Errorf("a primary that the bot sees well is down since %s", got)
	}
}

// A wide call that flaps is dated anew each time.
func TestAWideCallIsDatedAnew(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	for range 3 {
		b.now = b.now.Add(time.Minute)
		b.tell(since(silent("primary", p1), b.now), since(silent("standby", s1), b.now))
		if c := b.call("both"); !c.Since.Equal(b.now) || !b.downSince(c).Equal(b.now) {
			t.Errorf("both since %s, down since %s, want %s", c.Since, b.downSince(c), b.now)
		}
		b.now = b.now.Add(time.Minute)
		b.tell(ended(silent("primary", p1)), ended(silent("standby", s1)))
	}
	if got := b.downSince(b.call("both")); !got.Equal(b.now) { // unsteady: nothing is down now
		t.Errorf("down since %s", got)
	}
}

// Where only outside sources speak, the newest begin counts.
func TestOutsideSourcesAlone(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	at := func(minutes int) time.Time { return b.now.Add(time.Duration(minutes-60) * time.Minute) }
	b.tell(since(outside("alertmanager", "p", "primary", p1), at(0)), since(outside("grafana", "p", "primary", p1), at(20)),
		since(outside("grafana", "s", "standby", s1), at(40)))
	c := b.call("both")
	if !c.Since.Equal(at(40)) || !b.downSince(c).Equal(at(20)) {
		t.Errorf("both since %s, down since %s", c.Since, b.downSince(c))
	}
	b.tell(since(silent("primary", p1), at(10))) // the bot's own eyes come first
	if c = b.call("both"); !b.downSince(c).Equal(at(10)) {
		t.Errorf("down since %s", b.downSince(c))
	}
	all := newBook(t)
	all.tell(since(alert.Alert{Source: "alertmanager", Fingerprint: "all", Scenario: "both", Level: "silent"}, at(5)))
	if c = all.call("both"); !all.downSince(c).Equal(at(5)) {
		t.Errorf("down since %s", all.downSince(c))
	}
}

// What the bot sees well is not dead because somebody else says so.
func TestAHostThatTheBotReaches(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.well(p1, "nginx2")
	seen := silent("standby", s1)
	seen.Vantage = []string{"bot", "nginx1"}
	b.tell(seen, outside("alertmanager", "p", "primary", p1))
	b.want("primary firing; standby firing", 2)
	m := b.card("standby")
	if len(m.Buttons) != 3 || m.Buttons[0].Choice != "start" || !strings.Contains(text(m), "seen from bot, nginx1") {
		t.Errorf("standby: %+v", m)
	}
	m = b.card("primary")
	if m.Title != "app1: not answering at all, says alertmanager" || strings.Contains(text(m), "seen from") || !strings.Contains(text(m), "The bot reaches app1 itself.") {
		t.Errorf("primary: %s", text(m))
	}
	b.tell(alert.Alert{Source: "grafana", Fingerprint: "all", Scenario: "both", Level: "silent"})
	b.want("both firing; primary firing; standby firing", 3)
	if m = b.card("both"); m.Title != "app1, app2: not answering at all, says grafana" || !strings.Contains(text(m), "The bot reaches app1 itself.") {
		t.Errorf("both: %s", text(m))
	}
	b.tell(ended(alert.Alert{Source: "grafana", Fingerprint: "all"}))
	b.want("both resolved; primary firing; standby firing", 3)

	b.well("nginx2") // now the bot does not reach it either
	b.want("both firing; primary replaced; standby replaced", 4)
	m = b.card("both")
	if m.Title != "app1, app2: not answering at all" || strings.Contains(text(m), "reaches") || strings.Contains(text(m), "seen from") {
		t.Errorf("both: %s", text(m)) // nobody saw both of them
	}
	dead := silent("primary", p1)
	b.tell(dead)
	if m = b.card("both"); !strings.Contains(text(m), "seen from bot\n") {
		t.Errorf("both: %s", text(m))
	}
	b.restart() // what the watcher sees is not known yet: everybody counts
	b.want("both firing; primary replaced; standby replaced", 4)
}

// A disk that fills up says nothing of whether the machine answers.
func TestAnAlertThatSaysNothingIsDown(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.well(p1)
	disk := outside("alertmanager", "d", "", p1)
	disk.Level = ""
	b.tell(disk)
	if m := b.card(""); m.Title != "app1: an alert" || strings.Contains(text(m), "reaches") {
		t.Errorf("card: %s", text(m))
	}
}

// A machine that is retired ends its alerts at once, however unsteady they were, and whoever sent them.
func TestARetiredMachineNeedNotBeSteady(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	nginx := func(source string) alert.Alert {
		a := outside(source, "n", "nginx", "nginx2")
		a.Params = map[string]string{"which": "nginx2"}
		return a
	}
	for range 2 {
		b.tell(nginx("watch"), nginx("alertmanager"))
		b.now = b.now.Add(time.Second)
		b.tell(ended(nginx("watch")), ended(nginx("alertmanager")))
		b.now = b.now.Add(time.Second)
	}
	b.want(which+" unsteady firing", 2)
	retired := openFleet(t, strings.Replace(alertFleet, "name: nginx2, address: 127.0.10.12, roles: [nginx]", "name: nginx2, address: 127.0.10.12, roles: [], retired: true", 1))
	if h, _ := retired.Config().Host("nginx2"); !h.Retired {
		t.Fatal("nginx2 is not retired")
	}
	b.Fleet = retired
	b.wait(alertPace)
	b.want(which+" resolved", 2)
	if m := b.card("nginx"); m.Title != "No longer watched: nginx2 is retired" || len(m.Buttons) != 0 {
		t.Errorf("card: %+v", m)
	}
	b.tell(nginx("alertmanager"))
	b.want(which+" resolved", 2)

	b = newBook(t)
	var many []alert.Alert
	for i := range keptMembers + 5 {
		a := nginx("alertmanager")
		a.Fingerprint += strings.Repeat("x", i)
		many = append(many, a)
	}
	b.tell(many...)
	b.runs = []runbook.RunSummary{{ID: "r1", Scenario: "nginx", State: runbook.Open, Params: map[string]string{"which": "nginx2"}}}
	b.wait(0)
	b.want(which+" started", 1)
	b.Fleet = retired
	b.wait(alertPace)
	b.want(which+" resolved", 1)
}

package handlers

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/handlers/alert"
	"recoverbot/runbook"
)

// called are the nudges of a book in the order of their posting: "NAMES: TITLE".
func (b *book) called() []string {
	nudges := slices.DeleteFunc(slices.Collect(maps.Values(b.hub.last)), func(m bot.Message) bool { return !m.Nudge })
	slices.SortFunc(nudges, func(a, c bot.Message) int { return a.At.Compare(c.At) })
	var out []string
	for _, m := range nudges {
		out = append(out, strings.Join(m.Notify, ",")+": "+m.Title)
	}
	return out
}

func (b *book) wantCalled(want ...string) {
	b.t.Helper()
	if got := b.called(); !slices.Equal(got, want) {
		b.t.Errorf("called\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestAnAlertThatWidensCallsAgain(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.tell(outside("alertmanager", "p", "primary", p1))
	b.wantCalled() // its card calls people when it is posted
	b.now = b.now.Add(time.Second)
	b.tell(outside("alertmanager", "n", "nginx", "nginx2"))
	b.wantCalled("ops1: app1: not answering at all")
	m := b.card("primary")
	var nudge bot.Message
	for _, one := range b.hub.last {
		if one.Nudge {
			nudge = one
		}
	}
	if nudge.Of != m.Key || nudge.State != "down" || len(nudge.Buttons) != 0 || !strings.Contains(text(m), "also: nginx2") {
		t.Errorf("nudge: %+v\ncard: %s", nudge, text(m))
	}
	b.restart()
	b.tell(ended(outside("alertmanager", "n", "nginx", "nginx2")))
	b.tell(outside("alertmanager", "n", "nginx", "nginx2")) // people know already
	b.wantCalled("ops1: app1: not answering at all")
	b.tell(ended(outside("alertmanager", "p", "primary", p1)), ended(outside("alertmanager", "n", "nginx", "nginx2")))
	b.wantCalled("ops1: Over: app1: not answering at all")
	b.restart()
	b.wantCalled("ops1: Over: app1: not answering at all")
}

// A card that was posted while a run was open asks later: an edit alone would buzz nobody.
func TestACardThatAsksLaterCalls(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.runs = []runbook.RunSummary{{ID: "r1", Scenario: "nginx", State: runbook.Open}}
	b.tell(silent("primary", p1))
	b.wantCalled()
	if b.card("primary").Key == "" {
		t.Fatal("no card")
	}
	b.runs = nil
	b.wait(time.Minute)
	b.wantCalled("ops1: app1: not answering at all")
	b.restart()
	b.wantCalled("ops1: app1: not answering at all")
}

func TestNobodyAnswersAnAlert(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	b.tell(silent("primary", p1))
	b.wait(5*time.Minute - time.Second)
	b.wantCalled()
	b.wait(time.Second)
	one := "ops1: app1: not answering at all"
	b.wantCalled(one)
	b.restart()
	b.wait(4 * time.Minute)
	b.wantCalled(one)
	b.wait(10 * time.Minute) // one call for both times that went by
	b.wantCalled(one, one)
	b.wait(time.Minute)
	b.wait(time.Hour)
	b.restart()
	b.wait(time.Hour)
	all := "ops1,ops2: app1: not answering at all"
	b.wantCalled(one, one, all)
	id := strings.TrimPrefix(b.card("primary").Key, "alert/")
	if r := b.Handle(t.Context(), bot.Inbound{Platform: "web", UserID: "ops1", Action: press{Alert: id, Choice: "snooze"}.encode()}); r.Refused {
		t.Fatalf("snooze: %+v", r)
	}
	b.wait(0)
	over := ": No longer waits: app1: not answering at all"
	b.wantCalled("ops1"+over, "ops1"+over, "ops1,ops2"+over)
}

func TestWhatIsNotDownRemindsNobody(t *testing.T) {
	t.Parallel()
	b := newBook(t)
	disk := alert.Alert{Source: "alertmanager", Fingerprint: "disk", Host: p1, Summary: "disk nearly full"}
	b.tell(disk)
	b.wait(time.Hour)
	b.wantCalled()
}

package handlers

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"recoverbot/bot"
	"recoverbot/locale"
	"recoverbot/runbook"
	"recoverbot/runbook/journal"
)

// callFleet has three people on call, of whom one may answer nothing, and one who is not on call.
const callFleet = `
people:
  - {name: ops1, roles: [approver, danger]}
  - {name: ops2, roles: [approver]}
  - {name: guest, roles: [viewer]}
  - {name: boss, roles: [danger]}
policy: {on_call: [ops2, ops1, guest]}
hosts:
  - {name: nginx1, address: 127.0.10.11, roles: [nginx]}
  - {name: app1, address: 127.0.10.21, roles: [primary]}
  - {name: app2, address: 127.0.10.22, roles: [standby, backup]}
`

// desk is handlers over one run that the test writes; people are called through a hub that remembers.
type desk struct {
	*Handlers
	t     *testing.T
	hub   *posts
	run   runbook.Run
	given []runbook.Recorded
	stop  func()
	mu    sync.Mutex
}

// deskJournal is what a desk knows. The rest is not asked.
type deskJournal struct {
	Journal
	d *desk
}

func (j deskJournal) Run(context.Context, string) (runbook.Run, error) {
	j.d.mu.Lock()
	defer j.d.mu.Unlock()
	r := j.d.run
	r.Steps = slices.Clone(r.Steps)
	return r, nil
}

func (j deskJournal) Runs(context.Context, int) ([]runbook.RunSummary, error) {
	j.d.mu.Lock()
	defer j.d.mu.Unlock()
	return []runbook.RunSummary{{ID: j.d.run.ID, State: j.d.run.State, EndedAt: j.d.run.EndedAt}}, nil
}

func (j deskJournal) Decisions(context.Context, string, string) ([]runbook.Recorded, error) {
	j.d.mu.Lock()
	defer j.d.mu.Unlock()
	return j.d.given, nil
}

func (j deskJournal) Active(context.Context) ([]runbook.Run, error) {
	r, err := j.Run(context.Background(), "")
	return []runbook.Run{r}, err
}

func (j deskJournal) Wanted(context.Context) ([]journal.Message, error) { return j.d.hub.stored() }

func (j deskJournal) NewestVersion(context.Context) (int64, error) { return 0, nil }

func (j deskJournal) Head(context.Context, string) (string, error) { return "7c1e40d2", nil }

func (j deskJournal) Firing(context.Context, time.Time) ([]journal.Alert, error) { return nil, nil }

func (p *posts) get(key string) bot.Message {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last[key]
}

// forget makes the hub know nothing of what ok holds for.
func (p *posts) forget(ok func(bot.Message) bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	maps.DeleteFunc(p.last, func(_ string, m bot.Message) bool { return ok(m) })
}

func (p *posts) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.wants
}

func everything(bot.Message) bool { return true }

// stored is what the hub was told, as the journal keeps it.
func (p *posts) stored() ([]journal.Message, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []journal.Message
	for key, m := range p.last {
		body, err := json.Marshal(m)
		if err != nil {
			return nil, err
		}
		out = append(out, journal.Message{Key: key, Version: m.Version, Body: body})
	}
	return out, nil
}

// atDesk runs do in a bubble, with a run of the golden views that was started 65 s ago and waits at the domain list now.
func atDesk(t *testing.T, fleetText string, do func(d *desk)) {
	f := openFleet(t, fleetText)
	bundle, err := locale.Load()
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		d := &desk{t: t, hub: &posts{last: map[string]bot.Message{}}}
		d.run, _ = domainsWait()
		d.run.StartedAt, d.run.DownSince = time.Now().Add(-65*time.Second), time.Now().Add(-2*time.Minute)
		for i := range d.run.Steps {
			d.run.Steps[i].ChangedAt = time.Now()
		}
		d.start(func() *Handlers {
			return New(Config{Journal: deskJournal{d: d}, Fleet: f, Hub: d.hub, Bundle: bundle, Language: "en", Zone: time.UTC,
				Log: slog.New(slog.DiscardHandler)})
		})
		defer func() { d.stop() }()
		do(d)
	})
}

func (d *desk) start(build func() *Handlers) {
	d.Handlers = build()
	ctx, cancel := context.WithCancel(context.Background())
	done := spawn(func() { _ = d.view.run(ctx) })
	told := spawn(func() { d.runHealth(ctx) })
	d.stop = func() { cancel(); <-done; <-told }
	synctest.Wait()
}

// restart is a bot that is killed, and started again after a while.
func (d *desk) restart(after time.Duration) {
	c := d.Config
	d.stop()
	time.Sleep(after)
	d.start(func() *Handlers { return New(c) })
}

func spawn(f func()) chan struct{} {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	return done
}

// change writes the run anew, and tells so.
func (d *desk) change(f func(r *runbook.Run)) {
	d.mu.Lock()
	r := d.run
	r.Steps = slices.Clone(r.Steps)
	f(&r)
	d.run = r
	d.mu.Unlock()
	d.Changed(r, "")
	synctest.Wait()
}

// note is a decision on the run itself.
func (d *desk) note(r runbook.Recorded) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.given = append(slices.Clone(d.given), r)
}

// pass lets time pass in small steps, as a person waits.
func (d *desk) pass(by time.Duration) {
	time.Sleep(by)
	synctest.Wait()
}

// nudges are the messages that call people, in short and in the order of their keys: "LEVEL NAMES: TITLE".
func (d *desk) nudges() []string {
	d.hub.mu.Lock()
	defer d.hub.mu.Unlock()
	var out []string
	for _, key := range slices.Sorted(maps.Keys(d.hub.last)) {
		m := d.hub.last[key]
		if m.Nudge && !m.Covered {
			out = append(out, key[strings.LastIndexByte(key, '/')+1:]+" "+strings.Join(m.Notify, ",")+": "+m.Title)
		}
	}
	return out
}

func (d *desk) want(want ...string) {
	d.t.Helper()
	if got := d.nudges(); !slices.Equal(got, want) {
		d.t.Errorf("nudges are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func approvedBy(name, platform string) *runbook.Approval {
	return &runbook.Approval{By: runbook.Actor{Name: name, Platform: platform}, Choice: runbook.Approve, At: time.Now()}
}

const waits = ": Waits for you: 3/8 Take the dead machine off the domain list"

func TestRemindersWidenAndNobodyIsCalledTwice(t *testing.T) {
	t.Parallel()
	atDesk(t, callFleet, func(d *desk) {
		d.want("0 ops2" + waits)
		first := d.hub.get("nudge/k3v7/domains/waiting-946684800/0")
		if first.Of != "step/k3v7/domains" || first.State != "waiting" || first.Emoji != "🟡" || first.Priority != bot.Prompt ||
			first.RunID != "k3v7" || !strings.HasPrefix(first.Context, "down 02:00") || len(first.Buttons) != 0 {
			t.Errorf("nudge: %+v", first)
		}
		d.pass(5*time.Minute - time.Second)
		d.want("0 ops2" + waits)
		d.pass(time.Second)
		d.want("0 ops2"+waits, "1 ops2,ops1"+waits)
		d.restart(time.Minute)
		d.want("0 ops2"+waits, "1 ops2,ops1"+waits)
		d.pass(4 * time.Minute)
		d.want("0 ops2"+waits, "1 ops2,ops1"+waits, "2 ops2,ops1,guest"+waits)
		d.pass(10 * time.Minute)
		all := []string{"0 ops2" + waits, "1 ops2,ops1" + waits, "2 ops2,ops1,guest" + waits, "3 ops2,ops1,guest,boss" + waits}
		d.want(all...)
		if c := d.hub.get("nudge/k3v7/domains/waiting-946684800/3").Context; c != "has waited 20 min · down 22:00 · lost 1 h 11 min of data" {
			t.Errorf("context %q", c)
		}
		wants := d.hub.count()
		d.pass(5 * time.Hour)
		d.change(func(*runbook.Run) {})
		d.restart(time.Hour)
		d.want(all...)
		if d.hub.count() > wants+20 { // a restart shows the cards anew
			t.Errorf("%d more versions", d.hub.count()-wants)
		}
		d.change(func(r *runbook.Run) {
			s := r.Step("domains")
			s.State, s.DecidedBy, s.ChangedAt = runbook.Executing, approvedBy("ops1", "slack"), time.Now()
		})
		over := ": 3/8 Take the dead machine off the domain list: approved by ops1 (Slack) 06:20:00"
		settled := []string{"0 ops2" + over, "1 ops2,ops1" + over, "2 ops2,ops1,guest" + over, "3 ops2,ops1,guest,boss" + over}
		d.want(settled...)
		if m := d.hub.get("nudge/k3v7/domains/waiting-946684800/0"); m.State != "info" || !m.Nudge || m.Of != first.Of || m.Version <= first.Version {
			t.Errorf("settled: %+v", m)
		}
		d.restart(time.Hour)
		d.want(settled...)
	})
}

func TestWhoJustDidSomethingIsNotCalled(t *testing.T) {
	t.Parallel()
	atDesk(t, callFleet, func(d *desk) {
		enter := func(state runbook.State, after time.Duration) {
			d.change(func(r *runbook.Run) {
				s := r.Step("domains")
				s.State, s.DecidedBy, s.ChangedAt = runbook.Executing, approvedBy("ops1", "web"), time.Now()
			})
			time.Sleep(after)
			d.change(func(r *runbook.Run) { s := r.Step("domains"); s.State, s.ChangedAt = state, time.Now() })
			d.hub.forget(func(m bot.Message) bool { return m.State == bot.NudgeOver })
		}
		enter(runbook.Failed, 20*time.Second)
		d.want()
		d.pass(5*time.Minute - 20*time.Second) // from the last answer
		d.want()
		d.pass(20 * time.Second)
		d.want("1 ops2,ops1: Failed, waits for you: 3/8 Take the dead machine off the domain list")
		for state, text := range map[runbook.State]string{
			runbook.Failed: "Failed, waits for you", runbook.RolledBack: "Rolled back, waits for you",
			runbook.Unverified: "Done, but the check afterwards fails", runbook.Unknown: "Outcome unknown, waits for you",
		} {
			enter(state, 21*time.Second)
			d.want("0 ops2: " + text + ": 3/8 Take the dead machine off the domain list")
		}
	})
}

// TestWhatIsAskedHasAWordBelowIt holds that each question has, once, a message that mentions nobody for where its card is
// not the last of the chat, and that it is over with the question.
func TestWhatIsAskedHasAWordBelowIt(t *testing.T) {
	t.Parallel()
	atDesk(t, callFleet, func(d *desk) {
		check := func(state string, ended bool, title string) {
			t.Helper()
			m := d.hub.get("nudge/k3v7/domains/" + state + "/here")
			if !m.Nudge || !m.Covered || len(m.Notify) != 0 || m.Of != "step/k3v7/domains" || m.RunID != "k3v7" || (m.State == bot.NudgeOver) != ended || m.Title != title {
				t.Errorf("%s: %+v", state, m)
			}
		}
		check("waiting-946684800", false, "Waits for you: 3/8 Take the dead machine off the domain list")
		d.pass(time.Second)
		d.change(func(r *runbook.Run) {
			s := r.Step("domains")
			s.State, s.DecidedBy, s.ChangedAt = runbook.Held, approvedBy("ops1", "web"), time.Now()
			s.Hold = &runbook.HoldInfo{Deadline: time.Now().Add(3 * time.Minute)}
		})
		check("waiting-946684800", true, "3/8 Take the dead machine off the domain list: approved by ops1 (console) 00:00:01")
		check("held-946684801", false, "Changed, not committed, rolls back by itself at 00:03:01: 3/8 Take the dead machine off the domain list")
		told := d.hub.count()
		d.restart(time.Second)
		if n := d.hub.count(); n != told {
			t.Errorf("%d messages were wanted anew after a restart", n-told)
		}
	})
}

func TestAHeldChangeCallsBeforeItRollsBack(t *testing.T) {
	t.Parallel()
	held := ": Changed, not committed, rolls back by itself at 00:03:01: 3/8 Take the dead machine off the domain list"
	hold := func(d *desk) {
		d.change(func(r *runbook.Run) {
			s := r.Step("domains")
			s.State, s.DecidedBy, s.ChangedAt = runbook.Executing, approvedBy("ops1", "web"), time.Now()
		})
		d.pass(time.Second)
		d.change(func(r *runbook.Run) {
			s := r.Step("domains")
			s.State, s.ChangedAt = runbook.Held, time.Now()
			s.Hold = &runbook.HoldInfo{Deadline: time.Now().Add(3 * time.Minute)}
		})
		d.hub.forget(everything)
	}
	atDesk(t, callFleet, func(d *desk) {
		hold(d)
		d.pass(18 * time.Second)
		d.want()
		d.pass(time.Second)
		d.want("0 ops2" + held)
		d.pass(100 * time.Second)
		d.want("0 ops2" + held)
		d.pass(time.Second)
		d.want("0 ops2"+held, "1 ops2,ops1"+held)
		d.pass(time.Minute)
		d.change(func(r *runbook.Run) {
			s := r.Step("domains")
			s.State, s.ChangedAt, s.Hold = runbook.RolledBack, time.Now(), nil
		})
		over := ": No longer waits: 3/8 Take the dead machine off the domain list"
		d.want("0 ops2"+over, "1 ops2,ops1"+over, "0 ops2: Rolled back, waits for you: 3/8 Take the dead machine off the domain list")
	})
	atDesk(t, callFleet, func(d *desk) { // whoever still looks is not called
		hold(d)
		d.pass(15 * time.Second)
		d.change(func(r *runbook.Run) {
			s := r.Step("domains")
			s.State, s.DecidedBy, s.ChangedAt = runbook.Committing, approvedBy("ops1", "web"), time.Now()
		})
		d.pass(time.Hour)
		d.want()
	})
}

func TestParkedAndDryRunsCallNobody(t *testing.T) {
	t.Parallel()
	atDesk(t, callFleet, func(d *desk) {
		d.pass(time.Minute)
		park := runbook.Recorded{At: time.Now().Format(time.RFC3339Nano), Decision: runbook.Decision{Choice: runbook.Defer, By: runbook.Actor{Name: "ops2", Platform: "telegram"}}}
		d.note(park)
		d.change(func(r *runbook.Run) { r.State = runbook.Parked })
		over := "0 ops2: 3/8 Take the dead machine off the domain list: deferred by ops2 (Telegram) 00:01:00"
		d.want(over)
		d.pass(time.Hour)
		d.want(over)
		park.At, park.Decision.Choice = time.Now().Format(time.RFC3339Nano), runbook.Reopen
		d.note(park)
		d.change(func(r *runbook.Run) { r.State = runbook.Open })
		d.want(over)
		d.pass(5 * time.Minute)
		d.want(over, "1 ops2,ops1"+waits)
		d.change(func(r *runbook.Run) {
			r.State, r.EndedAt, r.EndedBy = runbook.Aborted, time.Now(), runbook.Actor{Name: "boss", Platform: "web"}
		})
		d.pass(time.Hour)
		ended := "0 ops2,ops1,guest,boss: Aborted by boss (console) 01:06:00. Nothing more is done. 8 steps: 2 done. Lost 1 h 11 min of data."
		d.want(over, "1 ops2,ops1: No longer waits: 3/8 Take the dead machine off the domain list", ended)
		d.hub.forget(everything)
		d.change(func(r *runbook.Run) { r.State, r.EndedAt, r.DryRun = runbook.Open, time.Time{}, true })
		d.pass(time.Hour)
		d.want()
	})
}

func TestAGroupCallsOnce(t *testing.T) {
	t.Parallel()
	atDesk(t, strings.Replace(callFleet, "policy: {on_call: [ops2, ops1, guest]}", "", 1), func(d *desk) {
		d.change(func(r *runbook.Run) {
			settle(r, runbook.Done, "domains", "restart", "outside")
			r.Step("others.go-upload").State, r.Step("others.go-fly").State = runbook.Waiting, runbook.Planning
		})
		d.pass(time.Minute)
		d.hub.forget(everything)
		d.change(func(r *runbook.Run) {
			r.Step("others.go-fly").State, r.Step("others.go-fly").ChangedAt = runbook.Waiting, time.Now()
		})
		d.want("0 ops1,ops2,boss: Waits for you: 6/8 Start the other services") // nobody is on call
		for _, id := range []string{"others.go-fly", "others.go-upload"} {
			d.change(func(r *runbook.Run) { r.Step(id).State, r.Step(id).ChangedAt = runbook.Failed, time.Now() })
			d.pass(time.Second)
		}
		d.want("0 ops1,ops2,boss: Failed, waits for you: 6/8 Start the other services", "0 ops1,ops2,boss: No longer waits: 6/8 Start the other services")
	})
}

// What a person says about a run without answering is not in the journal: it only puts reminders off.
func TestWhoAsksIsThere(t *testing.T) {
	t.Parallel()
	atDesk(t, callFleet, func(d *desk) {
		d.pass(4 * time.Minute)
		for _, who := range []string{"ops1", "stranger"} {
			if r := d.Handle(t.Context(), bot.Inbound{Platform: "web", UserID: who, Text: "status"}); r.Refused != (who == "stranger") {
				t.Fatalf("%s: %+v", who, r)
			}
			d.pass(2 * time.Minute)
		}
		d.want("0 ops2" + waits)
		d.pass(time.Minute)
		d.want("0 ops2"+waits, "1 ops2,ops1"+waits)
	})
}

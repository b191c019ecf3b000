package engine_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// office is who may approve, and what time it is.
type office struct {
	mu   sync.Mutex
	gone map[string]bool
	now  time.Time
}

func newOffice() *office { return &office{gone: map[string]bool{}, now: time.Now()} }

func (o *office) May(by runbook.Actor, _ runbook.StepRun) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.gone[by.Name]
}

func (o *office) fire(name string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.gone[name] = true
}

func (o *office) clock() time.Time {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.now
}

func (o *office) pass(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.now = o.now.Add(d)
}

// inOffice is a bot with the people and the clock of an office; the run of its first step has begun under the rules.
func inOffice(t *testing.T, j engine.Journal, rules runbook.Rules, steps ...runbook.Step) (*bot, *office, string) {
	t.Helper()
	o := newOffice()
	b := start(t, j, newWorld(), func(c *engine.Config) { c.People, c.Clock = o, o.clock })
	run, _, err := b.Start(context.Background(), engine.StartRequest{Scenario: scenario(steps...), By: at("ops1", "a"), Rules: rules,
		Bindings: map[string][]string{"nginx": {"nginx1", "nginx2"}}})
	if err != nil {
		t.Fatal(err)
	}
	return b, o, run.ID
}

// at is a person at a seat.
func at(name, seat string) runbook.Actor {
	return runbook.Actor{Name: name, Platform: "web", Seat: seat}
}

// click is one approval: who, where, how long after the one before, alone or not, and what comes of it: "short", "begins",
// or the id of the refusal.
type click struct {
	name, seat string
	alone      bool
	after      time.Duration
	want       string
}

var rules3m = runbook.Rules{BreakGlass: runbook.Duration(3 * time.Minute)}

// TestWhoseApprovalsCount is the rules of approvals by table: distinct people and seats, the two-person rule, one person
// alone after a while.
func TestWhoseApprovalsCount(t *testing.T) {
	t.Parallel()
	plain, two, three := runbook.Step{ID: "one"}, runbook.Step{ID: "one", Approvals: 2}, runbook.Step{ID: "one", Approvals: 3}
	danger, both := runbook.Step{ID: "one", Danger: true}, runbook.Step{ID: "one", Danger: true, Approvals: 2}
	other := runbook.Rules{TwoPerson: true, BreakGlass: rules3m.BreakGlass}
	m := time.Minute
	for name, c := range map[string]struct {
		rules runbook.Rules
		step  runbook.Step
		do    []click
	}{
		"one is enough":                    {rules3m, plain, []click{{name: "ops1", want: "begins"}}},
		"two":                              {rules3m, two, []click{{name: "ops1", want: "short"}, {name: "ops1", want: "short"}, {name: "ops2", want: "begins"}}},
		"three":                            {rules3m, three, []click{{name: "ops3", want: "short"}, {name: "ops2", want: "short"}, {name: "ops1", want: "begins"}}},
		"two names at one seat":            {rules3m, two, []click{{name: "ops1", seat: "a", want: "short"}, {name: "ops2", seat: "a", want: "engine.same_seat"}, {name: "ops2", seat: "b", want: "begins"}}},
		"one name at two seats":            {rules3m, two, []click{{name: "ops1", seat: "a", want: "short"}, {name: "ops1", seat: "b", want: "short"}, {name: "ops2", seat: "b", want: "engine.same_seat"}, {name: "ops2", seat: "a", want: "engine.same_seat"}, {name: "ops2", seat: "c", want: "begins"}}},
		"a name, then its seat":            {rules3m, two, []click{{name: "ops1", want: "short"}, {name: "ops1", seat: "b", want: "short"}, {name: "ops2", seat: "b", want: "engine.same_seat"}, {name: "ops2", want: "begins"}}},
		"the starter, then their seat":     {other, danger, []click{{name: "ops1", want: "short"}, {name: "ops1", seat: "b", want: "short"}, {name: "ops2", seat: "b", want: "engine.same_seat"}, {name: "ops3", seat: "c", want: "begins"}}},
		"seats that nobody knows":          {rules3m, two, []click{{name: "ops1", want: "short"}, {name: "ops2", want: "begins"}}},
		"who started may what is harmless": {other, plain, []click{{name: "ops1", want: "begins"}}},
		"no rule, no other":                {rules3m, danger, []click{{name: "ops1", want: "begins"}}},
		"who started is not enough":        {other, danger, []click{{name: "ops1", want: "short"}, {name: "ops2", seat: "b", want: "begins"}}},
		"another is enough":                {other, danger, []click{{name: "ops2", seat: "b", want: "begins"}}},
		"another name, the starter's seat": {other, danger, []click{{name: "ops2", seat: "a", want: "short"}, {name: "ops1", seat: "c", want: "short"}, {name: "ops3", seat: "b", want: "begins"}}},
		"the starter is one of two":        {other, both, []click{{name: "ops1", want: "short"}, {name: "ops2", seat: "b", want: "begins"}}},
		"two others":                       {other, both, []click{{name: "ops2", seat: "b", want: "short"}, {name: "ops3", seat: "c", want: "begins"}}},

		"alone, too early":              {rules3m, two, []click{{name: "ops1", alone: true, after: 3*m - 1, want: "engine.alone_early"}, {name: "ops1", alone: true, after: 1, want: "begins"}}},
		"alone, after one's own":        {rules3m, two, []click{{name: "ops1", after: m, want: "short"}, {name: "ops1", alone: true, after: m, want: "engine.alone_early"}, {name: "ops1", alone: true, after: m, want: "begins"}}},
		"alone, after another's":        {rules3m, three, []click{{name: "ops1", after: m, want: "short"}, {name: "ops2", alone: true, after: 3*m - 1, want: "engine.alone_early"}, {name: "ops2", alone: true, after: 1, want: "begins"}}},
		"alone, though it is enough":    {rules3m, two, []click{{name: "ops1", want: "short"}, {name: "ops2", alone: true, want: "begins"}}},
		"alone, the starter":            {other, danger, []click{{name: "ops1", alone: true, after: m, want: "engine.alone_early"}, {name: "ops1", alone: true, after: 2 * m, want: "begins"}}},
		"alone, at another's seat":      {rules3m, two, []click{{name: "ops1", seat: "a", want: "short"}, {name: "ops2", seat: "a", alone: true, after: m, want: "engine.alone_early"}, {name: "ops2", seat: "a", alone: true, after: 2 * m, want: "begins"}}},
		"alone, never":                  {runbook.Rules{}, two, []click{{name: "ops1", alone: true, after: 9 * m, want: "engine.alone_off"}, {name: "ops1", want: "short"}, {name: "ops2", want: "begins"}}},
		"alone, the clock was set back": {rules3m, two, []click{{name: "ops1", alone: true, after: -time.Hour, want: "engine.alone_early"}, {name: "ops1", alone: true, after: time.Hour + 3*m, want: "begins"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, o, id := inOffice(t, newMemory(), c.rules, c.step)
			s := b.state(id, "one", runbook.Waiting)
			for i, x := range c.do {
				o.pass(x.after)
				before, _ := b.j.Run(t.Context(), id)
				d := answerTo(s, runbook.Approve, at(x.name, x.seat), "why")
				d.Alone, d.Missing = x.alone, []string{"ops9"}
				run, err := b.Decide(t.Context(), d)
				now := stepOf(run, "one")
				var no *runbook.Error
				switch {
				case errors.As(err, &no):
					if no.Msg.ID != x.want || no.Code != runbook.Forbidden || now.Version != before.Step("one").Version {
						t.Fatalf("click %d: %v, version %d → %d; want %s", i, err, before.Step("one").Version, now.Version, x.want)
					}
				case x.want == "begins":
					if now.State == runbook.Waiting {
						t.Fatalf("click %d: %s with %+v", i, now.State, now.Approvals)
					}
				case x.want != "short" || now.State != runbook.Waiting:
					t.Fatalf("click %d: %s, %v; want %s", i, now.State, err, x.want)
				}
			}
			last, done := c.do[len(c.do)-1], b.state(id, "one", runbook.Done)
			alone := last.alone && !strings.HasSuffix(name, "it is enough")
			if b.w.count("one") != 1 || done.DecidedBy.Alone != alone || (len(done.Alone) == 1) != alone {
				t.Errorf("%d effects, alone %v %+v", b.w.count("one"), done.DecidedBy.Alone, done.Alone)
			}
			if a := done.DecidedBy; alone && (!slices.Equal(a.Missing, []string{"ops9"}) || a.Reason != "why") {
				t.Errorf("what is recorded: %+v", a)
			}
		})
	}
}

// TestApprovingAgainAddsTheSeat: what was approved by name only and again at a browser is that browser's, too; the same once
// more changes nothing.
func TestApprovingAgainAddsTheSeat(t *testing.T) {
	t.Parallel()
	eachJournal(t, func(t *testing.T, j engine.Journal) {
		b, _, id := inOffice(t, j, rules3m, runbook.Step{ID: "one", Approvals: 3})
		s := b.state(id, "one", runbook.Waiting)
		for _, x := range []struct {
			seat  string
			seats string
			given int
		}{{"", "", 1}, {"b", "b", 2}, {"b", "b", 2}, {"", "b", 2}, {"c", "b c", 3}} {
			run, err := b.Decide(t.Context(), answerTo(s, runbook.Approve, at("ops1", x.seat), ""))
			if err != nil {
				t.Fatal(err)
			}
			now := stepOf(run, "one")
			given, err := b.j.Decisions(t.Context(), id, "one")
			if err != nil || len(given) != x.given || len(now.Approvals) != 1 || strings.Join(now.Approvals[0].Seats, " ") != x.seats {
				t.Errorf("from %q: %d decisions %v, %+v", x.seat, len(given), err, now.Approvals)
			}
		}
		b = b.restart()
		if no := b.refused(answerTo(b.state(id, "one", runbook.Waiting), runbook.Approve, at("ops2", "c"), ""), runbook.Forbidden, ""); no.Msg.ID != "engine.same_seat" {
			t.Errorf("another name there: %s", no.Msg.ID)
		}
	})
}

// What one person alone approved needs a reason, and stays on record when the step is planned anew.
func TestAloneNeedsAReasonAndStaysOnRecord(t *testing.T) {
	t.Parallel()
	b, o, id := inOffice(t, newMemory(), rules3m, runbook.Step{ID: "one", Approvals: 2})
	b.w.do(func() { b.w.result["one"] = runbook.Result{Outcome: runbook.OutcomeFailed} })
	s := b.state(id, "one", runbook.Waiting)
	o.pass(time.Hour)
	d := answerTo(s, runbook.Approve, at("ops2", ""), " ")
	d.Alone = true
	if no := b.refused(d, runbook.Invalid, ""); no.Msg.ID != "engine.reason_needed" {
		t.Errorf("refused for %s", no.Msg.ID)
	}
	d.Reason = "nobody answers"
	if _, err := b.Decide(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Decide(t.Context(), d); err != nil {
		t.Errorf("the second click: %v", err)
	}
	b.say(b.state(id, "one", runbook.Failed), runbook.Retry, "")
	again := b.attemptWaits(id, "one", 2)
	if len(again.Approvals) != 0 || len(again.Alone) != 1 || again.Alone[0].By.Name != "ops2" || again.Alone[0].Attempt != 1 || again.Alone[0].Came.IsZero() {
		t.Errorf("planned anew: %+v, alone %+v", again.Approvals, again.Alone)
	}
	given, err := b.j.Decisions(t.Context(), id, "one")
	if err != nil || len(given) != 2 || !given[0].Decision.Alone || b.w.count("one") > 1 {
		t.Errorf("decisions %+v %v", given, err)
	}
	d = answerTo(again, runbook.Approve, at("ops2", ""), "again")
	d.Alone = true
	if no := b.refused(d, runbook.Forbidden, ""); no.Msg.ID != "engine.alone_early" {
		t.Errorf("the time counts anew: %s", no.Msg.ID)
	}
}

// TestWhoWasRemovedCountsNoMore: an approval counts when the step begins, and not only when it was given. (fault 25)
func TestWhoWasRemovedCountsNoMore(t *testing.T) {
	t.Parallel()
	eachJournal(t, func(t *testing.T, j engine.Journal) {
		b, o, id := inOffice(t, j, rules3m, runbook.Step{ID: "one", Approvals: 2})
		s := b.state(id, "one", runbook.Waiting)
		approve := func(name string) error {
			_, err := b.Decide(t.Context(), answerTo(s, runbook.Approve, at(name, ""), ""))
			return err
		}
		if err := approve("ops1"); err != nil {
			t.Fatal(err)
		}
		o.fire("ops1")
		var no *runbook.Error
		o.fire("ops4")
		if err := approve("ops4"); !errors.As(err, &no) || no.Msg.ID != "engine.may_not" {
			t.Errorf("who may not: %v", err)
		}
		if err := approve("ops2"); err != nil {
			t.Fatal(err)
		}
		if now := b.state(id, "one", runbook.Waiting); len(now.Approvals) != 1 || now.Approvals[0].By.Name != "ops2" {
			t.Errorf("counted: %+v", now.Approvals)
		}
		b = b.restart()
		if err := approve("ops3"); err != nil {
			t.Fatal(err)
		}
		b.state(id, "one", runbook.Done)
		if b.w.count("one") != 1 {
			t.Errorf("effects %v", b.w.effects)
		}
	})
}

// Approvals outlive a restart, and end with a new plan; a skip or an abort of one person wins while more are needed.
func TestShortOfApprovals(t *testing.T) {
	t.Parallel()
	eachJournal(t, func(t *testing.T, j engine.Journal) {
		b, _, id := inOffice(t, j, rules3m, runbook.Step{ID: "one", Approvals: 2}, runbook.Step{ID: "two", Approvals: 2}, runbook.Step{ID: "three", Approvals: 2})
		by := func(s runbook.StepRun, c runbook.Choice, name string) {
			t.Helper()
			if _, err := b.Decide(t.Context(), answerTo(s, c, at(name, ""), "")); err != nil {
				t.Fatalf("%s %s: %v", c, s.ID, err)
			}
		}
		one := b.state(id, "one", runbook.Waiting)
		by(one, runbook.Approve, "ops1")
		b = b.restart()
		by(one, runbook.Retry, "ops2")
		again := b.attemptWaits(id, "one", 2)
		b.refused(answerTo(one, runbook.Approve, at("ops2", ""), ""), runbook.Conflicting, "")
		by(again, runbook.Approve, "ops2")
		b = b.restart()
		if b.w.count("one") != 0 {
			t.Error("an approval of the old plan counted")
		}
		by(again, runbook.Approve, "ops1")
		two := b.state(id, "two", runbook.Waiting)
		by(two, runbook.Approve, "ops1")
		by(two, runbook.Skip, "ops2")
		b.refused(answerTo(two, runbook.Approve, at("ops3", ""), ""), runbook.Conflicting, "decided")
		three := b.state(id, "three", runbook.Waiting)
		by(three, runbook.Approve, "ops1")
		by(three, runbook.Abort, "ops2")
		b.runState(id, runbook.Aborted)
		if b.w.count("one") != 1 || b.w.count("two")+b.w.count("three") != 0 {
			t.Errorf("effects %v", b.w.effects)
		}
	})
}

// TestApprovalsInTheSameInstant: three people and a skip at once lose nothing and begin nothing twice. (fault 22)
func TestApprovalsInTheSameInstant(t *testing.T) {
	t.Parallel()
	eachJournal(t, func(t *testing.T, j engine.Journal) {
		b, _, _ := inOffice(t, j, rules3m, runbook.Step{ID: "none"})
		for round := range 8 {
			active, err := j.Active(t.Context())
			if err != nil || len(active) != 1 {
				t.Fatal(active, err)
			}
			if _, err := b.Decide(t.Context(), runbook.Decision{RunID: active[0].ID, Choice: runbook.Abort, By: ops1}); err != nil {
				t.Fatal(err)
			}
			id := b.begin(scenario(runbook.Step{ID: "one", Approvals: 3}, runbook.Step{ID: "end"}))
			s, before := b.state(id, "one", runbook.Waiting), b.w.count("one")
			answers := []runbook.Decision{answerTo(s, runbook.Approve, at("ops1", "a"), ""), answerTo(s, runbook.Approve, at("ops2", "b"), ""), answerTo(s, runbook.Approve, at("ops3", "c"), "")}
			if round%2 == 1 {
				answers = append(answers, answerTo(s, runbook.Skip, at("ops4", "d"), ""))
			}
			var wg sync.WaitGroup
			for _, d := range answers {
				wg.Go(func() { _, _ = b.Decide(context.Background(), d) }) // who comes too late is told so
			}
			wg.Wait()
			b.state(id, "end", runbook.Waiting)
			run, _ := j.Run(t.Context(), id)
			done, effects := run.Step("one").State == runbook.Done, b.w.count("one")-before
			if done != (effects == 1) || effects > 1 || round%2 == 0 && !done {
				t.Errorf("round %d: %s, %d effects", round, run.Step("one").State, effects)
			}
		}
	})
}

// One click approves all of a group, each member counts its own; alone it stands for all of them.
func TestApprovalsOfAGroup(t *testing.T) {
	t.Parallel()
	b, o, id := inOffice(t, newMemory(), rules3m, runbook.Step{ID: "g", On: []string{"nginx"}, Approvals: 2}, runbook.Step{ID: "h", On: []string{"nginx"}, Approvals: 2})
	group := func(g string) runbook.Decision {
		run := b.until(id, g+" waits", func(r runbook.Run) bool {
			return !slices.ContainsFunc(r.Members(g), func(s *runbook.StepRun) bool { return s.State != runbook.Waiting })
		})
		return runbook.Decision{RunID: id, Group: g, Digest: runbook.GroupDigest(run.Members(g)), Choice: runbook.Approve}
	}
	d := group("g")
	for _, by := range []runbook.Actor{at("ops1", "a"), at("ops2", "b")} {
		if b.w.count("g.nginx1") != 0 {
			t.Error("one was enough")
		}
		d.By = by
		if _, err := b.Decide(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	d = group("h")
	d.By, d.Alone, d.Reason = at("ops1", "a"), true, "nobody answers"
	b.refused(d, runbook.Forbidden, "")
	o.pass(3 * time.Minute)
	if _, err := b.Decide(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	run := b.runState(id, runbook.RunDone)
	for _, s := range run.Steps {
		if b.w.count(s.ID) != 1 || len(s.Approvals) != map[string]int{"g": 2, "h": 1}[s.Group] {
			t.Errorf("%s: %d effects, %+v", s.ID, b.w.count(s.ID), s.Approvals)
		}
	}
}

// Who resumes a run sets it going as well as who started it; the two of them are two people.
func TestWhoResumesIsNotTheOther(t *testing.T) {
	t.Parallel()
	b, o, id := inOffice(t, newMemory(), runbook.Rules{TwoPerson: true, BreakGlass: rules3m.BreakGlass}, runbook.Step{ID: "one", Danger: true})
	b.state(id, "one", runbook.Waiting)
	o.pass(time.Hour)
	for _, choice := range []runbook.Choice{runbook.Defer, runbook.Reopen} {
		if _, err := b.Decide(t.Context(), runbook.Decision{RunID: id, Choice: choice, By: at("ops2", "b")}); err != nil {
			t.Fatal(err)
		}
	}
	run := b.until(id, "resumed", func(r runbook.Run) bool { return len(r.Resumed) == 1 && r.Step("one").State == runbook.Waiting })
	s := stepOf(run, "one")
	d := answerTo(s, runbook.Approve, at("ops2", "b"), "why")
	d.Alone = true
	if no := b.refused(d, runbook.Forbidden, ""); no.Msg.ID != "engine.alone_early" {
		t.Errorf("it asks since it was resumed: %s", no.Msg.ID)
	}
	for i, by := range []runbook.Actor{at("ops2", "b"), at("ops1", "a")} {
		if run, err := b.Decide(t.Context(), answerTo(s, runbook.Approve, by, "why")); err != nil || (run.Step("one").State == runbook.Waiting) != (i == 0) {
			t.Errorf("%s: %v, %s", by.Name, err, run.Step("one").State)
		}
	}
	b.runState(id, runbook.RunDone)
}

// What turned dangerous while it was held is committed by somebody else than who started the run and approved it alone, and
// by nobody who was removed meanwhile (fault 25).
func TestWhoCommits(t *testing.T) {
	t.Parallel()
	sc := runbook.Step{ID: "one", Kind: "durable", Guard: "down"}
	o := newOffice()
	b := start(t, newMemory(), newWorld(), func(c *engine.Config) { c.People, c.Clock = o, o.clock })
	scen := scenario(sc)
	scen.Guards = map[string]runbook.Guard{"down": {All: []runbook.Probe{{Name: "p"}}}}
	run, _, err := b.Start(t.Context(), engine.StartRequest{Scenario: scen, By: at("ops1", "a"), Rules: runbook.Rules{TwoPerson: true}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.Decide(t.Context(), answerTo(b.state(run.ID, "one", runbook.Waiting), runbook.Approve, at("ops1", "a"), "")); err != nil {
		t.Fatal(err)
	}
	held := b.state(run.ID, "one", runbook.Held)
	b.w.do(func() { b.w.down["p"] = true })
	b.refused(answerTo(held, runbook.Commit, at("ops1", "a"), "why"), runbook.Conflicting, "stale")
	if no := b.refused(answerTo(held, runbook.Commit, at("ops1", "a"), "why"), runbook.Forbidden, ""); no.Msg.ID != "engine.commit_other" {
		t.Errorf("refused for %s", no.Msg.ID)
	}
	o.fire("ops3") // while the guard was asked
	if no := b.refused(answerTo(held, runbook.Commit, at("ops3", "c"), "why"), runbook.Forbidden, ""); no.Msg.ID != "engine.may_not" {
		t.Errorf("who may not: %s", no.Msg.ID)
	}
	b.state(run.ID, "one", runbook.Held)
	if _, err := b.Decide(t.Context(), answerTo(held, runbook.Commit, at("ops2", "b"), "why")); err != nil {
		t.Fatal(err)
	}
	b.runState(run.ID, runbook.RunDone)
}

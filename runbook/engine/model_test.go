package engine_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

var people = []runbook.Actor{ops1, ops2, {Name: "ops3", Platform: "web"}}

// TestModel lets several people answer at random and at once, kills the bot between and in its writes, loses answers,
// changes the world and takes held changes away. Whatever happens, only the table's moves are made, each attempt's effect
// takes place at most once, after enough people approved exactly that plan, and what was answered stays answered; in the
// end calm people always bring the run to an end. RAPID_CHECKS=n plays n runs.
func TestModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) { play(rt, newMemory()) })
}

// TestModelOnDisk plays a few of them over the real journal.
func TestModelOnDisk(t *testing.T) {
	t.Parallel()
	var played atomic.Int32
	rapid.Check(t, func(rt *rapid.T) {
		if played.Add(1)%20 == 1 {
			play(rt, sqlite(t))
		}
	})
}

// model is one run that is played.
type model struct {
	rt    *rapid.T
	w     *world
	wit   *witness
	j     *breaking // of the bot that runs now
	b     *bot
	id    string
	given []runbook.Decision // all answers so far
	lost  []runbook.Decision // of those, what a dying bot was told
}

func play(rt *rapid.T, j engine.Journal) {
	m := &model{rt: rt, w: newWorld(), wit: witnessed(j)}
	m.w.took = m.wit.took
	m.boot()
	defer func() { m.b.stop() }()
	m.begin(modelScenario(rt))
	for range rapid.IntRange(3, 15).Draw(rt, "rounds") {
		m.event()
		m.answers()
		m.quiet()
		if m.j.dead() {
			m.reboot()
		}
		m.giveLostAgain()
		m.honest()
	}
	m.calm()
	m.end()
}

// honest ends the check at the first rule that was broken.
func (m *model) honest() {
	m.rt.Helper()
	m.wit.mu.Lock()
	defer m.wit.mu.Unlock()
	if len(m.wit.broken) > 0 {
		m.rt.Fatalf("%q", m.wit.broken)
	}
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	for job, n := range m.w.effects {
		if n > 1 {
			m.rt.Fatalf("the effect of %s took place %d times", job, n)
		}
	}
}

// boot starts a bot, most of which are going to die at one of their next writes.
func (m *model) boot() {
	n := rapid.SampledFrom([]int{1000, 1, 2, 3, 5, 8, 13, 21, 34}).Draw(m.rt, "writes")
	m.j = dying(m.wit, n, rapid.Bool().Draw(m.rt, "stored"))
	m.b = start(m.rt, m.j, m.w)
}

func (m *model) reboot() {
	m.b.stop()
	m.boot()
}

func modelScenario(rt *rapid.T) runbook.Scenario {
	kinds := rapid.SampledFrom([]string{"apply", "hold", "durable", "detached"})
	return scenario(
		runbook.Step{ID: "fence", Kind: kinds.Draw(rt, "fence"), Fence: true, On: []string{"nginx"}, When: []runbook.Probe{{Name: "health"}}},
		runbook.Step{ID: "a", Kind: kinds.Draw(rt, "a"), Approvals: rapid.IntRange(1, 3).Draw(rt, "approvals")},
		runbook.Step{ID: "b", Kind: kinds.Draw(rt, "b"), Needs: []string{"a"}, Verify: []runbook.Probe{{Name: "health"}}},
		runbook.Step{ID: "c", Kind: kinds.Draw(rt, "c"), On: []string{"nginx"}, Approvals: rapid.IntRange(1, 2).Draw(rt, "of a group")},
	)
}

// begin starts the run. A bot that dies over it is asked again, and joins what the dead one may have stored.
func (m *model) begin(sc runbook.Scenario) {
	m.rt.Helper()
	for range 20 {
		run, _, err := m.b.Start(context.Background(), engine.StartRequest{
			Scenario: sc, By: ops1, Bindings: map[string][]string{"nginx": {"nginx1", "nginx2"}, "survivor": {"standby"}},
		})
		if err == nil {
			m.id = run.ID
			break
		}
		if !m.j.dead() {
			m.rt.Fatalf("start: %v", err)
		}
		m.reboot()
	}
	if runs, err := m.wit.Active(context.Background()); err != nil || len(runs) != 1 {
		m.rt.Fatalf("%d runs are open: %v", len(runs), err)
	}
}

// event changes the world, or ends the bot.
func (m *model) event() {
	step := rapid.SampledFrom([]string{"fence.nginx1", "a", "b", "c.nginx2"})
	switch rapid.IntRange(0, 12).Draw(m.rt, "event") {
	case 0:
		m.reboot() // as at a stop of the service
	case 1:
		m.j.kill()
		m.reboot()
	case 2:
		id := step.Draw(m.rt, "changed")
		m.w.do(func() { m.w.value[id] += "x" })
	case 3:
		m.w.do(func() { m.w.down["health"] = !m.w.down["health"] })
	case 4:
		gate := rapid.SampledFrom([]string{"apply ", "hold ", "commit ", "resume "}).Draw(m.rt, "breaks off") + step.Draw(m.rt, "at")
		var err error = runbook.Errorf(runbook.Unavailable, "test.unreachable")
		if rapid.Bool().Draw(m.rt, "plain") {
			err = errors.New("broken pipe")
		}
		once := make(chan error, 1)
		once <- err
		close(once)
		m.w.do(func() { m.w.gate[gate] = once })
	case 5:
		id := step.Draw(m.rt, "blind")
		m.w.do(func() { m.w.unseen[id] = !m.w.unseen[id] })
	case 6:
		id := step.Draw(m.rt, "ends badly")
		outcome := rapid.SampledFrom([]runbook.Outcome{runbook.OutcomeFailed, runbook.OutcomeUnknown, runbook.OutcomeUnchanged}).Draw(m.rt, "outcome")
		m.w.do(func() { m.w.result[id] = runbook.Result{Outcome: outcome} })
	case 7:
		m.loseHolds()
	}
}

// loseHolds lets the servers give up what is held now.
func (m *model) loseHolds() {
	m.w.mu.Lock()
	defer m.w.mu.Unlock()
	for job, h := range m.w.holds {
		if h.deadline > 0 {
			m.w.lost[job] = true
			delete(m.w.holds, job)
			select {
			case h.lost <- errors.New("server has gone away"):
			default:
			}
		}
	}
}

// kill is a crash between two writes.
func (b *breaking) kill() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.dead() {
		close(b.died)
	}
}

// run is the run as it is stored.
func (m *model) run() runbook.Run {
	run, err := m.wit.Run(context.Background(), m.id)
	if err != nil {
		m.rt.Fatalf("%v", err)
	}
	return run
}

// await waits until the stored run is as wanted, or the bot has died.
func (m *model) await(what string, ok func(runbook.Run) bool) {
	m.rt.Helper()
	late := time.After(45 * time.Second)
	for {
		next := m.b.bell.next()
		run := m.run()
		if ok(run) || m.j.dead() {
			return
		}
		select {
		case <-next:
		case <-m.j.died:
		case <-time.After(20 * time.Millisecond): // a change whose notification was lost
		case <-late:
			m.rt.Fatalf("waited for %s in vain: %s", what, standing(run))
		}
	}
}

func standing(run runbook.Run) string {
	out := string(run.State)
	for _, s := range run.Steps {
		out += " " + s.ID + "=" + string(s.State) + "/" + s.Note.ID
	}
	return out
}

// quiet waits until nothing goes on by itself any more.
func (m *model) quiet() {
	m.rt.Helper()
	m.await("quiet", func(r runbook.Run) bool {
		if r.State != runbook.Open {
			return true
		}
		moves := []runbook.State{runbook.Planning, runbook.Executing, runbook.Committing, runbook.Verifying}
		asks := false
		for _, s := range r.Steps {
			if slices.Contains(moves, s.State) {
				return false
			}
			asks = asks || s.State.Asks()
		}
		return asks && r.Aborting == nil
	})
}

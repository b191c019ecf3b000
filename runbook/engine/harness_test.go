package engine_test

import (
	"context"
	"errors"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"recoverbot/runbook"
	"recoverbot/runbook/engine"
	"recoverbot/runbook/journal"
	"recoverbot/runbook/journal/journaltest/blank"
)

func TestMain(m *testing.M) {
	if os.Getenv("RAPID_CHECKS") == "" { // `make model` plays more
		if err := flag.Set("rapid.checks", "50"); err != nil {
			panic(err)
		}
	}
	goleak.VerifyTestMain(m)
}

var (
	ops1 = runbook.Actor{Name: "ops1", Platform: "web"}
	ops2 = runbook.Actor{Name: "ops2", Platform: "terminal"}
)

// tb is what tests and the checks of rapid have in common.
type tb interface {
	Helper()
	Error(...any)
	Errorf(string, ...any)
	Fatalf(string, ...any)
}

// bot is one process of the bot over a journal and a world.
type bot struct {
	*engine.Engine
	t    tb
	j    engine.Journal
	w    *world
	stop func()
	bell *bell
	with []func(*engine.Config)
}

// bell rings at every change.
type bell struct {
	mu sync.Mutex
	ch chan struct{}
}

func (b *bell) Changed(runbook.Run, string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	close(b.ch)
	b.ch = make(chan struct{})
}

func (b *bell) next() <-chan struct{} {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ch
}

var ids atomic.Int64

func start(t tb, j engine.Journal, w *world, with ...func(*engine.Config)) *bot {
	t.Helper()
	b := &bot{t: t, j: j, w: w, bell: &bell{ch: make(chan struct{})}}
	log := slog.New(slog.DiscardHandler)
	if os.Getenv("ENGINE_LOG") != "" {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	c := engine.Config{
		Journal: j, Notifier: b.bell, Actions: w, Owner: "test", Log: log,
		ID:      func() string { return "r" + strconv.FormatInt(ids.Add(1), 10) },
		Backoff: 4 * time.Millisecond, Progress: 5 * time.Millisecond, CancelTimeout: 50 * time.Millisecond,
	}
	for _, set := range with {
		set(&c)
	}
	b.Engine, b.with = engine.New(c), with
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- b.Engine.Run(ctx) }()
	var once sync.Once
	b.stop = func() {
		once.Do(func() {
			cancel()
			select {
			case err := <-ended:
				if err != nil {
					t.Errorf("run: %v", err)
				}
			case <-time.After(20 * time.Second):
				t.Error("the engine does not end")
			}
		})
	}
	if tt, ok := t.(interface{ Cleanup(func()) }); ok {
		tt.Cleanup(b.stop)
	}
	return b
}

// restart is a new process over the same journal and world.
func (b *bot) restart() *bot {
	b.stop()
	return start(b.t, b.j, b.w, b.with...)
}

func scenario(steps ...runbook.Step) runbook.Scenario {
	for i := range steps {
		if steps[i].Kind == "" {
			steps[i].Kind = "apply"
		}
	}
	return runbook.Scenario{Name: "primary", Steps: steps}
}

func (b *bot) begin(sc runbook.Scenario) string {
	b.t.Helper()
	run, _, err := b.Start(context.Background(), engine.StartRequest{
		Scenario: sc, By: ops1, Bindings: map[string][]string{"nginx": {"nginx1", "nginx2"}, "survivor": {"standby"}},
	})
	if err != nil {
		b.t.Fatalf("start: %v", err)
	}
	return run.ID
}

// until waits for the run to be as wanted.
func (b *bot) until(id, what string, ok func(runbook.Run) bool) runbook.Run {
	b.t.Helper()
	deadline := time.After(15 * time.Second)
	for {
		next := b.bell.next()
		run, err := b.j.Run(context.Background(), id)
		if err == nil && ok(run) {
			return run
		}
		select {
		case <-next:
		case <-time.After(20 * time.Millisecond): // a change whose notification was lost in a crash
		case <-deadline:
			states := ""
			for _, s := range run.Steps {
				states += " " + s.ID + "=" + string(s.State) + "/" + s.Note.ID
			}
			b.t.Fatalf("waited for %s in vain: run %s,%s (%v)", what, run.State, states, err)
		}
	}
}

func (b *bot) state(id, step string, want runbook.State) runbook.StepRun {
	b.t.Helper()
	run := b.until(id, step+" "+string(want), func(r runbook.Run) bool { s := r.Step(step); return s != nil && s.State == want })
	return *run.Step(step)
}

func (b *bot) runState(id string, want runbook.RunState) runbook.Run {
	b.t.Helper()
	return b.until(id, "run "+string(want), func(r runbook.Run) bool { return r.State == want })
}

func answerTo(s runbook.StepRun, c runbook.Choice, by runbook.Actor, reason string) runbook.Decision {
	return runbook.Decision{RunID: s.RunID, Step: s.ID, Attempt: s.Attempt, Digest: s.Digest, Choice: c, By: by, Reason: reason}
}

// say answers to a step as it is now, and must succeed.
func (b *bot) say(s runbook.StepRun, c runbook.Choice, reason string) {
	b.t.Helper()
	if _, err := b.Decide(context.Background(), answerTo(s, c, ops1, reason)); err != nil {
		b.t.Fatalf("%s %s: %v", c, s.ID, err)
	}
}

func (b *bot) refused(d runbook.Decision, code runbook.Code, kind string) *runbook.Error {
	b.t.Helper()
	_, err := b.Decide(context.Background(), d)
	var e *runbook.Error
	if !errors.As(err, &e) || e.Code != code {
		b.t.Fatalf("%s %s: got %v, want %s", d.Choice, d.Step, err, code)
	}
	if kind != "" && (e.Conflict == nil || e.Conflict.Kind != kind) {
		b.t.Fatalf("%s %s: conflict %+v, want %s", d.Choice, d.Step, e.Conflict, kind)
	}
	return e
}

// eachJournal runs a test over the journal in memory and over the real one.
func eachJournal(t *testing.T, f func(t *testing.T, j engine.Journal)) {
	t.Run("memory", func(t *testing.T) { t.Parallel(); f(t, newMemory()) })
	t.Run("sqlite", func(t *testing.T) { t.Parallel(); f(t, sqlite(t)) })
}

func sqlite(t *testing.T) engine.Journal {
	t.Helper()
	j, err := journal.Open(context.Background(), blank.DSN(t, filepath.Join(t.TempDir(), "journal.db")), time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	return j
}

// stepOf is one step of a run.
func stepOf(r runbook.Run, id string) runbook.StepRun { return *r.Step(id) }

// attemptWaits waits until a step asks under that attempt.
func (b *bot) attemptWaits(id, step string, attempt int) runbook.StepRun {
	b.t.Helper()
	return stepOf(b.until(id, step+" planned again", func(r runbook.Run) bool {
		s := r.Step(step)
		return s.Attempt == attempt && s.State == runbook.Waiting
	}), step)
}

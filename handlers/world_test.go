package handlers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"recoverbot/bot"
	"recoverbot/locale"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/journal"
	"recoverbot/runbook/journal/journaltest/blank"
	"recoverbot/runbook/scenario"
)

func TestMain(m *testing.M) {
	_ = flag.Set("test.parallel", "4") // the tests wait more than they work
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"))
}

const fleetFile = `
hosts:
  - {name: nginx1, address: 127.0.10.11, roles: [nginx]}
  - {name: nginx2, address: 127.0.10.12, roles: [nginx]}
  - {name: app1, address: 127.0.10.21, roles: [primary]}
  - {name: app2, address: 127.0.10.22, roles: [standby, backup]}
databases:
  - {name: speed}
services:
  - {name: go-api, config: /wwwroot/go/go-api/config.yaml, on: [primary, standby], health: {port: 8080}}
people:
  - {name: ops1, roles: [approver, danger], token_hash: "sha256:TOKEN1"}
  - {name: ops2, roles: [approver], token_hash: "sha256:TOKEN2"}
  - {name: guest, roles: [viewer], token_hash: "sha256:TOKEN3"}
`

func token(name string) string { return "token-of-" + name }

func hashOf(name string) string {
	sum := sha256.Sum256([]byte(token(name)))
	return hex.EncodeToString(sum[:])
}

// world is handlers over a real engine and journal; its actions count what they do.
type world struct {
	*Handlers
	hub     *wanted
	applied *atomic.Int64
}

// wanted is a hub that remembers.
type wanted struct {
	mu   sync.Mutex
	last map[string]bot.Message
	wake chan struct{}
}

func (w *wanted) Want(_ context.Context, m bot.Message) error {
	w.mu.Lock()
	w.last[m.Key] = m
	close(w.wake)
	w.wake = make(chan struct{})
	w.mu.Unlock()
	return nil
}

// until waits for the message of key to satisfy ok.
func (w *wanted) until(t testing.TB, key string, ok func(bot.Message) bool) bot.Message {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		w.mu.Lock()
		m, there := w.last[key]
		wake := w.wake
		w.mu.Unlock()
		if there && ok(m) {
			return m
		}
		select {
		case <-wake:
		case <-deadline:
			t.Fatalf("message %s never came to be as wanted; last: %+v", key, m)
		}
	}
}

// counting is an action that only counts; its plan says a number that differs at each planning when it drifts.
type counting struct {
	step    runbook.StepRun
	applied *atomic.Int64
}

func (c counting) Plan(context.Context) (runbook.Plan, error) {
	data, err := json.Marshal(map[string]string{"step": c.step.ID})
	return runbook.Plan{
		Verdict: runbook.Ready, Summary: runbook.T("view.on_host", "host", c.step.ID),
		Effect: runbook.Effect{Data: data, Exact: []runbook.Part{{Format: "script", Text: "echo " + c.step.ID}}},
	}, err
}

func (c counting) Apply(context.Context, runbook.Plan, runbook.Job, runbook.Output) (runbook.Result, error) {
	c.applied.Add(1)
	return runbook.Result{Outcome: runbook.OutcomeDone}, nil
}

type countingActions struct{ applied *atomic.Int64 }

func (a countingActions) New(_ runbook.Run, s runbook.StepRun) (runbook.Action, error) {
	return counting{step: s, applied: a.applied}, nil
}

func (countingActions) Probe(context.Context, runbook.Run, []runbook.Probe) []runbook.Finding {
	return nil
}
func (countingActions) Redact(s string) string { return s }

func testScenario() runbook.Scenario {
	text := func(s string) runbook.Text { return runbook.Text{EN: s, ZH: "步骤" + s} }
	return runbook.Scenario{
		Name: "primary", Title: text("Primary dead"), Bind: map[string]runbook.Binding{"dead": {From: []string{"primary"}}},
		Params: []runbook.Param{{Name: "which", Type: "host"}},
		Steps: []runbook.Step{
			{ID: "one", Title: text("First"), Kind: "ssh", Host: "dead", DocLine: "3.1"},
			{ID: "two", Title: text("Second"), Kind: "ssh", On: []string{"nginx"}},
			{ID: "three", Title: text("Third"), Kind: "ssh", Danger: true},
		},
	}
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldOf(t, fleetFile)
}

// openFleet opens a fleet.yaml; TOKENn in it becomes the hash of the nth person's token.
func openFleet(t testing.TB, text string) *fleet.Fleet {
	t.Helper()
	dir := t.TempDir()
	for i, name := range []string{"ops1", "ops2", "guest"} {
		text = strings.Replace(text, "TOKEN"+strconv.Itoa(i+1), hashOf(name), 1)
	}
	file := filepath.Join(dir, "fleet.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "known_hosts"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := fleet.Open(file, fleet.Options{KnownHosts: filepath.Join(dir, "known_hosts")})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// newWorldOf is a world whose fleet.yaml is text; TOKENn in it becomes the hash of the nth person's token.
func newWorldOf(t testing.TB, text string) *world {
	t.Helper()
	return newWorldWith(t, text, func(applied *atomic.Int64) engine.Actions { return countingActions{applied} })
}

func newWorldWith(t testing.TB, text string, actions func(applied *atomic.Int64) engine.Actions) *world {
	t.Helper()
	return newWorldAt(t, text, time.Now, testScenario(), actions)
}

// newWorldAt is a world with a clock, that knows one scenario.
func newWorldAt(t testing.TB, text string, clock func() time.Time, s runbook.Scenario, actions func(applied *atomic.Int64) engine.Actions) *world {
	t.Helper()
	f, dir := openFleet(t, text), t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	j, err := journal.Open(ctx, blank.DSN(t, filepath.Join(dir, "journal.db")), clock, f.Redactor().Redact)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := locale.Load()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{hub: &wanted{last: map[string]bot.Message{}, wake: make(chan struct{})}, applied: &atomic.Int64{}}
	w.Handlers = New(Config{
		Journal: j, Fleet: f, Scenarios: scenario.Set{s.Name: s}, Hub: w.hub, Bundle: bundle,
		Language: "en", Zone: time.UTC, Log: slog.New(slog.DiscardHandler), Clock: clock,
	})
	n := 0
	e := engine.New(engine.Config{
		Journal: j, Notifier: w.Handlers, People: w.Handlers, Actions: actions(w.applied), ID: func() string { n++; return "run" + strconv.Itoa(n) }, Owner: "test", Clock: clock,
	})
	w.SetEngine(e)
	var wg sync.WaitGroup
	wg.Add(2)
	go func() { defer wg.Done(); _ = w.Run(ctx) }()
	go func() { defer wg.Done(); _ = e.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		if err := j.Close(); err != nil {
			t.Error(err)
		}
		f.Close()
	})
	return w
}

// say is one utterance of a person in the console.
func (w *world) tell(t *testing.T, who, text string) bot.Reply {
	t.Helper()
	return w.Handle(t.Context(), bot.Inbound{Platform: "web", UserID: who, Text: text})
}

func (w *world) press(t *testing.T, who string, b bot.Button, reason string) bot.Reply {
	t.Helper()
	return w.Handle(t.Context(), bot.Inbound{Platform: "web", UserID: who, Action: b.Action, Reason: reason})
}

func button(t *testing.T, m bot.Message, choice string) bot.Button {
	t.Helper()
	for _, b := range m.Buttons {
		if b.Choice == choice {
			return b
		}
	}
	t.Fatalf("no button %s on %+v", choice, m)
	return bot.Button{}
}

func inState(state string) func(bot.Message) bool {
	return func(m bot.Message) bool { return m.State == state }
}

func waiting(m bot.Message) bool { return m.State == "waiting" && len(m.Buttons) > 0 }

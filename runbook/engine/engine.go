package engine

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"recoverbot/runbook"
)

// Config is what an Engine is made of. Journal, Notifier, Actions and ID are required; a duration of 0 takes its default.
type Config struct {
	Journal  Journal
	Notifier Notifier
	Actions  Actions
	People   People           // nil: the caller of Decide lets nobody through who may not, and nobody is removed
	Clock    func() time.Time // default time.Now
	ID       func() string    // new run ids: lower-case letters and digits
	Owner    string           // name of this process in the journal
	Log      *slog.Logger

	PlanTimeout   time.Duration // one planning, guard included; default 60 s
	ProbeTimeout  time.Duration // a guard at the click; default 20 s
	ApplyTimeout  time.Duration // a step without its own timeout; default 4 h
	LookTimeout   time.Duration // one look for evidence; default 45 s
	VerifyTimeout time.Duration // all probes of one verification; default 15 min
	CancelTimeout time.Duration // a step that was cancelled may take this long to end; default 15 s
	Progress      time.Duration // progress is journaled at most this often; default 1 s
	Backoff       time.Duration // first pause between tries to re-attach or to write; default 1 s
}

// Engine drives runs. All its state that matters is in the journal: another Engine over the same journal goes on where
// this one ended.
type Engine struct {
	cfg Config
	log *slog.Logger

	ready chan struct{} // closed when Run has taken the journal's runs over
	wake  chan struct{}
	wg    sync.WaitGroup // everything that spawn started

	mu      sync.Mutex
	base    context.Context // parent of all work; set by Run, which outlives it
	stopped bool
	kicks   map[string]bool
	runs    map[string]*live

	starts sync.Mutex // one start, resumption or reopening at a time
	tell   sync.Mutex // the notifier hears of changes in the order in which they are read
}

// New returns an engine that does nothing until Run.
func New(cfg Config) *Engine {
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	for _, d := range []struct {
		v *time.Duration
		s time.Duration
	}{
		{&cfg.PlanTimeout, time.Minute},
		{&cfg.ProbeTimeout, 20 * time.Second},
		{&cfg.ApplyTimeout, 4 * time.Hour},
		{&cfg.LookTimeout, 45 * time.Second},
		{&cfg.VerifyTimeout, 15 * time.Minute},
		{&cfg.CancelTimeout, 15 * time.Second},
		{&cfg.Progress, time.Second},
		{&cfg.Backoff, time.Second},
	} {
		if *d.v <= 0 {
			*d.v = d.s
		}
	}
	return &Engine{
		cfg: cfg, log: cfg.Log,
		ready: make(chan struct{}), wake: make(chan struct{}, 1),
		kicks: map[string]bool{}, runs: map[string]*live{},
	}
}

// Run takes over what the journal holds, then drives runs until ctx ends. Then it rolls volatile holds back, leaves
// detached jobs running, and returns when all its goroutines have ended. It is called once.
func (e *Engine) Run(ctx context.Context) error {
	e.mu.Lock()
	if e.base != nil {
		e.mu.Unlock()
		return errors.New("run engine: already run")
	}
	e.base = ctx
	e.mu.Unlock()
	defer e.wg.Wait()
	defer e.stop()
	if err := e.takeOver(ctx); err != nil {
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	close(e.ready)
	for {
		for _, id := range e.kicked() {
			e.drive(ctx, id)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-e.wake:
		}
	}
}

func (e *Engine) stop() {
	e.mu.Lock()
	e.stopped = true
	e.mu.Unlock()
}

// await lets calls that come while the engine starts wait for it.
func (e *Engine) await(ctx context.Context) error {
	t := time.NewTimer(5 * time.Second)
	defer t.Stop()
	select {
	case <-e.ready:
	case <-t.C:
		return runbook.Errorf(runbook.Unavailable, "engine.not_running")
	case <-ctx.Done():
		return &runbook.Error{Code: runbook.Unavailable, Msg: runbook.T("engine.not_running"), Err: context.Cause(ctx)}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped || e.base.Err() != nil {
		return runbook.Errorf(runbook.Unavailable, "engine.not_running")
	}
	return nil
}

// kick asks the driver to look at a run again.
func (e *Engine) kick(runID string) {
	e.mu.Lock()
	e.kicks[runID] = true
	e.mu.Unlock()
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

func (e *Engine) kicked() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	ids := make([]string, 0, len(e.kicks))
	for id := range e.kicks {
		ids = append(ids, id)
	}
	clear(e.kicks)
	return ids
}

func (e *Engine) now() time.Time { return e.cfg.Clock().UTC() }

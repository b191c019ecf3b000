package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"recoverbot/runbook"
)

// live is what this process does for one run. It is lost in a crash, and nothing depends on it then.
type live struct {
	mu       sync.Mutex // held while a run is read, decided on and moved; never during an effect
	workers  map[string]*worker
	aborting *runbook.Decision
	silence  sync.Map // of probes that waited in vain: the probe as JSON → silence
}

// worker is one goroutine that works on one step.
type worker struct {
	kind      workKind
	attempt   int
	cancel    context.CancelCauseFunc
	done      chan struct{}
	hold      chan holdRequest // answers to a held change
	cancelled atomic.Bool      // a person asked to stop the execution
}

type workKind string

const (
	workPlan    workKind = "plan"
	workPreview workKind = "preview"
	workExecute workKind = "execute" // and hold, and commit
	workVerify  workKind = "verify"
	workLook    workKind = "look"
	workDryRun  workKind = "dry_run"
)

var (
	errCancelled = errors.New("cancelled by a person")
	errAborted   = errors.New("the run is aborted")
)

func (e *Engine) live(runID string) *live {
	e.mu.Lock()
	defer e.mu.Unlock()
	l := e.runs[runID]
	if l == nil {
		l = &live{workers: map[string]*worker{}}
		e.runs[runID] = l
	}
	return l
}

// spawn starts work on a step; l.mu is held. An older worker under the same key is on its way out already.
func (e *Engine) spawn(l *live, kind workKind, runID, stepID string, attempt int, fn func(context.Context, *worker)) bool {
	e.mu.Lock()
	if e.stopped || e.base == nil {
		e.mu.Unlock()
		return false
	}
	ctx, cancel := context.WithCancelCause(e.base)
	e.wg.Add(1)
	e.mu.Unlock()
	w := &worker{kind: kind, attempt: attempt, cancel: cancel, done: make(chan struct{}), hold: make(chan holdRequest, 4)}
	l.workers[stepID] = w
	go func() {
		defer e.wg.Done()
		defer e.kick(runID)
		defer func() {
			l.mu.Lock()
			if l.workers[stepID] == w {
				delete(l.workers, stepID)
			}
			l.mu.Unlock()
		}()
		defer close(w.done)
		defer cancel(nil)
		fn(ctx, w)
	}()
	return true
}

// side starts a short helper of a worker, which Run waits for.
func (e *Engine) side(fn func(context.Context)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped || e.base == nil {
		return
	}
	e.wg.Add(1)
	ctx := e.base
	go func() {
		defer e.wg.Done()
		fn(ctx)
	}()
}

// ending reports whether the engine itself is being stopped.
func (e *Engine) ending() bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.base == nil || e.base.Err() != nil
}

// try turns a panic of an action into a plain error: the outcome is unknown, the bot lives on.
func try[T any](fn func() (T, error)) (v T, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("action panicked: %v\n%s", r, debug.Stack())
		}
	}()
	return fn()
}

// build makes the action of a step.
func (e *Engine) build(run runbook.Run, s runbook.StepRun) (runbook.Action, error) {
	a, err := try(func() (runbook.Action, error) { return e.cfg.Actions.New(run, s) })
	if err != nil {
		return nil, fmt.Errorf("build action of step %s: %w", s.ID, err)
	}
	return a, nil
}

// probe asks probes on behalf of a step. One that cannot be asked does not hold.
func (e *Engine) probe(ctx context.Context, run runbook.Run, s runbook.StepRun, probes []runbook.Probe) []runbook.Finding {
	probes = ofMember(s, probes)
	findings, err := try(func() ([]runbook.Finding, error) { return e.cfg.Actions.Probe(ctx, run, probes), nil })
	if err == nil && len(findings) > 0 {
		return findings
	}
	if err != nil {
		e.log.Error("ask probes", "run_id", run.ID, "error", e.cfg.Actions.Redact(err.Error()))
	}
	findings = make([]runbook.Finding, len(probes))
	for i, p := range probes {
		findings[i] = runbook.Finding{Probe: p, Text: runbook.T("engine.look_failed")}
	}
	return findings
}

// ofMember puts the member of a group where a probe says "member": its service, or its host.
func ofMember(s runbook.StepRun, probes []runbook.Probe) []runbook.Probe {
	if s.Member == "" {
		return probes
	}
	probes = slices.Clone(probes)
	for i := range probes {
		if probes[i].Service == memberRef {
			probes[i].Service = s.Member
		}
		if probes[i].Host == memberRef {
			probes[i].Host = s.Host
		}
	}
	return probes
}

const memberRef = "member"

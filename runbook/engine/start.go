package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"recoverbot/runbook"
)

// StartRequest asks for a run. Bindings give the hosts that each name or role of the scenario means in this run.
type StartRequest struct {
	Scenario  runbook.Scenario
	Params    map[string]string
	Bindings  map[string][]string
	By        runbook.Actor
	Alert     string // fingerprint
	DownSince time.Time
	DryRun    bool
	Rules     runbook.Rules
	// Conflict is what a person chose to do with another open run: "" nothing, "supersede" abort it, "park" it.
	Conflict string
	// Reason is that person's reason, needed to supersede a run with a step whose outcome is unknown.
	Reason string
}

// Start begins a run and returns it. The same scenario with the same parameters joins the open run. With another run
// open and no Conflict chosen the answer is that run and a Conflicting error that names it.
func (e *Engine) Start(ctx context.Context, req StartRequest) (run runbook.Run, joined bool, err error) {
	if err := e.await(ctx); err != nil {
		return run, false, err
	}
	e.starts.Lock()
	defer e.starts.Unlock()
	if err := e.healthy(ctx); err != nil {
		return run, false, err
	}
	like := runbook.Run{DryRun: req.DryRun, Scenario: req.Scenario}
	open, err := e.openRun(ctx, like)
	if err != nil {
		return run, false, err
	}
	if !req.DryRun && like.Beside() { // it would have to end at once
		holds, err := e.openRun(ctx, runbook.Run{})
		if err != nil || holds != nil {
			if holds != nil {
				err = e.otherRun(*holds)
			}
			return run, false, err
		}
	}
	if open != nil {
		if open.Scenario.Name == req.Scenario.Name && maps.Equal(open.Params, req.Params) {
			return *open, true, nil
		}
		if !req.DryRun {
			if err := e.release(ctx, *open, req); err != nil {
				return *open, false, err
			}
		}
	}
	run = runbook.Run{
		ID: e.cfg.ID(), Scenario: req.Scenario, State: runbook.Open, StartedBy: req.By, StartedAt: e.now(),
		DownSince: req.DownSince, Params: maps.Clone(req.Params), Bindings: maps.Clone(req.Bindings),
		Alert: req.Alert, DryRun: req.DryRun, Owner: e.cfg.Owner, Rules: req.Rules,
	}
	if run.Params == nil {
		run.Params = map[string]string{}
	}
	run.Steps = expand(run)
	if err := e.cfg.Journal.CreateRun(ctx, run); err != nil {
		e.kickLater(run.ID) // it may have been written all the same
		var known *runbook.Error
		if errors.As(err, &known) {
			return run, false, err
		}
		return run, false, unavailable(fmt.Errorf("create run: %w", err))
	}
	e.changed(ctx, run.ID, "")
	e.kick(run.ID)
	e.makeWay(ctx, run)
	run, err = e.cfg.Journal.Run(ctx, run.ID)
	return run, false, err
}

// openRun returns the open run that keeps one like r from being open, too, or nil: each kind only its own.
func (e *Engine) openRun(ctx context.Context, r runbook.Run) (*runbook.Run, error) {
	runs, err := e.cfg.Journal.Active(ctx)
	if err != nil {
		return nil, unavailable(fmt.Errorf("list runs: %w", err))
	}
	for i := range runs {
		if o := runs[i]; o.State == runbook.Open && o.DryRun == r.DryRun && o.Beside() == r.Beside() && o.ID != r.ID {
			return &runs[i], nil
		}
	}
	return nil, nil
}

// makeWay aborts what runs beside, for a run that needs the machines. That takes its time and holds the run up by nothing.
func (e *Engine) makeWay(ctx context.Context, run runbook.Run) {
	if run.Beside() {
		return
	}
	runs, err := e.cfg.Journal.Active(ctx)
	for _, r := range runs {
		if r.State != runbook.Open || r.DryRun || !r.Beside() {
			continue
		}
		d := runbook.Decision{RunID: r.ID, Choice: runbook.Abort, By: run.StartedBy, Reason: run.Scenario.Name + " " + run.ID}
		if _, aerr := e.decideRun(ctx, d); aerr != nil {
			err = errors.Join(err, aerr)
		}
	}
	if err != nil {
		e.log.Warn("make way for a run", "run_id", run.ID, "error", err)
	}
}

// release gets the open run out of the way as the person chose.
func (e *Engine) release(ctx context.Context, open runbook.Run, req StartRequest) error {
	d := runbook.Decision{RunID: open.ID, By: req.By, Reason: e.reason(req.Reason)}
	switch req.Conflict {
	case "supersede":
		d.Choice = runbook.Abort
		if _, err := e.decideRun(ctx, d); err != nil {
			return err
		}
		return e.awaitEnd(ctx, open.ID)
	case "park":
		d.Choice = runbook.Defer
		_, err := e.decideRun(ctx, d)
		return err
	}
	return e.otherRun(open)
}

// otherRun is the error that names the run which holds the fleet.
func (e *Engine) otherRun(open runbook.Run) error {
	return &runbook.Error{
		Code: runbook.Conflicting,
		Msg:  runbook.T("engine.other_run", "run", open.ID, "scenario", open.Scenario.Title, "by", open.StartedBy.Name),
	}
}

// awaitEnd waits until an aborted run has rolled back and cancelled what was under way.
func (e *Engine) awaitEnd(ctx context.Context, runID string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		run, err := e.cfg.Journal.Run(ctx, runID)
		if err == nil && run.State != runbook.Open {
			return nil
		}
		if l := e.live(runID); err == nil && !l.isAborting() {
			return runbook.Errorf(runbook.Conflicting, "engine.abort_needs_reason")
		}
		if !wait(ctx, e.cfg.Backoff/4) {
			return e.otherRun(run)
		}
	}
}

func (e *Engine) healthy(ctx context.Context) error {
	if err := e.cfg.Journal.Healthy(ctx); err != nil {
		return unavailable(fmt.Errorf("check journal: %w", err))
	}
	return nil
}

func unavailable(err error) error {
	return &runbook.Error{Code: runbook.Unavailable, Msg: runbook.T("engine.journal_down"), Err: err}
}

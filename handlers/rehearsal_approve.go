package handlers

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/engine"
	"recoverbot/runbook/fleet"
)

const (
	// rehearsalReady bounds how long a rehearsal may take until it can be approved: a big dump is read before.
	rehearsalReady = time.Hour
	readingEvery   = 30 * time.Second
)

// covered reports whether a waiting step is what the standing approval in c is for: of the rehearsal that c says, and
// nothing that needs a reason.
func covered(c *fleet.Config, r runbook.Run, s runbook.StepRun) bool {
	if !scheduled(r) || r.Scenario.Name != rehearsing || c.Rehearsal.At == "" ||
		s.State != runbook.Waiting || s.Plan == nil || s.Plan.Verdict != runbook.Ready || engine.NeedsReason(r, s, runbook.Approve) {
		return false
	}
	params, err := checkParams(c, r.Scenario.Params, rehearsalParams(c))
	return err == nil && maps.Equal(params, r.Params)
}

// reading reports whether a step waits for a big dump to be read: that goes on by itself.
func reading(s runbook.StepRun) bool {
	return s.State == runbook.Waiting && s.Plan != nil && s.Plan.Why.ID == "restore.reading"
}

// settling reports whether the standing approval is about to answer what a step asks, or has while r was on its way, so that
// nobody need be called.
func (h *Handlers) settling(ctx context.Context, r runbook.Run, s runbook.StepRun) bool {
	if !scheduled(r) || !reading(s) && !covered(h.Fleet.Config(), r, s) {
		return false
	}
	if h.approving.Load() {
		return true
	}
	now, err := h.Journal.Run(ctx, r.ID)
	cur := now.Step(s.ID)
	return err == nil && cur != nil && cur.Version != s.Version
}

// standFor gives the standing approval to the run that do names, if any. Until that is over, what it covers calls nobody;
// what is not approved then asks people as any other question.
func (h *Handlers) standFor(ctx context.Context, do func(context.Context) (run string)) {
	h.approving.Store(true)
	id := do(ctx)
	if id != "" {
		h.approveStanding(ctx, id)
	}
	if ctx.Err() != nil { // the bot stops: its successor goes on
		return
	}
	h.approving.Store(false)
	if id != "" {
		h.view.changed(runbook.Run{ID: id})
	}
}

// approveStanding gives the standing approval to what a scheduled run asks, bound to the digest of what it will do as any
// other, as soon as it asks. What it does not cover is left to people, whom the card calls.
func (h *Handlers) approveStanding(ctx context.Context, id string) {
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, rehearsalReady)
	defer cancel()
	moved, unsubscribe := h.Journal.Subscribe()
	defer unsubscribe()
	again := time.NewTicker(readingEvery)
	defer again.Stop()
	for late := false; ; {
		done, err := h.approveOnce(ctx, id, late)
		switch {
		case whole.Err() != nil:
			return
		case err != nil && runbook.CodeOf(err) != runbook.Conflicting: // a conflict: it has moved meanwhile
			h.Log.Error("approve rehearsal", "run_id", id, "error", err)
			h.tellNotRehearsed(whole, h.say.T("rehearsal.not_approved"), err)
			return
		case done:
			return
		}
		late = false
		select {
		case <-ctx.Done():
			return
		case <-moved:
		case <-again.C:
			late = true
		}
	}
}

// approveOnce answers what a scheduled run asks now; late says that it is time to look whether a dump is read. It is
// done where nothing is left that a standing approval could answer.
func (h *Handlers) approveOnce(ctx context.Context, id string, late bool) (done bool, err error) {
	r, err := h.Journal.Run(ctx, id)
	if err != nil || r.State != runbook.Open {
		return true, err
	}
	cfg, err := h.written()
	if err != nil {
		return false, err
	}
	done = true
	for _, s := range r.Steps {
		switch {
		case s.State == runbook.Pending, s.State == runbook.Planning:
			done = false
		case covered(cfg, r, s):
			given, err := h.approveAs(ctx, cfg, r, s)
			if err != nil {
				return false, err
			}
			done = done && !given
		case reading(s):
			done = false
			if !late {
				continue
			}
			_, err := h.Engine.Decide(ctx, runbook.Decision{RunID: r.ID, Step: s.ID, Attempt: s.Attempt, Digest: s.Digest,
				Choice: runbook.Retry, By: r.StartedBy})
			if err != nil {
				return false, err
			}
		}
	}
	return done, nil
}

// written is what stands in fleet.yaml now: what was taken out of it is no approval any more, without a restart.
func (h *Handlers) written() (*fleet.Config, error) {
	return fleet.LoadConfig(h.Fleet.Config().Path(), h.Fleet.Getenv)
}

// approveAs records the approval of everybody who stands for it in fleet.yaml, and still may approve; false: all of them
// have before, and that is not enough.
func (h *Handlers) approveAs(ctx context.Context, cfg *fleet.Config, r runbook.Run, s runbook.StepRun) (given bool, err error) {
	reason := h.say.T("rehearsal.reason", "at", cfg.Rehearsal.At, "digest", digestOf(cfg.Rehearsal))
	for _, name := range cfg.Rehearsal.ApprovedBy {
		if slices.ContainsFunc(s.Approvals, func(a runbook.Approval) bool { return a.By.Name == name }) {
			continue
		}
		p, _ := cfg.Person(name)
		if mayDecide(cfg, p, &s, runbook.Approve) != nil {
			return given, runbook.Errorf(runbook.Forbidden, "restore.no_approver", "name", name)
		}
		_, err := h.Engine.Decide(ctx, runbook.Decision{RunID: r.ID, Step: s.ID, Attempt: s.Attempt, Digest: s.Digest, Choice: runbook.Approve,
			By: runbook.Actor{Name: name, Platform: standing}, Reason: reason})
		if err != nil {
			return given, err
		}
		given = true
	}
	return given, nil
}

// digestOf is of what stands in fleet.yaml, so that the journal shows which words were the approval.
func digestOf(r fleet.Rehearsal) string {
	text, _ := json.Marshal(r) // plain strings
	return fmt.Sprintf("sha256 %x", sha256.Sum256(text))[:7+12]
}

package handlers

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"recoverbot/bot"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
	"recoverbot/runbook/fleet"
)

const (
	// rehearsing is the scenario that a schedule in fleet.yaml starts.
	rehearsing = "rehearse-restore"
	// standing is the platform of whoever has approved in fleet.yaml, once for all times.
	standing = "fleet.yaml"

	scheduleEvery = 20 * time.Second
	// rehearsalReady bounds how long a rehearsal may take until it can be approved: a big dump is read before.
	rehearsalReady = time.Hour
	readingEvery   = 30 * time.Second
)

// scheduled reports whether a run was started by the schedule of fleet.yaml.
func scheduled(r runbook.Run) bool { return r.StartedBy.Platform == standing && r.Scenario.Beside }

// covered reports whether a waiting step is what a standing approval is for: nothing that needs a reason.
func covered(r runbook.Run, s runbook.StepRun) bool {
	return scheduled(r) && s.State == runbook.Waiting && s.Plan != nil && s.Plan.Verdict == runbook.Ready &&
		!engine.NeedsReason(r, s, runbook.Approve)
}

// RunRehearsals starts rehearsals when they are due, until ctx ends. One that was due while the bot was down is left out.
func (h *Handlers) RunRehearsals(ctx context.Context) error {
	last := h.Clock()
	active, err := h.Journal.Active(ctx)
	if err != nil {
		h.Log.Error("look for open rehearsals", "error", err)
	}
	for _, r := range active {
		if r.State == runbook.Open && scheduled(r) { // that an earlier process has begun
			h.approveStanding(ctx, r.ID)
		}
	}
	tick := time.NewTicker(scheduleEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if due := h.Fleet.Config().Rehearsal.Last(h.Clock().In(h.Zone)); due.After(last) {
			last = due
			h.rehearse(ctx)
		}
	}
}

// rehearse does what the schedule says: it starts the run, and gives it the standing approval.
func (h *Handlers) rehearse(ctx context.Context) {
	id, err := h.startRehearsal(ctx)
	switch {
	case err == nil:
		h.approveStanding(ctx, id)
	case ctx.Err() != nil:
	case runbook.CodeOf(err) == runbook.Conflicting: // a recovery has everybody's attention
		h.Log.Info("rehearsal left out", "error", err)
	default:
		h.Log.Error("start rehearsal", "error", err)
		h.tellNotRehearsed(ctx, err)
	}
}

func (h *Handlers) startRehearsal(ctx context.Context) (string, error) {
	cfg := h.Fleet.Config()
	if len(cfg.Rehearsal.ApprovedBy) == 0 {
		return "", runbook.Errorf(runbook.Invalid, "restore.standing_approval", "need", max(1, cfg.Policy.Approvals))
	}
	s, ok := h.Scenarios[rehearsing]
	if !ok || !s.Beside {
		return "", runbook.Errorf(runbook.NotFound, "cmd.unknown", "word", rehearsing, "scenarios", "")
	}
	by := runbook.Actor{Name: cfg.Rehearsal.ApprovedBy[0], Platform: standing}
	active, err := h.Journal.Active(ctx)
	if err != nil {
		return "", err
	}
	for _, r := range active { // one that failed, or that nobody has answered
		if r.State != runbook.Open || !scheduled(r) {
			continue
		}
		_, err := h.Engine.Decide(ctx, runbook.Decision{RunID: r.ID, Choice: runbook.Abort, By: by, Reason: h.say.T("rehearsal.replaced")})
		if err != nil {
			return "", err
		}
	}
	req := engine.StartRequest{Scenario: s, By: by, Params: map[string]string{}}
	if cfg.Rehearsal.Database != "" {
		req.Params["database"] = cfg.Rehearsal.Database
	}
	if err := h.prepare(&req); err != nil {
		return "", err
	}
	r, _, err := h.Engine.Start(ctx, req)
	return r.ID, err
}

// approveStanding gives the standing approval to what a scheduled run asks, bound to the digest of what it will do as any
// other, as soon as it asks. What it does not cover is left to people, whom the card calls.
func (h *Handlers) approveStanding(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(ctx, rehearsalReady)
	defer cancel()
	moved, unsubscribe := h.Journal.Subscribe()
	defer unsubscribe()
	again := time.NewTicker(readingEvery)
	defer again.Stop()
	late := false
	for {
		r, err := h.Journal.Run(ctx, id)
		if err != nil || r.State != runbook.Open {
			return
		}
		done := false
		for _, s := range r.Steps {
			switch {
			case s.State == runbook.Pending, s.State == runbook.Planning:
			case covered(r, s):
				err = h.approveAs(ctx, r, s)
			case late && s.State == runbook.Waiting && s.Plan != nil && s.Plan.Why.ID == "restore.reading": // it goes on by itself
				_, err = h.Engine.Decide(ctx, runbook.Decision{RunID: r.ID, Step: s.ID, Attempt: s.Attempt, Digest: s.Digest,
					Choice: runbook.Retry, By: r.StartedBy})
			case s.State == runbook.Waiting && s.Plan != nil && s.Plan.Why.ID == "restore.reading":
			default:
				done = true
			}
		}
		if err != nil && runbook.CodeOf(err) != runbook.Conflicting {
			h.Log.Error("approve rehearsal", "run_id", id, "error", err)
			return
		}
		if done {
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

// approveAs records the approval of everybody who stands for it in fleet.yaml, and still may approve.
func (h *Handlers) approveAs(ctx context.Context, r runbook.Run, s runbook.StepRun) error {
	cfg := h.Fleet.Config()
	reason := h.say.T("rehearsal.reason", "at", cfg.Rehearsal.At, "digest", digestOf(cfg.Rehearsal))
	for _, name := range cfg.Rehearsal.ApprovedBy {
		if slices.ContainsFunc(s.Approvals, func(a runbook.Approval) bool { return a.By.Name == name }) {
			continue
		}
		p, _ := cfg.Person(name)
		if err := mayDecide(cfg, p, &s, runbook.Approve); err != nil {
			return err
		}
		_, err := h.Engine.Decide(ctx, runbook.Decision{RunID: r.ID, Step: s.ID, Attempt: s.Attempt, Digest: s.Digest, Choice: runbook.Approve,
			By: runbook.Actor{Name: name, Platform: standing}, Reason: reason})
		if err != nil {
			return err
		}
	}
	return nil
}

// digestOf is of what stands in fleet.yaml, so that the journal shows which words were the approval.
func digestOf(r fleet.Rehearsal) string {
	text, _ := json.Marshal(r) // plain strings
	return fmt.Sprintf("sha256 %x", sha256.Sum256(text))[:7+12]
}

// tellNotRehearsed is an alert card: backups that nobody can try are not to be relied on.
func (h *Handlers) tellNotRehearsed(ctx context.Context, cause error) {
	now := h.Clock()
	why := runbook.T("rehearsal.not_started")
	var known *runbook.Error
	if errors.As(cause, &known) {
		why = known.Msg
	}
	m := bot.Message{
		Key: "rehearsal/" + strconv.FormatInt(now.Unix(), 10), State: "failed", Emoji: "❌", Title: h.say.T("rehearsal.not_started"),
		Lines: []string{h.Fleet.Redactor().Redact(h.say.Say(why))}, Notify: onCall(h.Fleet.Config()), Priority: bot.Prompt, At: now,
		Version: h.versions.next(ctx, h.Journal, now),
	}
	if err := h.Hub.Want(ctx, m); err != nil {
		h.Log.Error("tell of a rehearsal", "error", err)
	}
}

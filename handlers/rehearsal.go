package handlers

import (
	"context"
	"errors"
	"strconv"
	"time"

	"recoverbot/bot"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
	"recoverbot/runbook/fleet"
)

const (
	// rehearsing is the scenario that a schedule in fleet.yaml starts.
	rehearsing = fleet.RehearsalScenario
	// standing is the platform of whoever has approved in fleet.yaml, once for all times.
	standing = "fleet.yaml"

	scheduleEvery = 20 * time.Second
)

// scheduled reports whether a run was started by the schedule of fleet.yaml.
func scheduled(r runbook.Run) bool { return r.StartedBy.Platform == standing && r.Scenario.Beside }

func rehearsalParams(c *fleet.Config) map[string]string {
	params := map[string]string{}
	if c.Rehearsal.Database != "" {
		params["database"] = c.Rehearsal.Database
	}
	return params
}

// timetable tells when a rehearsal is due: once for each time that comes about, and never for one that an edit of
// fleet.yaml, or the clock, has put into the past.
type timetable struct{ asked, due time.Time }

func (t *timetable) isDue(r fleet.Rehearsal, now time.Time) bool {
	due := r.Last(now)
	is := due.After(t.asked) && !due.Equal(t.due)
	t.asked = now
	if is {
		t.due = due
	}
	return is
}

// RunRehearsals starts rehearsals when they are due, until ctx ends. One that was due while the bot was down is left out.
func (h *Handlers) RunRehearsals(ctx context.Context) error {
	times := timetable{asked: h.Clock().In(h.Zone)}
	h.standFor(ctx, h.approveEarlier)
	tick := time.NewTicker(scheduleEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if times.isDue(h.Fleet.Config().Rehearsal, h.Clock().In(h.Zone)) {
			h.standFor(ctx, h.rehearse)
		}
	}
}

// approveEarlier finds the run that an earlier process has begun: there is one at most.
func (h *Handlers) approveEarlier(ctx context.Context) string {
	active, err := h.Journal.Active(ctx)
	if err != nil && ctx.Err() == nil {
		h.Log.Error("look for open rehearsals", "error", err)
	}
	for _, r := range active {
		if r.State == runbook.Open && scheduled(r) {
			return r.ID
		}
	}
	return ""
}

// rehearse starts the run that the schedule wants; "" where it does not begin.
func (h *Handlers) rehearse(ctx context.Context) string {
	id, err := h.startRehearsal(ctx)
	switch {
	case err == nil:
		return id
	case ctx.Err() != nil:
	case runbook.CodeOf(err) == runbook.Conflicting: // a recovery has everybody's attention
		h.Log.Info("rehearsal left out", "error", err)
	default:
		h.Log.Error("start rehearsal", "error", err)
		h.tellNotRehearsed(ctx, h.say.T("rehearsal.not_started"), err)
	}
	return ""
}

func (h *Handlers) startRehearsal(ctx context.Context) (string, error) {
	cfg, err := h.written()
	if err != nil {
		return "", err
	}
	if cfg.Rehearsal.At != h.Fleet.Config().Rehearsal.At {
		return "", runbook.Errorf(runbook.Conflicting, "rehearsal.edited")
	}
	if len(cfg.Rehearsal.ApprovedBy) == 0 {
		return "", runbook.Errorf(runbook.Invalid, "restore.standing_approval", "need", cfg.Policy.Needs(rehearsing))
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
	req := engine.StartRequest{Scenario: s, By: by, Params: rehearsalParams(cfg)}
	if err := h.prepare(&req); err != nil {
		return "", err
	}
	r, _, err := h.Engine.Start(ctx, req)
	return r.ID, err
}

// tellNotRehearsed is an alert card: backups that nobody can try are not to be relied on.
func (h *Handlers) tellNotRehearsed(ctx context.Context, title string, cause error) {
	now := h.Clock()
	var why []string
	var known *runbook.Error
	if errors.As(cause, &known) {
		why = []string{h.Fleet.Redactor().Redact(h.say.Say(known.Msg))}
	}
	m := bot.Message{
		Key: "rehearsal/" + strconv.FormatInt(now.Unix(), 10), State: "failed", Emoji: "❌", Title: title, Lines: why, Notify: onCall(h.Fleet.Now()), Priority: bot.Prompt, At: now,
		Version: h.versions.next(ctx, h.Journal, now),
	}
	if err := h.Hub.Want(ctx, m); err != nil {
		h.Log.Error("tell of a rehearsal", "error", err)
	}
}

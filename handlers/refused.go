package handlers

import (
	"context"
	"errors"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"recoverbot/bot"
	"recoverbot/runbook"
)

// newRefusals bounds how often a refusal is journaled: nobody can fill the journal by trying what they may not.
func newRefusals() *rate.Limiter { return rate.NewLimiter(rate.Every(10*time.Second), 30) }

// refused journals that somebody tried what they may not: a person of the fleet, or a stranger by the platform's own id.
// The beginning of what they said is enough to tell what it was.
func (h *Handlers) refused(ctx context.Context, by runbook.Actor, stranger, what string, err error) {
	var e *runbook.Error
	if !errors.As(err, &e) || e.Code != runbook.Forbidden {
		return
	}
	words := strings.Fields(bot.CleanLine(what))
	data := map[string]string{"refused": e.Msg.ID, "what": shorten(strings.Join(words[:min(2, len(words))], " "), 80)}
	if stranger != "" {
		data["stranger"] = stranger
	}
	if !h.refusals.AllowN(h.Clock(), 1) {
		h.Log.Warn("refusal is not journaled: too many", "person", by.Name, "platform", by.Platform, "reason", e.Msg.ID)
		return
	}
	if err := h.Journal.Note(ctx, "", by, data); err != nil {
		h.Log.Error("journal a refusal", "error", err)
	}
}

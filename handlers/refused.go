package handlers

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"recoverbot/bot"
	"recoverbot/runbook"
)

// refusals bounds how often a refusal is journaled, for each person and for all strangers together: nobody can fill the
// journal by trying what they may not, nor hide there behind others who do. Its zero value is ready.
type refusals struct {
	mu sync.Mutex
	of map[string]*rate.Limiter // by person, "" strangers
}

func (r *refusals) allow(person string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.of == nil {
		r.of = map[string]*rate.Limiter{}
	}
	if r.of[person] == nil {
		r.of[person] = rate.NewLimiter(rate.Every(10*time.Second), 30)
	}
	return r.of[person].AllowN(now, 1)
}

// refused journals that somebody tried what they may not: a person of the fleet, or a stranger by the platform's own id.
func (h *Handlers) refused(ctx context.Context, by runbook.Actor, stranger, what string, err error) {
	var e *runbook.Error
	if !errors.As(err, &e) || e.Code != runbook.Forbidden {
		return
	}
	data := map[string]string{"refused": e.Msg.ID, "what": shorten(bot.CleanLine(what), 80)}
	if stranger != "" {
		data["stranger"] = stranger
	}
	if !h.refusals.allow(by.Name, h.Clock()) {
		h.Log.Warn("refusal is not journaled: too many", "person", by.Name, "platform", by.Platform, "reason", e.Msg.ID)
		return
	}
	if err := h.Journal.Note(ctx, "", by, data); err != nil {
		h.Log.Error("journal a refusal", "error", err)
	}
}

// heard is what somebody said, as short as it is journaled: the beginning of a text, or what a button stands for.
func heard(in bot.Inbound) string {
	text := in.Text
	if p, err := decodePress(in.Action); err == nil && in.Action != "" {
		if p.Command == "" {
			return strings.Join(strings.Fields(strings.Join([]string{string(p.Choice), p.Step, p.Group, p.Alert, p.Run}, " ")), " ")
		}
		text = p.Command
	}
	words := strings.Fields(text)
	return strings.Join(words[:min(2, len(words))], " ")
}

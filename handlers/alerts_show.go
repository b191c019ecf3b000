package handlers

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"maps"
	"time"

	"recoverbot/bot"
	"recoverbot/runbook"
)

// alertPace is how often calls are looked at for what comes with time alone; editPace, how often their cards may change.
const (
	alertPace = 15 * time.Second
	editPace  = 250 * time.Millisecond
)

// shownCalls is what people were shown of calls.
type shownCalls struct {
	shown map[string][sha256.Size]byte // by ID
	asked map[string]int64             // Prompt, by ID
	calls *alertCalls
}

func newShownCalls() shownCalls {
	return shownCalls{shown: map[string][sha256.Size]byte{}, asked: map[string]int64{}, calls: newAlertCalls()}
}

// runAlerts shows calls as they change, and lets snoozes, cool-downs and flaps end, until ctx ends.
func (h *Handlers) runAlerts(ctx context.Context) {
	tick := time.NewTicker(alertPace)
	defer tick.Stop()
	h.reviewAlerts(ctx)
	var back []string
	for {
		h.showAlerts(ctx)
		back = h.noteReturned(back)
		select {
		case <-ctx.Done():
			return
		case <-h.alerts.wake:
			if h.alerts.takeStale() {
				h.reviewAlerts(ctx)
			}
		case <-tick.C:
			h.reviewAlerts(ctx)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(editPace):
		}
	}
}

func (h *Handlers) reviewAlerts(ctx context.Context) {
	if err := h.change(ctx, runbook.Actor{Name: "bot", Platform: "alert"}, nil); err != nil && ctx.Err() == nil {
		h.Log.Error("review alerts", "error", err)
	}
}

// showAlerts wants every card that differs from what was wanted last; what the hub could not store is tried again.
func (h *Handlers) showAlerts(ctx context.Context) {
	h.alerts.shows.Lock()
	defer h.alerts.shows.Unlock()
	v := h.alerts.view
	if err := v.calls.load(ctx, h.Journal); err != nil {
		if ctx.Err() == nil {
			h.Log.Error("read who was called to alerts", "error", err)
		}
		return
	}
	current := map[string]bool{}
	for _, c := range h.alerts.all() {
		current[c.ID] = true
		if !c.Carded {
			continue
		}
		if err := h.showCall(ctx, v, c); err != nil && ctx.Err() == nil {
			h.Log.Error("show alert", "alert", c.ID, "error", err)
		}
	}
	maps.DeleteFunc(v.shown, func(id string, _ [sha256.Size]byte) bool { return !current[id] })
	maps.DeleteFunc(v.asked, func(id string, _ int64) bool { return !current[id] })
	for _, id := range v.calls.forget(current) {
		h.view.calls.quiet(id)
	}
}

// showCall wants the card of a call. A prompt has a version of its own, which is journaled before: after a restart it is
// the one that the hub knows, and nobody is asked twice.
func (h *Handlers) showCall(ctx context.Context, v shownCalls, c *call) error {
	m, ok := h.alertMessage(c.ID, h.say)
	if !ok {
		return nil
	}
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(b)
	if err := h.callTo(ctx, v, c, m); err != nil {
		return err
	}
	if c.Prompt != 0 && v.asked[c.ID] != c.Prompt {
		if err := h.ask(ctx, m, c.Prompt); err != nil {
			return err
		}
		if v.asked[c.ID] != 0 || !h.alerts.old[c.ID] { // else the hub may have known it already, and a newer card
			v.shown[c.ID] = sum
		}
		v.asked[c.ID] = c.Prompt
	}
	if v.shown[c.ID] == sum {
		return nil
	}
	m.Version = h.versions.next(ctx, h.Journal, h.Clock())
	if err := h.Hub.Want(ctx, m); err != nil {
		return err
	}
	v.shown[c.ID] = sum
	return nil
}

func (h *Handlers) ask(ctx context.Context, m bot.Message, version int64) error {
	m.Version, m.Notify = version, onCall(h.Fleet.Now())
	return h.Hub.Want(ctx, m)
}

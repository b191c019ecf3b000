package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"recoverbot/bot"
)

// alertCalls is who was called to the cards of alerts, also by an earlier process.
type alertCalls struct {
	loaded bool
	cards  map[string]int64       // version that an earlier process wanted last, by the ID of the call
	out    map[string]bot.Message // nudges by key
}

func newAlertCalls() *alertCalls {
	return &alertCalls{cards: map[string]int64{}, out: map[string]bot.Message{}}
}

func (a *alertCalls) load(ctx context.Context, j Journal) error {
	if a.loaded {
		return nil
	}
	wanted, err := j.Wanted(ctx)
	if err != nil {
		return err
	}
	for _, w := range wanted {
		var m bot.Message
		if id, ok := strings.CutPrefix(w.Key, "alert/"); ok {
			a.cards[id] = w.Version
		} else if strings.HasPrefix(w.Key, "nudge/alert/") && json.Unmarshal(w.Body, &m) == nil {
			a.out[w.Key] = m
		}
	}
	a.loaded = true
	return nil
}

// forget lets go of the calls that are not current, and names them.
func (a *alertCalls) forget(current map[string]bool) []string {
	var gone []string
	for key, m := range a.out {
		if id := strings.TrimPrefix(m.Of, "alert/"); !current[id] {
			gone = append(gone, id)
			delete(a.out, key)
		}
	}
	return gone
}

// callTo calls people to a card whose edit buzzes nobody: where it asks after it was posted, where there is more of it, and
// where nobody answers. A card that asks when it is posted calls people itself. Calls that are over are settled.
func (h *Handlers) callTo(ctx context.Context, v shownCalls, c *call, m bot.Message) error {
	asks := fmt.Sprintf("nudge/alert/%s/%d/", c.ID, c.Prompt)
	for _, key := range slices.Sorted(maps.Keys(v.calls.out)) {
		old := v.calls.out[key]
		if old.Of != m.Key || old.State == bot.NudgeOver || c.Prompt != 0 && strings.HasPrefix(key, asks) {
			continue
		}
		title := h.say.T("nudge.over", "title", m.Title)
		if c.State == resolved {
			title = m.Title
		}
		if err := h.callOnce(ctx, v, settledNudge(old, title)); err != nil {
			return err
		}
	}
	if c.Prompt == 0 {
		return nil
	}
	_, posted := v.shown[c.ID]
	if old := v.calls.cards[c.ID]; old != 0 && old < c.Prompt {
		posted = true // else what it was posted with is this prompt, or the nudge went out before it
	}
	now := h.Clock()
	since := earlier(now, time.Unix(0, c.Prompt)) // a version may be ahead of the clock
	times := make([]time.Time, 1+len(reminders))
	if posted && v.asked[c.ID] != c.Prompt {
		times[0] = since
	}
	for i, d := range reminders {
		if m.State == "down" && !c.Quiet {
			times[i+1] = later(since, h.view.calls.spokeAt(c.ID)).Add(d)
		}
	}
	level, _ := due(times, now)
	for wider := level; wider <= len(reminders); wider++ {
		if _, called := v.calls.out[fmt.Sprint(asks, wider)]; called {
			return nil
		}
	}
	if level < 0 {
		return nil
	}
	n := bot.Message{Key: fmt.Sprint(asks, level), Nudge: true, Of: m.Key, State: m.State, Emoji: m.Emoji, Title: m.Title, Since: m.Since,
		Notify: onCall(h.Fleet.Now()), Priority: bot.Prompt, At: now}
	if level == len(reminders) {
		n.Notify = calledAt(h.Fleet.Now(), level)
	}
	if n.State == bot.NudgeOver { // the card asks all the same
		n.State = "waiting"
	}
	if level > 0 {
		n.Context = h.say.T("nudge.waits", "seconds", now.Sub(since).Truncate(time.Minute).Seconds())
	}
	return h.callOnce(ctx, v, n)
}

func (h *Handlers) callOnce(ctx context.Context, v shownCalls, m bot.Message) error {
	m.Version = h.versions.next(ctx, h.Journal, h.Clock())
	if err := h.Hub.Want(ctx, m); err != nil {
		return err
	}
	v.calls.out[m.Key] = m
	return nil
}

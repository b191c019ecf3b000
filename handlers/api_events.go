package handlers

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"recoverbot/runbook"
)

// pingEvery keeps proxies from closing an event stream that is silent.
const pingEvery = 15 * time.Second

// writeWithin is how long a reader may leave what is written to it unread.
const writeWithin = 15 * time.Second

// getEvents streams the journal's events from Last-Event-ID (or ?after=) on.
// It ends when the token is no longer the person's.
func (h *Handlers) getEvents(w http.ResponseWriter, r *http.Request, c caller) error {
	after, err := lastEvent(r)
	if err != nil {
		return err
	}
	control := http.NewResponseController(w)
	ctx, leave := h.streams.Enter(r.Context(), c.person.Name)
	defer leave()
	newest, cancel := h.Journal.Subscribe()
	defer cancel()
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		if p, _ := h.Fleet.Now().Person(c.person.Name); p.TokenHash != c.person.TokenHash {
			return nil
		}
		events, err := h.Journal.Events(ctx, after, 200)
		if err != nil {
			return nil // the stream has begun: the client comes again with the last id it saw
		}
		_ = control.SetWriteDeadline(time.Now().Add(writeWithin)) // not every ResponseWriter has deadlines
		for _, e := range events {
			b, err := json.Marshal(e)
			if err != nil {
				return nil
			}
			if _, err := fmt.Fprintf(w, "id: %d\nevent: %s\ndata: %s\n\n", e.ID, e.Kind, b); err != nil {
				return nil
			}
			after = e.ID
		}
		if err := control.Flush(); err != nil {
			return nil
		}
		if len(events) == 200 {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-newest:
		case <-ping.C:
			_ = control.SetWriteDeadline(time.Now().Add(writeWithin))
			if _, err := fmt.Fprint(w, ": ping\n\n"); err != nil {
				return nil
			}
		}
	}
}

func lastEvent(r *http.Request) (int64, error) {
	text := r.Header.Get("Last-Event-ID")
	if text == "" {
		text = r.URL.Query().Get("after")
	}
	if text == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return 0, runbook.Errorf(runbook.Invalid, "api.bad_event_id")
	}
	return n, nil
}

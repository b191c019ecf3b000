package web

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"recoverbot/bot"
)

const (
	heartbeat    = 15 * time.Second
	writeTimeout = 15 * time.Second
)

type shownCard struct {
	Order   int64       `json:"order"`
	Message bot.Message `json:"message"`
}

// events streams the cards: first all that the reader lacks, then each change. A reader that is slow gets the newest
// version only, since there is no queue: each round asks for what changed since the last one.
func (w *Console) events(rw http.ResponseWriter, r *http.Request) {
	s, _, ok := w.who(r)
	if !ok {
		w.fail(rw, r, http.StatusUnauthorized, "ui.logged_out")
		return
	}
	_, ended := w.running()
	if ended == nil {
		w.fail(rw, r, http.StatusServiceUnavailable, "ui.unavailable")
		return
	}
	rw.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead { // asked by a page that lost its stream, to learn why
		return
	}
	ctx, leave := w.streams.Enter(r.Context(), s.UserID)
	defer leave()
	lang := w.lang(r)
	seen := w.resume(r)
	rw.Header().Set("X-Accel-Buffering", "no")
	out := http.NewResponseController(rw)
	emit := func(event, id string, v any) bool {
		data, err := json.Marshal(v)
		if err != nil {
			w.log.Error("event could not be encoded", "error", err)
			return false
		}
		_ = out.SetWriteDeadline(time.Now().Add(writeTimeout)) // not every ResponseWriter has deadlines
		if id != "" {
			id = "id: " + id + "\n"
		}
		_, err = fmt.Fprintf(rw, "%sevent: %s\ndata: %s\n\n", id, event, data)
		return err == nil
	}
	fmt.Fprint(rw, "retry: 1500\n")
	if !emit("hello", "", map[string]any{"now": w.clock().UTC(), "epoch": w.epoch}) || out.Flush() != nil {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		cards, changed := w.board.Since(seen)
		if _, _, ok := w.who(r); !ok { // logged out since, or no longer of the fleet
			return
		}
		for _, c := range cards {
			seen = c.Seq
			if !emit("card", w.epoch+"-"+strconv.FormatInt(c.Seq, 10), shownCard{c.Order, w.in(lang, c.Message)}) {
				return
			}
		}
		if len(cards) > 0 {
			if !emit("sync", "", map[string]any{}) || out.Flush() != nil {
				return
			}
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return
		case <-ended:
			return
		case <-beat.C:
			if !emit("beat", "", map[string]any{"now": w.clock().UTC()}) || out.Flush() != nil {
				return
			}
		}
	}
}

// resume reads Last-Event-ID: what this reader has seen since the bot started, 0 where it must begin anew.
func (w *Console) resume(r *http.Request) int64 {
	epoch, seq, ok := strings.Cut(r.Header.Get("Last-Event-ID"), "-")
	n, err := strconv.ParseInt(seq, 10, 64)
	if !ok || epoch != w.epoch || err != nil {
		return 0
	}
	return n
}

// in is m in the reader's language, where it can be had.
func (w *Console) in(lang string, m bot.Message) bot.Message {
	if lang == w.c.Language || w.c.Render == nil {
		return m
	}
	if other, ok := w.c.Render(lang, m.Key); ok {
		return bot.Cleaned(other)
	}
	return m
}

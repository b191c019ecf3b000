package telegramtest

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// limit counts one message or edit in a chat, or refuses it with the time after which there is room; s.mu is held.
func (s *Server) limit(a args) error {
	c := s.chat(a.id("chat_id"))
	if !s.opts.RateLimits || c == nil {
		return nil
	}
	now := s.opts.Clock()
	sent := slices.DeleteFunc(s.limits[c.ID], func(t time.Time) bool { return now.Sub(t) >= time.Minute })
	wait := room(sent, now, s.opts.ChatBurst, time.Duration(s.opts.ChatBurst)*time.Second)
	if c.group() {
		wait = max(wait, room(sent, now, s.opts.GroupPerMinute, time.Minute))
	}
	if wait > 0 {
		seconds := int((wait + time.Second - 1) / time.Second)
		return &refusal{status: http.StatusTooManyRequests, text: fmt.Sprintf("Too Many Requests: retry after %d", seconds), retryAfter: seconds}
	}
	s.limits[c.ID] = append(sent, now)
	return nil
}

// room is how long it takes until one more makes at most n within a span.
func room(sent []time.Time, now time.Time, n int, span time.Duration) time.Duration {
	if len(sent) < n {
		return 0
	}
	return max(0, span-now.Sub(sent[len(sent)-n]))
}

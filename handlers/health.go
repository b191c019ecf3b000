package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"recoverbot/bot"
)

// provenAfter is how long after the start a platform that does not work has been told of. What an earlier process said of
// the others is over: often the restart was what mended it.
const provenAfter = 2 * time.Minute

// sameOutage is how soon after a platform worked again the next trouble is told on the same card, which buzzes nobody.
const sameOutage = 10 * time.Minute

// platforms tells people of a platform that does not work, by way of those that do.
type platforms struct {
	mu   sync.Mutex
	news map[string]bot.Health
	wake chan struct{}
	// The newest card by platform, and when it said that all is well; used by runHealth alone.
	told map[string]bot.Message
	well map[string]time.Time
}

func newPlatforms() *platforms {
	return &platforms{news: map[string]bot.Health{}, wake: make(chan struct{}, 1), told: map[string]bot.Message{},
		well: map[string]time.Time{}}
}

// PlatformHealth is told how a platform fares. It never blocks.
func (h *Handlers) PlatformHealth(x bot.Health) {
	p := h.platforms
	p.mu.Lock()
	p.news[x.Platform] = x
	p.mu.Unlock()
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

func (p *platforms) take() map[string]bot.Health {
	p.mu.Lock()
	defer p.mu.Unlock()
	news := p.news
	p.news = map[string]bot.Health{}
	return news
}

// putBack keeps what could not be told, unless there is something newer.
func (p *platforms) putBack(x bot.Health) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, newer := p.news[x.Platform]; !newer {
		p.news[x.Platform] = x
	}
}

// runHealth tells what PlatformHealth was told until ctx ends.
func (h *Handlers) runHealth(ctx context.Context) {
	proven := time.After(provenAfter)
	for {
		var again <-chan time.Time
		for _, x := range h.platforms.take() {
			if err := h.showHealth(ctx, x); err != nil && ctx.Err() == nil {
				h.Log.Error("tell of a platform", "platform", x.Platform, "error", err)
				h.platforms.putBack(x)
				again = time.After(time.Second)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-h.platforms.wake:
		case <-again:
		case <-proven:
			if h.Health == nil {
				continue
			}
			for _, x := range h.Health() {
				h.platforms.putBack(x)
			}
		}
	}
}

func (h *Handlers) showHealth(ctx context.Context, x bot.Health) error {
	old, err := h.toldOf(ctx, x.Platform)
	if err != nil {
		return err
	}
	ill := old.State == "failed"
	if x.Err == nil && (!ill || x.Since.Before(old.At)) {
		return nil
	}
	since := x.Since
	if since.IsZero() {
		since = h.Clock()
	}
	m := bot.Message{Key: old.Key, At: old.At, State: "done", Emoji: "✅", Priority: bot.Outcome, Except: x.Platform}
	if x.Err != nil {
		m = h.illness(x, since)
		if ill || old.Key != "" && since.Sub(h.platforms.well[x.Platform]) < sameOutage {
			m.Key, m.At = old.Key, old.At
		}
	} else {
		m.Title = h.say.T("platform.well", "platform", x.Platform, "seconds", since.Sub(old.At).Truncate(time.Second).Seconds())
	}
	if ill && m.Title == old.Title && slices.Equal(m.Lines, old.Lines) {
		return nil
	}
	m.Version = h.versions.next(ctx, h.Journal, h.Clock())
	if err := h.Hub.Want(ctx, m); err != nil {
		return err
	}
	h.platforms.told[x.Platform] = m
	if x.Err == nil {
		h.platforms.well[x.Platform] = since
	}
	return nil
}

// illness is the card of a platform that does not work. What went wrong in detail is the log's business.
func (h *Handlers) illness(x bot.Health, since time.Time) bot.Message {
	title, lines := h.say.T("platform.unreachable", "platform", x.Platform, "at", since), []string{h.say.T("platform.retried")}
	if fault := (*bot.Fault)(nil); errors.As(x.Err, &fault) {
		title, lines = h.say.T("platform.ill", "platform", x.Platform), []string{h.Fleet.Redactor().Redact(fault.Text)}
	}
	return bot.Message{
		Key: "platform/" + x.Platform + "/" + strconv.FormatInt(since.Unix(), 10), State: "failed", Emoji: "❌", Title: title,
		Lines: append(lines, h.say.T("platform.others")), Notify: onCall(h.Fleet.Now()), Priority: bot.Prompt, At: since,
		Except: x.Platform,
	}
}

// toldOf is the newest card about a platform, also of an earlier process.
func (h *Handlers) toldOf(ctx context.Context, platform string) (bot.Message, error) {
	told := h.platforms.told
	if m, ok := told[platform]; ok {
		return m, nil
	}
	wanted, err := h.Journal.Wanted(ctx)
	if err != nil {
		return bot.Message{}, err
	}
	var newest bot.Message
	for _, w := range wanted {
		var m bot.Message
		if strings.HasPrefix(w.Key, "platform/"+platform+"/") && json.Unmarshal(w.Body, &m) == nil && m.Version > newest.Version {
			newest = m
		}
	}
	told[platform] = newest
	return newest, nil
}

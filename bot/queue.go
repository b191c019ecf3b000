package bot

import (
	"fmt"
	"slices"
	"time"
)

const (
	// tickerPace is how often the progress of one card is edited, at most, where calls are counted.
	tickerPace = 3 * time.Second
	// patience is how often a card may fail before a nudge about it goes out without it.
	patience = 3
	// courtesy is how long a question may wait for the posts of its run that were wanted before it, so that it stands below
	// them where people look.
	courtesy = 2500 * time.Millisecond
)

// want queues m and its parts unless this version or a newer one is queued or shown.
func (l *lane) want(m Message) {
	if m.Nudge && !l.mentions || m.Except == l.p.Name() {
		return
	}
	parts := l.divide(m)
	l.mu.Lock()
	defer l.mu.Unlock()
	if p, ok := l.pending[m.Key]; ok && p.m.Version > m.Version {
		return
	}
	if s := l.shown[m.Key]; s.version > m.Version || (s.ref == "" && s.holds(m)) {
		return
	}
	if l.past[m.RunID] == m.Key && !m.Ends { // it goes on
		delete(l.past, m.RunID)
	}
	if m.Nudge && m.State == NudgeOver && l.lead == m.Key { // it leads nowhere any more
		l.bottom, l.lead = m.Key, ""
	}
	l.queue(m, false)
	for key, p := range l.pending {
		old := p.part && p.m.Of == m.Key && !slices.ContainsFunc(parts, func(m Message) bool { return m.Key == key })
		stale := m.Nudge && m.State != NudgeOver && p.m.Nudge && m.Covered == p.m.Covered && m.Of != "" && p.m.Of == m.Of && key != m.Key && l.shown[key].ref == ""
		if old || stale { // one call about a card is enough, however long the platform was down
			delete(l.pending, key)
		}
	}
	l.queueParts(m, parts)
	knock(l.wake)
}

func (l *lane) queueParts(m Message, parts []Message) {
	for _, part := range parts {
		part.Priority, part.RunID = m.Priority, m.RunID
		l.queue(part, true)
	}
}

func (l *lane) queue(m Message, part bool) {
	if s := l.shown[m.Key]; s.holds(m) && !l.strays(m, s) {
		return
	}
	if p, ok := l.pending[m.Key]; !ok {
		l.next++
		l.pending[m.Key] = &parcel{m: m, part: part, order: l.next, asked: time.Now()}
	} else if part || p.m.Version < m.Version {
		if m.Priority != p.m.Priority {
			p.asked = time.Now()
		}
		p.m = m
	}
}

// divide is what of m does not fit into one post.
func (l *lane) divide(m Message) (parts []Message) {
	if l.divider == nil {
		return nil
	}
	defer func() {
		if r := recover(); r != nil {
			l.log.Error("message could not be divided", "key", m.Key, "error", fmt.Sprint(r))
		}
	}()
	return l.divider.Divide(m)
}

// holds reports whether nothing is left to do for m: it is shown, or need not be.
func (s shown) holds(m Message) bool { return s.version > 0 && s.version >= m.Version }

// same reports whether s shows what m says, though of another version.
func (l *lane) same(m Message, s shown) bool {
	return !l.volatile && s.ref != "" && s.digest != "" && !l.strays(m, s) && s.digest == digest(m)
}

// strays reports whether m waits for people, and is shown where they do not look any more.
func (l *lane) strays(m Message, s shown) bool {
	return l.mover != nil && s.ref != "" && asks(m) && l.mover.Strayed(s.ref)
}

// void is what was never posted and need not be: a nudge that calls nobody any more, and what is listed where calls of a
// minute are few.
func (l *lane) void(m Message) bool {
	s := l.shown[m.Key]
	if m.Listed && s.ref == "" {
		return l.budget.perMinute > 0
	}
	return m.Nudge && m.State == NudgeOver && s.ref == "" && !s.tried
}

// idles reports whether p is a call that is needed only if something gets between its card and those who read: there is
// nothing yet.
func (l *lane) idles(p *parcel) bool {
	if !p.m.Covered || p.m.State == NudgeOver || l.shown[p.m.Key].ref != "" {
		return false
	}
	return !l.buried && (l.bottom == "" || l.bottom == p.m.Of || l.shown[l.bottom].asks)
}

// idle is 0 where something can go out now, else how long to wait; -1: until something is wanted.
func (l *lane) idle() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	var first time.Time
	found := false
	for _, p := range l.pending {
		if at, ok := l.due(p); ok && (!found || at.Before(first)) {
			first, found = at, true
		}
	}
	if !found {
		return -1
	}
	return max(0, time.Until(latest(first, l.pause, l.outage.rest)))
}

// due is when p may go out. It is not ok while the card that it is about is to go out first.
func (l *lane) due(p *parcel) (at time.Time, ok bool) {
	if of := p.m.Of; of != "" && l.shown[of].ref == "" {
		if card, ok := l.pending[of]; ok && card != p && (p.part || card.fails < patience) {
			return time.Time{}, false
		}
	}
	leads := p.m.Covered && p.m.State != NudgeOver
	if l.idles(p) || leads && l.unready(p.m.Of) {
		return time.Time{}, false
	}
	at = latest(p.notBy, l.budget.free(l.takes(p)))
	if leads && !l.shown[p.m.Of].edited { // once, below all that is posted now
		at = latest(at, p.asked.Add(courtesy), l.posted.Add(courtesy))
	}
	if s := l.shown[p.m.Key]; l.priority(p) == Ticker && s.ref != "" && !s.at.IsZero() {
		at = latest(at, s.at.Add(l.budget.pace()))
	}
	return at, true
}

// unready reports whether a question is still to be shown, or a part of it.
func (l *lane) unready(card string) bool {
	for key, p := range l.pending {
		if key == card && asks(p.m) && p.fails < patience || p.part && p.m.Of == card && p.fails == 0 {
			return true
		}
	}
	return false
}

func latest(a time.Time, more ...time.Time) time.Time {
	for _, t := range more {
		if t.After(a) {
			a = t
		}
	}
	return a
}

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

// answers reports whether p takes the buttons of a question away that people still see.
func (l *lane) answers(p *parcel) bool { return p.m.Priority != Prompt && l.shown[p.m.Key].asks }

// priority orders what goes out: who presses what was answered presses in vain, so that counts as a prompt. Where
// calls a minute are few, questions themselves come before that. What is left of runs that were over when the bot started
// comes last.
func (l *lane) priority(p *parcel) Priority {
	switch {
	case p.m.Priority == Prompt:
		return Prompt
	case l.past[p.m.RunID] != "":
		return Ticker
	case !l.answers(p):
		return p.m.Priority
	case l.budget.perMinute == 0:
		return Prompt
	}
	return Outcome
}

// turns reports whether p makes a question of a card that people saw, or another one.
func (l *lane) turns(p *parcel) bool { return asks(p.m) && l.shown[p.m.Key].ref != "" }

// takes is what p takes its call as.
func (l *lane) takes(p *parcel) Priority {
	if l.turns(p) {
		return urgent
	}
	if at := l.priority(p); at != Outcome || !l.answers(p) {
		return at
	}
	return decided
}

// rank orders by priority. A card that becomes a question comes before all. What takes the buttons of a question away comes
// right behind questions themselves, before all that is only to be read: what does not fit into the card of a question, too.
func (l *lane) rank(p *parcel) int {
	switch at := l.takes(p); {
	case at == urgent:
		return -1
	case at == decided:
		return 1
	case at == Prompt && !p.part:
		return 0
	default:
		return 2 + int(at)
	}
}

// fresh reports whether p is of a run, and was never posted.
func (l *lane) fresh(p *parcel) bool { return p.m.RunID != "" && l.shown[p.m.Key].ref == "" }

// inOrder is the post that goes out in the place of p, a card or a call: what was wanted earlier of the same run stands above
// it, unless it is a question that would wait too long for that, or the end of the run.
func (l *lane) inOrder(p *parcel, now time.Time) *parcel {
	if l.volatile || p.m.Ends || p.part || p.m.Covered || !l.fresh(p) {
		return p
	}
	first, wait := p, time.Duration(0)
	for _, q := range l.pending {
		if q.order >= p.order || q.m.RunID != p.m.RunID || q.m.Nudge || q.part && !l.flat || !l.fresh(q) {
			continue
		}
		if at, ok := l.due(q); !ok || at.After(now) {
			continue
		}
		if wait += l.budget.every; q.order < first.order {
			first = q
		}
	}
	if p.m.Priority == Prompt && now.Add(wait).After(p.asked.Add(courtesy)) {
		return p
	}
	return first
}

// choose picks by rank, of these the end of a run first, cards before their parts, then the oldest; cards of one run are
// posted in their order. It takes the call that it needs. A volatile platform has no budget to divide; it gets everything in
// order.
func (l *lane) choose() (parcel, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	var best *parcel
	for key, p := range l.pending {
		if l.void(p.m) {
			delete(l.pending, key)
			continue
		}
		if s := l.shown[key]; l.same(p.m, s) {
			s.version = max(s.version, p.m.Version)
			l.shown[key] = s
			delete(l.pending, key)
			continue
		}
		if at, ok := l.due(p); !ok || at.After(now) {
			continue
		}
		if best == nil || l.before(p, best) {
			best = p
		}
	}
	if best == nil {
		return parcel{}, false
	}
	if best = l.inOrder(best, now); !l.budget.take(l.takes(best)) {
		return parcel{}, false
	}
	return *best, true
}

func (l *lane) before(a, b *parcel) bool {
	switch {
	case l.volatile:
		return a.order < b.order
	case l.budget.perMinute == 0 && l.answers(a) != l.answers(b):
		return l.answers(a)
	case l.rank(a) != l.rank(b):
		return l.rank(a) < l.rank(b)
	case l.answers(a) != l.answers(b):
		return l.answers(a)
	case a.m.Ends != b.m.Ends:
		return a.m.Ends
	case a.part != b.part:
		return b.part
	}
	return a.order < b.order
}

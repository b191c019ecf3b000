package bot

import "time"

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

package bot

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"
)

// lasting is how long a platform may fail before it counts as broken: shorter than anybody waits for an answer, longer
// than a reconnection.
const lasting = time.Minute

// Health is how a platform fares. Err nil: it receives and delivers. A *Fault in Err must be mended by a person.
type Health struct {
	Platform string
	Err      error
	Since    time.Time
}

// Health is how each platform fares now, in the order of Config.Platforms.
func (h *Hub) Health() []Health {
	out := make([]Health, len(h.lanes))
	for i, l := range h.lanes {
		l.mu.Lock()
		out[i] = l.health
		l.mu.Unlock()
	}
	return out
}

// link is how a platform receives.
type link struct {
	err     error // nil: it works
	since   time.Time
	ended   bool      // err ended Run
	running time.Time // since when Run runs; zero: it does not
}

// starts notes that Run begins.
func (l *lane) starts() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.link.running = time.Now()
	knock(l.stirred)
}

// report takes how the connection fares.
func (l *lane) report(err error) { l.linked(err, false) }

// ends takes the error that ended Run.
func (l *lane) ends(err error) {
	if err == nil {
		err = errors.New("platform stopped receiving")
	}
	l.linked(err, true)
}

func (l *lane) linked(err error, ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer knock(l.stirred)
	k := &l.link
	if ended {
		k.running = time.Time{}
	}
	if l.mover != nil {
		l.moved = true
		knock(l.wake)
	}
	switch {
	case err == nil && k.err != nil:
		k.err = nil
		l.again()
	case err == nil:
	case k.err == nil:
		k.err, k.since, k.ended = err, time.Now(), ended
	case fault(err) != nil || fault(k.err) == nil: // what a person must mend stays so until the connection works
		k.err, k.ended = err, ended
	}
}

func fault(err error) *Fault {
	var f *Fault
	errors.As(err, &f)
	return f
}

// watch tells of each change of health until ctx ends, beside the lane, so that whoever is told may take time.
func (l *lane) watch(ctx context.Context, tell func(Health)) {
	for {
		h, changed, again := l.look(time.Now())
		if changed && tell != nil {
			tell(h)
		}
		var timer <-chan time.Time
		if again > 0 {
			timer = time.After(again)
		}
		select {
		case <-ctx.Done():
			return
		case <-l.stirred:
		case <-timer:
		}
	}
}

// look brings health up to date; again is after how long it may change though nothing happens.
func (l *lane) look(now time.Time) (h Health, changed bool, again time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	err, since, again := l.fares(now)
	old, fresh := fault(l.health.Err), fault(err)
	if (err == nil) == (l.health.Err == nil) && (old == nil) == (fresh == nil) && (old == nil || old.Text == fresh.Text) {
		return l.health, false, again
	}
	if err == nil {
		since = now
	}
	l.health = Health{Platform: l.p.Name(), Err: err, Since: since}
	return l.health, true, again
}

// fares is what ails the platform: a fault at once, everything else when it has lasted.
func (l *lane) fares(now time.Time) (err error, since time.Time, again time.Duration) {
	k := &l.link
	if fault(k.err) != nil {
		return k.err, k.since, 0
	}
	var failing []*parcel
	for _, p := range l.pending {
		if p.err != nil {
			failing = append(failing, p)
		}
	}
	slices.SortFunc(failing, func(a, b *parcel) int { return cmp.Compare(a.order, b.order) })
	for _, p := range failing {
		if fault(p.err) != nil {
			return p.err, p.since, 0
		}
	}
	if len(failing) == 0 { // perhaps dropped: nobody wants any more what failed
		l.outage = outage{good: l.outage.good}
	}
	if k.ended && !k.running.IsZero() { // a platform need not report that it works: it runs
		if works := k.running.Add(lasting / 2); now.Before(works) {
			again = works.Sub(now)
		} else {
			*k = link{running: k.running}
		}
	}
	for _, bad := range []struct {
		err   error
		since time.Time
	}{{k.err, k.since}, {l.outage.err, l.outage.since}} {
		if bad.err == nil {
			continue
		}
		left := bad.since.Add(lasting).Sub(now)
		if left <= 0 {
			return bad.err, bad.since, again
		}
		if again == 0 || left < again {
			again = left
		}
	}
	return nil, time.Time{}, again
}

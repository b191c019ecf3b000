package bot

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// callTimeout bounds one Send, Edit or Find.
	callTimeout = 20 * time.Second
	// keepVolatile is how many messages a forgetful platform gets at a start.
	keepVolatile = 500
)

// lane is the delivery to one platform. It holds only what that platform does not show yet.
type lane struct {
	p        Platform
	store    Store
	log      *slog.Logger
	done     func() // called whenever less may be pending
	volatile bool
	mentions bool
	divider  Divider // nil: one post holds a whole card
	budget   *Budget
	wake     chan struct{}

	mu      sync.Mutex
	next    int64
	pending map[string]*parcel
	shown   map[string]shown
	pause   time.Time // the platform asked to wait until then
	outage  outage

	health  Health // what was told last
	link    link
	stirred chan struct{} // something happened that health may depend on
}

// parcel is what a platform does not show yet.
type parcel struct {
	m     Message
	order int64
	asked time.Time                   // when it got its priority
	part  bool                        // made by the Divider
	retry *backoff.ExponentialBackOff // nil until a delivery failed
	notBy time.Time                   // not before
	fails int                         // since it went out last
	since time.Time                   // of the first of them
	err   error                       // of the last of them
}

type shown struct {
	version int64
	ref     Ref  // "": nothing is shown
	asks    bool // what is shown is a question
	tried   bool // a first post may exist though nothing is known of it
	at      time.Time
}

func newLane(p Platform, s Store, log *slog.Logger, done func()) *lane {
	l := &lane{p: p, store: s, log: log, done: done, wake: make(chan struct{}, 1), stirred: make(chan struct{}, 1),
		pending: map[string]*parcel{}, shown: map[string]shown{}, budget: NewBudget(0, 0),
		health: Health{Platform: p.Name(), Since: time.Now()}}
	if v, ok := p.(Volatile); ok {
		l.volatile = v.Volatile()
	}
	if v, ok := p.(Mentioner); ok {
		l.mentions = v.Mentions()
	}
	if v, ok := p.(Budgeter); ok {
		l.budget = v.Budget()
	} else if v, ok := p.(Limiter); ok {
		l.budget = NewBudget(v.Every(), 0)
	}
	l.divider, _ = p.(Divider)
	return l
}

// load takes over what was delivered before a restart and queues what was not. A platform that is new gets what still
// matters, not the past.
func (l *lane) load(ctx context.Context, wanted []Message) error {
	if !l.volatile {
		stored, err := l.store.Delivered(ctx, l.p.Name())
		if err != nil {
			return fmt.Errorf("read deliveries of %s: %w", l.p.Name(), err)
		}
		if len(stored) == 0 {
			l.spare(ctx, wanted)
		}
		l.mu.Lock()
		for _, d := range stored {
			if known, ok := l.shown[d.Key]; !ok || d.Version > known.version {
				l.shown[d.Key] = shown{version: d.Version, ref: Ref(d.Ref), tried: d.Ref == "" && d.Version == 0}
			}
		}
		for key, p := range l.pending { // wanted before Run
			if l.shown[key].holds(p.m) {
				delete(l.pending, key)
			}
		}
		l.mu.Unlock()
	} else if len(wanted) > keepVolatile {
		wanted = wanted[len(wanted)-keepVolatile:]
	}
	for _, m := range wanted {
		l.want(m)
	}
	l.done()
	return nil
}

// spare records that people who saw nothing so far need not see the past: what asks nothing, and is of no run that goes on.
func (l *lane) spare(ctx context.Context, wanted []Message) {
	over := map[string]bool{}
	for _, m := range wanted {
		if m.Ends {
			over[m.RunID] = true
		}
	}
	var past []Message
	l.mu.Lock()
	for _, m := range wanted {
		if _, news := l.pending[m.Key]; news || m.Priority == Prompt || (m.RunID != "" && !over[m.RunID]) {
			continue
		}
		past = append(past, m)
		l.shown[m.Key] = shown{version: m.Version}
	}
	l.mu.Unlock()
	for _, m := range past {
		if err := l.store.SaveDelivered(ctx, l.p.Name(), m.Key, m.Version, ""); err != nil {
			l.log.Error("delivery could not be saved", "key", m.Key, "error", err)
			return
		}
	}
}

func (l *lane) pendingCount() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.pending)
}

// deliver sends until ctx ends. A message is chosen when a call may be made, so that what goes out is the newest.
func (l *lane) deliver(ctx context.Context) {
	for ctx.Err() == nil {
		if wait := l.idle(); wait != 0 {
			var timer <-chan time.Time
			if wait > 0 {
				timer = time.After(wait)
			}
			select {
			case <-ctx.Done():
			case <-l.wake:
			case <-timer:
			}
			continue
		}
		if p, ok := l.choose(); ok {
			l.turn(ctx, p)
		}
		l.done()
	}
}

// turn calls the platform for p. Where p is to go out without its card, that has one more try just before: perhaps the
// platform was down, and works again.
func (l *lane) turn(ctx context.Context, p parcel) {
	if card, ok := l.unshown(p.m.Of); ok {
		l.show(ctx, card)
		if l.budget.Wait(ctx, p.m.Priority) != nil || l.asked() {
			return
		}
	}
	l.show(ctx, p)
}

func (l *lane) show(ctx context.Context, p parcel) {
	l.mu.Lock()
	s := l.shown[p.m.Key]
	p.m.OfRef = l.shown[p.m.Of].ref
	l.mu.Unlock()
	l.settle(ctx, p.m, s, l.call(ctx, p, &s))
}

// unshown is what is queued of a card that was never posted.
func (l *lane) unshown(key string) (parcel, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p, ok := l.pending[key]
	if !ok || l.shown[key].ref != "" {
		return parcel{}, false
	}
	return *p, true
}

// asked reports whether the platform asked to wait.
func (l *lane) asked() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return time.Now().Before(l.pause)
}

// knock tells whoever listens to c, once, without waiting.
func knock(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

package bot

import (
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	// callTimeout bounds one Send, Edit or Find.
	callTimeout = 20 * time.Second
	// recordTimeout bounds the record of a call: people wait for the call.
	recordTimeout = 2 * time.Second
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
	flat     bool
	divider  Divider // nil: one post holds a whole card
	mover    Mover   // nil: its chat stays where it is
	budget   *Budget
	wake     chan struct{}
	calling  sync.Mutex // held during a call of the platform

	mu      sync.Mutex
	next    int64
	pending map[string]*parcel
	shown   map[string]shown
	moved   bool              // perhaps: what waits for people may stand in another chat
	past    map[string]string // runs that were over when the bot started, and the card that says so
	bottom  string            // key of what the newest post is, or of the card that it calls people to; "" unknown
	lead    string            // key of the call that the newest post is
	buried  bool              // something else stands below that
	posted  time.Time         // when the newest of all was posted
	pause   time.Time         // the platform asked to wait until then
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
	edited  bool // an edit made it one
	tried   bool // a first post may exist though nothing is known of it
	digest  string
	at      time.Time
}

func (s shown) stored(key string) StoredDelivery {
	return StoredDelivery{Key: key, Version: s.version, Ref: string(s.ref), Digest: s.digest, Asks: s.asks}
}

// asks reports whether m is a card that waits for people.
func asks(m Message) bool { return m.Priority == Prompt && !m.Nudge && !m.Thread }

// digest is the same for versions of a message that show the same.
func digest(m Message) string {
	m.Version = 0
	body, err := json.Marshal(m)
	if err != nil { // never: it has been a JSON before
		return ""
	}
	return ShortHash(string(body))
}

func newLane(p Platform, s Store, log *slog.Logger, done func()) *lane {
	l := &lane{p: p, store: s, log: log, done: done, wake: make(chan struct{}, 1), stirred: make(chan struct{}, 1),
		pending: map[string]*parcel{}, shown: map[string]shown{}, past: map[string]string{}, budget: NewBudget(0, 0),
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
	if v, ok := p.(Flat); ok {
		l.flat = v.Flat()
	}
	l.divider, _ = p.(Divider)
	l.mover, _ = p.(Mover)
	return l
}

func (l *lane) pendingCount() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, p := range l.pending {
		if !l.idles(p) {
			n++
		}
	}
	return n
}

// deliver sends until ctx ends. A message is chosen when a call may be made, so that what goes out is the newest.
func (l *lane) deliver(ctx context.Context) {
	for ctx.Err() == nil {
		l.follow(ctx)
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
			l.budget.called()
			l.turn(ctx, p)
		}
		l.done()
	}
}

// called records a call that is about to be made.
func (l *lane) called(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	if err := l.store.SaveCall(ctx, l.p.Name()); err != nil {
		l.log.Error("a call could not be recorded", "error", err)
	}
}

// buries notes that the platform has posted something by itself, which stands below every card.
func (l *lane) buries() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buried, l.posted = true, time.Now()
	knock(l.wake)
}

// follow queues what waits for people and stands where they do not look any more.
func (l *lane) follow(ctx context.Context) {
	l.mu.Lock()
	moved := l.moved && l.mover != nil
	l.moved = false
	if moved { // what is wanted is long to read
		moved = slices.ContainsFunc(slices.Collect(maps.Values(l.shown)), func(s shown) bool { return s.asks && l.mover.Strayed(s.ref) })
	}
	l.mu.Unlock()
	if !moved {
		return
	}
	wanted, err := Wanted(ctx, l.store, l.log)
	if err != nil {
		l.log.Error("what stands in an old chat is unknown", "error", err)
		return
	}
	for _, m := range newestRunsFirst(wanted) {
		l.mu.Lock()
		strays := l.strays(m, l.shown[m.Key])
		l.mu.Unlock()
		if strays {
			l.want(m)
		}
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
	err := l.call(ctx, p, &s)
	l.budget.ends()
	l.settle(ctx, p.m, s, err)
}

// refOf is where the card of key is shown, "" nowhere.
func (l *lane) refOf(key string) Ref {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.shown[key].ref
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

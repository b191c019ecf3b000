package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"
)

// callTimeout bounds one Send, Edit or Find; keepVolatile is how many messages a forgetful platform gets at a start.
const (
	callTimeout  = 20 * time.Second
	keepVolatile = 500
)

// lane is the delivery to one platform. It holds only what that platform does not show yet.
type lane struct {
	p        Platform
	store    Store
	log      *slog.Logger
	done     func() // called after each call of the platform
	volatile bool
	mentions bool
	budget   *rate.Limiter
	wake     chan struct{}

	mu      sync.Mutex
	next    int64
	pending map[string]*parcel
	shown   map[string]shown
	pause   time.Time // the platform asked to wait until then
}

type parcel struct {
	m     Message
	order int64
	retry *backoff.ExponentialBackOff // nil until a delivery failed
	notBy time.Time                   // not before
}

type shown struct {
	version int64
	ref     Ref
	tried   bool // a first post may exist though nothing is known of it
}

func newLane(p Platform, s Store, log *slog.Logger, done func()) *lane {
	l := &lane{p: p, store: s, log: log, done: done, wake: make(chan struct{}, 1),
		pending: map[string]*parcel{}, shown: map[string]shown{}, budget: rate.NewLimiter(rate.Inf, 1)}
	if v, ok := p.(Volatile); ok {
		l.volatile = v.Volatile()
	}
	if v, ok := p.(Mentioner); ok {
		l.mentions = v.Mentions()
	}
	if v, ok := p.(Limiter); ok && v.Every() > 0 {
		l.budget = rate.NewLimiter(rate.Every(v.Every()), 1)
	}
	return l
}

// load takes over what was delivered before a restart and queues what was not.
func (l *lane) load(ctx context.Context, wanted []Message) error {
	if !l.volatile {
		stored, err := l.store.Delivered(ctx, l.p.Name())
		if err != nil {
			return fmt.Errorf("read deliveries of %s: %w", l.p.Name(), err)
		}
		l.mu.Lock()
		for _, d := range stored {
			if known, ok := l.shown[d.Key]; !ok || d.Version > known.version {
				l.shown[d.Key] = shown{version: d.Version, ref: Ref(d.Ref), tried: d.Ref == ""}
			}
		}
		for key, p := range l.pending { // wanted before Run
			if s := l.shown[key]; s.ref != "" && s.version >= p.m.Version {
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
	return nil
}

// want queues m unless this version or a newer one is queued or shown.
func (l *lane) want(m Message) {
	if m.Nudge && !l.mentions {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if s, ok := l.shown[m.Key]; ok && (s.ref != "" && s.version >= m.Version) {
		return
	}
	if p, ok := l.pending[m.Key]; ok {
		if p.m.Version < m.Version {
			p.m = m
		}
	} else {
		l.next++
		l.pending[m.Key] = &parcel{m: m, order: l.next}
	}
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *lane) pendingCount() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.pending)
}

// deliver sends until ctx ends. The budget is waited for before a message is chosen, so that what goes out is the newest.
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
		if l.budget.Wait(ctx) != nil {
			return
		}
		if m, s, ok := l.choose(); ok {
			l.settle(ctx, m, s, l.call(ctx, m, &s))
			l.done()
		}
	}
}

// idle is 0 where something can go out now, else how long to wait; -1: until something is wanted.
func (l *lane) idle() time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.pending) == 0 {
		return -1
	}
	var first time.Time
	for _, p := range l.pending {
		if first.IsZero() || p.notBy.Before(first) {
			first = p.notBy
		}
	}
	if l.pause.After(first) {
		first = l.pause
	}
	return max(0, time.Until(first))
}

// choose picks prompts before outcomes before tickers, then the oldest. A volatile platform has no budget to divide; it
// gets everything in order.
func (l *lane) choose() (Message, shown, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	var best *parcel
	for _, p := range l.pending {
		if p.notBy.After(now) {
			continue
		}
		if best == nil || (!l.volatile && p.m.Priority < best.m.Priority) ||
			((l.volatile || p.m.Priority == best.m.Priority) && p.order < best.order) {
			best = p
		}
	}
	if best == nil {
		return Message{}, shown{}, false
	}
	return best.m, l.shown[best.m.Key], true
}

// call shows m on the platform, whatever it takes: an edit, a first post, or a look for a post that got lost before.
func (l *lane) call(ctx context.Context, m Message, s *shown) (err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("platform %s panicked: %v", l.p.Name(), r)
		}
	}()
	finder, finds := l.p.(Finder)
	if s.ref == "" && s.tried && finds {
		ref, ok, err := finder.Find(ctx, m.Key, m.At.Add(-time.Hour))
		if err != nil {
			return fmt.Errorf("look for message %s: %w", m.Key, err)
		}
		if ok {
			s.ref = ref
		}
	}
	if s.ref != "" {
		err := l.p.Edit(ctx, s.ref, m)
		if !errors.Is(err, ErrGone) {
			if err != nil {
				return fmt.Errorf("edit message %s: %w", m.Key, err)
			}
			return nil
		}
		s.ref = ""
	}
	if finds && !s.tried {
		if err := l.store.SaveDelivered(ctx, l.p.Name(), m.Key, 0, ""); err != nil {
			return fmt.Errorf("save intent to post %s: %w", m.Key, err)
		}
	}
	s.tried = true
	ref, err := l.p.Send(ctx, m)
	if err != nil {
		return fmt.Errorf("post message %s: %w", m.Key, err)
	}
	s.ref = ref
	return nil
}

// settle records the outcome of a call.
func (l *lane) settle(ctx context.Context, m Message, s shown, err error) {
	if err == nil {
		s.version = m.Version
		if !l.volatile {
			// The message is out whatever happens to ctx now; forgetting its ref would post it twice.
			save, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
			if err := l.store.SaveDelivered(save, l.p.Name(), m.Key, m.Version, string(s.ref)); err != nil {
				l.log.Error("delivery could not be saved", "key", m.Key, "error", err)
			}
			cancel()
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.shown[m.Key] = s
	p := l.pending[m.Key]
	if err == nil {
		if p.m.Version <= m.Version {
			delete(l.pending, m.Key)
		} else {
			p.retry, p.notBy = nil, time.Time{}
		}
		return
	}
	if ctx.Err() != nil {
		return
	}
	var later *Later
	if errors.As(err, &later) {
		l.pause = time.Now().Add(later.After)
		l.log.Info("platform asks to wait", "key", m.Key, "seconds", later.After.Seconds())
		return
	}
	if p.retry == nil {
		p.retry = newBackoff()
	}
	wait := p.retry.NextBackOff()
	p.notBy = time.Now().Add(wait)
	l.log.Warn("message could not be delivered", "key", m.Key, "retry_seconds", wait.Seconds(), "error", err)
}

func newBackoff() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = time.Second, time.Minute
	return b
}

// supervise keeps the platform receiving until ctx ends.
func (l *lane) supervise(ctx context.Context, to Handler) {
	in := inbox{Handler: to, l: l}
	in.catchUp(ctx)
	retry := newBackoff()
	for {
		started := time.Now()
		err := l.receive(ctx, in)
		if ctx.Err() != nil {
			return
		}
		l.report(err)
		if time.Since(started) > 5*time.Minute {
			retry.Reset()
		}
		wait := retry.NextBackOff()
		l.log.Error("platform stopped receiving", "retry_seconds", wait.Seconds(), "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

func (l *lane) receive(ctx context.Context, in Inbox) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("platform %s panicked: %v", l.p.Name(), r)
		}
	}()
	return l.p.Run(ctx, in)
}

// report takes how the connection fares.
func (l *lane) report(error) {}

package bot

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"

	"recoverbot/runbook/failpoint"
)

// forbidden is how often a part of a card is tried that a person must allow first, such as a file: each try takes calls
// from what can go out.
const forbidden = 5 * time.Minute

// outage is what deliveries that fail say of the platform, beyond their own message.
type outage struct {
	since time.Time // of the first failure after the last success; zero: all well
	err   error
	key   string    // of the message that failed first
	wide  bool      // another one failed as well: rest before the next call
	rest  time.Time // no call before
	retry *backoff.ExponentialBackOff
	good  time.Time // of the last success
}

// call shows p on the platform, whatever it takes: an edit, a first post, or a look for a post that got lost before.
func (l *lane) call(ctx context.Context, p parcel, s *shown) error {
	return l.one(ctx, func(ctx context.Context) error { return l.bring(ctx, p, s) })
}

// one makes a call of the platform, one at a time, that takes only so long and may panic.
func (l *lane) one(ctx context.Context, call func(context.Context) error) (err error) {
	l.calling.Lock()
	defer l.calling.Unlock()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("platform %s panicked: %v", l.p.Name(), r)
		}
	}()
	return call(ctx)
}

func (l *lane) bring(ctx context.Context, p parcel, s *shown) error {
	m := p.m
	finder, finds := l.p.(Finder)
	if s.ref == "" && s.tried && finds {
		ref, ok, err := finder.Find(ctx, m.Key, m.At.Add(-time.Hour))
		if err != nil {
			return fmt.Errorf("look for message %s: %w", m.Key, err)
		}
		if ok {
			s.ref = ref
			if p.part { // its key says what it shows
				return nil
			}
		}
	}
	if s.ref != "" {
		l.doubt(ctx, m.Key, s)
		_, err := failpoint.Around(func() (struct{}, error) { return struct{}{}, l.p.Edit(ctx, s.ref, m) }, "chat.edit", l.p.Name())
		if !errors.Is(err, ErrGone) {
			if err != nil {
				return fmt.Errorf("edit message %s: %w", m.Key, err)
			}
			return nil
		}
		*s = shown{}
	}
	if m.Nudge && m.State == NudgeOver {
		return nil
	}
	if finds && !s.tried {
		if err := l.store.SaveDelivered(ctx, l.p.Name(), StoredDelivery{Key: m.Key}); err != nil {
			return fmt.Errorf("save intent to post %s: %w", m.Key, err)
		}
	}
	s.tried = true
	ref, err := failpoint.Around(func() (Ref, error) { return l.p.Send(ctx, m) }, "chat.send", l.p.Name())
	if err != nil {
		return fmt.Errorf("post message %s: %w", m.Key, err)
	}
	s.ref = ref
	return nil
}

// doubt records that nobody knows what the post of key says until its edit has succeeded: it may take effect though the
// answer is lost, or the bot ends.
func (l *lane) doubt(ctx context.Context, key string, s *shown) {
	if s.digest == "" {
		return
	}
	if s.digest = ""; l.volatile {
		return
	}
	if err := l.store.SaveDelivered(ctx, l.p.Name(), s.stored(key)); err != nil {
		l.log.Error("an edit that begins could not be saved", "key", key, "error", err)
	}
}

// settle records the outcome of a call.
func (l *lane) settle(ctx context.Context, m Message, s shown, err error) {
	if err == nil {
		s.version, s.at, s.asks, s.digest = m.Version, time.Now(), asks(m) && s.ref != "", digest(m)
		if !l.volatile {
			// The message is out whatever happens to ctx now; forgetting its ref would post it twice.
			save, cancel := context.WithTimeout(context.WithoutCancel(ctx), callTimeout)
			if err := l.store.SaveDelivered(save, l.p.Name(), s.stored(m.Key)); err != nil {
				l.log.Error("delivery could not be saved", "key", m.Key, "error", err)
			}
			cancel()
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	defer knock(l.stirred)
	old := l.shown[m.Key].ref
	if err == nil {
		s.edited = s.asks && s.ref == old
	}
	l.shown[m.Key] = s
	if err == nil && s.ref != old && (l.flat || !m.Thread) {
		l.bottom, l.lead, l.buried, l.posted = m.Key, "", false, s.at
		if p := l.pending[m.Key]; m.Nudge && (p == nil || p.m.State != NudgeOver) {
			l.bottom, l.lead = m.Of, m.Key
		}
	}
	l.moved = true
	p := l.pending[m.Key]          // nil: a part that was dropped meanwhile
	if old != "" && s.ref != old { // the card is gone, and what stood below it
		parts := l.divide(m)
		for _, part := range parts {
			delete(l.shown, part.Key)
		}
		l.queueParts(m, parts)
	}
	switch {
	case err == nil:
		l.delivered(p, m)
	case ctx.Err() == nil:
		l.failed(p, m, err)
	}
}

func (l *lane) delivered(p *parcel, m Message) {
	if p != nil && p.m.Version <= m.Version {
		delete(l.pending, m.Key)
	} else if p != nil {
		p.retry, p.notBy, p.fails, p.since, p.err = nil, time.Time{}, 0, time.Time{}, nil
	}
	if !l.outage.since.IsZero() {
		l.again()
	}
	l.outage = outage{good: time.Now()}
}

// again lets everything that failed while the platform was down go out at once.
func (l *lane) again() {
	l.outage.rest = time.Time{}
	for _, p := range l.pending {
		if !l.poison(p) {
			p.notBy = time.Time{}
		}
	}
	knock(l.wake)
}

// poison reports whether p failed while others went out: that says nothing about the platform.
func (l *lane) poison(p *parcel) bool { return p.fails > 0 && l.outage.good.After(p.since) }

func (l *lane) failed(p *parcel, m Message, err error) {
	now, o := time.Now(), &l.outage
	if p == nil {
		l.log.Warn("message could not be delivered", "key", m.Key, "error", err)
		return
	}
	p.err = err
	var later *Later
	if errors.As(err, &later) {
		l.pause = now.Add(later.After)
		l.log.Info("platform asks to wait", "key", m.Key, "seconds", later.After.Seconds())
	} else {
		if p.fails++; p.fails == 1 {
			p.retry, p.since = newBackoff(), now
		}
		wait := p.retry.NextBackOff()
		p.notBy = now.Add(wait)
		l.log.Warn("message could not be delivered", "key", m.Key, "retry_seconds", wait.Seconds(), "error", err)
		if p.part && fault(err) != nil { // its card is out: the platform works
			p.notBy = now.Add(forbidden)
			return
		}
		if l.poison(p) {
			return
		}
	}
	if o.err = err; o.since.IsZero() {
		o.since, o.key, o.retry = now, m.Key, newBackoff()
	}
	if o.wide = o.wide || o.key != m.Key; o.wide && later == nil {
		o.rest = now.Add(o.retry.NextBackOff())
	}
}

func newBackoff() *backoff.ExponentialBackOff {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval = time.Second, 30*time.Second
	return b
}

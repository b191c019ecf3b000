package bot

import (
	"context"
	"slices"
	"sync"
	"time"
)

// window is a little more than the minute that platforms count in: a call may take its time on the way there.
const window = 61 * time.Second

// Budget is how many calls a platform allows. Its owner is the platform, which takes from it whatever it sends by itself,
// such as answers to people; the hub takes the rest. It may be used by several goroutines.
type Budget struct {
	every     time.Duration
	perMinute int

	mu    sync.Mutex
	taken []taken   // in the last window, oldest first; only the last where a minute has no limit
	rest  time.Time // no call before
}

type taken struct {
	at time.Time
	p  Priority
}

// NewBudget allows calls at least every apart, and perMinute of them in any minute; 0: no such limit. Where calls a minute
// are limited, progress gets them while fewer than half are used; results leave a fifth, and never take more than half
// together with progress; prompts get what there is.
func NewBudget(every time.Duration, perMinute int) *Budget {
	return &Budget{every: every, perMinute: perMinute}
}

// Wait waits until a call of that priority may be made, and counts it. The error is of ctx; nothing was counted.
func (b *Budget) Wait(ctx context.Context, p Priority) error {
	for !b.take(p) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Until(b.free(p))):
		}
	}
	return nil
}

// Take counts a call that waits for nobody.
func (b *Budget) Take() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count(time.Now(), Prompt)
}

// Rest forbids all calls for a while: the platform asked to wait.
func (b *Budget) Rest(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rest = latest(b.rest, time.Now().Add(d))
}

// take counts a call if it may be made now.
func (b *Budget) take(p Priority) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if b.at(p).After(now) {
		return false
	}
	b.count(now, p)
	return true
}

func (b *Budget) count(now time.Time, p Priority) {
	b.taken = append(slices.DeleteFunc(b.taken, func(t taken) bool {
		return b.perMinute == 0 || !t.at.Add(window).After(now)
	}), taken{now, p})
}

// free is when a call of that priority may be made.
func (b *Budget) free(p Priority) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at(p)
}

func (b *Budget) at(p Priority) time.Time {
	at := b.rest
	if n := len(b.taken); n > 0 {
		at = latest(at, b.taken[n-1].at.Add(b.every))
	}
	for i, t := range b.taken {
		if b.fits(b.taken[i:], p) {
			break
		}
		at = latest(at, t.at.Add(window))
	}
	return at
}

// fits reports whether a call of that priority may be made beside those of the same minute.
func (b *Budget) fits(minute []taken, p Priority) bool {
	prompts, n := 0, len(minute)
	for _, t := range minute {
		if t.p == Prompt {
			prompts++
		}
	}
	switch {
	case b.perMinute == 0:
		return true
	case p == Prompt:
		return n < b.perMinute
	case p == Outcome:
		return n < b.perMinute-b.perMinute/5 && 2*(n-prompts) < b.perMinute
	}
	return 2*n < b.perMinute
}

// pace is how often the progress of one card is edited: faster is read by nobody, and takes the calls that prompts need.
// Spread over the minute, it never stands still for half of one. 0: whenever it changes.
func (b *Budget) pace() time.Duration {
	switch {
	case b.perMinute > 0:
		return max(tickerPace, 2*window/time.Duration(b.perMinute))
	case b.every > 0:
		return tickerPace
	}
	return 0
}

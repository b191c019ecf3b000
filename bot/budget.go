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
	taken []time.Time // in the last window, oldest first; only the last where a minute has no limit
}

// NewBudget allows calls at least every apart, and perMinute of them in any minute; 0: no such limit. Where calls a minute
// are limited, progress gets them while fewer than half are used, results while more than a fifth are left, prompts always.
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
	b.count(time.Now())
}

// take counts a call if it may be made now.
func (b *Budget) take(p Priority) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := time.Now()
	if b.at(p).After(now) {
		return false
	}
	b.count(now)
	return true
}

func (b *Budget) count(now time.Time) {
	b.taken = append(slices.DeleteFunc(b.taken, func(t time.Time) bool {
		return b.perMinute == 0 || !t.Add(window).After(now)
	}), now)
}

// free is when a call of that priority may be made.
func (b *Budget) free(p Priority) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at(p)
}

func (b *Budget) at(p Priority) (at time.Time) {
	used := len(b.taken)
	if used > 0 {
		at = b.taken[used-1].Add(b.every)
	}
	if share := b.share(p); share > 0 && used >= share {
		at = latest(at, b.taken[used-share].Add(window))
	}
	return at
}

// share is how many calls of a minute may be used when one of that priority has been made.
func (b *Budget) share(p Priority) int {
	switch p {
	case Prompt:
		return b.perMinute
	case Outcome:
		return b.perMinute - b.perMinute/5
	}
	return (b.perMinute + 1) / 2
}

// pace is how often the progress of one card is edited: faster is read by nobody, and takes the calls that prompts need.
// Spread over the minute, it never stands still for half of one. 0: whenever it changes.
func (b *Budget) pace() time.Duration {
	switch {
	case b.perMinute > 0:
		return max(tickerPace, window/time.Duration(b.share(Ticker)))
	case b.every > 0:
		return tickerPace
	}
	return 0
}

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

	mu       sync.Mutex
	taken    []taken   // in the last window, oldest first; only the last where a minute has no limit
	answered time.Time // the hub's last call
	rest     time.Time // no call before
	own      owner
}

// owner is told what becomes of a budget; a nil function does nothing.
type owner struct {
	called func() // before each call, where those of a minute are counted: a restart does not start a new minute
	posted func() // after each post that is none of the hub's
}

type taken struct {
	at  time.Time
	p   Priority
	who string // was answered
}

const (
	// answer is the priority of what one person is told: below a prompt, above a result. Only budgets know it.
	answer = Ticker + 1
	// urgent is the priority of an edit that makes a question of a card: what is held rolls back while nobody knows.
	urgent = decided + 1
	// decided is the priority of an edit that takes the buttons of a question away: whoever sees them presses in vain.
	decided = answer + 1
	// courteous is how much later than anything else an answer takes a call, so that a prompt that waits for it gets it.
	courteous = 50 * time.Millisecond
)

// NewBudget allows calls at least every apart, and perMinute of them in any minute; 0: no such limit. Where calls a minute
// are limited, progress gets them while fewer than half are used; results leave a fifth, and never take more than two fifths
// together with progress; what takes the buttons of a question away leaves a fifth, too, and takes no more than half together
// with those; answers leave a fifth, and take no more than half, of which one person gets four fifths; prompts leave a
// twentieth to cards that become a question again.
func NewBudget(every time.Duration, perMinute int) *Budget {
	return &Budget{every: every, perMinute: perMinute}
}

// Wait waits until a call of that priority may be made, and counts it. The error is of ctx; nothing was counted.
func (b *Budget) Wait(ctx context.Context, p Priority) error { return b.wait(ctx, taken{p: p}) }

// Answer is Wait for a call that answers one person: who is any name of theirs.
func (b *Budget) Answer(ctx context.Context, who string) error {
	return b.wait(ctx, taken{p: answer, who: who})
}

func (b *Budget) wait(ctx context.Context, c taken) error {
	for {
		at, ok := b.try(c)
		if ok {
			b.called()
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Until(at)):
		}
	}
}

// Take counts a call that waits for nobody.
func (b *Budget) Take() {
	b.mu.Lock()
	b.count(taken{at: time.Now(), p: Prompt})
	b.mu.Unlock()
	b.called()
}

// Posted says that something stands in the chat that is none of the hub's: below its cards.
func (b *Budget) Posted() {
	if f := b.owner().posted; f != nil {
		f()
	}
}

// called says that a call was counted that is to be made.
func (b *Budget) called() {
	if f := b.owner().called; f != nil && b.perMinute > 0 {
		f()
	}
}

func (b *Budget) owner() owner {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.own
}

// belongs makes o be told, and counts calls that an earlier process made, in their order. Where the clock was set back, no
// time passed.
func (b *Budget) belongs(o owner, calls []time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.own = o
	now := time.Now()
	at, after := now, now
	for _, call := range slices.Backward(calls) {
		at, after = at.Add(-max(0, after.Sub(call))), call
		if now.Sub(at) >= window {
			return
		}
		b.taken = slices.Insert(b.taken, 0, taken{at: at, p: Prompt})
	}
}

// Rest forbids all calls for a while: the platform asked to wait.
func (b *Budget) Rest(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.rest = latest(b.rest, time.Now().Add(d))
}

// ends notes that a call was answered: the distance of calls counts from there, since one may take longer on its way than
// the next.
func (b *Budget) ends() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.answered = time.Now()
}

// take counts a call if it may be made now.
func (b *Budget) take(p Priority) bool {
	_, ok := b.try(taken{p: p})
	return ok
}

// try counts c if it may be made now, and else tells when.
func (b *Budget) try(c taken) (at time.Time, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.at = time.Now()
	if at = b.at(c); at.After(c.at) {
		return at, false
	}
	b.count(c)
	return at, true
}

func (b *Budget) count(c taken) {
	b.taken = append(slices.DeleteFunc(b.taken, func(t taken) bool {
		return b.perMinute == 0 || !t.at.Add(window).After(c.at)
	}), c)
}

// free is when a call of that priority may be made.
func (b *Budget) free(p Priority) time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at(taken{p: p})
}

func (b *Budget) at(c taken) time.Time {
	at := b.rest
	if n := len(b.taken); n > 0 {
		at = latest(at, b.taken[n-1].at.Add(b.every), b.answered.Add(b.every))
	}
	for i, t := range b.taken {
		if b.fits(b.taken[i:], c) {
			break
		}
		at = latest(at, t.at.Add(window))
	}
	if c.p == answer && !at.IsZero() {
		at = at.Add(courteous)
	}
	return at
}

// fits reports whether c may be made beside those of the same minute.
func (b *Budget) fits(minute []taken, c taken) bool {
	n, answers, own, rest := len(minute), 0, 0, 0
	for _, t := range minute {
		switch {
		case t.p == Prompt, t.p == urgent:
		case t.p != answer:
			rest++
		default:
			if answers++; t.who == c.who {
				own++
			}
		}
	}
	most := b.perMinute - b.perMinute/5
	switch {
	case b.perMinute == 0:
		return true
	case c.p == urgent:
		return n < b.perMinute
	case c.p == Prompt:
		return n < b.perMinute-b.perMinute/20
	case c.p == answer:
		return n < most && 2*answers < b.perMinute && 5*own < 2*b.perMinute
	case c.p == decided:
		return n < most && 2*rest < b.perMinute
	case c.p == Outcome:
		return n < most && 5*rest < 2*b.perMinute
	}
	return 2*n < b.perMinute && 5*rest < 2*b.perMinute
}

// pace is how often the progress of one card is edited: faster is read by nobody, and takes the calls that prompts need.
// Spread over the minute, it never stands still for half of one. 0: whenever it changes.
func (b *Budget) pace() time.Duration {
	switch {
	case b.perMinute > 0:
		return max(tickerPace, 5*window/time.Duration(2*b.perMinute))
	case b.every > 0:
		return tickerPace
	}
	return 0
}

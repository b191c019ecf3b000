package slack

import (
	"sync"
	"time"

	"recoverbot/bot"
)

const (
	maxCommands  = 4 // of one person at once, and of all strangers together
	maxRefusals  = 5 // of one stranger in refusalEvery
	refusalEvery = time.Minute
	maxStrangers = 1000 // are remembered; more are told nothing for a while
)

// crowd holds what people type to a few commands at once each, and strangers to a refusal now and then, so that nobody
// takes the room that others need.
type crowd struct {
	mu   sync.Mutex
	busy map[string]*busy    // by person; "" are all strangers
	told map[string]refusals // strangers
}

// refusals are how often a stranger was told since a moment.
type refusals struct {
	since time.Time
	n     int
}

type busy struct {
	n    int
	told bool // that it is too much
}

// admission is what is done with what somebody says.
type admission int

const (
	admitted admission = iota // handle it, and then call leave
	tooMany                   // say that it is too much
	ignored
)

// enter admits in, or not. leave takes what was answered: a stranger's talk in a thread gets no answer, and is no reason to
// leave the next command without one.
func (c *crowd) enter(in bot.Inbound, known bool, now time.Time) (a admission, leave func(bot.Reply)) {
	none := func(bot.Reply) {}
	if known && in.Action != "" {
		return admitted, none
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	who := in.UserID
	if !known {
		who = ""
		if !c.mayTell(in.UserID, now) {
			return ignored, none
		}
	}
	b := c.busy[who]
	switch {
	case b == nil:
		if c.busy == nil {
			c.busy = map[string]*busy{}
		}
		b = &busy{}
		c.busy[who] = b
	case b.n < maxCommands:
	case b.told || !known:
		return ignored, none
	default:
		b.told = true
		return tooMany, none
	}
	b.n++
	if !known && !in.Casual {
		c.tell(in.UserID, now)
	}
	return admitted, func(r bot.Reply) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if !known && in.Casual && r.Text != "" {
			c.tell(in.UserID, now)
		}
		if b.n--; b.n == 0 {
			delete(c.busy, who)
		}
	}
}

// mayTell reports whether a stranger may be told anything now.
func (c *crowd) mayTell(id string, now time.Time) bool {
	if len(c.told) >= maxStrangers {
		for id, r := range c.told {
			if now.Sub(r.since) >= refusalEvery {
				delete(c.told, id)
			}
		}
	}
	r, ok := c.told[id]
	if !ok {
		return len(c.told) < maxStrangers
	}
	return r.n < maxRefusals || now.Sub(r.since) >= refusalEvery
}

// tell notes that a stranger is told something.
func (c *crowd) tell(id string, now time.Time) {
	if c.told == nil {
		c.told = map[string]refusals{}
	}
	r := c.told[id]
	if now.Sub(r.since) >= refusalEvery {
		r = refusals{since: now}
	}
	r.n++
	c.told[id] = r
}

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

// people work on one run. Each of them clicks what is sensible most of the time, and what is not the rest of it.
type people struct {
	c       *company
	sum     *summary
	all     []api
	command string

	mu     sync.Mutex
	id     string     // of the run
	given  []decision // for clicks that come too late
	tries  map[string]int
	calmly bool // all is well: what does not work now is left out in the end
}

func newPeople(c *company, command string, sum *summary) *people {
	p := &people{c: c, command: command, sum: sum, tries: map[string]int{}}
	for _, name := range []string{"operator", "colleague"} {
		p.all = append(p.all, api{base: c.d.Console, name: name, token: c.d.Tokens[name], sum: sum})
	}
	return p
}

// begin starts the scenario, again and again where the bot is away or does not see yet what is broken.
func (p *people) begin(ctx context.Context) error {
	return eventually(ctx, 90*time.Second, p.command, func() error { return p.start(ctx, p.all[0]) })
}

func (p *people) start(ctx context.Context, by api) error {
	id, err := by.start(ctx, p.command)
	if err == nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.id = id
	}
	return err
}

// run is the run that people work on.
func (p *people) run(ctx context.Context, by api) (run, error) {
	p.mu.Lock()
	id := p.id
	p.mu.Unlock()
	return by.run(ctx, id)
}

// click lets one person click at random until ctx ends.
func (p *people) click(ctx context.Context, who int, rng *rand.Rand) {
	for ctx.Err() == nil {
		pause(ctx, 100*time.Millisecond+time.Duration(rng.Int64N(int64(time.Second))))
		r, err := p.run(ctx, p.all[who])
		switch {
		case err != nil || r.State == "done": // the bot is away, or everybody rests
		case r.State == "aborted":
			p.sum.ended(r)
			_ = p.start(ctx, p.all[who]) // else somebody tries again
		default:
			p.one(ctx, who, r, rng)
		}
	}
}

// one is what a person does about what they see.
func (p *people) one(ctx context.Context, who int, r run, rng *rand.Rand) {
	yes, sensible := p.sensible(r)
	switch n := rng.IntN(100); {
	case n < 55:
		if sensible {
			p.give(ctx, r.ID, "sensible", p.all[who:who+1], yes)
		}
	case n < 65:
		if sensible {
			p.give(ctx, r.ID, "double", []api{p.all[who], p.all[who]}, yes, yes)
		}
	case n < 75:
		if other, ok := anything(r, rng); ok && sensible {
			p.give(ctx, r.ID, "against each other", p.all, yes, other)
		}
	case n < 84:
		p.mu.Lock()
		given := slices.Clone(p.given)
		p.mu.Unlock()
		if len(given) > 0 {
			p.give(ctx, r.ID, "stale", p.all[who:who+1], given[rng.IntN(len(given))])
		}
	case n < 92:
		if d, ok := anything(r, rng); ok {
			p.give(ctx, r.ID, "random "+d.Choice, p.all[who:who+1], d)
		}
	case n == 92 && rng.IntN(4) == 0:
		p.give(ctx, r.ID, "abort", p.all[who:who+1], decision{Choice: "abort", Reason: "soak"})
	case n == 93 && slices.Contains(r.Choices, "defer"):
		p.give(ctx, r.ID, "park", p.all[who:who+1], decision{Choice: "defer"})
	}
}

// give gives answers at the same instant, one by each of the people.
func (p *people) give(ctx context.Context, id, kind string, by []api, answers ...decision) {
	var work sync.WaitGroup
	for i, d := range answers {
		work.Go(func() { _ = by[i].decide(ctx, id, kind, d) }) // counted there
	}
	work.Wait()
	p.mu.Lock()
	p.given = append(p.given, answers...)
	p.mu.Unlock()
}

// anything is one of all answers that some card offers. Most people know better than to skip.
func anything(r run, rng *rand.Rand) (decision, bool) {
	var all []decision
	for _, s := range r.Steps {
		for _, choice := range s.Choices {
			if choice != "abort" && choice != "input" && (choice != "skip" || rng.IntN(8) == 0) {
				d := s.to(choice)
				d.Reason = "soak"
				all = append(all, d)
			}
		}
	}
	if len(all) == 0 {
		return decision{}, false
	}
	return all[rng.IntN(len(all))], true
}

// sensible is what somebody answers who wants to go on.
func (p *people) sensible(r run) (decision, bool) {
	if r.State == "parked" {
		return decision{Choice: "reopen"}, true
	}
	if slices.Contains(r.Choices, "done") { // service is back by what the run did
		return decision{Choice: "done", Reason: "soak"}, true
	}
	for _, g := range r.Groups {
		if slices.Contains(g.Choices, "approve") {
			d := decision{Group: g.ID, Digest: g.Digest, Choice: "approve"}
			if slices.Contains(g.NeedsReason, "approve") {
				d.Reason = "soak"
			}
			return d, true
		}
	}
	for _, s := range r.Steps {
		if d, ok := p.onStep(s); ok {
			return d, true
		}
	}
	return decision{}, false
}

func (p *people) onStep(s step) (decision, bool) {
	can := func(choice string) bool { return slices.Contains(s.Choices, choice) }
	// again chooses the first of the choices that is there, and the next one when that did not help several times.
	again := func(choices ...string) (decision, bool) {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, choice := range choices {
			key := fmt.Sprint(s.ID, " ", s.State, " ", choice)
			if choice == "skip" && !p.calmly {
				continue
			}
			if can(choice) && (p.tries[key] < 6 || !p.calmly) {
				p.tries[key]++
				d := s.to(choice)
				d.Reason = "soak"
				return d, true
			}
		}
		return decision{}, false
	}
	switch s.State {
	case "held":
		return s.to("commit"), can("commit")
	case "unverified":
		return again("look", "retry", "done")
	case "unknown":
		return again("look", "retry", "done")
	case "failed", "rolled_back":
		return again("retry", "skip")
	case "deferred":
		return s.to("reopen"), can("reopen")
	case "waiting":
		if can("input") {
			d := s.to("input")
			d.Fields = map[string]string{}
			missing := false
			for _, f := range s.Form {
				switch {
				case f.Name == "user":
					d.Fields[f.Name] = p.c.d.SSHUser
				case f.Value != "":
					d.Fields[f.Name] = f.Value
				case f.Required:
					d.Fields[f.Name], missing = f.Default, true
				}
			}
			if missing {
				return d, true
			}
		}
		if can("approve") {
			return s.to("approve"), true
		}
		return again("retry", "skip")
	}
	return decision{}, false
}

// calm lets one person go on in peace until the run has ended; it must, within the time.
func (p *people) calm(ctx context.Context, within time.Duration) (run, error) {
	p.mu.Lock()
	clear(p.tries)
	p.calmly = true
	p.mu.Unlock()
	var r run
	asked := map[string]int{}
	err := eventually(ctx, within, "bring the run to an end in calm", func() (err error) {
		if r, err = p.run(ctx, p.all[0]); err != nil {
			return err
		}
		if r.State == "done" || r.State == "aborted" {
			return nil
		}
		if d, ok := p.sensible(r); ok {
			for _, a := range p.all { // where a step needs two
				_ = a.decide(ctx, r.ID, "calm", d) // whether it helped is seen by the run
			}
			if key := d.Step + d.Group + d.Choice; d.Choice == "retry" || d.Choice == "look" {
				asked[key]++
				pause(ctx, time.Duration(min(asked[key], 5))*400*time.Millisecond)
			}
		}
		return fmt.Errorf("it is %s: %s", r.State, standing(r))
	})
	return r, err
}

func standing(r run) string {
	out := ""
	for _, s := range r.Steps {
		if s.State != "done" && s.State != "pending" {
			out += s.why() + "; "
		}
	}
	return out
}

package handlers

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"recoverbot/bot"
	"recoverbot/runbook"
)

// nudges calls people to cards that ask, since an edit buzzes no phone. What was called is read from the journal at the
// start, so that nobody is called twice. All but human is used by the notifier's goroutine alone.
type nudges struct {
	h    *Handlers
	out  map[string]bot.Message // by key; of every run that goes on
	next map[string]time.Time   // run → when people are to be called again

	mu    sync.Mutex
	human map[string]time.Time // run or alert → when a person last said something about it that is not in the journal
}

func newNudges(h *Handlers) *nudges {
	return &nudges{h: h, out: map[string]bot.Message{}, next: map[string]time.Time{}, human: map[string]time.Time{}}
}

// load takes over what an earlier process called, and gives the runs whose nudges may be out of date.
func (n *nudges) load(wanted []bot.Message) []string {
	var runs []string
	for _, m := range wanted {
		if !strings.HasPrefix(m.Key, "nudge/") || m.RunID == "" {
			continue
		}
		n.out[m.Key] = m
		if m.State != bot.NudgeOver && !m.Ends {
			runs = union(runs, []string{m.RunID})
		}
	}
	return runs
}

// spoke notes that a person said something about a run or an alert: whoever looks at it need not be called.
func (n *nudges) spoke(id string, at time.Time) {
	if id == "" {
		return
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.human[id] = later(n.human[id], at)
}

func (n *nudges) spokeAt(id string) time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.human[id]
}

// show calls people to what the run asks now, and settles the calls that are over.
func (n *nudges) show(ctx context.Context, r runbook.Run) error {
	delete(n.next, r.ID)
	if err := n.tellEnd(ctx, r); err != nil {
		return err
	}
	if r.DryRun || r.State != runbook.Open && !n.called(r.ID) {
		n.forget(r)
		return nil
	}
	given, err := n.h.Journal.Decisions(ctx, r.ID, "")
	if err != nil {
		return err
	}
	v := n.h.viewer(ctx, n.h.say, r)
	human := n.spokeAt(r.ID)
	if last := answeredLast(r, given, anyStep); last.By.Platform != standing { // a schedule looks at no card
		human = later(last.At, human)
	}
	asked := map[string]bool{}
	settling := func(r runbook.Run, s runbook.StepRun) bool { return n.h.settling(ctx, r, s) }
	for _, q := range v.questions(r, resumedAt(given), settling) {
		asked[q.id] = true
		if here := hereKey(q); n.out[here].Key == "" {
			m := v.nudge(r, q, 0)
			m.Key, m.Covered = here, true
			if err := n.want(ctx, m); err != nil {
				return err
			}
		}
		level, next := due(q.calls(human), v.now)
		for _, at := range []time.Time{next, q.alone} { // the card has another button then
			if at.After(v.now) {
				n.next[r.ID] = earlier(n.next[r.ID], at)
			}
		}
		if level < 0 || n.widest(q) >= level {
			continue
		}
		m := v.nudge(r, q, level)
		m.Notify = q.called(v.cfg, level)
		if len(m.Notify) == 0 {
			continue
		}
		if err := n.want(ctx, m); err != nil {
			return err
		}
	}
	for _, key := range slices.Sorted(maps.Keys(n.out)) {
		m := n.out[key]
		if m.RunID != r.ID || m.State == bot.NudgeOver || m.Ends || asked[episode(key)] {
			continue
		}
		if err := n.want(ctx, v.answered(r, m, given)); err != nil {
			return err
		}
	}
	n.forget(r)
	return nil
}

func (n *nudges) want(ctx context.Context, m bot.Message) error {
	m.Version = n.h.versions.next(ctx, n.h.Journal, n.h.Clock())
	if err := n.h.Hub.Want(ctx, m); err != nil {
		return err
	}
	n.out[m.Key] = m
	return nil
}

// hereKey is the key of the message that leads to a question where other posts stand below its card: nobody is mentioned.
func hereKey(q asking) string { return "nudge/" + q.id + "/here" }

// episode is the id of the question that a nudge is about.
func episode(key string) string {
	id := strings.TrimPrefix(key, "nudge/")
	return id[:strings.LastIndexByte(id, '/')]
}

// widest is the highest level that people were called at about q, -1 for none.
func (n *nudges) widest(q asking) int {
	out := -1
	for level := range 1 + len(reminders) {
		if _, called := n.out["nudge/"+q.id+"/"+strconv.Itoa(level)]; called {
			out = level
		}
	}
	return out
}

// called reports whether people were called about the run, and may still believe it.
func (n *nudges) called(run string) bool {
	for _, m := range n.out {
		if m.RunID == run && m.State != bot.NudgeOver && !m.Ends {
			return true
		}
	}
	return false
}

// forget lets go of what was called about a run that has ended, but for the end: that is told once.
func (n *nudges) forget(r runbook.Run) {
	if active(r) {
		return
	}
	maps.DeleteFunc(n.out, func(_ string, m bot.Message) bool { return m.RunID == r.ID && !m.Ends })
	n.quiet(r.ID)
}

// quiet lets go of what a person said about a run or an alert that is over.
func (n *nudges) quiet(id string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.human, id)
}

// wait is how long it is until somebody is to be called again; ok is false where nobody is.
func (n *nudges) wait(now time.Time) (d time.Duration, ok bool) {
	var first time.Time
	for _, at := range n.next {
		first = earlier(first, at)
	}
	return max(0, first.Sub(now)), !first.IsZero()
}

// takeOverdue gives, once, the runs about which somebody is to be called now.
func (n *nudges) takeOverdue(now time.Time) []string {
	var out []string
	for run, at := range n.next {
		if !at.After(now) {
			out = append(out, run)
			delete(n.next, run)
		}
	}
	return out
}

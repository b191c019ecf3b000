package bot

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

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
		calls, err := l.store.CalledAt(ctx, l.p.Name())
		if err != nil {
			return fmt.Errorf("read when %s was called: %w", l.p.Name(), err)
		}
		l.budget.belongs(owner{called: func() { l.called(ctx) }, posted: l.buries}, calls)
		wanted = newestRunsFirst(wanted)
		l.mu.Lock()
		for _, d := range stored {
			if known, ok := l.shown[d.Key]; !ok || d.Version > known.version {
				l.shown[d.Key] = shown{version: d.Version, ref: Ref(d.Ref), asks: d.Asks, digest: d.Digest, tried: d.Ref == "" && d.Version == 0}
			}
		}
		for _, m := range wanted {
			if m.Ends && !m.Nudge {
				l.past[m.RunID] = m.Key
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

// newestRunsFirst orders messages by when something happened last in their run, and those of a run by their own time.
func newestRunsFirst(messages []Message) []Message {
	run := func(m Message) string { return cmp.Or(m.RunID, m.Key) }
	newest := map[string]int64{}
	for _, m := range messages {
		newest[run(m)] = max(newest[run(m)], m.Version)
	}
	messages = slices.Clone(messages)
	slices.SortStableFunc(messages, func(a, b Message) int {
		return cmp.Or(cmp.Compare(newest[run(b)], newest[run(a)]), cmp.Compare(run(a), run(b)))
	})
	return messages
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
		if err := l.store.SaveDelivered(ctx, l.p.Name(), StoredDelivery{Key: m.Key, Version: m.Version}); err != nil {
			l.log.Error("delivery could not be saved", "key", m.Key, "error", err)
			return
		}
	}
}

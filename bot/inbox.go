package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// inbox is the Inbox of one Run of a platform: it keeps what is received in the Store, and hands it to the Handler.
type inbox struct {
	to Handler
	l  *lane

	mu   sync.Mutex
	kept map[string]bool // ids that are to be settled
}

// Keep implements Inbox.
func (b *inbox) Keep(ctx context.Context, in Inbound) (bool, error) {
	if in.ID == "" {
		return false, errors.New("keep what was received: it has no id")
	}
	if in.At.IsZero() {
		in.At = time.Now()
	}
	body, err := json.Marshal(in)
	if err != nil {
		return false, fmt.Errorf("encode what was received: %w", err)
	}
	fresh, err := b.l.store.SaveInbound(ctx, b.l.p.Name(), in.ID, body)
	if err != nil {
		return false, fmt.Errorf("keep what was received: %w", err)
	}
	if fresh {
		b.note(in.ID)
	}
	return fresh, nil
}

func (b *inbox) note(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.kept == nil {
		b.kept = map[string]bool{}
	}
	b.kept[id] = true
}

func (b *inbox) take(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept := b.kept[id]
	delete(b.kept, id)
	return kept
}

// Handle implements Inbox.
func (b *inbox) Handle(ctx context.Context, in Inbound) Reply {
	reply := b.to.Handle(ctx, in)
	if b.take(in.ID) && ctx.Err() == nil { // else perhaps it was cut off: handled again it changes nothing where it was not
		b.settle(ctx, in.ID)
	}
	return reply
}

func (b *inbox) settle(ctx context.Context, id string) {
	if err := b.l.store.SettleInbound(ctx, b.l.p.Name(), id); err != nil {
		b.l.log.Error("settle what was received", "id", id, "error", err)
	}
}

// Report implements Inbox.
func (b *inbox) Report(err error) { b.l.report(err) }

// left is what an earlier process, or an earlier Run, kept and did not come to handle.
func (b *inbox) left(ctx context.Context) []Inbound {
	bodies, err := b.l.store.OpenInbound(ctx, b.l.p.Name())
	if err != nil {
		b.l.log.Error("read what was received", "error", err)
		return nil
	}
	var out []Inbound
	for _, body := range bodies {
		var in Inbound
		if err := json.Unmarshal(body, &in); err != nil {
			b.l.log.Error("what was received is unreadable", "error", err)
			continue
		}
		out = append(out, in)
	}
	return out
}

// catchUp handles what was left, in its order.
func (b *inbox) catchUp(ctx context.Context, left []Inbound) {
	for _, in := range left {
		if ctx.Err() != nil {
			return
		}
		b.answer(ctx, in)
	}
}

// answer handles in and answers whoever said it. What makes the bot panic is not tried again at each start.
func (b *inbox) answer(ctx context.Context, in Inbound) {
	defer func() {
		if r := recover(); r != nil {
			b.l.log.Error("handling what was received panicked", "id", in.ID, "error", fmt.Sprint(r))
			b.settle(ctx, in.ID)
		}
	}()
	b.note(in.ID)
	reply := b.Handle(ctx, in)
	if answerer, ok := b.l.p.(Answerer); ok && ctx.Err() == nil {
		ctx, cancel := context.WithTimeout(ctx, callTimeout)
		defer cancel()
		if err := answerer.Answer(ctx, in, reply); err != nil {
			b.l.log.Warn("answer could not be given", "id", in.ID, "error", err)
		}
	}
}

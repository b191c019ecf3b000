package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"
)

// readTries is how often what was left is read again: for some minutes.
const readTries = 10

// inbox is the Inbox of one Run of a platform: it keeps what is received in the Store, and hands it to the Handler.
type inbox struct {
	to Handler
	l  *lane

	mu   sync.Mutex
	kept map[string]bool // ids that are to be settled
	own  map[string]bool // ids that this Run kept while what earlier ones left is still to be read; nil: it was read
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
	added := b.claim(in.ID)
	fresh, err := b.l.store.SaveInbound(ctx, b.l.p.Name(), in.ID, body)
	if added && !fresh {
		b.disclaim(in.ID)
	}
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
	reply.Message = b.placed(reply.Message)
	if renew := reply.Renew; renew != nil {
		reply.Renew = func(ctx context.Context) *Message { return b.placed(renew(ctx)) }
	}
	return reply
}

// placed is a card with where the platform shows it.
func (b *inbox) placed(m *Message) *Message {
	if m == nil {
		return nil
	}
	with := *m
	with.OfRef = b.l.refOf(m.Key)
	return &with
}

func (b *inbox) settle(ctx context.Context, id string) {
	if err := b.l.store.SettleInbound(ctx, b.l.p.Name(), id); err != nil {
		b.l.log.Error("settle what was received", "id", id, "error", err)
	}
}

// Report implements Inbox.
func (b *inbox) Report(err error) { b.l.report(err) }

// claim notes, where that matters, that id comes in this Run; it reports whether that is new.
func (b *inbox) claim(id string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.own == nil || b.own[id] {
		return false
	}
	b.own[id] = true
	return true
}

func (b *inbox) disclaim(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.own, id)
}

// left is what an earlier process, or an earlier Run, kept and did not come to handle.
func (b *inbox) left(ctx context.Context) ([]Inbound, error) {
	bodies, err := b.l.store.OpenInbound(ctx, b.l.p.Name())
	b.mu.Lock()
	defer b.mu.Unlock()
	if err != nil {
		if b.own == nil {
			b.own = map[string]bool{}
		}
		return nil, fmt.Errorf("read what was received: %w", err)
	}
	var out []Inbound
	for _, body := range bodies {
		var in Inbound
		if err := json.Unmarshal(body, &in); err != nil {
			b.l.log.Error("what was received is unreadable", "error", err)
			continue
		}
		if !b.own[in.ID] {
			out = append(out, in)
		}
	}
	b.own = nil
	return out, nil
}

// readAgain is left, where it could not be read at the start: a journal that is busy then works soon, or not at all.
func (b *inbox) readAgain(ctx context.Context, err error) []Inbound {
	retry := newBackoff()
	for range readTries {
		wait := retry.NextBackOff()
		b.l.log.Error("what was received waits", "retry_seconds", wait.Seconds(), "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		var left []Inbound
		if left, err = b.left(ctx); err == nil {
			return left
		}
	}
	b.l.log.Error("what was received waits for the next start", "error", err)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.own = nil
	return nil
}

// catchUp handles what was left, in its order; err is why it could not be read.
func (b *inbox) catchUp(ctx context.Context, left []Inbound, err error) {
	if err != nil {
		left = b.readAgain(ctx, err)
	}
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

package bot

import (
	"context"
	"encoding/json"
	"fmt"
	"time"
)

// inbox is the Inbox of one platform: it keeps what is received in the Store, and hands it to the Handler.
type inbox struct {
	Handler
	l *lane
}

// Keep implements Inbox.
func (b inbox) Keep(ctx context.Context, in Inbound) (bool, error) {
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
	return fresh, nil
}

// Handle implements Inbox.
func (b inbox) Handle(ctx context.Context, in Inbound) Reply {
	reply := b.Handler.Handle(ctx, in)
	if ctx.Err() != nil {
		return reply // perhaps it was cut off: the next start handles it again, which changes nothing where it was not
	}
	if err := b.l.store.SettleInbound(ctx, b.l.p.Name(), in.ID); err != nil {
		b.l.log.Error("settle what was received", "id", in.ID, "error", err)
	}
	return reply
}

// Report implements Inbox.
func (b inbox) Report(err error) { b.l.report(err) }

// catchUp handles what an earlier process kept and did not come to handle.
func (b inbox) catchUp(ctx context.Context) {
	bodies, err := b.l.store.OpenInbound(ctx, b.l.p.Name())
	if err != nil {
		b.l.log.Error("read what was received", "error", err)
		return
	}
	answerer, answers := b.l.p.(Answerer)
	for _, body := range bodies {
		var in Inbound
		if err := json.Unmarshal(body, &in); err != nil {
			b.l.log.Error("what was received is unreadable", "error", err)
			continue
		}
		reply := b.Handle(ctx, in)
		if !answers {
			continue
		}
		if err := answerer.Answer(ctx, in, reply); err != nil {
			b.l.log.Warn("answer could not be given", "id", in.ID, "error", err)
		}
	}
}

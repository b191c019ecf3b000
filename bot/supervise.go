package bot

import (
	"context"
	"fmt"
	"time"
)

// supervise keeps the platform receiving until ctx ends.
func (l *lane) supervise(ctx context.Context, to Handler) {
	retry := newBackoff()
	for {
		started := time.Now()
		err := l.receive(ctx, &inbox{to: to, l: l})
		if ctx.Err() != nil {
			return
		}
		l.ends(err)
		if time.Since(started) > 5*time.Minute {
			retry.Reset()
		}
		wait := retry.NextBackOff()
		l.log.Error("platform stopped receiving", "retry_seconds", wait.Seconds(), "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// receive runs the platform once. What was received before and not handled is handled beside it.
func (l *lane) receive(ctx context.Context, in *inbox) (err error) {
	left, unread := in.left(ctx) // before Run keeps anything new
	l.starts()
	ctx, cancel := context.WithCancel(ctx)
	caught := make(chan struct{})
	go func() { defer close(caught); in.catchUp(ctx, left, unread) }()
	defer func() {
		cancel()
		<-caught
		if r := recover(); r != nil {
			err = fmt.Errorf("platform %s panicked: %v", l.p.Name(), r)
		}
	}()
	return l.p.Run(ctx, in)
}

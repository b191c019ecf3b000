package bot

import (
	"context"
	"errors"
	"sync"
	"time"
)

// alarmTries is how often an alarm is tried on a platform: nothing of it is kept.
const alarmTries = 3

// Alarm posts m on every platform past the Store, for what Want cannot say: that the Store fails. It is tried a few times
// and then given up, never edited, and forgotten by the next process. It returns when all that was tried.
func (h *Hub) Alarm(ctx context.Context, m Message) {
	var wg sync.WaitGroup
	for _, l := range h.lanes {
		wg.Go(func() {
			wait, err := l.alarm(ctx, m)
			for tries := 1; err != nil && fault(err) == nil && tries < alarmTries && ctx.Err() == nil; tries++ {
				select {
				case <-ctx.Done():
				case <-time.After(wait):
					wait, err = l.alarm(ctx, m)
				}
			}
			if err != nil {
				l.log.Error("an alarm could not be posted", "key", m.Key, "error", err)
			}
		})
	}
	wg.Wait()
}

// alarm posts m. Where that failed, wait is how long to rest before the next try.
func (l *lane) alarm(ctx context.Context, m Message) (wait time.Duration, err error) {
	if err := l.budget.Wait(ctx, m.Priority); err != nil {
		return 0, err
	}
	err = l.one(ctx, func(ctx context.Context) error {
		_, err := l.p.Send(ctx, m)
		return err
	})
	l.budget.ends()
	if err == nil {
		l.buries()
	}
	wait = time.Second
	if later := (*Later)(nil); errors.As(err, &later) {
		wait = later.After
	}
	return wait, err
}

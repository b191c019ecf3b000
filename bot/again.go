package bot

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Again repeats f, which connects a platform, with growing pauses from first to most until it has ended without an error,
// ctx ends, or a person must mend something: that *Fault is its error, and all others are reported. f tells whether it
// worked for a while, so that the next pause is short again.
func Again(ctx context.Context, in Inbox, log *slog.Logger, first, most time.Duration, f func(context.Context) (worked bool, err error)) error {
	retry := backoff.NewExponentialBackOff()
	retry.InitialInterval, retry.MaxInterval = first, most
	for {
		worked, err := f(ctx)
		if err == nil || ctx.Err() != nil {
			return nil
		}
		if fault(err) != nil {
			return err
		}
		in.Report(err)
		if worked {
			retry.Reset()
		}
		wait := retry.NextBackOff()
		if later := (*Later)(nil); errors.As(err, &later) {
			wait = max(wait, later.After)
		}
		log.Warn("no connection", "retry_seconds", wait.Seconds(), "error", err)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

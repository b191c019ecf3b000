package blackbox

import (
	"context"

	"fmt"
	"log/slog"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

const (
	startDelay = time.Second // a bot that has just begun has other things to do first
	lookEvery  = time.Minute // whether it is time: clocks jump, and fleet.yaml changes
	retryAfter = time.Hour
)

// Keeper fills the black box once a day, and soon after the machines of the fleet or their roles have changed.
type Keeper struct {
	Store   *Store
	Collect func(ctx context.Context) Snapshot
	Config  func() *fleet.Config
	Zone    *time.Location
	// Busy reports whether a run is open: a fleet that is half dead must not push out what is good.
	Busy func(ctx context.Context) (bool, error)
	Log  *slog.Logger
	Now  func() time.Time
	// After is time.After.
	After func(d time.Duration) <-chan time.Time

	tried   time.Time // when the last attempt began that held no host
	looked  time.Time // the newest snapshot, as it was last looked into
	covered string    // its machines
}

// Run works until ctx ends.
func (k *Keeper) Run(ctx context.Context) error {
	for wait := startDelay; ; wait = lookEvery {
		select {
		case <-ctx.Done():
			return nil
		case <-k.After(wait):
		}
		due, err := k.due(ctx)
		if err == nil && due {
			_, err = k.Take(ctx)
		}
		if err != nil && ctx.Err() == nil {
			k.Log.Error("fill black box", "error", err)
		}
	}
}

// due reports whether the newest snapshot is from before the last time at which one was to be taken, or of other machines
// than today's. It follows from what lies on the disk, so that a restart neither skips a day nor repeats it.
func (k *Keeper) due(ctx context.Context) (bool, error) {
	cfg, now := k.Config(), k.Now()
	if cfg.BlackBox.Off || !k.tried.IsZero() && now.Sub(k.tried) < retryAfter && !now.Before(k.tried) {
		return false, nil
	}
	newest, ok := k.Store.Newest(now)
	if ok && !newest.Before(cfg.BlackBox.Last(now.In(k.Zone))) && !k.outdated(newest, cfg) {
		return false, nil
	}
	busy, err := k.Busy(ctx)
	return !busy, err
}

// outdated reports whether the newest snapshot is of other machines; one that does not say so is not.
func (k *Keeper) outdated(newest time.Time, cfg *fleet.Config) bool {
	if !newest.Equal(k.looked) {
		k.looked, k.covered = newest, k.Store.machines(newest)
	}
	return k.covered != "" && k.covered != Machines(cfg)
}

// ErrNothing is a round that could read no host at all; no snapshot is made of it.
var ErrNothing = runbook.Errorf(runbook.Unavailable, "blackbox.nothing_read")

// Take fills the black box now and removes what is too old.
func (k *Keeper) Take(ctx context.Context) (Snapshot, error) {
	k.tried = k.Now()
	s := k.Collect(ctx)
	if err := ctx.Err(); err != nil {
		return s, fmt.Errorf("fill black box: %w", err)
	}
	if len(s.Hosts) == 0 {
		return s, ErrNothing
	}
	size, err := k.Store.Save(s)
	if err != nil {
		return s, err
	}
	k.tried = time.Time{}
	k.Log.Info("black box filled", "hosts", len(s.Hosts), "files", s.Files(), "tables", s.Tables(), "bytes", size, "problems", len(s.AllProblems()))
	return s, k.Store.Prune(k.Now(), time.Duration(k.Config().BlackBox.Keep)*24*time.Hour)
}

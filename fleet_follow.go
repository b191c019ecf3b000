package main

import (
	"context"
	"os"
	"time"

	"recoverbot/runbook/fleet"
)

// followEvery is how often the bot looks whether somebody has edited fleet.yaml.
const followEvery = time.Second

// followFleet puts into force what people write into fleet.yaml, so that who is taken out of it may nothing any more, at once.
func (a *app) followFleet(ctx context.Context) error {
	file := follower{fleet: a.fleet, at: stampOf(a.fleet.Config().Path())}
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		switch changed, err := file.look(ctx); {
		case !changed || ctx.Err() != nil:
		case err != nil:
			a.log.Error("fleet.yaml was changed and is wrong: what it said before stays in force", "error", a.set.localised(a.bundle, err))
		default:
			a.log.Info("fleet.yaml was changed: it is in force")
		}
	}
}

// stamp tells versions of a file apart without reading it.
type stamp struct {
	at   time.Time
	size int64
}

func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil { // it is being replaced
		return stamp{}
	}
	return stamp{info.ModTime(), info.Size()}
}

// follower reads a changed fleet.yaml again once it has been the same for two looks: not in the middle of being written.
type follower struct {
	fleet    *fleet.Fleet
	at, seen stamp
}

func (f *follower) look(ctx context.Context) (changed bool, err error) {
	now := stampOf(f.fleet.Config().Path())
	before := f.seen
	f.seen = now
	if now == f.at || now == (stamp{}) || now != before {
		return false, nil
	}
	f.at = now
	return true, f.fleet.Reload(ctx)
}

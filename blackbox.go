package main

import (
	"context"
	"math"
	"path"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"recoverbot/runbook"
	"recoverbot/runbook/action/edit/rewrite"
	"recoverbot/runbook/blackbox"
	"recoverbot/runbook/fleet"
)

// staleBox is the age from which on the black box is something to worry about.
const staleBox = 48 * time.Hour

// configExtensions are of files whose secrets can be told by their keys.
var configExtensions = []string{".yaml", ".yml", ".json", ".ini", ".env", ".cnf", ".toml", ".properties", ".py"}

// openBlackBox opens the store beside the journal; that of a dry run, too, whose own journal is elsewhere.
func (s settings) openBlackBox(f *fleet.Fleet) (*blackbox.Store, error) {
	f.Redactor().Add(s.BlackBoxKey.Reveal())
	dir := filepath.Dir(journalPath(s.DatabaseURL))
	return blackbox.Open(blackbox.Options{
		Dir: filepath.Join(dir, "blackbox"), KeyFile: filepath.Join(dir, "blackbox.key"), Secret: s.BlackBoxKey.Reveal(),
		Learn: f.Redactor().Add,
		Secrets: func(name, text string) []string {
			if !slices.Contains(configExtensions, path.Ext(name)) {
				return nil
			}
			return rewrite.Secrets(name, text)
		},
	})
}

// keepBlackBox fills the black box once a day, and after changes of roles.
func (a *app) keepBlackBox(ctx context.Context) error {
	k := a.set.keeper(a.fleet, a.box)
	k.Log = a.log
	k.Busy = func(ctx context.Context) (bool, error) {
		active, err := a.journal.Active(ctx)
		return slices.ContainsFunc(active, func(r runbook.Run) bool { return r.State == runbook.Open && !r.Beside() }), err
	}
	return k.Run(ctx)
}

func (s settings) keeper(f *fleet.Fleet, box *blackbox.Store) *blackbox.Keeper {
	collector := blackbox.Collector{Fleet: f, Now: time.Now, Limits: blackbox.DefaultLimits}
	return &blackbox.Keeper{
		Store: box, Collect: collector.Collect, Zone: s.zone, Now: time.Now, After: time.After,
		Config: f.Config,
	}
}

// blackBoxAge is for monitoring: infinite while there is nothing in it.
func (a *app) blackBoxAge() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "recoverbot_blackbox_age_seconds", Help: "Age of the newest snapshot of the black box.",
	}, func() float64 {
		now := time.Now()
		at, ok := a.box.Newest(now)
		if !ok {
			return math.Inf(1)
		}
		return now.Sub(at).Seconds()
	})
}

// blackBoxWarnings say what is wrong with the black box, and how old it is where nothing is.
func blackBoxWarnings(f *fleet.Fleet, box *blackbox.Store) (warnings []runbook.Msg, state runbook.Msg) {
	if f.Config().BlackBox.Off {
		return nil, runbook.T("blackbox.off")
	}
	if box.OwnKey() {
		warnings = append(warnings, runbook.T("blackbox.own_key"))
	}
	taken, err := box.List()
	if err != nil {
		return append(warnings, runbook.T("blackbox.unlisted")), runbook.Msg{}
	}
	for _, t := range taken {
		if t.Err != nil {
			warnings = append(warnings, said(t.Err))
		}
	}
	state, stale := boxAge(box)
	if stale {
		return append(warnings, state), runbook.Msg{}
	}
	return warnings, state
}

// boxAge says how old the newest snapshot is; stale is an age to worry about.
func boxAge(box *blackbox.Store) (text runbook.Msg, stale bool) {
	now := time.Now()
	at, ok := box.Newest(now)
	if !ok {
		return runbook.T("blackbox.empty"), false
	}
	age := now.Sub(at)
	if age > staleBox {
		return runbook.T("blackbox.stale", "age", age), true
	}
	return runbook.T("blackbox.age", "age", age), false
}

// blackBoxState is what a diagnosis says of it.
func (a *app) blackBoxState() (runbook.Msg, bool) {
	if a.fleet.Config().BlackBox.Off {
		return runbook.T("blackbox.off"), false
	}
	return boxAge(a.box)
}

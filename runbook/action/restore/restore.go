// Package restore brings a database back from the newest complete dump on any of several hosts: into a scratch schema,
// compared, held until a person has looked, and swapped in by one RENAME. The live schema is not touched before that.
package restore

import (
	"errors"
	"os"
	"path"
	"runtime"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/dump"
	"recoverbot/runbook/fleet"
)

// Spec is what a step says. The target is the step's host; the run's parameter dump ("HOST:FILE" or "FILE") overrides
// the choice.
type Spec struct {
	Database string   `yaml:"database"`
	From     []string `yaml:"from"` // hosts, roles or names of the run whose sql_backup is searched
	// DumpTimezone is how times in trailers and names are read: "+0800", "Asia/Shanghai"; default: the offset of the host that holds the dump.
	DumpTimezone string `yaml:"dump_timezone,omitempty"`
	Pattern      string `yaml:"pattern,omitempty"` // glob of file names; default SCHEMA*.sql*
	// Survey only looks: the step is satisfied where some host holds a complete dump, and says that the data is lost where
	// none does. It needs no target.
	Survey bool `yaml:"survey,omitempty"`
	// Undo exchanges the data that an earlier restore has put aside back in: the newest, or that of the run's parameter kept.
	Undo bool `yaml:"undo,omitempty"`
	// Drop drops the schema with old data that the run's parameter kept names.
	Drop bool `yaml:"drop,omitempty"`
	// Rehearse only tries: the newest dump is loaded at low priority, compared, measured, and dropped again.
	Rehearse bool `yaml:"rehearse,omitempty"`
}

// Validate checks what a scenario says.
func (s *Spec) Validate() error {
	if s.Database == "" {
		return errors.New("restore: database is missing")
	}
	if yes(s.Survey)+yes(s.Undo)+yes(s.Drop)+yes(s.Rehearse) > 1 {
		return errors.New("restore: survey, undo, drop and rehearse exclude each other")
	}
	if len(s.From) == 0 && !s.Undo && !s.Drop {
		return errors.New("restore: from is missing")
	}
	if s.DumpTimezone != "" {
		if _, err := dump.Zone(s.DumpTimezone); err != nil {
			return errors.New("restore: dump_timezone is neither an offset nor a zone")
		}
	}
	if _, err := path.Match(s.Pattern, "x"); err != nil {
		return errors.New("restore: pattern is not a glob")
	}
	return nil
}

// Beside reports whether the step leaves everything live alone, so that a run of such steps needs not be the only one.
func (s *Spec) Beside() bool { return s.Rehearse }

// Kind is this package's entry in the list of actions.
func Kind() action.Kind {
	all := newAttempts()
	return action.Kind{
		Name: "restore",
		Spec: func() any { return &Spec{} },
		New: func(spec any, env action.Env) (action.Action, error) {
			r := newRestore(*spec.(*Spec), env)
			r.attempts = all
			switch {
			case r.spec.Survey:
				return &survey{r}, nil
			case r.spec.Undo:
				return &undo{r}, nil
			case r.spec.Drop:
				return &drop{r}, nil
			case r.spec.Rehearse:
				return &rehearsal{r}, nil
			}
			return r, nil
		},
	}
}

// restore is the action of one step.
type restore struct {
	spec Spec
	env  action.Env
	// free answers how many bytes are free at a path; tests replace it.
	free func(c sftpFree, path string) (int64, error)
	// directly and patience bound how a plan reads dumps; see read.
	directly int64
	steady   time.Duration // a file whose size or time changes within it is still being written
	patience time.Duration
	// binary opens what is uploaded as the helper, and arch is what it was built for; tests replace them.
	binary func() (*os.File, string, error)
	arch   string
	// attempts are the loads of all steps.
	attempts *attempts
}

func newRestore(spec Spec, env action.Env) *restore {
	return &restore{spec: spec, env: env, free: statFree, directly: readDirectly, steady: steadyFor, patience: readPatience, binary: ownBinary, arch: runtime.GOARCH,
		attempts: newAttempts()}
}

var (
	_ runbook.Holder   = (*restore)(nil)
	_ runbook.Reholder = (*restore)(nil)
	_ runbook.Looker   = (*restore)(nil)
	_ runbook.Canceler = (*restore)(nil)
)

// database finds the step's database in fleet.yaml.
func (r *restore) database() (fleet.Database, error) {
	name, err := r.env.Value(r.spec.Database)
	if err != nil {
		return fleet.Database{}, err
	}
	d, ok := r.env.Fleet.Config().Database(name)
	if !ok {
		return d, runbook.Errorf(runbook.Invalid, "restore.unknown_database", "name", name)
	}
	if d.Schema == "" {
		d.Schema = d.Name
	}
	return d, nil
}

// Holds is always true: a person sees what was loaded before it goes live.
func (r *restore) Holds() bool { return true }

package action

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"recoverbot/runbook"
	"recoverbot/runbook/blackbox"
	"recoverbot/runbook/fleet"
)

// Env is what an action is given: the fleet as the run sees it, parameters, and results of earlier steps. It is
// rebuilt from the journal after a restart.
type Env struct {
	Fleet *fleet.Fleet
	Run   runbook.Run     // as journaled when the action was built; Results of earlier steps are in Run.Steps
	Step  runbook.StepRun // the step itself: definition, host, member, inputs, attempt
	Now   func() time.Time
	Box   blackbox.Reader // what was copied of machines before they died; never nil
	Past  Past            // what was measured before; may be nil
}

// Past tells what loads of a database were measured, and which rehearsals failed, the newest first; false: that is not known.
type Past func(ctx context.Context, database string) ([]Measured, bool)

// Measured is a load that was done, or a rehearsal of one that failed.
type Measured struct {
	At         time.Time
	Rehearsal  bool
	Host, File string
	Bytes      int64 // uncompressed
	Seconds    float64
	Failed     runbook.Msg // why a rehearsal failed; zero: it did not
}

// Measured asks Past where there is one.
func (e Env) Measured(ctx context.Context, database string) (list []Measured, known bool) {
	if e.Past == nil {
		return nil, false
	}
	return e.Past(ctx, database)
}

// NeedsError says that a value is not known yet: the plan is provisional until Needs (step ids, "param:NAME") are there.
type NeedsError struct{ Needs []string }

func (e *NeedsError) Error() string { return "waits for " + strings.Join(e.Needs, ", ") }

// Provisional turns a NeedsError into a provisional plan; ok is false for any other error.
func Provisional(err error) (p runbook.Plan, ok bool) {
	var needs *NeedsError
	if !errors.As(err, &needs) {
		return p, false
	}
	p.Verdict = runbook.Provisional
	p.Needs = needs.Needs
	p.Why = runbook.T("action.provisional", "needs", strings.Join(needs.Needs, ", "))
	return p, true
}

// Target returns the host that the step is about.
func (e Env) Target() (fleet.Host, error) {
	if e.Step.Host != "" {
		return e.named(e.Step.Host)
	}
	return e.Host(e.Step.Def.Host)
}

// Host resolves a reference to exactly one host: "host:NAME" a name of the fleet; otherwise a name or role bound by
// the run, a machine enrolled by an earlier step of the run ("new"), or a name of the fleet.
func (e Env) Host(ref string) (fleet.Host, error) {
	hs, err := e.Hosts(ref)
	if err != nil {
		return fleet.Host{}, err
	}
	if len(hs) != 1 {
		return fleet.Host{}, runbook.Errorf(runbook.Invalid, "fleet.not_one_host", "ref", ref, "count", len(hs))
	}
	return hs[0], nil
}

// Hosts resolves references, each to any number of hosts; without doubles, in order.
func (e Env) Hosts(refs ...string) ([]fleet.Host, error) {
	var out []fleet.Host
	seen := map[string]bool{}
	for _, ref := range refs {
		names, err := e.names(ref)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if seen[name] {
				continue
			}
			seen[name] = true
			h, err := e.named(name)
			if err != nil {
				return nil, err
			}
			out = append(out, h)
		}
	}
	return out, nil
}

func (e Env) names(ref string) ([]string, error) {
	if name, ok := strings.CutPrefix(ref, "host:"); ok {
		return []string{name}, nil
	}
	if ref == member && e.Step.Host != "" {
		return []string{e.Step.Host}, nil
	}
	if names, ok := e.Run.Bindings[ref]; ok {
		return names, nil
	}
	for _, s := range e.Run.Steps {
		if s.Def.Kind == "enrol" && e.binds(s) == ref {
			if s.Result == nil || s.Result.Values["host"] == "" {
				return nil, &NeedsError{Needs: []string{s.ID}}
			}
			return []string{hostOf(s.Result).Name}, nil
		}
	}
	if _, ok := e.Fleet.Config().Host(ref); ok {
		return []string{ref}, nil
	}
	return nil, runbook.Errorf(runbook.Invalid, "fleet.unknown_host", "ref", ref)
}

// binds is the name under which an enrol step's machine is known in its run.
func (e Env) binds(s runbook.StepRun) string {
	if s.Result != nil && s.Result.Values["bind"] != "" {
		return s.Result.Values["bind"]
	}
	var with struct {
		Bind string `yaml:"bind"`
	}
	if err := yaml.Unmarshal([]byte(s.Def.With), &with); err == nil && with.Bind != "" {
		return with.Bind
	}
	return "new"
}

func hostOf(r *runbook.Result) fleet.Host {
	var h fleet.Host
	_ = json.Unmarshal([]byte(r.Values["host"]), &h) // written by the enrol action; a bad one is an unknown host below
	return h
}

// named finds a host of the fleet, or one that an earlier step of this run enrolled.
func (e Env) named(name string) (fleet.Host, error) {
	if h, ok := e.Fleet.Config().Host(name); ok {
		return h, nil
	}
	for _, s := range e.Run.Steps {
		if s.Def.Kind == "enrol" && s.Result != nil {
			if h := hostOf(s.Result); h.Name == name && name != "" {
				return h, nil
			}
		}
	}
	return fleet.Host{}, runbook.Errorf(runbook.Invalid, "fleet.unknown_host", "ref", name)
}

package action

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"recoverbot/runbook"
	"recoverbot/runbook/blackbox"
	"recoverbot/runbook/fleet"
)

// Builder makes the action of a step out of the list of kinds, and answers guards and verifications. It is what the
// engine knows of this package. It is safe for concurrent use.
type Builder struct {
	fleet *fleet.Fleet
	kinds map[string]Kind
	now   func() time.Time
	box   blackbox.Reader
	past  Past
}

// SetPast gives the actions that are built from now on what was measured before: the journal is opened later.
func (b *Builder) SetPast(p Past) { b.past = p }

// NewBuilder takes the list of kinds; a name that is there twice, or none, is an error.
func NewBuilder(f *fleet.Fleet, kinds []Kind, box blackbox.Reader, now func() time.Time) (*Builder, error) {
	b := &Builder{fleet: f, kinds: make(map[string]Kind, len(kinds)), box: box, now: now}
	for _, k := range kinds {
		if k.Name == "" || k.Spec == nil || k.New == nil {
			return nil, fmt.Errorf("list actions: kind %q is incomplete", k.Name)
		}
		if _, twice := b.kinds[k.Name]; twice {
			return nil, fmt.Errorf("list actions: kind %q is there twice", k.Name)
		}
		b.kinds[k.Name] = k
	}
	return b, nil
}

// Prototype returns an empty configuration of a kind, for the strict check of a scenario.
func (b *Builder) Prototype(kind string) (any, bool) {
	k, ok := b.kinds[kind]
	if !ok {
		return nil, false
	}
	return k.Spec(), true
}

// New builds the action of a step of a run. What the step configures wrongly is an Invalid error.
func (b *Builder) New(run runbook.Run, step runbook.StepRun) (runbook.Action, error) {
	k, ok := b.kinds[step.Def.Kind]
	if !ok {
		return nil, runbook.Errorf(runbook.Invalid, "action.unknown_kind", "kind", step.Def.Kind, "step", step.ID)
	}
	spec := k.Spec()
	if err := Decode(step.Def.With, spec); err != nil {
		e := runbook.Errorf(runbook.Invalid, "action.bad_spec", "step", step.ID, "kind", k.Name, "problem", problem(err))
		e.Err = err
		return nil, e
	}
	a, err := k.New(spec, b.env(run, step))
	if err != nil {
		return nil, fmt.Errorf("build %s of step %s: %w", k.Name, step.ID, err)
	}
	return a, nil
}

func (b *Builder) env(run runbook.Run, step runbook.StepRun) Env {
	return Env{Fleet: b.fleet, Run: run, Step: step, Now: b.now, Box: b.box, Past: b.past}
}

// Probe asks the probes of a guard or a verification as the run understands their references.
func (b *Builder) Probe(ctx context.Context, run runbook.Run, probes []runbook.Probe) []runbook.Finding {
	return b.env(run, runbook.StepRun{}).Probe(ctx, probes)
}

// Redact hides every known secret of the fleet.
func (b *Builder) Redact(text string) string { return b.fleet.Redactor().Redact(text) }

// Decode reads a step's configuration strictly into a Kind's Spec and validates it: an unknown or doubled key is an error.
func Decode(with string, spec any) error {
	err := yaml.NewDecoder(strings.NewReader(with), yaml.Strict()).Decode(spec)
	if err != nil && !errors.Is(err, io.EOF) { // no `with:` at all is an empty configuration
		return err
	}
	if v, ok := spec.(interface{ Validate() error }); ok {
		return v.Validate()
	}
	return nil
}

// problem is an error of a scenario's text in one line; a scenario holds no secrets.
func problem(err error) string {
	var y yaml.Error
	if errors.As(err, &y) {
		return y.GetMessage()
	}
	return err.Error()
}

// Package service is the action that starts, restarts, stops or retires services through their own manager, after a
// proof that they could run, and sees that they are healthy afterwards.
package service

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
)

// Spec is what a step of this kind says under `with:`.
type Spec struct {
	Service  string           `yaml:"service"`  // of fleet.yaml, or "member"
	Services []string         `yaml:"services"` // several, in this order
	Do       string           `yaml:"do"`       // restart, start, stop, retire (stop and disable)
	Prove    bool             `yaml:"prove"`    // first log in with the service's own credentials
	Within   runbook.Duration `yaml:"within"`   // until healthy, or stopped; default 60s
	// Optional passes over what is not installed. Without it, a step that would start nothing else is blocked.
	Optional bool `yaml:"optional,omitempty"`
}

const defaultWithin = 60 * time.Second

// Validate demands services and one of the known verbs.
func (s *Spec) Validate() error {
	if (s.Service == "") == (len(s.Services) == 0) {
		return errors.New("exactly one of service and services is needed")
	}
	if !slices.Contains([]string{"restart", "start", "stop", "retire"}, s.Do) {
		return fmt.Errorf("do: %q is not one of restart, start, stop, retire", s.Do)
	}
	if s.Prove && !s.starts() {
		return errors.New("prove: only what is started can be proved")
	}
	if s.Within < 0 {
		return errors.New("within: must not be negative")
	}
	return nil
}

func (s *Spec) starts() bool { return s.Do == "restart" || s.Do == "start" }

func (s *Spec) names() []string {
	if s.Service != "" {
		return []string{s.Service}
	}
	return s.Services
}

func (s *Spec) within() time.Duration {
	if s.Within == 0 {
		return defaultWithin
	}
	return time.Duration(s.Within)
}

// Kind is this kind's entry in the list of actions.
func Kind() action.Kind {
	return action.Kind{
		Name: "service",
		Spec: func() any { return &Spec{} },
		New: func(spec any, env action.Env) (action.Action, error) {
			return &service{spec: spec.(*Spec), env: env}, nil
		},
	}
}

// Package nginx is the action that takes a machine out of every upstream and direct pass of an nginx, or puts one in.
// It edits the running master's own files at the byte, tests them, and reloads exactly that master.
package nginx

import (
	"errors"

	"recoverbot/runbook/action"
)

// Spec is what a step of this kind says under `with:`. The step's host is the nginx.
type Spec struct {
	Remove string `yaml:"remove"` // the machine to take out: a reference to one host
	Add    string `yaml:"add"`    // the machine to put in
	Port   string `yaml:"port"`   // of the service that the added machine has: a number or a reference
	// Replacement takes the removed machine's place where nothing else is left.
	Replacement string `yaml:"replacement"`
}

// Validate demands exactly one of remove and add, and what belongs to it.
func (s *Spec) Validate() error {
	switch {
	case (s.Remove == "") == (s.Add == ""):
		return errors.New("exactly one of remove and add is needed")
	case s.Add != "" && s.Port == "":
		return errors.New("add needs port")
	case s.Add != "" && s.Replacement != "", s.Remove != "" && s.Port != "":
		return errors.New("replacement belongs to remove, port to add")
	}
	return nil
}

// Kind is this kind's entry in the list of actions.
func Kind() action.Kind {
	return action.Kind{
		Name: "nginx",
		Spec: func() any { return new(Spec) },
		New: func(spec any, env action.Env) (action.Action, error) {
			return &nginx{spec: spec.(*Spec), env: env}, nil
		},
	}
}

type nginx struct {
	spec *Spec
	env  action.Env
}

// Package nginx is the action that takes a machine out of every upstream and direct pass of an nginx, puts one in,
// or makes a configuration that was copied fit its new machine. It edits the files at the byte, tests them, and reloads
// exactly the master that runs with them.
package nginx

import (
	"errors"

	"recoverbot/runbook/action"
)

// Spec is what a step of this kind says under `with:`. The step's host is the nginx.
type Spec struct {
	Remove string `yaml:"remove"` // the machines to take out: a reference to one or more hosts
	Add    string `yaml:"add"`    // the machine to put in
	Port   string `yaml:"port"`   // of the service that the added machine has: a number or a reference
	// Replacement takes the removed machine's place where nothing else is left.
	Replacement string `yaml:"replacement"`
	// Adopt are the machines of which one's configuration was copied to this one: where it listens on their addresses, it
	// is to listen on this machine's. A service step starts nginx afterwards.
	Adopt []string `yaml:"adopt"`
}

// Validate demands exactly one of remove, add and adopt, and what belongs to it.
func (s *Spec) Validate() error {
	modes := 0
	for _, given := range []bool{s.Remove != "", s.Add != "", len(s.Adopt) > 0} {
		if given {
			modes++
		}
	}
	switch {
	case modes != 1:
		return errors.New("exactly one of remove, add and adopt is needed")
	case s.Add != "" && s.Port == "":
		return errors.New("add needs port")
	case s.Remove == "" && s.Replacement != "", s.Add == "" && s.Port != "":
		return errors.New("replacement belongs to remove, port to add")
	}
	return nil
}

// mode names what the step does: it is also the last part of the texts' identifiers.
func (s *Spec) mode() string {
	switch {
	case s.Remove != "":
		return "remove"
	case s.Add != "":
		return "add"
	}
	return "adopt"
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

// Package ssh is the action that runs a constant script on a host: detached, at most once, with values as environment
// variables and never as script text.
package ssh

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"recoverbot/runbook/action"
)

// Spec is what a step of this kind says under `with:`: either a script or the role whose script in fleet.yaml makes a
// bare machine into one of that role. Facts, Satisfied and Look are scripts that only look.
type Spec struct {
	Script    string            `yaml:"script"`
	Provision string            `yaml:"provision"`
	Env       map[string]string `yaml:"env"` // name → value or reference
	Facts     string            `yaml:"facts"`
	Satisfied string            `yaml:"satisfied"` // exit 0: already so
	Look      string            `yaml:"look"`      // exit 0: it took effect, 3: it did not
}

var envName = regexp.MustCompile(`^[A-Z][A-Z0-9_]{0,63}$`)

// reserved names would change how the shell itself works.
var reserved = []string{"PATH", "IFS", "ENV", "BASH_ENV", "HOME", "SHELL", "PS1", "PS4", "PWD"}

// Validate refuses templating, names of variables that are not ours, and a step without exactly one script.
func (s *Spec) Validate() error {
	if (s.Script == "") == (s.Provision == "") {
		return errors.New("exactly one of script and provision is needed")
	}
	for key, text := range map[string]string{"script": s.Script, "facts": s.Facts, "satisfied": s.Satisfied, "look": s.Look} {
		if strings.Contains(text, "{{") {
			return fmt.Errorf("%s: scripts are constant; {{ }} is not filled in, use env", key)
		}
	}
	for name := range s.Env {
		if !envName.MatchString(name) || strings.HasPrefix(name, "LD_") || slices.Contains(reserved, name) {
			return fmt.Errorf("env: %s is not a name that a script can be given", name)
		}
	}
	return nil
}

// Kind is this kind's entry in the list of actions.
func Kind() action.Kind {
	return action.Kind{
		Name: "ssh",
		Spec: func() any { return &Spec{} },
		New: func(spec any, env action.Env) (action.Action, error) {
			return &script{spec: spec.(*Spec), env: env}, nil
		},
	}
}

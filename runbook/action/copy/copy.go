// Package copy brings files from one host of the fleet to another: streamed through the bot, put in place by one rename,
// compared by hash at both ends. What is there already and equal is left alone.
package copy

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/fleet"
)

// Spec is what a step says. The target is the step's host.
type Spec struct {
	Files []File `yaml:"files"`
	// OnlyMissing leaves alone what is there, whatever its content.
	OnlyMissing bool `yaml:"only_missing,omitempty"`
	// Optional leaves out a file that none of its candidates has.
	Optional bool `yaml:"optional,omitempty"`
}

// File is one file, or a directory with all that is in it.
type File struct {
	// From are candidates, in order: the first one that answers and has it is the source. "blackbox:REF" is what the black
	// box holds of these hosts, dead or alive.
	From []string `yaml:"from"`
	// Path on the source: a path as on a real host ("/root/workdir/x"), or a reference; "$path.from.KEY" (or $path.source.KEY,
	// also with /more behind it) is a path of the source's own.
	Path   string `yaml:"path"`
	ToPath string `yaml:"to_path"` // on the target; a path, or a reference
}

// Validate checks what a scenario says.
func (s *Spec) Validate() error {
	if len(s.Files) == 0 {
		return errors.New("copy: files is missing")
	}
	for _, f := range s.Files {
		switch {
		case len(f.From) == 0:
			return errors.New("copy: from is missing")
		case slices.Contains(f.From, boxPrefix):
			return errors.New("copy: blackbox: names no host")
		case !pathOrRef(f.Path):
			return fmt.Errorf("copy: path %q is neither absolute nor a reference", f.Path)
		case !pathOrRef(f.ToPath):
			return fmt.Errorf("copy: to_path %q is neither absolute nor a reference", f.ToPath)
		}
	}
	return nil
}

func pathOrRef(p string) bool {
	return (strings.HasPrefix(p, "/") && !strings.Contains(p+"/", "/../")) || strings.HasPrefix(p, "$")
}

// Kind is this package's entry in the list of actions.
func Kind() action.Kind {
	return action.Kind{
		Name: "copy",
		Spec: func() any { return &Spec{} },
		New: func(spec any, env action.Env) (action.Action, error) {
			return &copier{*spec.(*Spec), env}, nil
		},
	}
}

// copier is the action of one step.
type copier struct {
	spec Spec
	env  action.Env
}

var (
	_ runbook.Action = (*copier)(nil)
	_ runbook.Looker = (*copier)(nil)
)

// on resolves a configured path on a host. References give paths of the host that they name, below its root; they are
// moved below the root of h.
func (c *copier) on(h fleet.Host, ref string) (string, error) {
	for _, own := range []string{"$path.from.", "$path.source."} {
		if key, ok := strings.CutPrefix(ref, own); ok {
			key, below, _ := strings.Cut(key, "/")
			p, ok := c.env.Fleet.Config().PathOn(h, key)
			if !ok || strings.Contains("/"+below+"/", "/../") {
				return "", runbook.Errorf(runbook.Invalid, "fleet.bad_reference", "ref", ref)
			}
			return path.Join(p, below), nil
		}
	}
	v, err := c.env.Value(ref)
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(ref, "$") {
		return h.Path(v), nil
	}
	if !strings.HasPrefix(v, "/") || strings.Contains(v+"/", "/../") {
		return "", runbook.Errorf(runbook.Invalid, "copy.bad_path", "path", v)
	}
	owner, err := c.owner(ref)
	if err != nil {
		return "", err
	}
	if owner.Root != "" && strings.HasPrefix(v, owner.Root+"/") {
		v = strings.TrimPrefix(v, owner.Root)
		return h.Path(v), nil
	}
	return v, nil
}

// owner is the host whose root a reference's value lies under.
func (c *copier) owner(ref string) (fleet.Host, error) {
	if parts := strings.SplitN(ref[1:], ".", 3); len(parts) == 3 && parts[0] == "path" {
		return c.env.Host(parts[1])
	}
	return c.env.Target()
}

// Package edit is the action that changes one text file on a host: other hosts in its values, single lines, lists of
// hosts. The person sees a diff with secrets masked; what is applied is exactly what that diff was made of, or
// nothing. How texts are rewritten is package rewrite's matter.
package edit

import (
	"errors"
	"fmt"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/edit/rewrite"
	"recoverbot/runbook/fleet"
)

// Spec is what a step of this kind says under `with:`. The changes are made in the order of the fields.
type Spec struct {
	Path       string    `yaml:"path"`                  // reference, or a path below the host's root
	Optional   bool      `yaml:"optional,omitempty"`    // no such file: nothing to do
	Rehost     []Rehost  `yaml:"rehost,omitempty"`      // replace hosts in values
	ListHosts  *ListSpec `yaml:"list_hosts,omitempty"`  // bring a list of hosts up to date
	RemoveLine []string  `yaml:"remove_line,omitempty"` // whole lines, but for trailing space
	AddLine    []string  `yaml:"add_line,omitempty"`    // appended where missing
	// Verify is a constant script that must exit 0 before the new file takes its place; $FILE is the new file.
	Verify string `yaml:"verify,omitempty"`
}

// Rehost replaces every name of From ("localhost", or a reference to one or more hosts) by To: "localhost", or a reference to a host.
type Rehost struct {
	From string `yaml:"from"`
	To   string `yaml:"to"`
}

// ListSpec is a list of hosts in a file, and who belongs in it.
type ListSpec struct {
	List     string   `yaml:"list"`               // reference or name of the variable or key
	Hosts    []string `yaml:"hosts,omitempty"`    // must be in it
	Optional []string `yaml:"optional,omitempty"` // must be in it where they are known already
	Except   []string `yaml:"except,omitempty"`   // must not be in it; retired hosts never may
}

// Validate demands a path and at least one change.
func (s *Spec) Validate() error {
	var problems []error
	if s.Path == "" {
		problems = append(problems, errors.New("path: is needed"))
	}
	if len(s.Rehost)+len(s.RemoveLine)+len(s.AddLine) == 0 && s.ListHosts == nil {
		problems = append(problems, errors.New("one of rehost, list_hosts, add_line, remove_line is needed"))
	}
	for _, r := range s.Rehost {
		if r.From == "" || r.To == "" {
			problems = append(problems, errors.New("rehost: from and to are needed"))
		}
	}
	if s.ListHosts != nil && (s.ListHosts.List == "" || len(s.ListHosts.Hosts) == 0) {
		problems = append(problems, errors.New("list_hosts: list and hosts are needed"))
	}
	for _, l := range append(append([]string(nil), s.AddLine...), s.RemoveLine...) {
		if strings.ContainsAny(l, "\r\n\x00") || strings.TrimSpace(l) == "" {
			problems = append(problems, fmt.Errorf("add_line, remove_line: %q is not one line", l))
		}
	}
	if strings.Contains(s.Verify, "{{") {
		problems = append(problems, errors.New("verify: {{ }} is not filled in here; the script gets FILE as a variable"))
	}
	return errors.Join(problems...)
}

// Kind is this kind's entry in the list of actions.
func Kind() action.Kind {
	return action.Kind{
		Name: "edit",
		Spec: func() any { return &Spec{} },
		New: func(spec any, env action.Env) (action.Action, error) {
			return &edit{spec: spec.(*Spec), env: env}, nil
		},
	}
}

type edit struct {
	spec *Spec
	env  action.Env
}

// effect is what an approval is bound to. The text itself is never in it.
type effect struct {
	Path   string       `json:"path"`           // the regular file
	Link   string       `json:"link,omitempty"` // the symbolic link that led to it
	Before string       `json:"before"`         // hex SHA-256
	After  string       `json:"after"`
	Ops    []rewrite.Op `json:"ops"`
	Verify string       `json:"verify,omitempty"`
	Diff   string       `json:"diff"` // secrets masked
}

// path resolves the file's path: references are complete, a plain path lies below the host's root.
func (e *edit) path(h fleet.Host) (string, error) {
	v, err := e.env.Value(e.spec.Path)
	if err != nil {
		return "", err
	}
	if !strings.HasPrefix(v, "/") || strings.ContainsAny(v, "\x00\r\n") {
		return "", runbook.Errorf(runbook.Invalid, "edit.bad_path", "path", v)
	}
	if strings.HasPrefix(e.spec.Path, "$path.") || strings.HasPrefix(e.spec.Path, "$service.") {
		return v, nil
	}
	return h.Path(v), nil
}

// ops resolves the configured changes to ones that need no fleet.
func (e *edit) ops() ([]rewrite.Op, error) {
	var ops []rewrite.Op
	for _, r := range e.spec.Rehost {
		var from []fleet.Host
		if r.From != "localhost" {
			var err error
			if from, err = e.env.Hosts(r.From); err != nil {
				return nil, err
			}
		}
		to := r.To
		if to != "localhost" {
			h, err := e.env.Host(to)
			if err != nil {
				return nil, err
			}
			to = h.Address
		}
		if r.From == "localhost" {
			ops = append(ops, rewrite.Op{Kind: "rehost", From: []string{"localhost", "127.0.0.1", "::1"}, To: to})
		}
		for _, h := range from {
			if h.Address != to {
				ops = append(ops, rewrite.Op{Kind: "rehost", From: h.Names(), To: to})
			}
		}
	}
	if l := e.spec.ListHosts; l != nil {
		op, err := e.list(l)
		if err != nil {
			return nil, err
		}
		ops = append(ops, op)
	}
	for _, l := range e.spec.RemoveLine {
		ops = append(ops, rewrite.Op{Kind: "remove_line", Line: l})
	}
	for _, l := range e.spec.AddLine {
		ops = append(ops, rewrite.Op{Kind: "add_line", Line: l})
	}
	return ops, nil
}

func (e *edit) list(l *ListSpec) (rewrite.Op, error) {
	name, err := e.env.Value(l.List)
	if err != nil {
		return rewrite.Op{}, err
	}
	op := rewrite.Op{Kind: "list", List: name}
	want, err := e.env.Hosts(l.Hosts...)
	if err != nil {
		return op, err
	}
	for _, ref := range l.Optional {
		if hs, err := e.env.Hosts(ref); err == nil { // one that is not known yet may come later
			want = append(want, hs...)
		}
	}
	except, err := e.env.Hosts(l.Except...)
	if err != nil {
		return op, err
	}
	gone := map[string]bool{}
	for _, h := range except {
		gone[h.Name] = true
		op.Drop = append(op.Drop, rewrite.Host{Address: h.Address, Names: h.Names()})
	}
	for _, h := range e.env.Fleet.Config().Hosts {
		known := rewrite.Host{Address: h.Address, Names: h.Names()}
		if h.Retired && !gone[h.Name] {
			gone[h.Name] = true
			op.Drop = append(op.Drop, known)
		}
		op.Know = append(op.Know, known)
	}
	seen := map[string]bool{}
	for _, h := range want {
		if !gone[h.Name] && !seen[h.Name] {
			seen[h.Name] = true
			op.Want = append(op.Want, rewrite.Host{Address: h.Address, Names: h.Names()})
		}
	}
	return op, nil
}

package ssh

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
)

// effect is what an approval is bound to. Secret variables count by name alone; known secrets inside values are hidden.
type effect struct {
	Script  string     `json:"script"`
	Env     []variable `json:"env,omitempty"`
	Secrets []string   `json:"secrets,omitempty"`
}

type variable struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// call is the effect with the real values in it.
type call struct {
	effect
	env     map[string]string
	timeout time.Duration
}

func (s *script) prepare() (call, error) {
	c := call{effect: effect{Script: s.spec.Script}, env: map[string]string{}}
	if s.spec.Provision != "" {
		if err := s.provision(&c); err != nil {
			return c, err
		}
	}
	var needs action.NeedsError
	for _, name := range sorted(s.spec.Env) {
		v, err := s.env.Value(s.spec.Env[name])
		var missing *action.NeedsError
		if errors.As(err, &missing) {
			needs.Needs = append(needs.Needs, missing.Needs...)
			c.Env = append(c.Env, variable{Name: name, Value: s.spec.Env[name]})
			continue
		}
		if err != nil {
			return c, err
		}
		c.env[name] = v
		c.Env = append(c.Env, variable{Name: name, Value: s.env.Fleet.Redactor().Redact(v)})
	}
	if len(needs.Needs) > 0 {
		slices.Sort(needs.Needs)
		needs.Needs = slices.Compact(needs.Needs)
		return c, &needs
	}
	return c, nil
}

// provision takes the script of a role from beside fleet.yaml, and the bot's own variables that it is to get.
func (s *script) provision(c *call) error {
	cfg := s.env.Fleet.Config()
	role := s.spec.Provision
	p, ok := cfg.Provision[role]
	if !ok {
		return runbook.Errorf(runbook.Invalid, "ssh.no_provision", "role", role)
	}
	file := cfg.Beside(p.Script)
	text, err := os.ReadFile(file)
	if err != nil {
		return &runbook.Error{Code: runbook.Invalid, Msg: runbook.T("ssh.no_provision_file", "role", role, "file", file), Err: err}
	}
	c.Script = string(text)
	if p.Timeout != "" {
		if c.timeout, err = time.ParseDuration(p.Timeout); err != nil {
			return &runbook.Error{Code: runbook.Invalid, Msg: runbook.T("ssh.bad_timeout", "role", role, "value", p.Timeout), Err: err}
		}
	}
	for _, name := range p.Env {
		v := s.env.Fleet.Getenv(name)
		_, ok := os.LookupEnv(name) // it may be empty on purpose
		ok = ok || v != ""
		if file := s.env.Fleet.Getenv(name + "_FILE"); !ok && file != "" {
			text, err := os.ReadFile(file)
			if err != nil {
				return &runbook.Error{Code: runbook.Invalid, Msg: runbook.T("ssh.no_variable", "role", role, "name", name), Err: err}
			}
			v, ok = strings.TrimRight(string(text), "\r\n"), true
		}
		if !ok {
			return runbook.Errorf(runbook.Invalid, "ssh.no_variable", "role", role, "name", name)
		}
		s.env.Fleet.Redactor().Add(v)
		c.env[name] = v
		c.Secrets = append(c.Secrets, name)
	}
	slices.Sort(c.Secrets)
	return nil
}

func (e effect) exact() []runbook.Part {
	parts := []runbook.Part{{Format: "script", Text: e.Script}}
	var b strings.Builder
	for _, v := range e.Env {
		fmt.Fprintf(&b, "%s=%s\n", v.Name, v.Value)
	}
	for _, name := range e.Secrets {
		fmt.Fprintf(&b, "%s=<redacted>\n", name)
	}
	if b.Len() > 0 {
		parts = append(parts, runbook.Part{Format: "env", Text: b.String()})
	}
	return parts
}

func sorted(m map[string]string) []string {
	names := make([]string, 0, len(m))
	for n := range m {
		names = append(names, n)
	}
	slices.Sort(names)
	return names
}

// compact undoes what a journal may do to JSON's white space.
func compact(data json.RawMessage) string {
	var e effect
	if json.Unmarshal(data, &e) != nil {
		return ""
	}
	b, _ := json.Marshal(e) // decoded a moment ago
	return string(b)
}

package handlers

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// company is a fleet of values: NAME → roles; "retired" is not a role.
func company(machines ...string) *fleet.Config {
	c := &fleet.Config{}
	for _, m := range machines {
		words := strings.Fields(m)
		h := fleet.Host{Name: words[0], Roles: words[1:]}
		h.Retired = slices.Contains(h.Roles, "retired")
		c.Hosts = append(c.Hosts, h)
	}
	return c
}

var usual = []string{"nginx1 nginx", "nginx2 nginx", "app1 primary", "app2 standby backup", "report report backup", "old nginx retired"}

func from(refs ...string) runbook.Binding { return runbook.Binding{From: refs} }

func TestBindings(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		bind     map[string]runbook.Binding
		params   map[string]string
		machines []string
		want     map[string][]string
		refused  string
	}{
		{"roles are bound to all hosts in service", nil, nil, usual,
			map[string][]string{"nginx": {"nginx1", "nginx2"}, "backup": {"app2", "report"}, "spare": {}}, ""},
		{"one role", map[string]runbook.Binding{"dead": from("primary")}, nil, usual, map[string][]string{"dead": {"app1"}}, ""},
		{"a parameter, and all others", map[string]runbook.Binding{
			"dead": from("$param.which"), "rest": {From: []string{"nginx"}, Except: []string{"dead"}, Many: true},
		}, map[string]string{"which": "nginx1"}, usual, map[string][]string{"dead": {"nginx1"}, "rest": {"nginx2"}}, ""},
		{"several roles, each host once", map[string]runbook.Binding{"all": {From: []string{"backup", "report", "primary"}, Many: true}},
			nil, usual, map[string][]string{"all": {"app2", "report", "app1"}}, ""},
		{"leaving out what leaves out", map[string]runbook.Binding{
			"a": from("primary"), "b": {From: []string{"primary", "standby"}, Except: []string{"a"}},
			"c": {From: []string{"primary", "standby"}, Except: []string{"b"}},
		}, nil, usual, map[string][]string{"a": {"app1"}, "b": {"app2"}, "c": {"app1"}}, ""},
		{"none, and that is allowed", map[string]runbook.Binding{"s": {From: []string{"spare"}, Optional: true}, "m": {From: []string{"spare"}, Optional: true, Many: true}},
			nil, usual, map[string][]string{"s": {}, "m": {}}, ""},
		{"a parameter that was not given", map[string]runbook.Binding{"s": {From: []string{"$param.which"}, Optional: true}}, nil, usual, map[string][]string{"s": {}}, ""},
		{"none", map[string]runbook.Binding{"s": from("spare")}, nil, usual, nil, "cmd.bind_none"},
		{"none is left", map[string]runbook.Binding{"a": from("primary"), "b": {From: []string{"primary"}, Except: []string{"a"}, Many: true}}, nil, usual, nil, "cmd.bind_none"},
		{"retired does not count", map[string]runbook.Binding{"n": from("nginx")}, nil, []string{"old nginx retired"}, nil, "cmd.bind_none"},
		{"too many", map[string]runbook.Binding{"n": from("nginx")}, nil, usual, nil, "cmd.bind_several"},
		{"too many for at most one", map[string]runbook.Binding{"n": {From: []string{"nginx"}, Optional: true}}, nil, usual, nil, "cmd.bind_several"},
		{"a circle", map[string]runbook.Binding{"a": {From: []string{"primary"}, Except: []string{"b"}}, "b": {From: []string{"primary"}, Except: []string{"a"}}}, nil, usual, nil, "cmd.bind_except"},
		{"nothing of that name", map[string]runbook.Binding{"a": {From: []string{"primary"}, Except: []string{"b"}}}, nil, usual, nil, "cmd.bind_except"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := Bindings(company(c.machines...), runbook.Scenario{Name: "x", Bind: c.bind}, c.params)
			var e *runbook.Error
			if c.refused != "" {
				if !errors.As(err, &e) || e.Msg.ID != c.refused || got != nil {
					t.Fatalf("%v, %v; want %s", got, err, c.refused)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			for name, want := range c.want {
				if d := cmp.Diff(want, got[name]); d != "" {
					t.Errorf("%s:\n%s", name, d)
				}
			}
		})
	}
}

func TestConditionsOfSteps(t *testing.T) {
	t.Parallel()
	s := runbook.Scenario{Name: "x", Steps: []runbook.Step{
		{ID: "sql", If: map[string]string{"dns_via": "sql"}},
		{ID: "admin", If: map[string]string{"dns_via": "admin"}},
		{ID: "fast", If: map[string]string{"param.fast": "true", "dns_via": "sql"}},
		{ID: "none", If: map[string]string{"param.fast": ""}},
		{ID: "last", Needs: []string{"sql", "admin", "fast", "param:fast"}},
	}}
	for _, c := range []struct {
		via    map[string]string
		params map[string]string
		steps  string
		needs  string
	}{
		{nil, nil, "sql none last", "sql param:fast"},
		{map[string]string{"other": "admin"}, map[string]string{"fast": "true"}, "sql fast last", "sql fast param:fast"},
		{map[string]string{"x": "admin"}, map[string]string{"fast": "true"}, "admin last", "admin param:fast"},
	} {
		var ids []string
		steps := stepsFor(&fleet.Config{DNSVia: c.via}, s, c.params)
		for _, step := range steps {
			ids = append(ids, step.ID)
		}
		if got := strings.Join(ids, " "); got != c.steps {
			t.Errorf("%v %v: steps %q, want %q", c.via, c.params, got, c.steps)
		}
		if got := strings.Join(steps[len(steps)-1].Needs, " "); got != c.needs {
			t.Errorf("%v %v: needs %q, want %q", c.via, c.params, got, c.needs)
		}
	}
	if len(s.Steps[4].Needs) != 4 {
		t.Error("the scenario itself was changed")
	}
}

func TestParams(t *testing.T) {
	t.Parallel()
	params := []runbook.Param{
		{Name: "any", Type: "host"},
		{Name: "which", Type: "host", Role: "nginx"},
		{Name: "gone", Type: "host", Role: "retired"},
		{Name: "how", Type: "enum", Enum: []string{"slow", "fast"}, Default: "slow"},
		{Name: "yes", Type: "bool"},
		{Name: "at", Type: "address"},
		{Name: "port", Type: "port"},
		{Name: "file", Type: "string", Pattern: "[a-z]+"},
	}
	for _, c := range []struct{ given, want, refused string }{
		{"", "how=slow", ""},
		{"any=app1 which=nginx2 gone=old yes=1 at=192.0.2.1 port=22 file=abc", "any=app1 at=192.0.2.1 file=abc gone=old how=slow port=22 which=nginx2 yes=true", ""},
		{"any=old", "", "app1, app2, report"},
		{"which=app1", "", "nginx1, nginx2"},
		{"which=old", "", "nginx1, nginx2"},
		{"gone=nginx1", "", "old"},
		{"any=nobody", "", "app1"},
		{"how=quick", "", "slow, fast"},
		{"yes=perhaps", "", "true, false"},
		{"at=example.com", "", "address"},
		{"port=70000", "", "port"},
		{"file=abc;reboot", "", "string"},
		{"fil=abc", "", "file"},
	} {
		given, err := pairs(strings.Fields(c.given))
		if err != nil {
			t.Fatal(err)
		}
		got, err := checkParams(company(usual...), params, given)
		if c.refused == "" {
			if text := strings.TrimPrefix(commandOf("", got), " "); err != nil || text != c.want {
				t.Errorf("%s: %q, %v; want %q", c.given, text, err, c.want)
			}
			continue
		}
		var e *runbook.Error
		if !errors.As(err, &e) || got != nil {
			t.Errorf("%s: %v, %v", c.given, got, err)
			continue
		}
		var all []string
		for _, k := range []string{"may", "type", "best"} {
			if v, ok := e.Msg.Args[k].(string); ok {
				all = append(all, v)
			}
		}
		if text := strings.Join(all, " "); !strings.Contains(text, c.refused) {
			t.Errorf("%s: %s, want %q in it", c.given, text, c.refused)
		}
	}
}

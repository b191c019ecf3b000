package fleet

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"recoverbot/runbook"
)

// Policy is who may do what, and how the bot insists.
type Policy struct {
	Approvals int              `yaml:"approvals,omitempty"` // distinct people that each step needs, default 1
	CoolDown  runbook.Duration `yaml:"cool_down,omitempty"` // default 10m
	OnCall    []string         `yaml:"on_call,omitempty"`   // people, in order
	// TwoPerson keeps who started or resumed a run from approving a dangerous step alone.
	TwoPerson bool `yaml:"two_person,omitempty"`
	// BreakGlass is how long nobody else must have answered before one person alone may approve, with a reason, what needs
	// more: 1m or longer, default 3m; "off": never.
	BreakGlass string                    `yaml:"break_glass,omitempty"`
	Scenarios  map[string]ScenarioPolicy `yaml:"scenarios,omitempty"` // by name: more for some scenarios
}

// ScenarioPolicy asks more of the approvals of one scenario.
type ScenarioPolicy struct {
	Approvals int  `yaml:"approvals,omitempty"`
	TwoPerson bool `yaml:"two_person,omitempty"`
}

const (
	breakGlassOff     = "off"
	minimumBreakGlass = time.Minute
	maxApprovals      = 9
)

// Needs is how many people must approve each step of a scenario, at least.
func (p Policy) Needs(scenario string) int {
	return max(1, p.Approvals, p.Scenarios[scenario].Approvals)
}

// Rules are what the policy asks of a run of a scenario.
func (p Policy) Rules(scenario string) runbook.Rules {
	r := runbook.Rules{TwoPerson: p.TwoPerson || p.Scenarios[scenario].TwoPerson}
	if d, err := time.ParseDuration(p.BreakGlass); err == nil { // "off" is none
		r.BreakGlass = runbook.Duration(d)
	}
	return r
}

// FoldName is a name as it is compared: one that only looks different is the same person's.
func FoldName(name string) string {
	return strings.Join(strings.Fields(cases.Fold().String(norm.NFKC.String(name))), "")
}

func validatePolicy(c *Config, d *decoder) {
	p := c.Policy
	for i, name := range p.OnCall {
		if _, ok := c.Person(name); !ok {
			d.wrong(fmt.Sprintf("policy.on_call[%d]", i), "fleet.config_unknown_person", "name", name)
		}
	}
	d.within("policy.approvals", p.Approvals, 1, maxApprovals)
	if p.CoolDown < 0 {
		d.wrong("policy.cool_down", "fleet.config_bad_duration", "text", time.Duration(p.CoolDown).String())
	}
	if t, err := time.ParseDuration(p.BreakGlass); p.BreakGlass != breakGlassOff && (err != nil || t < minimumBreakGlass) {
		d.wrong("policy.break_glass", "fleet.config_break_glass", "text", p.BreakGlass)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Scenarios)) {
		if at := "policy.scenarios." + name + ".approvals"; d.at[at] != nil {
			d.within(at, p.Scenarios[name].Approvals, 1, maxApprovals)
		}
	}
}

// Now is the configuration in force, but with people and policy as fleet.yaml says them at this moment: who was taken out
// of it may do nothing any more, without a restart. A file that cannot be read or is wrong changes nothing.
func (f *Fleet) Now() *Config {
	inForce := f.Config()
	text, err := readFile(inForce.Path())
	f.now.Lock()
	defer f.now.Unlock()
	if err == nil && (f.now.config == nil || !bytes.Equal(text, f.now.text)) {
		var cfg *Config
		f.now.text = text
		if cfg, f.now.wrong = ParseConfig(inForce.Path(), text, f.Getenv); f.now.wrong == nil {
			f.now.config = cfg
		}
	}
	out := *inForce
	written := cmp.Or(f.now.config, inForce)
	out.People, out.Policy, out.wrong = written.People, written.Policy, cmp.Or(err, f.now.wrong)
	return &out
}

// Wrong is why fleet.yaml as it is at this moment does not count, where the configuration is from Now; nil: it does.
func (c *Config) Wrong() error { return c.wrong }

package runbook

import "time"

// Scenario is a recovery procedure as loaded from YAML: ordered steps over roles and hosts of the fleet.
type Scenario struct {
	Name   string             `yaml:"name" json:"name"`
	Title  Text               `yaml:"title" json:"title"`
	Params []Param            `yaml:"params,omitempty" json:"params,omitempty"`
	Guards map[string]Guard   `yaml:"guards,omitempty" json:"guards,omitempty"`
	Bind   map[string]Binding `yaml:"bind,omitempty" json:"bind,omitempty"` // names in this scenario
	// When is the diagnosis that calls for the scenario: it is suggested where all of these hold. A host in them is a
	// name of the fleet, a role, or $param.NAME of a required parameter of type host, which is then tried with each host.
	When []Probe `yaml:"when,omitempty" json:"when,omitempty"`
	// Approvals is how many distinct people must approve each step; a step may need more.
	Approvals int    `yaml:"approvals,omitempty" json:"approvals,omitempty"`
	Steps     []Step `yaml:"steps" json:"steps"`
	// Beside says that all its steps leave everything live alone: a run of it keeps no other run waiting, and ends when
	// one begins. It is found out, not written.
	Beside bool `yaml:"-" json:"beside,omitempty"`
}

// Binding says which hosts a name of the scenario means; that is fixed when a run starts. In YAML and JSON a plain text
// is short for {from: [text]}.
type Binding struct {
	From     []string `yaml:"from" json:"from"`                             // roles of the fleet, or $param.NAME of a parameter of type host
	Except   []string `yaml:"except,omitempty" json:"except,omitempty"`     // other names of `bind` whose hosts are left out
	Many     bool     `yaml:"many,omitempty" json:"many,omitempty"`         // any number of hosts but none; otherwise exactly one
	Optional bool     `yaml:"optional,omitempty" json:"optional,omitempty"` // it may also be none
}

// Param is a typed parameter of a scenario, or a field of a form.
type Param struct {
	Name     string   `yaml:"name" json:"name"`
	Type     string   `yaml:"type" json:"type"` // host, address, port, enum, string, bool, text; of an action's form also ip
	Title    Text     `yaml:"title,omitempty" json:"title,omitzero"`
	Required bool     `yaml:"required,omitempty" json:"required"`
	Default  string   `yaml:"default,omitempty" json:"default,omitempty"`
	Enum     []string `yaml:"enum,omitempty" json:"enum,omitempty"`
	Pattern  string   `yaml:"pattern,omitempty" json:"pattern,omitempty"`
	Hint     Text     `yaml:"hint,omitempty" json:"hint,omitzero"` // what is wanted, with an example: shown instead of the pattern
	// Role limits a host: to those with the role, or with "retired" to machines that were retired. "" is any host in service.
	Role string `yaml:"role,omitempty" json:"role,omitempty"`
}

// Guard is a condition that must hold while a scenario changes things, at planning and again at the click.
type Guard struct {
	Title Text    `yaml:"title" json:"title"`
	All   []Probe `yaml:"all,omitempty" json:"all,omitempty"`
	Any   []Probe `yaml:"any,omitempty" json:"any,omitempty"` // where given, at least one finding of these
}

// Step is one step of a scenario. Kind names an action; With is that action's own configuration, kept as YAML text so
// that a run keeps executing what it started with.
type Step struct {
	ID      string   `yaml:"id" json:"id"`
	Title   Text     `yaml:"title" json:"title"`
	DocLine string   `yaml:"doc_line,omitempty" json:"doc_line,omitempty"`
	Kind    string   `yaml:"kind" json:"kind"`
	Host    string   `yaml:"host,omitempty" json:"host,omitempty"` // role, name bound by the run, or host of the fleet
	On      []string `yaml:"on,omitempty" json:"on,omitempty"`     // expands to a group: hosts, or services where Host is given
	Needs   []string `yaml:"needs,omitempty" json:"needs,omitempty"`
	// If is what decides at the start of a run whether it has the step at all: "dns_via" (of fleet.yaml for this scenario),
	// or "param.NAME", each with the value that is wanted.
	If      map[string]string `yaml:"if,omitempty" json:"if,omitempty"`
	Guard   string            `yaml:"guard,omitempty" json:"guard,omitempty"` // a name in Scenario.Guards; "none" for no guard
	When    []Probe           `yaml:"when,omitempty" json:"when,omitempty"`   // not all hold: the step is satisfied, not needed
	Verify  []Probe           `yaml:"verify,omitempty" json:"verify,omitempty"`
	Timeout Duration          `yaml:"timeout,omitempty" json:"timeout,omitzero"`
	// Approvals is how many distinct people must approve; 0 means 1.
	Approvals       int  `yaml:"approvals,omitempty" json:"approvals,omitempty"`
	Danger          bool `yaml:"danger,omitempty" json:"danger,omitempty"`
	PointOfNoReturn bool `yaml:"point_of_no_return,omitempty" json:"point_of_no_return,omitempty"`
	SkipReason      bool `yaml:"skip_needs_reason,omitempty" json:"skip_needs_reason,omitempty"`
	// Fence marks the step that keeps a dead machine from writing: where it did not apply since that machine was silent, it
	// is offered again when the machine comes back.
	Fence bool   `yaml:"fence,omitempty" json:"fence,omitempty"`
	With  string `yaml:"-" json:"with,omitempty"`
}

// Duration is a time.Duration that is written "90s" in YAML and JSON.
type Duration time.Duration

// MarshalText writes the duration as time.Duration does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads "90s", "5m" and so on.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return err
	}
	*d = Duration(v)
	return nil
}

// IsZero reports whether no duration was given.
func (d Duration) IsZero() bool { return d == 0 }

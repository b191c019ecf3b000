package runbook

import (
	"encoding/json"
	"strings"
)

// UnmarshalYAML reads a binding: a plain text, or all of its keys.
func (b *Binding) UnmarshalYAML(unmarshal func(any) error) error {
	var from string
	if err := unmarshal(&from); err == nil {
		*b = Binding{From: []string{from}}
		return nil
	}
	type plain Binding
	return unmarshal((*plain)(b))
}

// UnmarshalJSON reads a binding as UnmarshalYAML does; earlier journals hold plain texts.
func (b *Binding) UnmarshalJSON(text []byte) error {
	var from string
	if err := json.Unmarshal(text, &from); err == nil {
		*b = Binding{From: []string{from}}
		return nil
	}
	type plain Binding
	return json.Unmarshal(text, (*plain)(b))
}

// HostRoles are what a machine of the fleet can be.
var HostRoles = []string{"nginx", "primary", "standby", "report", "backup", "spare"}

// ParamRef is the name of the parameter that a reference such as "$param.which" means.
func ParamRef(ref string) (name string, ok bool) { return strings.CutPrefix(ref, "$param.") }

// DNSVias are the ways in which a machine leaves or joins the domain list, the default first.
var DNSVias = []string{"sql", "admin"}

// IfParam is the name of the parameter that a key of Step.If asks for.
func IfParam(key string) (name string, ok bool) { return strings.CutPrefix(key, "param.") }

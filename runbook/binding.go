package runbook

import "encoding/json"

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

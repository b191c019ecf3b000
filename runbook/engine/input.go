package engine

import (
	"slices"

	"recoverbot/runbook"
)

// fill checks what a person answered against the form, and gives empty fields their defaults.
func fill(form []runbook.Param, fields map[string]string) (map[string]string, error) {
	out := map[string]string{}
	for name := range fields {
		if !slices.ContainsFunc(form, func(p runbook.Param) bool { return p.Name == name }) {
			return nil, runbook.Errorf(runbook.Invalid, "engine.field_unknown", "field", name)
		}
	}
	for _, p := range form {
		v, wrong := p.Answer(fields[p.Name])
		if !wrong.IsZero() {
			return nil, &runbook.Error{Code: runbook.Invalid, Msg: wrong}
		}
		if v != "" {
			out[p.Name] = v
		}
	}
	return out, nil
}

package manual

import (
	"recoverbot/runbook"
)

// Paper is the instruction, and the fields with what is proposed. The proposals count for later steps.
func (m *manual) Paper(runbook.Plan) runbook.Sheet {
	s := runbook.Sheet{Typed: []runbook.Typed{{Note: runbook.T("manual.summary", "instruction", m.spec.Instruction)}}, Values: map[string]string{}}
	for _, f := range m.spec.Form {
		v := m.fallback(f)
		if c, problem := m.check(f, v); problem.IsZero() {
			v = c
		} else {
			v = ""
		}
		s.Values[f.Name] = v
		title := any(f.Title)
		if f.Title.In("en") == "" {
			title = f.Name
		}
		s.Typed = append(s.Typed, runbook.Typed{Note: runbook.T("paper.field", "title", title, "value", v)})
	}
	return s
}

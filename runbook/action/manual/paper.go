package manual

import (
	"strings"

	"recoverbot/runbook"
)

// Paper is the instruction with what is to be known for it, and the fields with what is proposed. The proposals count for
// later steps, but no spare machine is one: a person chooses it when the paper is used.
func (m *manual) Paper(runbook.Plan) runbook.Sheet {
	s := runbook.Sheet{Typed: []runbook.Typed{{Note: runbook.T("manual.summary", "instruction", m.spec.Instruction)}}, Values: map[string]string{}}
	for _, w := range m.spec.Show {
		if v, err := m.env.Value(w.Value); err == nil && v != "" {
			s.Typed = append(s.Typed, runbook.Typed{Note: runbook.T("manual.shown", "title", w.Title, "value", v)})
		}
	}
	chosen := false
	for _, f := range m.spec.Form {
		v := m.fallback(f)
		if strings.HasPrefix(f.Default, "$spare.") {
			v, chosen = "", true
		}
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
	if chosen {
		s.Typed = append(s.Typed, runbook.Typed{Note: runbook.T("paper.fill_top")})
	}
	return s
}

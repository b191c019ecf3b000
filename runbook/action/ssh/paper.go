package ssh

import (
	"errors"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/paper"
)

// Paper is the exact script with its variables. A secret one is left for the person to fill in.
func (s *script) Paper(runbook.Plan) runbook.Sheet {
	h, err := s.env.Target()
	if err != nil {
		return runbook.Sheet{Typed: []runbook.Typed{{Note: action.Refuse(err).Text}}}
	}
	c, err := s.prepare()
	var needs *action.NeedsError
	if err != nil && !errors.As(err, &needs) {
		return runbook.Sheet{Typed: []runbook.Typed{{Note: action.Refuse(err).Text}}}
	}
	var out runbook.Sheet
	var b strings.Builder
	for _, v := range c.Env {
		b.WriteString(paper.Assign(v.Name, v.Value))
	}
	for _, name := range c.Secrets {
		b.WriteString("export " + name + "=   # " + name + "\n: \"${" + name + ":?}\"\n")
	}
	if len(c.Secrets) > 0 {
		out.Typed = append(out.Typed, runbook.Typed{Note: runbook.T("paper.ssh_secrets", "names", strings.Join(c.Secrets, ", "))})
	}
	look := ""
	if s.spec.Look != "" {
		look = s.spec.Look
	} else if s.spec.Satisfied != "" {
		look = s.spec.Satisfied
	}
	out.Typed = append(out.Typed, runbook.Typed{Host: h.Name, Script: b.String() + paper.Judged(s.env.Fleet.Redactor().Redact(c.Script))})
	if look != "" {
		out.Typed = append(out.Typed, runbook.Typed{Host: h.Name, Note: runbook.T("paper.see"), Script: b.String() + paper.Judged(look)})
	} else {
		out.Typed = append(out.Typed, runbook.Typed{Note: runbook.T("paper.see_ok")})
	}
	return out
}

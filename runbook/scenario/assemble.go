package scenario

import (
	"fmt"
	"regexp"
	"slices"

	"recoverbot/runbook"
)

var (
	idPattern    = regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`)
	paramPattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
	paramTypes   = []string{"host", "address", "port", "enum", "string", "bool", "text"}
)

// assemble puts fragments in place and checks what can be checked without a fleet.
func (l *loader) assemble(d *document, fragments map[string]*document) (runbook.Scenario, bool) {
	before := len(l.problems.List)
	s := runbook.Scenario{
		Name: d.body.Name, Title: d.body.Title, Params: d.body.Params, Guards: d.body.Guards, Bind: d.body.Bind,
	}
	complain := func(e *entry, format string, args ...any) {
		if e == nil {
			l.problems.add(Problem{File: d.name, Line: 1, Column: 1, Text: fmt.Sprintf(format, args...)})
			return
		}
		l.at(d.name, e.node, fmt.Sprintf(format, args...))
	}
	if !idPattern.MatchString(s.Name) {
		complain(nil, "name %q must match %s", s.Name, idPattern)
	}
	if s.Title.EN == "" || s.Title.ZH == "" {
		complain(nil, "title needs en and zh")
	}
	for _, p := range s.Params {
		if problem := checkParam(p); problem != "" {
			complain(nil, "params: %s", problem)
		}
	}
	entries := l.include(d, fragments, complain)
	known := map[string]bool{}
	for _, p := range s.Params {
		known["param:"+p.Name] = true
	}
	for i := range entries {
		e := &entries[i]
		l.checkStep(s, e, known, complain)
		known[e.ID] = true
		s.Steps = append(s.Steps, e.Step)
	}
	if len(s.Steps) == 0 {
		complain(nil, "steps is empty")
	}
	return s, len(l.problems.List) == before
}

func (l *loader) include(d *document, fragments map[string]*document, complain func(*entry, string, ...any)) []entry {
	var out []entry
	for i := range d.entries {
		e := &d.entries[i]
		if e.Include == "" {
			out = append(out, *e)
			continue
		}
		f, ok := fragments[e.Include]
		if !ok {
			complain(e, "include: no fragment is called %q", e.Include)
			continue
		}
		if e.ID != "" || e.Kind != "" {
			complain(e, "include stands alone: it takes no other key")
		}
		out = append(out, f.entries...)
	}
	return out
}

func (l *loader) checkStep(s runbook.Scenario, e *entry, known map[string]bool, complain func(*entry, string, ...any)) {
	switch {
	case !idPattern.MatchString(e.ID):
		complain(e, "step id %q must match %s", e.ID, idPattern)
	case known[e.ID]:
		complain(e, "step id %q is used twice", e.ID)
	}
	if e.Title.EN == "" || e.Title.ZH == "" {
		complain(e, "step %s: title needs en and zh", e.ID)
	}
	for _, n := range e.Needs {
		if !known[n] {
			complain(e, "step %s: needs %q, which is no earlier step and no parameter (param:NAME)", e.ID, n)
		}
	}
	if _, ok := s.Guards[e.Guard]; !ok && e.Guard != "" && e.Guard != "none" {
		complain(e, "step %s: no guard is called %q", e.ID, e.Guard)
	}
	if e.Approvals < 0 || e.Timeout < 0 {
		complain(e, "step %s: approvals and timeout cannot be negative", e.ID)
	}
}

func checkParam(p runbook.Param) string {
	switch {
	case !paramPattern.MatchString(p.Name):
		return fmt.Sprintf("name %q must match %s", p.Name, paramPattern)
	case !slices.Contains(paramTypes, p.Type):
		return fmt.Sprintf("%s: unknown type %q, known are %v", p.Name, p.Type, paramTypes)
	case p.Type == "enum" && len(p.Enum) == 0:
		return p.Name + ": an enum needs its values"
	}
	if p.Pattern != "" {
		if _, err := regexp.Compile(p.Pattern); err != nil {
			return fmt.Sprintf("%s: pattern: %v", p.Name, err)
		}
	}
	return ""
}

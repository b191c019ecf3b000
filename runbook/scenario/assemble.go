package scenario

import (
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

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
		Name: d.body.Name, Title: d.body.Title, Params: d.body.Params, Guards: d.body.Guards, Bind: d.body.Bind, When: d.body.When,
	}
	complain := func(e *entry, id string, pairs ...any) {
		if e == nil {
			l.problems.add(Problem{File: d.name, Line: 1, Column: 1, Msg: runbook.T(id, pairs...)})
			return
		}
		l.at(d.name, e.node, id, pairs...)
	}
	if !idPattern.MatchString(s.Name) {
		complain(nil, "scenario.bad_name", "name", s.Name, "pattern", idPattern.String())
	}
	if s.Title.EN == "" || s.Title.ZH == "" {
		complain(nil, "scenario.title")
	}
	for _, p := range s.Params {
		if problem := checkParam(p); !problem.IsZero() {
			complain(nil, "scenario.param", "name", p.Name, "problem", problem)
		}
	}
	known := map[string]bool{}
	for _, p := range s.Params {
		known["param:"+p.Name] = true
	}
	l.checkBind(s, complain)
	for i := range d.entries {
		for _, e := range l.include(&d.entries[i], fragments, known, complain) {
			l.checkStep(s, &e, known, complain)
			known[e.ID] = true
			s.Steps = append(s.Steps, e.Step)
		}
	}
	if len(s.Steps) == 0 {
		complain(nil, "scenario.no_steps")
	}
	return s, len(l.problems.List) == before
}

// include is the step of an entry itself, or those of the fragment that it takes.
func (l *loader) include(e *entry, fragments map[string]*document, known map[string]bool, complain func(*entry, string, ...any)) []entry {
	if e.Include == "" {
		return []entry{*e}
	}
	alone := e.Step
	alone.DocLine, alone.Needs, alone.If = "", nil, nil
	if !reflect.DeepEqual(alone, runbook.Step{}) || e.step.With != nil {
		complain(e, "scenario.include_alone")
	}
	for _, n := range e.Needs {
		if !known[n] {
			complain(e, "scenario.needs", "step", "include "+e.Include, "need", n)
		}
	}
	f, ok := fragments[e.Include]
	if !ok {
		complain(e, "scenario.no_fragment", "name", e.Include)
		return nil
	}
	out := slices.Clone(f.entries)
	for i := range out {
		s := &out[i]
		if e.DocLine != "" {
			s.DocLine = e.DocLine
		}
		s.Needs = append(slices.DeleteFunc(slices.Clone(e.Needs), func(n string) bool { return !known[n] }), s.Needs...)
		conditions := maps.Clone(e.If)
		if conditions == nil {
			conditions = s.If
		}
		for key, want := range s.If {
			if other, both := e.If[key]; both && other != want {
				complain(e, "scenario.if_never", "step", s.ID, "key", key, "one", other, "two", want)
			}
			conditions[key] = want
		}
		s.If = conditions
	}
	return out
}

func (l *loader) checkStep(s runbook.Scenario, e *entry, known map[string]bool, complain func(*entry, string, ...any)) {
	switch {
	case !idPattern.MatchString(e.ID):
		complain(e, "scenario.bad_id", "step", e.ID, "pattern", idPattern.String())
	case known[e.ID]:
		complain(e, "scenario.id_twice", "step", e.ID)
	}
	if e.Title.EN == "" || e.Title.ZH == "" {
		complain(e, "scenario.step_title", "step", e.ID)
	}
	for _, n := range e.Needs {
		if !known[n] {
			complain(e, "scenario.needs", "step", e.ID, "need", n)
		}
	}
	if _, ok := s.Guards[e.Guard]; !ok && e.Guard != "" && e.Guard != "none" {
		complain(e, "scenario.no_guard", "step", e.ID, "guard", e.Guard)
	}
	if e.Approvals < 0 || e.Timeout < 0 {
		complain(e, "scenario.negative", "step", e.ID)
	}
	l.checkIf(s, e, complain)
}

func checkParam(p runbook.Param) runbook.Msg {
	switch {
	case !paramPattern.MatchString(p.Name):
		return runbook.T("scenario.bad_name", "name", p.Name, "pattern", paramPattern.String())
	case !slices.Contains(paramTypes, p.Type):
		return runbook.T("scenario.param_type", "type", p.Type, "known", strings.Join(paramTypes, ", "))
	case p.Type == "enum" && len(p.Enum) == 0:
		return runbook.T("scenario.param_enum")
	}
	if p.Pattern != "" {
		if _, err := regexp.Compile(p.Pattern); err != nil {
			return runbook.T("scenario.param_pattern", "problem", err.Error())
		}
	}
	return runbook.Msg{}
}

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
	hostPattern  = regexp.MustCompile(`^(host:)?[a-z0-9][a-z0-9_-]{0,39}$`)
)

// maxApprovals is how many people a step can ask for: more are nowhere at night.
const maxApprovals = 9

// checker holds one scenario to what can be checked without a fleet.
type checker struct {
	*loader
	doc       *document
	fragments map[string]*document
	s         runbook.Scenario
	known     map[string]bool              // what a step may need: earlier steps, parameters as "param:NAME"
	earlier   map[string]map[string]string // the conditions of earlier steps
	params    map[string]runbook.Param
}

// assemble puts fragments in place and checks the whole.
func (l *loader) assemble(d *document, fragments map[string]*document) (runbook.Scenario, bool) {
	before := len(l.problems.List)
	c := &checker{
		loader: l, doc: d, fragments: fragments, known: map[string]bool{}, earlier: map[string]map[string]string{}, params: map[string]runbook.Param{},
		s: runbook.Scenario{
			Name: d.body.Name, Title: d.body.Title, Params: d.body.Params, Guards: d.body.Guards, Bind: d.body.Bind, When: d.body.When,
			Approvals: d.body.Approvals,
		},
	}
	if !idPattern.MatchString(c.s.Name) {
		c.wrong("$.name", "scenario.bad_name", "name", c.s.Name, "pattern", idPattern.String())
	}
	if slices.Contains(Words, c.s.Name) {
		c.wrong("$.name", "scenario.name_taken", "name", c.s.Name)
	}
	if c.s.Title.EN == "" || c.s.Title.ZH == "" {
		c.wrong("$.title", "scenario.title")
	}
	c.checkParams()
	c.checkBind()
	c.checkGuards()
	c.checkWhen()
	for i := range d.entries {
		for _, e := range c.include(&d.entries[i]) {
			c.checkStep(&e)
			c.known[e.ID], c.earlier[e.ID] = true, e.If
			c.s.Steps = append(c.s.Steps, e.Step)
			b, ok := e.spec.(interface{ Beside() bool })
			c.s.Beside = (c.s.Beside || len(c.s.Steps) == 1) && ok && b.Beside()
		}
	}
	if c.s.Approvals < 0 || c.s.Approvals > maxApprovals {
		c.wrong("$.approvals", "scenario.approvals", "max", maxApprovals)
	}
	if len(d.body.Steps) == 0 {
		c.wrong("$.steps", "scenario.no_steps")
	}
	return c.s, len(l.problems.List) == before
}

// wrong tells a problem at a path of the scenario's own file.
func (c *checker) wrong(where, id string, pairs ...any) {
	c.at(c.doc.name, place(c.doc.node, where), id, pairs...)
}

// bad tells a problem at a path of a step, in the file where that stands.
func (c *checker) bad(e *entry, where, id string, pairs ...any) {
	c.at(e.file, place(e.node, where), id, append([]any{"step", e.called()}, pairs...)...)
}

func (e *entry) called() string {
	if e.Include != "" {
		return "include " + e.Include
	}
	return e.ID
}

// include is the step of an entry itself, or those of the fragment that it takes.
func (c *checker) include(e *entry) []entry {
	if e.Include == "" {
		return []entry{*e}
	}
	alone := e.Step
	alone.DocLine, alone.Needs, alone.If = "", nil, nil
	if !reflect.DeepEqual(alone, runbook.Step{}) || e.step.With != nil {
		c.bad(e, "", "scenario.include_alone")
	}
	c.checkNeeds(e)
	f, ok := c.fragments[e.Include]
	if !ok {
		c.bad(e, "$.include", "scenario.no_fragment", "name", e.Include, "best", runbook.Nearest(e.Include, sortedKeys(c.fragments)))
		return nil
	}
	needs := slices.DeleteFunc(slices.Clone(e.Needs), func(n string) bool { return !c.known[n] })
	c.doc.partial = c.doc.partial || f.partial
	out := slices.Clone(f.entries)
	for i := range out {
		s := &out[i]
		if e.DocLine != "" {
			s.DocLine = e.DocLine
		}
		s.Needs = append(slices.Clone(needs), s.Needs...)
		conditions := maps.Clone(e.If)
		if conditions == nil {
			conditions = map[string]string{}
		}
		for key, want := range s.If {
			if other, both := e.If[key]; both && other != want {
				c.bad(e, "$.if", "scenario.if_never", "id", s.ID, "key", key, "one", other, "two", want)
			}
			conditions[key] = want
		}
		if len(conditions) > 0 {
			s.If = conditions
		}
	}
	return out
}

func (c *checker) checkGuards() {
	for _, name := range sortedKeys(c.s.Guards) {
		g := c.s.Guards[name]
		where := "$.guards." + name
		if !idPattern.MatchString(name) || name == "none" {
			c.wrong("$.guards", "scenario.bad_name", "name", name, "pattern", idPattern.String())
			continue
		}
		if g.Title.EN == "" || g.Title.ZH == "" || len(g.All)+len(g.Any) == 0 {
			c.wrong(where, "scenario.guard", "name", name)
		}
	}
}

func (c *checker) checkNeeds(e *entry) {
	for _, n := range e.Needs {
		if !c.known[n] && !c.doc.partial {
			c.bad(e, "$.needs", "scenario.needs", "need", n, "best", runbook.Nearest(n, sortedKeys(c.known)))
		}
	}
}

func (c *checker) checkStep(e *entry) {
	switch {
	case e.Include != "":
		c.bad(e, "$.include", "scenario.include_in_fragment")
		return
	case !idPattern.MatchString(e.ID):
		c.bad(e, "$.id", "scenario.bad_id", "pattern", idPattern.String())
	case c.known[e.ID]:
		c.bad(e, "$.id", "scenario.id_twice")
	}
	if e.Title.EN == "" || e.Title.ZH == "" {
		c.bad(e, "$.title", "scenario.step_title")
	}
	c.checkNeeds(e)
	if _, ok := c.s.Guards[e.Guard]; !ok && e.Guard != "" && e.Guard != "none" {
		c.bad(e, "$.guard", "scenario.no_guard", "guard", e.Guard, "best", runbook.Nearest(e.Guard, sortedKeys(c.s.Guards)))
	}
	if e.Timeout < 0 {
		c.bad(e, "$.timeout", "scenario.negative")
	}
	if e.Approvals < 0 || e.Approvals > maxApprovals {
		c.bad(e, "$.approvals", "scenario.step_approvals", "max", maxApprovals)
	}
	if e.Fence && e.Host == "" && len(e.On) == 0 {
		c.bad(e, "$.fence", "scenario.fence_host")
	}
	if e.Host != "" {
		c.checkHost(e, "$.host", e.Host)
		if b := c.s.Bind[e.Host]; b.Many {
			c.bad(e, "$.host", "scenario.host_many", "name", e.Host)
		}
	}
	for _, on := range e.On {
		c.checkHost(e, "$.on", on)
	}
	c.checkIf(e)
	c.checkProbes(e, "$.when", e.When)
	c.checkProbes(e, "$.verify", e.Verify)
	c.checkWith(e)
}

// checkHost holds the name of a host to its form; whether there is such a host, the fleet says when a run starts.
func (c *checker) checkHost(e *entry, where, ref string) {
	if !hostPattern.MatchString(ref) {
		c.bad(e, where, "scenario.bad_host", "ref", ref)
	}
}

// checkWith looks through the step's own configuration for probes and references.
func (c *checker) checkWith(e *entry) {
	if e.spec == nil {
		return
	}
	each(reflect.ValueOf(e.spec), "$.with", func(where string, p runbook.Probe) { c.checkProbe(e, where, p) })
	for _, ref := range e.refs {
		text := ref.Value
		parts := strings.SplitN(text[1:], ".", 3)
		complain := func(id string, pairs ...any) {
			c.at(e.file, ref, id, append([]any{"step", e.ID, "ref", text}, pairs...)...)
		}
		switch {
		case !c.kinds.Reference(text):
			complain("scenario.bad_reference")
		case parts[0] == "param" && c.params[parts[1]].Name == "":
			complain("scenario.no_param", "name", parts[1], "best", runbook.Nearest(parts[1], sortedKeys(c.params)))
		case parts[0] == "step" && !c.known[parts[1]] && !c.doc.partial:
			complain("scenario.no_step", "name", parts[1], "best", runbook.Nearest(parts[1], sortedKeys(c.earlier)))
		case parts[0] == "step" && !implies(e.If, c.earlier[parts[1]]):
			complain("scenario.step_left_out", "name", parts[1])
		}
	}
}

// implies reports whether all conditions of the other step are among those of this one.
func implies(these, other map[string]string) bool {
	for key, want := range other {
		if these[key] != want {
			return false
		}
	}
	return true
}

package scenario

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/printer"
	"github.com/goccy/go-yaml/token"

	"recoverbot/runbook"
	"recoverbot/runbook/strictyaml"
)

// file is the top of a scenario file: a scenario, or a fragment that scenarios include.
type file struct {
	Name      string                     `yaml:"name"`
	Fragment  string                     `yaml:"fragment"`
	Title     runbook.Text               `yaml:"title"`
	Params    []runbook.Param            `yaml:"params"`
	Guards    map[string]runbook.Guard   `yaml:"guards"`
	Bind      map[string]runbook.Binding `yaml:"bind"`
	When      []runbook.Probe            `yaml:"when"`
	Approvals int                        `yaml:"approvals"`
	Steps     []any                      `yaml:"steps"`
}

// step is one entry of `steps:`: a step, or an include of a fragment.
type step struct {
	runbook.Step `yaml:",inline"`
	Include      string `yaml:"include"`
	With         any    `yaml:"with"`
}

type entry struct {
	step
	file string
	node ast.Node
	spec any        // the decoded `with:`
	refs references // of it
}

type document struct {
	name    string
	node    ast.Node
	body    file
	entries []entry
	own     bool // not embedded
	partial bool // a step could not be read: others may refer to it
}

// loader collects the problems of all files.
type loader struct {
	kinds    Kinds
	problems *Problems
}

// parse reads one file as far as it can be read: a problem in one step does not hide those of the next.
func (l *loader) parse(name string, text []byte) (*document, bool) {
	tree, err := strictyaml.Parse(text, 0)
	if bomb := (*strictyaml.TooMuch)(nil); errors.As(err, &bomb) {
		l.problems.add(Problem{File: name, Line: bomb.At.Position.Line, Column: bomb.At.Position.Column, Msg: runbook.T("scenario.too_deep")})
		return nil, false
	}
	if err != nil {
		l.problem(name, nil, err)
		return nil, false
	}
	if len(tree.Docs) != 1 || tree.Docs[0].Body == nil {
		l.problems.add(Problem{File: name, Line: 1, Column: 1, Msg: runbook.T("scenario.one_document")})
		return nil, false
	}
	body := tree.Docs[0].Body
	d := &document{name: name, node: body}
	if err := l.decode(name, body, &d.body); err != nil {
		l.problem(name, body, err)
		return nil, false
	}
	for i := range d.body.Steps {
		node, err := child(body, fmt.Sprintf("$.steps[%d]", i))
		if err != nil {
			l.problem(name, body, err)
			d.partial = true
			continue
		}
		e := entry{file: name, node: node}
		if err := l.decode(name, node, &e.step); err != nil {
			l.problem(name, node, err)
			d.partial = true
			continue
		}
		if e.Include == "" {
			l.with(name, &e)
		}
		d.entries = append(d.entries, e)
	}
	return d, true
}

// with decodes the step's own configuration into its kind's struct, and keeps it as canonical text.
func (l *loader) with(name string, e *entry) {
	spec, ok := l.kinds.Prototype(e.Kind)
	if !ok {
		l.at(name, place(e.node, "$.kind"), "scenario.unknown_kind", "step", e.ID, "kind", e.Kind,
			"best", runbook.Nearest(e.Kind, l.kinds.Names()), "known", strings.Join(l.kinds.Names(), ", "))
		return
	}
	if e.With != nil {
		node, err := child(e.node, "$.with")
		if err != nil {
			l.problem(name, e.node, err)
			return
		}
		if err := l.decode(name, node, spec); err != nil {
			l.problem(name, node, err)
			return
		}
		ast.Walk(&e.refs, node)
		if e.Kind == "ssh" || e.Kind == "sql" {
			l.scripts(name, e, node)
		}
	}
	if v, ok := spec.(interface{ Validate() error }); ok {
		if err := v.Validate(); err != nil {
			l.at(name, place(e.node, "$.with"), "scenario.bad_step", "step", e.ID, "problem", err.Error())
			return
		}
	}
	e.spec = spec
	text, err := yaml.MarshalWithOptions(spec, yaml.JSON())
	if err != nil {
		l.at(name, e.node, "scenario.bad_step", "step", e.ID, "problem", err.Error())
		return
	}
	e.Step.With = string(text)
}

// scripts tells references inside texts that nothing fills in: a shell would make nothing of them, silently.
func (l *loader) scripts(name string, e *entry, node ast.Node) {
	var found scripts
	ast.Walk(&found, node)
	for _, s := range found {
		for _, ref := range insidePattern.FindAllString(textOf(s), -1) {
			ref = strings.Replace(ref, "{", "", 1)
			head, _, _ := strings.Cut(ref, ".")
			if head == "$param" || head == "$step" || l.kinds.Reference(ref) {
				l.at(name, s, "scenario.reference_in_script", "step", e.ID, "ref", ref, "kind", e.Kind)
			}
		}
	}
}

// decode reads a node into v. All keys that it does not know are told here, so that they hide nothing else.
func (l *loader) decode(name string, node ast.Node, v any) error {
	options := []yaml.DecodeOption{yaml.Strict()}
	if l.unknownKeys(name, node, reflect.TypeOf(v)) {
		options = nil
	}
	return yaml.NodeToValue(node, v, options...)
}

// place is the node at a path, or the one above it where there is none.
func place(node ast.Node, where string) ast.Node {
	for strings.HasPrefix(where, "$.") {
		if n, err := child(node, where); err == nil {
			return n
		}
		where = where[:strings.LastIndexAny(where, ".[")]
	}
	return node
}

func child(node ast.Node, where string) (ast.Node, error) {
	p, err := yaml.PathString(where)
	if err != nil {
		return nil, err
	}
	return p.FilterNode(node)
}

// problem records an error of the YAML library, which mostly knows the place; else it is that of node.
func (l *loader) problem(name string, node ast.Node, err error) {
	var at yaml.Error
	if !errors.As(err, &at) || at.GetToken() == nil {
		l.at(name, node, "scenario.yaml", "problem", err.Error())
		return
	}
	pos := at.GetToken().Position
	l.problems.add(Problem{
		File: name, Line: pos.Line, Column: pos.Column,
		Msg: runbook.T("scenario.yaml", "problem", at.GetMessage()), Excerpt: excerpt(at.GetToken()),
	})
}

// at records a problem of ours at a node.
func (l *loader) at(name string, node ast.Node, id string, pairs ...any) {
	p := Problem{File: name, Line: 1, Column: 1, Msg: runbook.T(id, pairs...)}
	if at := strictyaml.First(node); at != nil {
		p.Line, p.Column = at.Position.Line, at.Position.Column
		p.Excerpt = excerpt(at)
	}
	l.problems.add(p)
}

func excerpt(t *token.Token) string {
	var p printer.Printer
	return p.PrintErrorToken(t, false)
}

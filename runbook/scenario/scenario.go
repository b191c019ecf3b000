// Package scenario turns strict YAML into runbook.Scenario values: the embedded ones, and the operators' own. It knows
// nothing of the actions beyond the shape of their configuration, which Kinds gives it, and nothing of the fleet.
package scenario

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"os"
	"path"
	"reflect"
	"slices"
	"sort"
	"strings"

	"recoverbot/runbook"
)

//go:embed builtin
var embedded embed.FS

// Kinds tells what a scenario may say of actions and probes.
type Kinds interface {
	// Prototype is the shape of a kind's `with:`: a pointer to an empty struct. A Validate() error method is honoured.
	Prototype(kind string) (spec any, ok bool)
	Names() []string           // kinds of steps
	Probes() []string          // kinds of probes
	Reference(ref string) bool // whether a text that begins with "$" has the form of a reference
}

// Set is all scenarios by name.
type Set map[string]runbook.Scenario

// Names lists the scenarios in alphabetical order.
func (s Set) Names() []string {
	out := make([]string, 0, len(s))
	for name := range s {
		out = append(out, name)
	}
	sort.Strings(out)
	return out
}

// Known are the names in all scenarios that their runs are stored with: of steps, kinds, hosts and parameters.
func (s Set) Known() []string {
	var out []string
	for name, one := range s {
		out = append(out, name)
		for _, p := range one.Params {
			out = append(append(out, p.Name, p.Type), p.Enum...)
		}
		for bound, b := range one.Bind {
			out = append(append(out, bound), b.From...)
		}
		for _, step := range one.Steps {
			out = append(append(out, step.ID, step.Kind, step.Host, step.Guard), step.On...)
		}
	}
	return out
}

// Words are those that commands begin with: none can be the name of a scenario.
var Words = []string{
	"list", "status", "history", "report", "help", "resume", "park", "approve", "skip", "abort", "retry", "look", "done", "commit",
	"rollback", "cancel", "defer", "reopen", "input", "alone", "recover", "recoverbot",
}

// maxFile is the largest scenario file that is read, in bytes.
const maxFile = 1 << 20

// Load reads the embedded scenarios and then those of dir ("" for none), whose files add scenarios or replace embedded
// ones of the same name. Every problem of every file is in the returned *Problems error.
func Load(dir string, kinds Kinds) (Set, error) {
	l, err := Read(dir, kinds)
	if err != nil {
		return nil, err
	}
	return l.Set, nil
}

// Read is Load for those who look closer.
func Read(dir string, kinds Kinds) (*Library, error) {
	sub, err := fs.Sub(embedded, "builtin")
	if err != nil {
		return nil, fmt.Errorf("open embedded scenarios: %w", err)
	}
	sources := []source{{files: sub}}
	if dir != "" {
		sources = append(sources, source{os.DirFS(dir), dir})
	}
	return load(sources, kinds)
}

// source is a directory of scenario files; dir is its name for people.
type source struct {
	files fs.FS
	dir   string
}

func load(sources []source, kinds Kinds) (*Library, error) {
	l := &loader{kinds: kinds, problems: &Problems{}}
	var mains []*document
	fragments := map[string]*document{}
	out := &Library{Set: Set{}, docs: map[string]*document{}, fragments: fragments}
	names := map[string]bool{}
	for i, from := range sources {
		docs, err := l.readAll(from)
		if err != nil {
			return nil, err
		}
		files := map[string]string{} // name → file: own ones may replace embedded ones, not one another
		for _, d := range docs {
			d.own = i > 0
			key := "fragment " + d.body.Fragment
			if d.body.Fragment == "" {
				key = d.body.Name
				mains = append(mains, d)
			} else {
				fragments[d.body.Fragment] = d
			}
			if first, twice := files[key]; twice {
				l.problems.add(Problem{File: d.name, Line: 1, Column: 1, Msg: runbook.T("scenario.twice", "name", key, "file", first)})
			}
			files[key] = d.name
			if i > 0 && names[key] {
				out.Replaced = append(out.Replaced, Replacement{Name: key, File: d.name})
			}
		}
		for key := range files {
			names[key] = true
		}
	}
	for _, d := range mains {
		if s, ok := l.assemble(d, fragments); ok {
			out.Set[s.Name], out.docs[s.Name] = s, d
		}
	}
	if len(l.problems.List) > 0 {
		sort.SliceStable(l.problems.List, func(i, j int) bool {
			a, b := l.problems.List[i], l.problems.List[j]
			return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, a.Column-b.Column) < 0
		})
		return nil, l.problems
	}
	return out, nil
}

func (l *loader) readAll(from source) ([]*document, error) {
	var docs []*document
	err := fs.WalkDir(from.files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || (path.Ext(name) != ".yaml" && path.Ext(name) != ".yml") {
			return err
		}
		shown := path.Join(from.dir, name)
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if info.Size() > maxFile {
			l.problems.add(Problem{File: shown, Msg: runbook.T("scenario.too_large", "max", maxFile)})
			return nil
		}
		text, err := fs.ReadFile(from.files, name)
		if err != nil {
			return err
		}
		if d, ok := l.parse(shown, text); ok {
			docs = append(docs, d)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read scenarios: %w", err)
	}
	return docs, nil
}

// Problem is one thing that is wrong with a file. Excerpt shows the place; Line is 0 where the problem is of the whole file.
type Problem struct {
	File         string
	Line, Column int
	Msg          runbook.Msg
	Excerpt      string
}

// Text is the problem with its place, as a message.
func (p Problem) Text() runbook.Msg {
	return runbook.T("scenario.problem", "file", p.File, "line", p.Line, "column", p.Column, "text", p.Msg, "excerpt", p.Excerpt)
}

// Problems is the error of Load: everything that is wrong, at once.
type Problems struct{ List []Problem }

// add notes a problem once: a fragment is checked in each scenario that takes it.
func (p *Problems) add(x Problem) {
	if !slices.ContainsFunc(p.List, func(y Problem) bool { return reflect.DeepEqual(x, y) }) {
		p.List = append(p.List, x)
	}
}

// Error lists the places and message keys; people are shown the rendered Text of each problem instead.
func (p *Problems) Error() string {
	lines := make([]string, 0, len(p.List))
	for _, x := range p.List {
		lines = append(lines, fmt.Sprintf("%s:%d:%d: %s %v", x.File, x.Line, x.Column, x.Msg.ID, x.Msg.Args))
	}
	return strings.Join(lines, "\n")
}

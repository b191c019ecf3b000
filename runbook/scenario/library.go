package scenario

import (
	"strings"

	"github.com/goccy/go-yaml/ast"
)

// Library is what was read: the scenarios, and where each stands.
type Library struct {
	Set      Set
	Replaced []Replacement // own files that take the place of embedded ones

	docs      map[string]*document
	fragments map[string]*document
}

// Replacement is a file that replaces an embedded scenario, or "fragment NAME".
type Replacement struct{ Name, File string }

// Place finds where a step of a scenario says a word, such as the name of a host; a step of no such id is the rest of the
// scenario's file. ok is false where it does not, and in embedded files, which nobody can open.
func (l *Library) Place(scenario, step, word string) (file string, line int, ok bool) {
	d := l.docs[scenario]
	if d == nil {
		return "", 0, false
	}
	file, node, own := d.name, d.node, d.own
	for _, e := range d.entries {
		found, mine := []entry{e}, d.own
		if f := l.fragments[e.Include]; e.Include != "" && f != nil {
			found, mine = f.entries, f.own
		}
		for _, s := range found {
			if s.ID == step {
				file, node, own = s.file, s.node, mine
			}
		}
	}
	w := finder{word: word}
	ast.Walk(&w, node)
	return file, w.line, own && w.line > 0
}

// finder finds the first text that is a word, or "host:" and the word.
type finder struct {
	word string
	line int
}

// Visit implements ast.Visitor.
func (f *finder) Visit(n ast.Node) ast.Visitor {
	if kv, ok := n.(*ast.MappingValueNode); ok { // the key is no value
		ast.Walk(f, kv.Value)
		return nil
	}
	if s, ok := n.(*ast.StringNode); ok && f.line == 0 && strings.TrimPrefix(s.Value, "host:") == strings.TrimPrefix(f.word, "host:") {
		f.line = s.Token.Position.Line
	}
	return f
}

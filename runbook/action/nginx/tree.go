package nginx

import (
	"bytes"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	crossplane "github.com/nginxinc/nginx-go-crossplane"
)

// source gives the configuration's files: from the host, from a test, or as they will be.
type source interface {
	read(path string) ([]byte, error)
	glob(pattern string) ([]string, error)
}

// tree is what counts of a configuration: upstreams with their servers, and direct passes.
type tree struct {
	files     map[string][]byte
	order     []string
	upstreams []*upstream
	passes    []place
	others    []place // everything else with arguments, to look for names that stay behind
}

type upstream struct {
	name    string
	file    string
	servers []place
}

// place is one directive at its place.
type place struct {
	file string
	stmt statement
	args []string
	addr address
	ok   bool // addr is one
}

func (p place) has(param string) bool { return slices.Contains(p.args[1:], param) }

// passDirectives send requests to the address in their argument.
var passDirectives = []string{"proxy_pass", "fastcgi_pass", "uwsgi_pass", "scgi_pass", "grpc_pass"}

// parse reads the configuration with all that it includes.
func parse(conf string, src source) (t *tree, err error) {
	defer func() { // the parser must not be able to stop the bot
		if r := recover(); r != nil {
			t, err = nil, fmt.Errorf("parse %s: %v", conf, r)
		}
	}()
	t = &tree{files: map[string][]byte{}}
	payload, err := crossplane.Parse(conf, &crossplane.ParseOptions{
		Open: func(p string) (io.ReadCloser, error) {
			b, err := t.load(p, src)
			return io.NopCloser(bytes.NewReader(b)), err
		},
		Glob:                      src.glob,
		StopParsingOnError:        true,
		SkipDirectiveContextCheck: true,
		SkipDirectiveArgsCheck:    true,
	})
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", conf, err)
	}
	spans := map[*crossplane.Directive]statement{}
	for _, c := range payload.Config {
		align(c.Parsed, scan(t.files[c.File]), spans)
	}
	w := walker{tree: t, payload: payload, spans: spans}
	w.walk(payload.Config[0].Parsed, payload.Config[0].File, nil)
	return t, nil
}

func (t *tree) load(p string, src source) ([]byte, error) {
	if b, ok := t.files[p]; ok {
		return b, nil
	}
	b, err := src.read(p)
	if err != nil {
		return nil, err
	}
	t.files[p] = b
	t.order = append(t.order, p)
	return b, nil
}

// align finds the bytes of every parsed directive: both lists are in the file's order.
func align(dirs crossplane.Directives, stmts []statement, into map[*crossplane.Directive]statement) {
	next := 0
	var each func(crossplane.Directives)
	each = func(dirs crossplane.Directives) {
		for _, d := range dirs {
			for i := next; i < len(stmts) && stmts[i].line <= d.Line; i++ {
				if stmts[i].line == d.Line && sameWords(d, stmts[i].words) {
					into[d] = stmts[i]
					next = i + 1
					break
				}
			}
			each(d.Block)
		}
	}
	each(dirs)
}

func sameWords(d *crossplane.Directive, words []word) bool {
	return len(words) == len(d.Args)+1 && words[0].text == d.Directive &&
		slices.EqualFunc(d.Args, words[1:], func(a string, w word) bool { return a == w.text })
}

type walker struct {
	*tree
	payload *crossplane.Payload
	spans   map[*crossplane.Directive]statement
}

func (w *walker) walk(dirs crossplane.Directives, file string, up *upstream) {
	for _, d := range dirs {
		p := place{file: file, args: d.Args, stmt: w.spans[d]}
		if p.stmt.end == 0 {
			p.stmt.line = d.Line
		}
		if len(d.Args) > 0 {
			p.addr, p.ok = parseAddress(d.Args[0])
		}
		switch {
		case d.IsInclude():
			for _, i := range d.Includes { // a list of servers may be a file of its own
				w.walk(w.payload.Config[i].Parsed, w.payload.Config[i].File, up)
			}
		case d.Directive == "upstream" && d.IsBlock() && len(d.Args) > 0:
			u := &upstream{name: d.Args[0], file: file}
			w.upstreams = append(w.upstreams, u)
			w.walk(d.Block, file, u)
		case d.Directive == "server" && up != nil && !d.IsBlock() && len(d.Args) > 0:
			up.servers = append(up.servers, p)
		case slices.Contains(passDirectives, d.Directive) && len(d.Args) > 0:
			w.passes = append(w.passes, p)
		case d.IsBlock():
			w.walk(d.Block, file, nil)
		case len(d.Args) > 0:
			w.others = append(w.others, p)
		}
	}
}

// edited is a source in which some files already have their new text.
type edited struct {
	source
	files map[string][]byte
}

func (e edited) read(p string) ([]byte, error) {
	if b, ok := e.files[p]; ok {
		return b, nil
	}
	return e.source.read(p)
}

// visible leaves out hidden files, which nginx's own patterns never match.
func visible(pattern string, names []string) []string {
	if strings.HasPrefix(path.Base(pattern), ".") {
		return names
	}
	return slices.DeleteFunc(names, func(n string) bool { return strings.HasPrefix(path.Base(n), ".") })
}

package nginx

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// removed is one server line (or pass) that was taken out: what adding puts back.
type removed struct {
	File     string `json:"file"`
	Upstream string `json:"upstream,omitempty"` // empty: a direct pass
	Index    int    `json:"index"`              // among the upstream's servers
	Port     string `json:"port"`
	Text     string `json:"text"`           // the statement, exactly
	Cut      string `json:"cut,omitempty"`  // what was cut out of the line where its comment was kept
	Note     string `json:"note,omitempty"` // that comment
	Replaced bool   `json:"replaced,omitempty"`
}

// edits are what one action does to a configuration.
type edits struct {
	ops     map[string][]op
	removed []removed
	open    []place // upstreams that would be empty, passes that lead nowhere else: they stay
	found   bool    // an upstream with the port (of an add)
}

func (e *edits) add(file string, o op) {
	if !slices.Contains(e.ops[file], o) { // a file that is included twice is edited once
		e.ops[file] = append(e.ops[file], o)
	}
}

// located fails where the parser saw a directive that cannot be found again in the file's bytes.
func located(places ...place) error {
	for _, p := range places {
		if p.stmt.end == 0 {
			return fmt.Errorf("locate %s:%d", p.file, p.stmt.line)
		}
	}
	return nil
}

// remove plans the removal of a machine with these names. replacement, where not empty, takes its place in upstreams
// that would be empty and in direct passes.
func (t *tree) remove(names []string, replacement string) (*edits, error) {
	e := &edits{ops: map[string][]op{}}
	for _, u := range t.upstreams {
		if err := t.removeFrom(u, names, replacement, e); err != nil {
			return nil, err
		}
	}
	for _, p := range t.passes {
		if !p.ok || !isOneOf(p.addr.host, names) || t.isUpstream(p.addr.host) {
			continue
		}
		if replacement == "" {
			e.open = append(e.open, p)
			continue
		}
		if err := located(p); err != nil {
			return nil, err
		}
		src := t.files[p.file]
		e.add(p.file, p.stmt.rehost(src, replacement))
		e.removed = append(e.removed, removed{File: p.file, Port: p.addr.port, Text: string(src[p.stmt.start:p.stmt.end]), Replaced: true})
	}
	return e, nil
}

func (t *tree) isUpstream(name string) bool {
	return slices.ContainsFunc(t.upstreams, func(u *upstream) bool { return strings.EqualFold(u.name, name) })
}

func (t *tree) removeFrom(u *upstream, names []string, replacement string, e *edits) error {
	var dead, live []place
	for _, s := range u.servers {
		switch {
		case s.ok && isOneOf(s.addr.host, names):
			dead = append(dead, s)
		case !s.has("down"):
			live = append(live, s)
		}
	}
	if len(dead) == 0 {
		return nil
	}
	if err := located(u.servers...); err != nil {
		return err
	}
	if len(live) == 0 && replacement == "" {
		e.open = append(e.open, dead...)
		return nil
	}
	stays := live
	if len(live) == 0 {
		stays = heirs(dead)
	}
	for _, s := range dead {
		replace := len(live) == 0 && slices.ContainsFunc(stays, func(o place) bool { return o.file == s.file && o.stmt.start == s.stmt.start })
		e.takeOut(t.files[s.file], u, s, replace, replacement)
	}
	if !slices.ContainsFunc(stays, func(s place) bool { return !s.has("backup") }) {
		for _, s := range stays { // a backup is used only beside a server that is none
			if o, ok := s.stmt.drop(t.files[s.file], "backup"); ok {
				e.add(s.file, o)
			}
		}
	}
	return nil
}

// heirs are the statements that a replacement takes over: one for each port, rather not a backup.
func heirs(dead []place) []place {
	var out []place
	for _, s := range dead {
		i := slices.IndexFunc(out, func(o place) bool { return o.addr.port == s.addr.port })
		switch {
		case i < 0:
			out = append(out, s)
		case out[i].has("backup") && !s.has("backup"):
			out[i] = s
		}
	}
	return out
}

func (e *edits) takeOut(src []byte, u *upstream, s place, replace bool, replacement string) {
	r := removed{File: s.file, Upstream: u.name, Port: s.addr.port, Text: string(src[s.stmt.start:s.stmt.end]), Replaced: replace}
	r.Index = slices.IndexFunc(u.servers, func(o place) bool { return o.file == s.file && o.stmt.start == s.stmt.start })
	o := s.stmt.remove(src)
	if replace {
		o = s.stmt.rehost(src, replacement)
	} else if end := o.At + len(o.Old); end < len(src) && src[end] == '#' && o.At == s.stmt.start {
		r.Cut, r.Note = o.Old, string(bytes.TrimSpace(src[end:lineEnd(src, end)]))
	}
	e.add(s.file, o)
	e.removed = append(e.removed, r)
}

// insert plans to put a machine into every upstream that has the service of the port, or had it before past removals.
func (t *tree) insert(names []string, host, port string, past []removed) (*edits, error) {
	e := &edits{ops: map[string][]op{}}
	for _, u := range t.upstreams {
		was := slices.IndexFunc(past, func(r removed) bool { return r.Upstream == u.name && r.Port == port })
		at, here := -1, false
		for i, s := range u.servers {
			if s.ok && s.addr.port == port {
				at = i
				here = here || isOneOf(s.addr.host, names)
			}
		}
		if (was < 0 && at < 0) || len(u.servers) == 0 {
			continue
		}
		e.found = true
		if here {
			continue
		}
		if err := located(u.servers...); err != nil {
			return nil, err
		}
		if was >= 0 {
			t.putBack(u, past[was], host, e)
			continue
		}
		s := u.servers[at]
		e.add(s.file, s.stmt.beside(t.files[s.file], "server "+bracketed(host)+":"+port+";", false))
	}
	return e, nil
}

// putBack restores a removed line for host, at its old place among the servers and before its own comment.
func (t *tree) putBack(u *upstream, r removed, host string, e *edits) {
	text := rewritten(r.Text, host)
	if src := t.files[r.File]; r.Note != "" {
		if at := onlyLine(src, r.Note); at >= 0 {
			e.add(r.File, op{At: at, Line: 1 + bytes.Count(src[:at], []byte("\n")), New: text + strings.TrimPrefix(r.Cut, r.Text)})
			return
		}
	}
	if r.Index < len(u.servers) {
		s := u.servers[r.Index]
		if r.Replaced { // beside what took its place
			e.add(s.file, s.stmt.beside(t.files[s.file], text, false))
			return
		}
		e.add(s.file, s.stmt.beside(t.files[s.file], text, true))
		return
	}
	s := u.servers[len(u.servers)-1]
	e.add(s.file, s.stmt.beside(t.files[s.file], text, false))
}

// rewritten is a server statement with another host; the same host leaves it byte for byte.
func rewritten(text, host string) string {
	stmts := scan([]byte(text))
	if len(stmts) != 1 || len(stmts[0].words) < 2 {
		return text
	}
	o := stmts[0].rehost([]byte(text), host)
	return text[:o.At] + o.New + text[o.At+len(o.Old):]
}

// onlyLine finds the one line that consists of text; -1 where there is none or more than one.
func onlyLine(src []byte, text string) int {
	found := -1
	for at := 0; at < len(src); {
		end := lineEnd(src, at)
		if string(bytes.TrimSpace(src[at:end])) == text {
			if found >= 0 {
				return -1
			}
			found = at + bytes.IndexByte(src[at:end], '#')
		}
		at = end + 1
	}
	return found
}

// mentions lists other directives that name the machine: nothing is done about them, but people are told.
func (t *tree) mentions(names []string) []place {
	var out []place
	for _, p := range t.others {
		for _, arg := range p.args {
			if a, ok := parseAddress(arg); ok && isOneOf(a.host, names) {
				out = append(out, p)
				break
			}
		}
	}
	return out
}

package rewrite

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
)

// ListError says why a list of hosts cannot be changed. Problem is "missing", "twice", "empty" (nothing would be left)
// or "shape" (no element that a new one can be modelled on).
type ListError struct{ List, Problem string }

func (e *ListError) Error() string { return fmt.Sprintf("list %s: %s", e.List, e.Problem) }

// element is one element of a list: its text lies in span, its comma (or -1) at comma. Of a YAML block list, span
// covers whole lines and there are no commas.
type element struct {
	span
	comma int
}

type list struct {
	open, close int // the brackets; of a block list the range of its lines
	block       bool
	elements    []element
}

// ListHosts brings the hosts of a list literal (Python, YAML, JSON, a shell array) to what op wants: elements of hosts
// in Drop go, missing hosts of Want come, modelled on an element that is there; unknown elements stay.
func ListHosts(f Format, text string, op Op) (string, error) {
	l, err := findList(f, text, op.List)
	if err != nil {
		return "", err
	}
	model, known := modelOf(f, text, l, op)
	for i := len(l.elements) - 1; i >= 0; i-- {
		if slices.ContainsFunc(op.Drop, func(h Host) bool { return mentions(text, l.elements[i].span, h) }) {
			text = l.remove(f, text, i)
			if l, err = findList(f, text, op.List); err != nil {
				return "", err
			}
		}
	}
	for _, h := range op.Want {
		if slices.ContainsFunc(l.elements, func(e element) bool { return mentions(text, e.span, h) }) {
			continue
		}
		added, ok := cloned(model, known, h.Address)
		if !ok {
			return "", &ListError{op.List, "shape"}
		}
		text = l.add(text, added)
		if l, err = findList(f, text, op.List); err != nil {
			return "", err
		}
	}
	if len(l.elements) == 0 {
		return "", &ListError{op.List, "empty"}
	}
	return text, nil
}

// mentions tells whether an element is about a host: it names it as a whole word.
func mentions(text string, in span, h Host) bool { return len(words(text, in, h.Names)) > 0 }

// modelOf picks the element that new ones are modelled on, and the names of its host: the last one of a known host,
// else the last one that is nothing but an address.
func modelOf(f Format, text string, l *list, op Op) (string, []string) {
	for i := len(l.elements) - 1; i >= 0; i-- {
		e := l.elements[i]
		for _, h := range slices.Concat(op.Know, op.Want, op.Drop) {
			if mentions(text, e.span, h) {
				return text[e.start:e.end], h.Names
			}
		}
	}
	for i := len(l.elements) - 1; i >= 0; i-- {
		e := text[l.elements[i].start:l.elements[i].end]
		bare := strings.Trim(strings.TrimPrefix(strings.TrimSpace(e), "- "), " '\"")
		if _, err := netip.ParseAddr(bare); err == nil {
			return e, []string{bare}
		}
	}
	if len(l.elements) == 0 && !l.block {
		if f == Lines || f == Ini || f == YAML {
			return "x", []string{"x"}
		}
		return `"x"`, []string{"x"}
	}
	return "", nil
}

func cloned(model string, names []string, address string) (string, bool) {
	found := words(model, span{0, len(model)}, names)
	if model == "" || len(found) == 0 {
		return "", false
	}
	s := found[0]
	return model[:s.start] + address + model[s.end:], true
}

func findList(f Format, text, name string) (*list, error) {
	head := regexp.MustCompile(`(?m)(?:^|[\s{,;])["']?` + regexp.QuoteMeta(name) + `["']?[ \t]*(?::[^=\n\[\](){}]*\[[^\n=]*\][ \t]*=|:[^=\n\[\](){}'"]*=|[:=])[ \t]*`)
	code := outsideComments(f, text)
	var found *list
	for _, m := range head.FindAllStringIndex(text, -1) {
		l := (*list)(nil)
		at := m[1]
		if !within(code, lineContent(text, m[0], m[1])) {
			continue
		}
		switch {
		case at < len(text) && strings.IndexByte("[({", text[at]) >= 0:
			l = bracketList(f, text, at)
		case f == YAML && onlyComment(text[at:lineEnd(text, at)]):
			l = blockList(text, m[0], lineEnd(text, at))
		}
		if l == nil {
			continue
		}
		if found != nil {
			return nil, &ListError{name, "twice"}
		}
		found = l
	}
	if found == nil {
		return nil, &ListError{name, "missing"}
	}
	return found, nil
}

func lineContent(text string, start, end int) int {
	for start < end-1 && strings.IndexByte(" \t\r\n{,;\"'", text[start]) >= 0 {
		start++
	}
	return start
}

func onlyComment(s string) bool {
	s = strings.TrimSpace(s)
	return s == "" || s[0] == '#'
}

// outsideComments is values with code included: for Python everything but comments and string literals.
func outsideComments(f Format, text string) []span {
	if f != Python {
		if f == JSON {
			return []span{{0, len(text)}}
		}
		return plainLines(f, text)
	}
	var out []span
	last := 0
	for i := 0; i < len(text); i++ {
		end := skip(f, text, i)
		if end == i {
			continue
		}
		out = append(out, span{last, i})
		// a quoted key ("targets": [...]) counts as code
		if text[i] != '#' && isKey(f, text, max(i, end-1)) {
			out = append(out, span{i, end})
		}
		last, i = end, end-1
	}
	return append(out, span{last, len(text)})
}

// skip returns the end of the comment or string literal that begins at i, or i.
func skip(f Format, text string, i int) int {
	switch c := text[i]; {
	case c == '#' && f != JSON:
		return lineEnd(text, i)
	case c == '"' || c == '\'':
		quote := string(c)
		if triple := strings.Repeat(quote, 3); f == Python && strings.HasPrefix(text[i:], triple) {
			quote = triple
		}
		for j := i + len(quote); j < len(text); j++ {
			if text[j] == '\\' && (c == '"' || f == Python) {
				j++
			} else if strings.HasPrefix(text[j:], quote) {
				return j + len(quote)
			}
		}
		return len(text)
	}
	return i
}

func bracketList(f Format, text string, open int) *list {
	l := &list{open: open}
	depth, start, end := 0, -1, -1
	shell := text[open] == '(' && (f == Lines || f == Ini)
	flush := func(comma int) {
		if start >= 0 {
			l.elements = append(l.elements, element{span{start, end}, comma})
		}
		start = -1
	}
	for i := open; i < len(text); i++ {
		c := text[i]
		if to := skip(f, text, i); to > i && i > open {
			if c != '#' {
				if start < 0 {
					start = i
				}
				end = to
			}
			i = to - 1
			continue
		}
		switch {
		case strings.IndexByte("[({", c) >= 0:
			depth++
			if depth == 1 {
				continue
			}
		case strings.IndexByte("])}", c) >= 0:
			depth--
			if depth == 0 {
				flush(-1)
				l.close = i
				return l
			}
		case depth == 1 && c == ',':
			flush(i)
			continue
		case strings.IndexByte(" \t\r\n", c) >= 0:
			if shell && depth == 1 {
				flush(-1)
			}
			continue
		}
		if start < 0 {
			start = i
		}
		end = i + 1
	}
	return nil // never closed
}

// blockList reads the "- " items below a key of YAML.
func blockList(text string, key, at int) *list {
	l := &list{open: at + 1, block: true}
	first := lineContent(text, key, at)
	keyIndent := first - lineStart(text, first)
	dash := -1
	end := at + 1
	for start := at + 1; start < len(text); {
		stop := min(lineEnd(text, start)+1, len(text))
		line := strings.TrimRight(text[start:stop], "\r\n")
		body := strings.TrimLeft(line, " ")
		indent := len(line) - len(body)
		item := body == "-" || strings.HasPrefix(body, "- ")
		switch {
		case body == "" || body[0] == '#':
			start = stop
			continue
		case item && (dash < 0 && indent >= keyIndent || indent == dash):
			dash = indent
			l.elements = append(l.elements, element{span{start, stop}, -1})
		case dash >= 0 && indent > dash:
			l.elements[len(l.elements)-1].end = stop
		default:
			start = len(text)
			continue
		}
		end = stop
		start = stop
	}
	if dash < 0 {
		return nil
	}
	l.close = end
	return l
}

// remove takes element i out, with its comma; a line that only held it goes altogether.
func (l *list) remove(f Format, text string, i int) string {
	e := l.elements[i]
	if l.block {
		return text[:e.start] + text[e.end:]
	}
	stop := e.end
	if e.comma >= 0 {
		stop = e.comma + 1
	}
	from, to := lineStart(text, e.start), lineEnd(text, stop)
	alone := strings.TrimSpace(text[from:e.start]) == "" && onlyComment(text[stop:to]) && from > l.open && to < l.close
	last := i == len(l.elements)-1
	if last && e.comma < 0 && i > 0 && l.elements[i-1].comma >= 0 { // the one before becomes the last, without a comma
		prev := l.elements[i-1]
		if alone {
			return text[:prev.comma] + text[prev.comma+1:from] + text[min(to+1, len(text)):]
		}
		return text[:prev.end] + text[stop:]
	}
	switch {
	case alone:
		return text[:from] + text[to+1:]
	case !last:
		return text[:e.start] + text[l.elements[i+1].start:]
	case i > 0:
		prev := l.elements[i-1]
		if prev.comma >= 0 {
			return text[:prev.comma+1] + text[stop:]
		}
		return text[:prev.end] + text[stop:]
	}
	return text[:e.start] + text[stop:]
}

// add puts an element behind the last one, on a line of its own where the last one has one.
func (l *list) add(text, added string) string {
	n := len(l.elements)
	if l.block {
		last := l.elements[n-1]
		before := text[:last.end]
		eol := "\n"
		if strings.HasSuffix(strings.TrimSuffix(before, "\n"), "\r") || strings.Contains(text, "\r\n") {
			eol = "\r\n"
		}
		added = strings.TrimRight(added, "\r\n")
		if !strings.HasSuffix(before, "\n") {
			return before + eol + added + text[last.end:]
		}
		return before + added + eol + text[last.end:]
	}
	if n == 0 {
		return text[:l.open+1] + added + text[l.open+1:]
	}
	last := l.elements[n-1]
	from := lineStart(text, last.start)
	space := text[from:last.start]
	commas := n == 1 || l.elements[0].comma >= 0 // a shell array has none
	if n == 1 && last.comma < 0 && text[l.open] == '(' && l.open > 0 && text[l.open-1] == '=' {
		commas = false
	}
	if strings.TrimSpace(space) == "" && from > l.open {
		eol := "\n"
		if from >= 2 && text[from-2] == '\r' {
			eol = "\r\n"
		}
		switch {
		case last.comma >= 0:
			at := strings.TrimRight(text[last.comma+1:lineEnd(text, last.comma)], " \t\r")
			if !onlyComment(at) {
				at = ""
			}
			head := text[:last.comma+1+len(at)]
			return head + eol + space + added + "," + text[len(head):]
		case commas:
			tail := text[last.end:lineEnd(text, last.end)]
			if onlyComment(tail) {
				tail = strings.TrimRight(tail, "\r")
				return text[:last.end] + "," + tail + eol + space + added + text[last.end+len(tail):]
			}
			return text[:last.end] + "," + eol + space + added + text[last.end:]
		}
		return text[:last.end] + eol + space + added + text[last.end:]
	}
	switch {
	case last.comma >= 0: // a trailing comma stays one
		return text[:last.comma+1] + " " + added + "," + text[last.comma+1:]
	case commas:
		sep := ", "
		if n > 1 && l.elements[0].comma+1 == l.elements[1].start {
			sep = ","
		}
		return text[:last.end] + sep + added + text[last.end:]
	}
	return text[:last.end] + " " + added + text[last.end:]
}

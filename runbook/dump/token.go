package dump

import (
	"bytes"
	"strings"
)

type kind byte

const (
	end      kind = iota
	word          // a keyword or a bare name, in capitals in text
	name          // `quoted`
	literal       // a string or a number
	variable      // @x, @@x, @@session.x
	punct         // one byte
)

// token is one token of a statement; text[from:to] is how it is written.
type token struct {
	kind     kind
	text     string // word: in capitals; name: unquoted; variable: in capitals; literal: as written; punct: the byte
	raw      string // word: as written
	from, to int
}

func (t token) is(w string) bool { return t.kind == word && t.text == w }

func (t token) p(c string) bool { return t.kind == punct && t.text == c }

// ident returns the name that the token may be.
func (t token) ident() (string, bool) {
	switch t.kind {
	case name:
		return t.text, true
	case word:
		return t.raw, true
	}
	return "", false
}

// tokenizer walks over a statement. What executable comments hold counts as if it stood outside, which is how a
// server may read it.
type tokenizer struct {
	b      []byte
	pos    int
	lex    Lex
	unsure func(from int) // hears of executable comments that some servers skip; may be nil
}

func (z *tokenizer) next() token {
	for z.pos < len(z.b) {
		c := z.b[z.pos]
		rest := z.b[z.pos:]
		switch {
		case c <= ' ':
			z.pos++
		case c == '#', c == '-' && len(rest) > 1 && rest[1] == '-' && (len(rest) == 2 || rest[2] <= ' '):
			n := bytes.IndexByte(rest, '\n')
			if n < 0 {
				n = len(rest) - 1
			}
			z.pos += n + 1
		case bytes.HasPrefix(rest, []byte("/*!")), bytes.HasPrefix(rest, []byte("/*M!")):
			digits, sure, _ := version(rest)
			if !sure && z.unsure != nil {
				z.unsure(z.pos)
			}
			z.pos += bytes.IndexByte(rest, '!') + 1 + digits
		case bytes.HasPrefix(rest, []byte("/*")):
			n := bytes.Index(rest[2:], []byte("*/"))
			if n < 0 {
				n = len(rest) - 4
			}
			z.pos += n + 4
		case bytes.HasPrefix(rest, []byte("*/")):
			z.pos += 2
		default:
			return z.token(c)
		}
	}
	return token{kind: end, from: len(z.b), to: len(z.b)}
}

func (z *tokenizer) token(c byte) token {
	from := z.pos
	t := token{kind: punct, from: from}
	switch {
	case c == '`' || c == '"' && z.lex.ansi:
		t.kind = name
		z.quoted(c)
	case c == '\'' || c == '"':
		t.kind = literal
		z.quoted(c)
	case c == '@':
		t.kind = variable
		z.pos++
		for z.pos < len(z.b) && (identByte(z.b[z.pos]) || z.b[z.pos] == '@' || z.b[z.pos] == '.') {
			z.pos++
		}
	case c >= '0' && c <= '9':
		t.kind = literal
		for z.pos < len(z.b) && (identByte(z.b[z.pos]) || z.b[z.pos] == '.') {
			z.pos++
		}
	case identByte(c):
		t.kind = word
		for z.pos < len(z.b) && identByte(z.b[z.pos]) {
			z.pos++
		}
	default:
		z.pos++
	}
	t.to = z.pos
	t.raw = string(z.b[from:z.pos])
	t.text = t.raw
	switch t.kind {
	case word, variable:
		t.text = strings.ToUpper(t.raw)
	case name:
		t.text = strings.ReplaceAll(t.raw[1:max(1, len(t.raw)-1)], t.raw[:1]+t.raw[:1], t.raw[:1])
	}
	return t
}

func identByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '$' || c >= 0x80
}

// quoted moves behind the quoted text, with its doubled quotes.
func (z *tokenizer) quoted(quote byte) {
	escaped, wide := z.lex.escaped(quote), z.lex.wide()
	for {
		z.pos++
		for done := false; !done; {
			var n int
			n, done = skipQuoted(z.b[z.pos:], quote, escaped, wide)
			if z.pos += n; z.pos >= len(z.b) {
				z.pos = len(z.b)
				return
			}
		}
		if z.b[z.pos] != quote {
			return
		}
	}
}

func (l Lex) tokens(b []byte) []token {
	z := tokenizer{b: b, lex: l}
	var out []token
	for t := z.next(); t.kind != end; t = z.next() {
		out = append(out, t)
	}
	return out
}

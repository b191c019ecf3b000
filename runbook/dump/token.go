package dump

import (
	"bytes"
	"math"
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
	last   token
	dotted bool // last is the dot behind a name: what follows is a name, too, even if it begins with a digit
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
			t := z.token(c)
			_, named := z.last.ident()
			z.dotted = named && t.p(".") && (t.from == z.last.to || t.to == len(z.b) || !digit(z.b[t.to]))
			z.last = t
			return t
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
	case digit(c) && !z.dotted && number(z.b[from:]) > 0:
		t.kind = literal
		z.pos += number(z.b[from:])
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

func digit(c byte) bool { return c >= '0' && c <= '9' }

func hexDigit(c byte) bool { return digit(c) || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F' }

// number returns the length of the number that b begins with, without a dot: 12, 0x1F, 0b1, 1e-5; 0 where its digits
// begin a name, as in 2024_logs.
func number(b []byte) int {
	while := func(n int, in func(byte) bool) int {
		for n < len(b) && in(b[n]) {
			n++
		}
		return n
	}
	n := while(0, digit)
	switch {
	case n == len(b) || !identByte(b[n]):
		return n
	case n == 1 && b[0] == '0' && (b[1] == 'x' || b[1] == 'b'):
		in := hexDigit
		if b[1] == 'b' {
			in = func(c byte) bool { return c == '0' || c == '1' }
		}
		if n = while(2, in); n > 2 && (n == len(b) || !identByte(b[n])) {
			return n
		}
	case b[n] == 'e' || b[n] == 'E':
		n++
		if n < len(b) && (b[n] == '+' || b[n] == '-') {
			n++
		}
		if n < len(b) && digit(b[n]) {
			return while(n, digit) // and no further: a server reads 1e5FROM as two words
		}
	}
	return 0
}

// quoted moves behind the quoted text, with its doubled quotes.
func (z *tokenizer) quoted(quote byte) {
	escaped, wide := z.lex.escaped(quote), z.lex.double
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
	out, _ := l.few(b, math.MaxInt)
	return out
}

// few reads up to most tokens; ok is false where there are more.
func (l Lex) few(b []byte, most int) (out []token, ok bool) {
	z := tokenizer{b: b, lex: l}
	for t := z.next(); t.kind != end; t = z.next() {
		if len(out) == most {
			return out, false
		}
		out = append(out, t)
	}
	return out, true
}

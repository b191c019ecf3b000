package dump

import "bytes"

// comment is what kind of executable comment a statement is read in.
type comment byte

const (
	none comment = iota
	executed
	unsure // some servers skip it
)

// everywhere is the last version that no server in use is older than: what asks for it is always executed.
const everywhere = 50699

// version reads the number of the executable comment that b begins with. sure is true where every server executes it;
// ok is false where servers differ over what the number is.
func version(b []byte) (digits int, sure, ok bool) {
	mariadb := b[2] == 'M'
	b = b[bytes.IndexByte(b, '!')+1:]
	number := 0
	for digits < len(b) && digits < 7 && b[digits] >= '0' && b[digits] <= '9' {
		number = 10*number + int(b[digits]-'0')
		digits++
	}
	return digits, !mariadb && number <= everywhere, digits == 0 || digits == 5 || digits == 6
}

// skipped returns text as a server sees it that skips the comments of which that is not certain; found is false where
// there are none.
func (l Lex) skipped(text []byte) (out []byte, found bool) {
	if !bytes.Contains(text, []byte("/*!")) && !bytes.Contains(text, []byte("/*M!")) {
		return text, false
	}
	z := tokenizer{b: text, lex: l}
	out = bytes.Clone(text)
	z.unsure = func(from int) {
		n := bytes.Index(text[from+2:], []byte("*/"))
		if n < 0 {
			n = len(text) - from - 4
		}
		for i := from; i < from+n+4; i++ {
			out[i] = ' '
		}
		found = true
	}
	for z.next().kind != end {
	}
	return out, found
}

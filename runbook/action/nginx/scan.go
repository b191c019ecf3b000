package nginx

import "bytes"

// statement is one simple directive, or the head of a block, with its place in the file. The parser gives line
// numbers only; splicing needs bytes.
type statement struct {
	line       int
	start, end int // src[start:end], with the ';' or '{' that ends it
	words      []word
}

// word is one word of a statement: text without quotes, src[start:end] with them.
type word struct {
	text       string
	start, end int
}

// scan splits a configuration file into statements, in order. It follows nginx's own lexer: '#' begins a comment only
// where a word may begin, "${name}" belongs to the word around it.
func scan(src []byte) []statement {
	var out []statement
	var cur statement
	line := 1
	for i := 0; i < len(src); {
		switch c := src[i]; {
		case c == '\n':
			line++
			i++
		case c == ' ' || c == '\t' || c == '\r':
			i++
		case c == '#':
			i = lineEnd(src, i)
		case c == ';' || c == '{' || c == '}':
			i++
			if len(cur.words) > 0 && c != '}' { // what nothing ends, nginx refuses: it must not be cut
				cur.end = i
				out = append(out, cur)
			}
			cur = statement{}
		default:
			if len(cur.words) == 0 {
				cur.line, cur.start = line, i
			}
			w := scanWord(src, i)
			line += bytes.Count(src[i:w.end], []byte("\n"))
			cur.words = append(cur.words, w)
			i = w.end
		}
	}
	return out
}

func scanWord(src []byte, i int) word {
	w := word{start: i}
	if q := src[i]; q == '"' || q == '\'' {
		j := i + 1
		for j < len(src) && src[j] != q {
			if src[j] == '\\' {
				j++
			}
			j++
		}
		w.end = min(j+1, len(src))
		w.text = string(src[i+1 : min(j, len(src))])
		return w
	}
	j := i
	for j < len(src) {
		switch src[j] {
		case '\\':
			j += 2
			continue
		case ' ', '\t', '\r', '\n', ';', '{', '}':
			if src[j] == '{' && j > i && src[j-1] == '$' {
				if n := bytes.IndexByte(src[j:], '}'); n >= 0 {
					j += n + 1
					continue
				}
			}
			w.end = j
			w.text = string(src[i:j])
			return w
		}
		j++
	}
	w.end = min(j, len(src))
	w.text = string(src[i:w.end])
	return w
}

// lineStart and lineEnd are the bounds of the line around i, without its newline.
func lineStart(src []byte, i int) int { return bytes.LastIndexByte(src[:i], '\n') + 1 }

func lineEnd(src []byte, i int) int {
	if n := bytes.IndexByte(src[i:], '\n'); n >= 0 {
		return i + n
	}
	return len(src)
}

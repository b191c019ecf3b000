package engine

import "strings"

// stripEscapes removes terminal escape sequences (CSI, OSC and other strings, two-character ones) in one pass.
func stripEscapes(s string) string {
	if !strings.ContainsAny(s, "\x1b") {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != 0x1b {
			b.WriteByte(s[i])
			continue
		}
		i++
		if i >= len(s) {
			break
		}
		switch s[i] {
		case '[': // CSI: parameters, then one final byte
			for i++; i < len(s) && s[i] >= 0x20 && s[i] <= 0x3f; i++ {
			}
			if i < len(s) && (s[i] < 0x40 || s[i] > 0x7e) {
				i-- // not a sequence after all: keep what broke it off
			}
		case ']', 'P', 'X', '^', '_': // a string that ends with BEL or ESC \
			for i++; i < len(s) && s[i] != 0x07 && s[i] != 0x1b && s[i] != '\n'; i++ {
			}
			if i < len(s) && s[i] == 0x1b {
				if i+1 < len(s) && s[i+1] == '\\' {
					i++
				} else {
					i--
				}
			} else if i < len(s) && s[i] == '\n' {
				i--
			}
		case '\n':
			i--
		case '(', ')', '*', '+', '#', '%': // takes one more character
			i++
		}
	}
	return b.String()
}

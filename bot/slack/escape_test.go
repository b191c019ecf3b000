package slack

import (
	"strings"
	"testing"
)

func TestSplit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text       string
		limit      int
		head, tail string
	}{
		{"short", 10, "short", ""},
		{"", 10, "", ""},
		{"one\ntwo\nthree", 9, "one\n", "two\nthree"}, // a newline weighs two
		{"a\n" + strings.Repeat("b", 30), 20, "a\n" + strings.Repeat("b", 17), strings.Repeat("b", 13)}, // not for a line that short
		{"a&&&", 8, "a&", "&&"},
		{"ab👩‍👩‍👧cd", 5, "ab", "👩‍👩‍👧cd"},
		{"𝄞𝄞𝄞", 5, "𝄞𝄞", "𝄞"},
		{strings.Repeat("e\u0301", 3), 5, strings.Repeat("e\u0301", 2), "e\u0301"},
		{"e" + strings.Repeat("\u0301", 9), 4, "e" + strings.Repeat("\u0301", 3), strings.Repeat("\u0301", 6)},
	} {
		head, tail := split(c.text, c.limit)
		if head != c.head || tail != c.tail {
			t.Errorf("split(%q, %d) = %q, %q", c.text, c.limit, head, tail)
		}
		if short := cut(c.text, c.limit); weight(short) > c.limit || (short != c.text) != (c.tail != "") {
			t.Errorf("cut(%q, %d) = %q", c.text, c.limit, short)
		}
	}
}

func TestLiteral(t *testing.T) {
	t.Parallel()
	if got := escape("<!channel> &amp; <@U1>"); got != "&lt;!channel&gt; &amp;amp; &lt;@U1&gt;" {
		t.Errorf("escaped: %q", got)
	}
	got := literal("*b* _i_ ~s~ `c` :x: <@U1>")
	for _, markup := range []string{" *b", " _i", " ~s", " `c", ":x:", "<"} {
		if strings.Contains(got, markup) {
			t.Errorf("%q is in %q", markup, got)
		}
	}
	if seen := strings.ReplaceAll(got, "\u200b", ""); seen != escape("*b* _i_ ~s~ `c` :x: <@U1>") {
		t.Errorf("people see %q", seen)
	}
}

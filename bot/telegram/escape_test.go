package telegram

import (
	"strings"
	"testing"
)

func TestProse(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"on standby, 1.2 GB at 03:11:40 (line 3.3), step 5/12, 31 MB/s.": "",
		"go-api · 4 183 220 rows · 50% · a + b = c · e.g. this":          "",
		"primary.example.com, nginx.":                                    "<code>primary.example.com</code>, nginx.",
		"从 a.example.com 到 192.0.2.21。":                                  "从 <code>a.example.com</code> 到 <code>192.0.2.21</code>。",
		"run backup.sh in conf.d/a.conf:12":                              "run <code>backup.sh</code> in <code>conf.d/a.conf:12</code>",
		"type /recover, not /etc.":                                       "type <code>/recover</code>, not <code>/etc</code>.",
		"(/status) <@ops1> #go $USD":                                     "(<code>/status</code>) &lt;<code>@ops1</code>&gt; <code>#go</code> <code>$USD</code>",
		"at https://example.com/x?a=b&c=d.":                              "at <code>https://example.com/x?a=b&amp;c=d</code>.",
		"例子.中国 @张三 #标签":                                                  "例子.\u200b中国 @\u200b张三 #\u200b标签",
		"in /var/lib/ or https:// alone":                                 "in <code>/var/lib/</code> or <code>https://</code> alone",
		"call +49301234567":                                              "call <code>+49301234567</code>",
	} {
		inline := maxInline
		if want == "" {
			want = text
		}
		if got := prose(text, "", &inline); got != want {
			t.Errorf("%q becomes %q, not %q", text, got, want)
		}
	}
	inline := 3
	got := prose("on a.example.com and b.example.com", "b", &inline)
	if want := "<b>on </b><code>a.example.com</code><b> and b.\u200bexample.\u200bcom</b>"; got != want || inline != 1 {
		t.Errorf("%q, %d left", got, inline)
	}
}

func TestSplit(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text       string
		limit      int
		head, tail string
	}{
		{"short", 10, "short", ""},
		{"one\ntwo\nthree", 9, "one\ntwo\n", "three"},
		{"a&&&", 11, "a&&", "&"},
		{"ab👩‍👩‍👧cd", 5, "ab", "👩‍👩‍👧cd"},
		{"𝄞𝄞𝄞", 5, "𝄞𝄞", "𝄞"},
		{"e" + strings.Repeat("\u0301", 9), 4, "e" + strings.Repeat("\u0301", 3), strings.Repeat("\u0301", 6)},
	} {
		head, tail := split(c.text, c.limit)
		if head != c.head || tail != c.tail {
			t.Errorf("split(%q, %d) = %q, %q", c.text, c.limit, head, tail)
		}
	}
}

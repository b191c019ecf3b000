package engine

import (
	"strings"
	"testing"
)

// TestClean: fault 10.
func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain\ntext\t!":                  "plain\ntext\t!",
		"\x1b[1;31mred\x1b[0m":            "red",
		"\x1b]0;title\x07shown":           "shown",
		"\x1b]8;;http://x\x1b\\link":      "link",
		"10%\r50%\r100%\nok\r\nnext":      "100%\nok\nnext",
		"a\u202eb\u2066c\ufeffd":          "abcd",
		"nul\x00bell\x07del\x7f\u0085end": "nulbelldelend",
		"bad\xff\xfeutf":                  "bad\uFFFDutf",
		"数据库":                             "数据库",
		"cut off \x1b[":                   "cut off ",
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) = %q, want %q", in, got, want)
		}
	}
}

// TestOutputKeepsTheEnd: fault 10.
func TestOutputKeepsTheEnd(t *testing.T) {
	t.Parallel()
	var o output
	for range 5000 {
		if _, err := o.Write([]byte(strings.Repeat("x", 99) + "\n")); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = o.Write([]byte("the end hunter2"))
	got := o.text(func(s string) string { return strings.ReplaceAll(s, "hunter2", "<redacted>") })
	if len(got) > maxOutput+8 || !strings.HasPrefix(got, "…\n") || !strings.HasSuffix(got, "the end <redacted>") {
		t.Errorf("%d bytes: %q … %q", len(got), got[:20], got[len(got)-40:])
	}
}

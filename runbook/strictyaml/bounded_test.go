package strictyaml_test

import (
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml/parser"

	"recoverbot/runbook/strictyaml"
)

// bombs are small texts that cost much, or large ones.
func bombs() map[string]string {
	count := func(n int, each func(i int) string) string {
		var b strings.Builder
		for i := range n {
			b.WriteString(each(i))
		}
		return b.String()
	}
	return map[string]string{
		"brackets": strings.Repeat("[", 50_000), "braces": strings.Repeat("{a: ", 25_000), "closed": strings.Repeat("[", 9999) + strings.Repeat("]", 9999),
		"dashes": strings.Repeat("- ", 50_000) + "a", "indented": count(300, func(i int) string { return strings.Repeat(" ", i) + "a:\n" }),
		"keys": count(6_000, func(i int) string { return fmt.Sprintf("k%d: 1\n", i) }), "flow keys": "{" + count(6_000, func(i int) string { return fmt.Sprintf("k%d: 1, ", i) }) + "}",
		"mappings in flow": "a: " + strings.Repeat("[b: ", 200),
		"aliases":          "a0: &a0 [x, x]\n" + count(60, func(i int) string { return fmt.Sprintf("a%d: &a%d [*a%d, *a%d]\n", i+1, i+1, i, i) }),
		"merges":           "a0: &a0 {x: 1}\n" + count(60, func(i int) string { return fmt.Sprintf("a%d: &a%d {b: *a%d, <<: *a%d}\n", i+1, i+1, i, i) }),
	}
}

// TestBombs: what costs out of proportion is refused at its place, at once and in little memory (fault 34).
func TestBombs(t *testing.T) {
	for name, text := range bombs() {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		began := time.Now()
		_, err := strictyaml.Parse([]byte(text), 0, parser.AllowDuplicateMapKey())
		runtime.ReadMemStats(&after)
		var bomb *strictyaml.TooMuch
		if !errors.As(err, &bomb) || bomb.At.Position.Line < 1 || bomb.At.Position.Column < 1 {
			t.Errorf("%s: %v", name, err)
		}
		if took, mb := time.Since(began), (after.TotalAlloc-before.TotalAlloc)>>20; took > 10*time.Second || mb > 64 {
			t.Errorf("%s, %d KB: %v, %d MB", name, len(text)>>10, took, mb)
		} else {
			t.Logf("%s, %d KB: %v, %d MB", name, len(text)>>10, took, mb)
		}
	}
}

func TestWhatPeopleWrite(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"nothing": "", "comments": strings.Repeat("# a\n", 1000), "list": strings.Repeat("- {name: a, roles: [b, c]}\n", 1_000),
		"nested": "a:\n  b:\n    - c:\n        - {d: [{e: [1]}]}\n", "anchors": "base: &b {a: 1, c: [1, 2]}\n" + "x: {<<: *b}\ny: {<<: *b}\n",
		"text": "a: |\n" + strings.Repeat("  line: - [{\n", 1_000), "itself": "a: &a [*a]\n", "long list": "a:\n" + strings.Repeat("- b\n", 6_000) + "c: 1\n", "two": "a: 1\n---\nb: 2\n",
	} {
		if _, err := strictyaml.Parse([]byte(text), 0); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := strictyaml.Parse([]byte("a: [\n"), 0); err == nil {
		t.Error("an open bracket was taken")
	}
}

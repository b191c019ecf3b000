package bot_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/rivo/uniseg"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

var update = flag.Bool("update", false, "write the golden files")

func TestPlainGolden(t *testing.T) {
	t.Parallel()
	zh := bot.Message{
		Emoji: "🔒", Title: "5/12 已修改、未提交：2 行", Context: "中断 04:31 · 将丢失 1 小时 11 分",
		Lines:   []string{"其他人还看不到；请核对下面的行，确认无误后提交。超过期限会自动回滚，机器人不会替您做决定。"},
		Blocks:  []bot.Block{{Kind: "table", Columns: []string{"id", "域名", "状态"}, Rows: [][]string{{"3", "a.example.com", "1 → 2"}, {"9", "图片.example.com", "1 → 2"}}, Marks: []string{"changed", ""}, More: 3}},
		Buttons: []bot.Button{{Label: "提交", Choice: "commit"}, {Label: "回滚", Choice: "rollback"}}, Code: "91bc",
		UntilText: "2:41 后自动回滚",
	}
	running := bot.Message{Emoji: "🔵", Title: "3/12 Restoring speed on standby", Progress: &bot.Progress{Done: 612, Total: 1204, Text: "612 of 1204 MB, 31 MB/s, 19 s left"},
		Footer: "approved by ops1 (Telegram) 03:14:20", Output: "create table a\ncreate table b\n"}
	form := bot.Message{Emoji: "🟡", Title: "8/12 A new standby", Warn: []string{"This machine becomes the standby."}, Form: []bot.Field{
		{Name: "address", Label: "Address", Type: "address", Required: true}, {Name: "row_3", Label: "a.example.com 1 → 2", Type: "bool", Value: "true"},
		{Name: "form", Label: "Dump", Type: "enum", Enum: []string{"a", "b"}, Value: "a"}}}
	for name, c := range map[string]struct {
		m     bot.Message
		width int
	}{
		"waiting_en_100": {bottest.Card("k", 1), 100}, "waiting_en_40": {bottest.Card("k", 1), 40},
		"held_zh_80": {zh, 80}, "held_zh_40": {zh, 40}, "running_en_80": {running, 80}, "form_en_80": {form, 80},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := bot.Plain(c.m, c.width)
			path := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			golden, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(string(golden), got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestPlainWrapsCJKAtItsWidth(t *testing.T) {
	t.Parallel()
	out := bot.Plain(bot.Message{Title: strings.Repeat("主服务器无响应", 20)}, 30)
	for line := range strings.Lines(out) {
		if w := uniseg.StringWidth(strings.TrimRight(line, "\n")); w > 30 {
			t.Errorf("%d columns: %q", w, line)
		}
	}
	if strings.ReplaceAll(out, "\n", "") != strings.Repeat("主服务器无响应", 20) {
		t.Errorf("text was lost: %q", out)
	}
}

// TestClean: what cannot be seen, or moves what can, is written out (fault 33).
func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"plain 主 👩‍🔧 é\t\n":    "plain 主 👩‍🔧 é\t\n",
		"a\r\nb":               "a\nb",
		"a\rb":                 `a\u000db`,
		"\x1b[2Jx":             `\u001b[2Jx`,
		"\u202egnp.exe":        `\u202egnp.exe`,
		"a\u2028b\u200b\ufeff": `a\u2028b\u200b\ufeff`,
		"bad \xff\xfe":         `bad \xff\xfe`,
		"\u009b31m":            `\u009b31m`,
		"app\u200d1 ⚠\ufe0f":   "app\\u200d1 ⚠\ufe0f",
		"a\ufe0fb\u3164\u034f": `a\ufe0fb\u3164\u034f`,
	} {
		if got := bot.Clean(in); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
}

// FuzzClean: what is cleaned looks like what it is, is clean, and loses nothing (fault 33).
func FuzzClean(f *testing.F) {
	for _, s := range []string{"plain 主 👩‍🔧 é\t\n", "\x1b[2J\u202e\u2066x\u2069", "a\r\nb\rc", "\xff\xc3", "\ufffd", "e\u0301\u200d\ufe0f", "a\u200b\u200db\U000e0041\u2800"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := bot.Clean(s)
		before := rune(0)
		for _, r := range got {
			joins := (r == 0x200d || r == 0xfe0f) && before > 0x7f
			if r != '\n' && r != '\t' && !joins && (unicode.IsControl(r) || unicode.Is(unicode.Cf, r) && !unicode.Is(unicode.Prepended_Concatenation_Mark, r) ||
				unicode.Is(unicode.Other_Default_Ignorable_Code_Point, r) || unicode.Is(unicode.Variation_Selector, r)) {
				t.Errorf("%q became %q: %U", s, got, r)
			}
			before = r
		}
		if !utf8.ValidString(got) || bot.Clean(got) != got || len(got) > 8*len(s) {
			t.Errorf("%q became %q, and that %q", s, got, bot.Clean(got))
		}
	})
}

func FuzzPlain(f *testing.F) {
	f.Add("title", "line", "\x1b]0;x\x07", 80)
	f.Fuzz(func(t *testing.T, a, b, c string, width int) {
		out := bot.Plain(bot.Message{Title: a, Context: b, Lines: []string{c}, Warn: []string{a}, Footer: b, Output: c,
			Blocks: []bot.Block{{Label: a, Text: b, Columns: []string{a, b}, Rows: [][]string{{c}, {a, b, c}}}}, Form: []bot.Field{{Name: a, Value: c}},
			Buttons: []bot.Button{{Label: a, Choice: b}}, Code: c, Progress: &bot.Progress{Done: int64(width), Total: 7, Text: a}}, width)
		for _, r := range out {
			if r != '\n' && r != '\t' && (r < 0x20 || r == 0x7f || r == 0x202e) {
				t.Fatalf("%q came through", r)
			}
		}
	})
}

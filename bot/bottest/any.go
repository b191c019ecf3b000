package bottest

import (
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"

	"recoverbot/bot"
)

// texts are what breaks renderers, each alone, many times over, or in a row.
func texts() *rapid.Generator[string] {
	pieces := rapid.SampledFrom([]string{"", "a", "plain words. ", "一二三", "𝄞𝄢", "👩‍👩‍👧", "🟡", "e\u0301\u0301\u0301", "&", "&amp;", "<", ">", "<!channel>", "<@U1>", "<#C1>",
		"<http://x|y>", "https://example.com ", "*bold* ", "_x_", "~x~", "`", "```", "```\n```", "\n", "\n\n", "\t", "\"", "\\", "\x00", "\x1b[2J", "\u202e",
		"\u200b", "\xff", ":x:", "@here", "0123456789 0123456789 0123456789\n", strings.Repeat("\u0301", 4000)})
	return rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		for range rapid.IntRange(0, 4).Draw(t, "pieces") {
			times := rapid.SampledFrom([]int{1, 1, 1, 3, 40, 300}).Draw(t, "times")
			piece := pieces.Draw(t, "piece")
			b.WriteString(strings.Repeat(piece, min(times, 5_000/max(1, len(piece)))))
		}
		return b.String()
	})
}

func few[T any](t *rapid.T, name string, most int, of *rapid.Generator[T]) []T {
	n := rapid.SampledFrom([]int{0, 0, 1, 2, 5, 30, most}).Draw(t, name)
	kinds := rapid.SliceOfN(of, min(n, 3), min(n, 3)).Draw(t, name)
	var out []T
	for i := range n {
		out = append(out, kinds[i%3])
	}
	return out
}

// Messages are cards of any shape, with texts that break renderers.
func Messages() *rapid.Generator[bot.Message] {
	s := texts()
	block := rapid.Custom(func(t *rapid.T) bot.Block {
		b := bot.Block{Kind: rapid.SampledFrom([]string{"script", "sql", "diff", "table", "text", "../x"}).Draw(t, "kind"), Label: s.Draw(t, "label"), Text: s.Draw(t, "text")}
		if b.Kind == "table" {
			b.Columns, b.Marks, b.More = []string{"a", s.Draw(t, "column")}, []string{"match", "?"}, rapid.IntRange(0, 3).Draw(t, "more")
			b.Rows = few(t, "rows", 60, rapid.SliceOfN(s, 0, 3))
		}
		return b
	})
	button := rapid.Custom(func(t *rapid.T) bot.Button {
		return bot.Button{Label: s.Draw(t, "label"), Choice: s.Draw(t, "choice"), Action: strings.Repeat(`{"a":"一"}`, rapid.IntRange(0, 100).Draw(t, "action")),
			Style: rapid.SampledFrom([]string{"", "primary", "danger", "odd"}).Draw(t, "style"), Confirm: s.Draw(t, "confirm"),
			NeedsReason: rapid.Bool().Draw(t, "reason"), WithForm: rapid.Bool().Draw(t, "form")}
	})
	field := rapid.Custom(func(t *rapid.T) bot.Field {
		return bot.Field{Name: s.Draw(t, "name"), Label: s.Draw(t, "label"), Value: s.Draw(t, "value"), Required: rapid.Bool().Draw(t, "required"), Pattern: s.Draw(t, "pattern"),
			Type: rapid.SampledFrom([]string{"string", "text", "bool", "enum", "host", "address", "port", "odd"}).Draw(t, "type"), Enum: few(t, "enum", 230, s)}
	})
	return rapid.Custom(func(t *rapid.T) bot.Message {
		m := bot.Message{Key: "k/" + s.Draw(t, "key"), Version: 3, Emoji: rapid.SampledFrom([]string{"", "🟡"}).Draw(t, "emoji"), Title: s.Draw(t, "title"), Context: s.Draw(t, "context"),
			Lines: few(t, "lines", 120, s), Warn: few(t, "warn", 60, s), Blocks: few(t, "blocks", 60, block), Form: few(t, "form", 120, field), Buttons: few(t, "buttons", 200, button), Code: s.Draw(t, "code"),
			UntilText: s.Draw(t, "until"), Footer: s.Draw(t, "footer"), Output: s.Draw(t, "output"), Notify: rapid.SliceOfN(rapid.SampledFrom([]string{"ops1", "ops2", "wrong", "x"}), 0, 40).Draw(t, "notify"),
			OfRef: "C1/1.2", At: time.Unix(1, 0)}
		if rapid.Bool().Draw(t, "progress") {
			m.Progress = &bot.Progress{Done: 3, Total: rapid.Int64Range(-1, 9).Draw(t, "total"), Text: s.Draw(t, "doing")}
		}
		return m
	})
}

// Lost are the texts of m, cleaned, that all does not hold, but for white space.
func Lost(all string, m bot.Message) []string {
	flat := strings.NewReplacer("\n", "", " ", "", "\t", "")
	have := flat.Replace(all)
	want := append([]string{m.Title, m.Context, m.UntilText, m.Footer, m.Output}, append(m.Lines, m.Warn...)...)
	for _, b := range m.Blocks {
		want = append(want, b.Label, b.Text) // records of a table do not name all of its columns
		for _, row := range b.Rows {
			want = append(want, row...)
		}
	}
	want = append(want, strings.Split(bot.OpenForm(m, func(_ string, pairs ...any) string { return fmt.Sprint(pairs[1]) }), "\n")...)
	for _, b := range m.Buttons {
		want = append(want, b.Label)
		if !b.NeedsReason && !b.WithForm { // else its form asks
			want = append(want, b.Confirm)
		}
	}
	var lost []string
	known := map[string]bool{}
	for _, w := range want {
		if w = flat.Replace(w); !known[w] && !strings.Contains(have, w) {
			lost = append(lost, w)
		}
		known[w] = true
	}
	return lost
}

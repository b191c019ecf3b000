package slack

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"
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

func messages() *rapid.Generator[bot.Message] {
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

// judge fails where Slack would refuse a post of m, or where something that its card does not show is not announced, or
// does not stand below it.
func judge(t rapid.TB, r renderer, m bot.Message) {
	card, parts := r.card(m), r.divide(m)
	valid := func(what string, p post) {
		if wrong := refused(t, p); len(wrong) > 0 {
			t.Errorf("%s: %s", what, strings.Join(wrong, "; "))
		}
	}
	valid("card", card)
	all := shown(t, card)
	if len(parts) > 0 && !strings.Contains(all, "in the thread") {
		t.Errorf("%d parts are not announced", len(parts))
	}
	keys := map[string]bool{}
	for _, p := range parts {
		valid("part", r.part(p))
		if keys[p.Key] || p.Of != m.Key || !strings.HasPrefix(p.Key, m.Key+"#") {
			t.Errorf("part %q of %q", p.Key, p.Of)
		}
		keys[p.Key] = true
		all += p.Title + shown(t, r.part(p))
	}
	valid("nudge", r.nudge(m))
	for _, p := range r.private(bot.Reply{Text: m.Output, Message: &m}) {
		valid("private", p)
	}
	c := bot.Cleaned(m)
	stands(t, all, r, c)
	announced := strings.Contains(all, "more button")
	if n := strings.Count(actions(t, card), `"type":"button"`); n < len(m.Buttons) != announced || n == 0 && len(m.Buttons) > 0 && weight(m.Buttons[0].Action) <= maxAction {
		t.Errorf("%d of %d buttons, announced: %v", n, len(m.Buttons), announced)
	}
	for _, b := range m.Buttons[:min(3, len(m.Buttons))] {
		if wrong := refusedModal(t, r.modal(m, b, "meta")); len(wrong) > 0 {
			t.Errorf("modal: %s", strings.Join(wrong, "; "))
		}
	}
	first, _ := json.Marshal(card.blocks)
	if again, _ := json.Marshal(r.card(m).blocks); string(first) != string(again) {
		t.Errorf("the same message gives two cards")
	}
}

// stands fails where a text of m is neither on the card nor below it.
func stands(t rapid.TB, all string, r renderer, m bot.Message) {
	flat := strings.NewReplacer("\n", "", " ", "")
	have := flat.Replace(all)
	want := append([]string{m.Title, r.context(m), m.UntilText, m.Footer, m.Output}, append(m.Lines, m.Warn...)...)
	for _, b := range m.Blocks {
		want = append(want, b.Label, b.Text)
		if len(b.Rows) > 0 {
			want = append(want, bot.NarrowTable(b, bot.PhoneWidth))
		}
	}
	opens := slices.ContainsFunc(m.Buttons, func(b bot.Button) bool { return b.WithForm })
	for _, f := range m.Form {
		switch {
		case f.Type == "bool" && f.Value == "true", f.Required && f.Value == "":
			want = append(want, fieldLabel(f))
		case !opens:
			want = append(want, bot.PlainField(f))
		}
	}
	for _, b := range m.Buttons {
		if !strings.Contains(all, "more button") {
			want = append(want, b.Label)
			if !b.NeedsReason && !b.WithForm { // else its form asks
				want = append(want, b.Confirm)
			}
		}
	}
	known := map[string]bool{}
	for _, w := range want {
		if w = flat.Replace(w); !known[w] && !strings.Contains(have, w) {
			t.Errorf("neither the card nor its parts show %.80q (%d bytes)", w, len(w))
		}
		known[w] = true
	}
}

func actions(t rapid.TB, p post) string {
	t.Helper()
	var out strings.Builder
	for _, b := range p.blocks {
		if b.BlockType() == slack.MBTAction {
			raw, err := json.Marshal(b)
			if err != nil {
				t.Fatal(err)
			}
			out.Write(raw)
		}
	}
	return out.String()
}

func TestAnyMessageIsAValidPost(t *testing.T) {
	t.Parallel()
	r := rendererIn(t, "en")
	for name, m := range cards() {
		if strings.HasSuffix(name, ".en") && m.Priority != bot.Ticker {
			judge(t, r, m)
		}
	}
	some := messages()
	for seed := range 8 { // make fuzz goes on from here
		judge(t, r, some.Example(seed))
	}
}

func FuzzCard(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte(strings.Repeat("0123456789abcdef", 40)))
	f.Add([]byte(strings.Repeat("\xff\x01\x80", 300)))
	r := rendererIn(f, "en")
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) { judge(t, r, messages().Draw(t, "message")) }))
}

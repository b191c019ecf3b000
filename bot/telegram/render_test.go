package telegram

import (
	"crypto/sha256"
	"encoding/base64"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

var rewrite = flag.Bool("update", false, "write the golden files")

func rendererIn(t testing.TB, lang string) renderer {
	t.Helper()
	ids := map[string]int64{"ops1": 501, "ops2": 502, "wrong": -5, "x": 1 << 52}
	return renderer{
		check:  func(f bot.Field, value string) (string, string) { return checkOf(lang, f, value) },
		label:  catalogue().Printer(lang, time.FixedZone("", 8*3600)).T,
		userID: func(name string) int64 { return ids[name] },
		link:   func(ref bot.Ref) string { return map[bot.Ref]string{"12": "https://t.me/c/1234/12"}[ref] },
		id: func(key string, b bot.Button) string {
			sum := sha256.Sum256([]byte(key + "\x00" + b.Action))
			return base64.RawURLEncoding.EncodeToString(sum[:])
		},
	}
}

// golden compares posts with testdata/NAME.txt, where they stand as Telegram gets them.
func golden(t *testing.T, name string, posts []post) {
	t.Helper()
	var got strings.Builder
	for _, p := range posts {
		if wrong := faults(p); len(wrong) > 0 {
			t.Errorf("Telegram would refuse it: %s", strings.Join(wrong, "; "))
		}
		got.WriteString("-----\n" + p.html + "\n")
		if p.keyboard != nil {
			for _, row := range p.keyboard.InlineKeyboard {
				for _, b := range row {
					got.WriteString("[" + b.Text + "]")
				}
				got.WriteString("\n")
			}
		}
		if p.fileName != "" {
			fmt.Fprintf(&got, "file %s, %d bytes:\n%s\n", p.fileName, len(p.file), cut(p.file, 300))
		}
	}
	path := filepath.Join("testdata", name+".txt")
	if *rewrite {
		if err := os.WriteFile(path, []byte(got.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got.String()); d != "" {
		t.Error(d)
	}
}

func TestCardsGolden(t *testing.T) {
	t.Parallel()
	for name, m := range bottest.Cards() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := rendererIn(t, name[strings.LastIndex(name, ".")+1:])
			posts := []post{r.card(m)}
			for _, part := range r.divide(m) {
				posts = append(posts, r.part(part))
			}
			golden(t, name, posts)
		})
	}
}

func TestNudgeGolden(t *testing.T) {
	t.Parallel()
	m := bot.Message{Key: "k1/nudge", Emoji: "🟡", Title: "5/12 <still> waits *for* you at img.example.com", Context: "for 10 min", Nudge: true, Of: "k1", OfRef: "12",
		Notify: []string{"ops1", "nobody", "wrong", "ops2"}}
	for _, lang := range []string{"en", "zh"} {
		golden(t, "nudge."+lang, []post{rendererIn(t, lang).nudge(m)})
	}
	m.OfRef = "gone"
	if p := rendererIn(t, "en").nudge(m); strings.Contains(p.html, "https:") || len(faults(p)) > 0 {
		t.Errorf("without a link: %q", p.html)
	}
}

// A plan of 100 KB: its head on the card, the whole as a document, byte for byte.
func TestLongPlan(t *testing.T) {
	t.Parallel()
	r, m := rendererIn(t, "en"), bottest.Card("k1", 1)
	plan := strings.Repeat("echo '一 long 𝄞 plan' # ``` <b>&amp;\t<!channel>\n", 2500)
	m.Blocks = append([]bot.Block{{Kind: "script", Label: "on standby", Text: plan}}, m.Blocks...)
	parts := r.divide(m)
	if len(parts) != 1 {
		t.Fatalf("%d parts", len(parts))
	}
	file := r.part(parts[0])
	if file.file != plan || file.fileName != bot.FileName(parts[0]) || !strings.Contains(file.html, "2500 lines") {
		t.Errorf("file %s of %d bytes, key %s", file.fileName, len(file.file), parts[0].Key)
	}
	if p := parts[0]; p.Of != "k1" || !p.Thread || p.Version != 1 || p.Priority != m.Priority || !p.At.Equal(m.At) {
		t.Errorf("part %+v", p)
	}
	card := r.card(m)
	text := shown(card)
	for _, want := range []string{"echo '一 long 𝄞 plan' # ``` <b>&amp;  <!channel>", file.fileName, "more lines", "img.example.com", "Approve", "3f2a"} {
		if !strings.Contains(text, want) {
			t.Errorf("the card lacks %q", want)
		}
	}
	if wrong := append(faults(card), faults(file)...); len(wrong) > 0 {
		t.Error(wrong)
	}
	m.Version, m.Title = 2, "another title"
	if again := r.divide(m); again[0].Key != parts[0].Key {
		t.Error("a part that did not change has another key")
	}
}

// A group of 200 machines: a table of 200 rows, three buttons each.
func TestTwoHundredHosts(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "zh"} {
		r, m := rendererIn(t, lang), bottest.Hosts(200)
		card := r.card(m)
		if wrong := faults(card); len(wrong) > 0 {
			t.Error(lang, wrong)
		}
		text, buttons := shown(card), len(labelled(card))
		more := r.label("ui.more_buttons", "n", len(m.Buttons)-buttons)
		if buttons < 60 || !strings.Contains(text, more) || !strings.Contains(text, "This cannot be undone.") || !strings.Contains(text, "host-000.example.com: go-api") {
			t.Errorf("%s: %d buttons on\n%s", lang, buttons, text)
		}
		parts := r.divide(m)
		for _, p := range parts {
			text += shown(r.part(p))
			if wrong := faults(r.part(p)); len(wrong) > 0 {
				t.Error(lang, wrong)
			}
		}
		m.Buttons = nil
		if lost := bottest.Lost(text, m); len(lost) > 0 || len(parts) > 6 {
			t.Errorf("%s: neither the card nor %d parts show %q", lang, len(parts), lost)
		}
	}
}

func TestMovingCardLeavesNoFiles(t *testing.T) {
	t.Parallel()
	r, m := rendererIn(t, "en"), bottest.Card("k1", 1)
	m.Priority, m.Lines = bot.Ticker, []string{strings.Repeat("copied a file\n", 2000)}
	if parts := r.divide(m); len(parts) != 0 {
		t.Errorf("%d parts", len(parts))
	}
	if text := shown(r.card(m)); !strings.Contains(text, "in the console") {
		t.Error("what is missing is not announced")
	}
}

func TestWordsBelowACard(t *testing.T) {
	t.Parallel()
	p := rendererIn(t, "en").part(bot.Message{Key: "k1/words", Of: "k1", Thread: true, Title: "ops1 looks into it", Lines: []string{"back at 03:20"}})
	if text := shown(p); !strings.Contains(text, "looks into it") || !strings.Contains(text, "03:20") || len(faults(p)) > 0 {
		t.Errorf("shown: %q, %v", text, faults(p))
	}
}

// A file is found among the downloads of a phone by its run and step.
func TestFileNames(t *testing.T) {
	t.Parallel()
	for key, want := range map[string]string{"step/k3v7/restart": "k3v7-restart-output-1.txt", "run/k3v7": "k3v7-output-1.txt", "alert/": "output-1.txt",
		"step/../一 b/" + strings.Repeat("x", 99): "b-" + strings.Repeat("x", 48) + "-output-1.txt"} {
		if got := fileName(bot.Message{Key: key + "#output-1", Of: key}); got != want {
			t.Errorf("%s: %s", key, got)
		}
	}
}

// What stands below a card as text is what the card does not show, and no file is made for it.
func TestOnlyTheRestStandsBelow(t *testing.T) {
	t.Parallel()
	r, m := rendererIn(t, "en"), bottest.Card("step/k3v7/list", 1)
	table := bot.Block{Kind: "table", Label: "machines", Columns: []string{"host", "now"}}
	for i := range 60 {
		table.Rows = append(table.Rows, []string{fmt.Sprintf("host-%02d", i), "up"})
	}
	m.Blocks = []bot.Block{table}
	card, parts := shown(r.card(m)), r.divide(m)
	if len(parts) != 1 {
		t.Fatalf("%d parts", len(parts))
	}
	rest := shown(r.part(parts[0]))
	for i, row := range table.Rows {
		if on := strings.Contains(card, row[0]); on != (i < 19) || strings.Contains(rest, row[0]) == on {
			t.Errorf("%s stands on the card: %v", row[0], on)
		}
	}
	if !strings.Contains(card, "41 more lines: in the message below") || !strings.Contains(rest, "… machines\n  host     now\n  host-19  up") {
		t.Errorf("on the card\n%s\nbelow\n%s", card, rest)
	}
	m.Blocks[0].Rows = table.Rows[:25] // a few lines more are no reason for a message
	if parts = r.divide(m); len(parts) != 0 {
		t.Errorf("parts %+v", parts)
	}
}

// Telegram's buttons have no colours: the card says what is dangerous, once, and first what happens if nobody answers.
func TestDangerAndDeadlineStandFirst(t *testing.T) {
	t.Parallel()
	m := bottest.Cards()["held.en"]
	for i := range m.Buttons {
		m.Buttons[i].Style, m.Buttons[i].Confirm = "danger", "Really?"
	}
	m.Buttons[1].Choice = "abort"
	text := shown(rendererIn(t, "en").card(m))
	danger, until := strings.Index(text, "⚠️ Dangerous: hard to undo. Commit asks once more."), strings.Index(text, m.UntilText)
	if until < 0 || danger < until || danger > strings.Index(text, "Nobody else") || strings.Count(text, "Dangerous") != 1 {
		t.Errorf("shown:\n%s", text)
	}
}

func TestRows(t *testing.T) {
	t.Parallel()
	r := rendererIn(t, "en")
	for _, c := range []struct {
		labels []string
		want   []int
	}{
		{[]string{"Approve"}, []int{1}},
		{[]string{"Approve", "Skip", "!Abort run"}, []int{1, 1, 1}},
		{[]string{"!Approve", "Look again", "Skip", "!Abort run", "Later"}, []int{1, 3, 1}},
		{[]string{"Start recovery", "Check again", "Snooze 30 min"}, []int{1, 2}},
		{[]string{"Take the machine off the list", "Skip", "Later"}, []int{1, 2}},
		{[]string{"批准", "跳过", "稍后", "重新检查", "!中止"}, []int{1, 3, 1}},
		{[]string{"恢复主应用服务器", "重新检查", "静默 30 分钟"}, []int{1, 2}},
	} {
		m := bottest.Card("k1", 1)
		m.Buttons = nil
		for _, l := range c.labels {
			b := bot.Button{Label: strings.TrimPrefix(l, "!"), Action: l}
			if b.Label != l {
				b.Style = "danger"
			}
			m.Buttons = append(m.Buttons, b)
		}
		var got []int
		rows := r.card(m).keyboard.InlineKeyboard
		for _, row := range rows {
			got = append(got, len(row))
		}
		if rows[0][0].Text != m.Buttons[0].Label {
			t.Errorf("%q: the first is %q", c.labels, rows[0][0].Text)
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%q: %s", c.labels, d)
		}
	}
}

package slack

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

var update = flag.Bool("update", false, "write the golden files")

func rendererIn(t testing.TB, lang string) renderer {
	t.Helper()
	ids := map[string]string{"ops1": "U0PS1", "ops2": "U0PS2", "wrong": "not an id"}
	return renderer{
		label:  catalogue().Printer(lang, time.FixedZone("", 8*3600)).T,
		userID: func(name string) string { return ids[name] },
		permalink: func(ref bot.Ref) string {
			return map[bot.Ref]string{"C1/1.2": "https://example.com/archives/C1/p12"}[ref]
		},
	}
}

// goldenPost is a post as a golden file shows it.
type goldenPost struct {
	Text     string        `json:"text"`
	Blocks   []slack.Block `json:"blocks,omitempty"`
	FileName string        `json:"file_name,omitempty"`
	File     string        `json:"file,omitempty"`
}

func golden(t *testing.T, name string, v any) {
	t.Helper()
	if posts, ok := v.([]post); ok {
		var out []goldenPost
		for _, p := range posts {
			if wrong := refused(t, p); len(wrong) > 0 {
				t.Errorf("Slack would refuse it: %s", strings.Join(wrong, "; "))
			}
			out = append(out, goldenPost{p.text, p.blocks, p.fileName, cut(p.file, 300)})
		}
		v = out
	}
	var got strings.Builder
	e := json.NewEncoder(&got)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name+".json")
	if *update {
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
	m := bot.Message{Key: "k1/nudge", Emoji: "🟡", Title: "5/12 <still> waits *for* you", Context: "for 10 min", Nudge: true, Of: "k1", OfRef: "C1/1.2",
		Notify: []string{"ops1", "nobody", "wrong", "ops2"}}
	for _, lang := range []string{"en", "zh"} {
		golden(t, "nudge."+lang, []post{rendererIn(t, lang).nudge(m)})
	}
	m.OfRef = "gone"
	if p := rendererIn(t, "en").nudge(m); strings.Contains(p.text, "|") || len(refused(t, p)) > 0 {
		t.Errorf("without a link: %q", p.text)
	}
}

// A plan of 100 KB: its head on the card, the whole as a file, byte for byte.
func TestLongPlan(t *testing.T) {
	t.Parallel()
	r, m := rendererIn(t, "en"), bottest.Card("k1", 1)
	plan := strings.Repeat("echo '一 long 𝄞 plan' # ``` <b>&amp; <!channel>\n", 2500)
	m.Blocks = append([]bot.Block{{Kind: "script", Label: "on standby", Text: plan}}, m.Blocks...)
	parts := r.divide(m)
	if len(parts) != 1 {
		t.Fatalf("%d parts", len(parts))
	}
	file := r.part(parts[0])
	if file.file != plan || !strings.HasSuffix(file.fileName, ".sh") || !strings.Contains(parts[0].Key, strings.TrimSuffix(file.fileName, ".sh")) {
		t.Errorf("file %s of %d bytes, key %s", file.fileName, len(file.file), parts[0].Key)
	}
	if p := parts[0]; p.Of != "k1" || !p.Thread || p.Version != 1 || p.Priority != m.Priority || !p.At.Equal(m.At) {
		t.Errorf("part %+v", p)
	}
	card := r.card(m)
	text := shown(t, card)
	for _, want := range []string{"echo '一 long 𝄞 plan' # ``` <b>&amp; <!channel>", file.fileName, "more lines", "img.example.com", "Approve", "3f2a"} {
		if !strings.Contains(text, want) {
			t.Errorf("the card lacks %q", want)
		}
	}
	if wrong := refused(t, card); len(wrong) > 0 {
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
		if wrong := refused(t, card); len(wrong) > 0 {
			t.Error(lang, wrong)
		}
		text := shown(t, card)
		buttons := strings.Count(text, ": retry\n")
		if buttons < 5 || !strings.Contains(text, "This cannot be undone.") || !strings.Contains(text, "host-000.example.com: go-api") {
			t.Errorf("%s: %d buttons on\n%s", lang, buttons, text)
		}
		for _, p := range r.divide(m) {
			text += shown(t, r.part(p))
			if wrong := refused(t, r.part(p)); len(wrong) > 0 {
				t.Error(lang, wrong)
			}
		}
		for i := range 200 {
			for _, want := range []string{"%s  down", "%s: go-api does not run", "start go-api # %s"} {
				if want = fmt.Sprintf(want, fmt.Sprintf("host-%03d.example.com", i)); !strings.Contains(text, want) {
					t.Fatalf("%s: neither card nor parts show %q", lang, want)
				}
			}
		}
		if n := len(r.divide(m)); n > 6 {
			t.Errorf("%d parts", n)
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
	if text := shown(t, r.card(m)); !strings.Contains(text, "in the console") {
		t.Error("what is missing is not announced")
	}
}

func TestKeyBlock(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("一", 200)
	for key, want := range map[string]string{"step/k3v7/restore": "step/k3v7/restore", long: ""} {
		got := keyBlock(key)
		if len(got) > 255 || want != "" && got != want || got == keyBlock(key+"x") {
			t.Errorf("%q: %q", key, got)
		}
	}
}

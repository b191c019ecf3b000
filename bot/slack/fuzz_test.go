package slack

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/slack-go/slack"
	"pgregory.net/rapid"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

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
	announced := strings.Contains(all, "more button")
	c := bot.Cleaned(m)
	c.Context = r.context(c)
	for i := range c.Buttons {
		if announced {
			c.Buttons[i].Label, c.Buttons[i].Confirm = "", ""
		}
	}
	for _, lost := range bottest.Lost(all, c) {
		t.Errorf("neither the card nor its parts show %.80q (%d bytes)", lost, len(lost))
	}
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
	for name, m := range bottest.Cards() {
		if strings.HasSuffix(name, ".en") && m.Priority != bot.Ticker {
			judge(t, r, m)
		}
	}
	some := bottest.Messages()
	for seed := range 8 { // make fuzz goes on from here
		judge(t, r, some.Example(seed))
	}
}

// FuzzCard: fault 33.
func FuzzCard(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte(strings.Repeat("0123456789abcdef", 40)))
	f.Add([]byte(strings.Repeat("\xff\x01\x80", 300)))
	r := rendererIn(f, "en")
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) { judge(t, r, bottest.Messages().Draw(t, "message")) }))
}

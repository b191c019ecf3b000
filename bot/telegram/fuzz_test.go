package telegram

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

// judge fails where Telegram would refuse a post of m, or where something that its card does not show is not announced,
// or does not stand below it.
func judge(t rapid.TB, r renderer, m bot.Message) {
	card, parts := r.card(m), r.divide(m)
	valid := func(what string, posts ...post) {
		for _, p := range posts {
			if wrong := faults(p); len(wrong) > 0 {
				t.Errorf("%s: %s", what, strings.Join(wrong, "; "))
			}
		}
	}
	valid("card", card)
	all := shown(card)
	if len(parts) > 0 && !strings.Contains(all, "below") {
		t.Errorf("%d parts are not announced", len(parts))
	}
	keys := map[string]bool{}
	for _, p := range parts {
		valid("part", r.part(p))
		if keys[p.Key] || p.Of != m.Key || !strings.HasPrefix(p.Key, m.Key+"#") {
			t.Errorf("part %q of %q", p.Key, p.Of)
		}
		keys[p.Key] = true
		all += p.Title + shown(r.part(p))
	}
	c := bot.Cleaned(m)
	c.Context = bot.StillContext(c, r.label)
	n := len(labelled(card))
	if announced := strings.Contains(all, "more button"); n < len(m.Buttons) != announced || n == 0 && len(m.Buttons) > 0 {
		t.Errorf("%d of %d buttons, announced: %v", n, len(m.Buttons), announced)
	}
	for i, b := range c.Buttons {
		if i >= n || units(b.Confirm) <= maxConfirm { // an alert box asks it
			c.Buttons[i].Confirm = ""
		}
		if i >= n {
			c.Buttons[i].Label = ""
		}
	}
	for _, lost := range bottest.Lost(all, c) {
		t.Errorf("neither the card nor its parts show %.80q (%d bytes)", lost, len(lost))
	}
	valid("nudge", r.nudge(m))
	for _, rep := range []bot.Reply{{Text: m.Output}, {Text: m.Title, Message: &m, Refused: true}} {
		valid("private", r.private(rep)...)
		text, alert, rest := r.toast(rep)
		valid("answer to a press", rest...)
		if units(text) > 200 || alert != rep.Refused || strings.Contains(text, "\r") {
			t.Errorf("box of %d units, alert %v", units(text), alert)
		}
	}
	for _, b := range m.Buttons[:min(3, len(m.Buttons))] {
		for i := range r.asked(m, b)[:min(4, len(r.asked(m, b)))] {
			p, reply := r.question(m, b, r.asked(m, b), i, m.Title)
			valid("question", p)
			if reply != (p.keyboard == nil) || reply != (len(r.answers(m, b, r.asked(m, b), i)) == 0) {
				t.Errorf("a reply is asked for: %v, with buttons %q", reply, labelled(p))
			}
		}
	}
	if d := cmp.Diff(fmt.Sprint(card.html, labelled(card)), fmt.Sprint(r.card(m).html, labelled(r.card(m)))); d != "" {
		t.Errorf("the same message gives two cards: %s", d)
	}
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

package telegram

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

func TestQuestionsGolden(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"en", "zh"} {
		t.Run(lang, func(t *testing.T) {
			t.Parallel()
			r, m := rendererIn(t, lang), bottest.Cards()["form."+lang]
			m.Form = append(m.Form, bot.Field{Name: "config", Label: "go-api.conf <new>", Type: "text", Value: "a = 1\n\tb = \"&\"\n"},
				bot.Field{Name: "port", Label: "Port", Type: "port", Required: true}, bot.Field{Name: "note", Label: "Note", Type: "string"})
			b := bot.Button{Label: "Fill in", Action: "fill", Style: "danger", Confirm: "Really begin at 192.0.2.31?", WithForm: true, NeedsReason: true}
			var posts []post
			for i := range r.asked(m, b) {
				p, _ := r.question(m, b, r.asked(m, b), i, "")
				posts = append(posts, p)
			}
			wrong, reply := r.question(m, b, r.asked(m, b), 4, "Port cannot be 0.")
			golden(t, "question."+lang, append(posts, wrong))
			if !reply || wrong.keyboard != nil {
				t.Error("nobody is made to reply")
			}
		})
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	r := rendererIn(t, "en")
	var many []string
	for i := range maxPick + 1 {
		many = append(many, fmt.Sprintf("value %d", i))
	}
	for name, c := range map[string]struct {
		field bot.Field
		want  []string // label = value
	}{
		"typed":           {bot.Field{Type: "host", Required: true}, nil},
		"optional":        {bot.Field{Type: "host"}, []string{"Leave empty="}},
		"default":         {bot.Field{Type: "string", Required: true, Value: "a\tb "}, []string{"Keep a b=a\tb "}},
		"default, option": {bot.Field{Type: "host", Value: "x"}, []string{"Keep x=x", "Leave empty="}},
		"wrong":           {bot.Field{Type: "port", Required: true, Value: "x"}, nil},
		"wrong, option":   {bot.Field{Type: "port", Value: "x"}, []string{"Leave empty="}},
		"bool":            {bot.Field{Type: "bool"}, []string{"Yes=true", "✓ No=false"}},
		"bool, true":      {bot.Field{Type: "bool", Required: true, Value: "true"}, []string{"✓ Yes=true", "No=false"}},
		"values":          {bot.Field{Type: "enum", Required: true, Enum: []string{"a", "", "b", "a"}, Value: "b"}, []string{"a=a", "✓ b=b"}},
		"many values":     {bot.Field{Type: "enum", Required: true, Enum: many}, nil},
		"long values":     {bot.Field{Type: "enum", Required: true, Enum: []string{strings.Repeat("a", 90)}, Value: "b"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := bottest.Card("k1", 1)
			m.Form = []bot.Field{c.field}
			b := bot.Button{Action: "fill", WithForm: true}
			var got []string
			ids := map[string]bool{r.id(m.Key, b): true}
			for _, a := range r.answers(m, b, m.Form, 0) {
				if ids[a.id] || a.cancel != (a.label == "Cancel") {
					t.Errorf("answer %+v", a)
				}
				if ids[a.id] = true; !a.cancel {
					got = append(got, a.label+"="+a.value)
				}
			}
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
			p, reply := r.question(m, b, m.Form, 0, "")
			if wrong := faults(p); len(wrong) > 0 || reply != (len(c.want) == 0) {
				t.Errorf("%v, a reply is asked for: %v", wrong, reply)
			}
		})
	}
}

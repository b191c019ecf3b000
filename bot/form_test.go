package bot_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"recoverbot/bot"
)

func words(id string, pairs ...any) string {
	return strings.TrimPrefix(id, "ui.") + " " + pairs[1].(string)
}

func TestOpenForm(t *testing.T) {
	t.Parallel()
	m := bot.Message{Form: []bot.Field{{Name: "row", Label: "Row 3 → 2", Type: "bool", Value: "true"}, {Name: "other", Type: "bool"},
		{Name: "by", Required: true}, {Name: "ip", Label: "Address", Value: "192.0.2.41", Required: true}, {Required: true}}}
	if got, want := bot.OpenForm(m, words), "field_needed by, …\n✓ Row 3 → 2\n[ ] other\nAddress *: 192.0.2.41"; got != want {
		t.Errorf("without a button that opens it: %q", got)
	}
	m.Buttons = []bot.Button{{Choice: "input", WithForm: true}}
	if got, want := bot.OpenForm(m, words), "field_needed by, …\n✓ Row 3 → 2"; got != want {
		t.Errorf("beside the button that opens it: %q", got)
	}
}

func TestSure(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		b    bot.Button
		want string
	}{
		{bot.Button{Label: "Later"}, ""},
		{bot.Button{Label: "Skip", Confirm: " Leave it out? "}, "Leave it out?"},
		{bot.Button{Label: "Fence", Choice: "fence", Style: "danger"}, "really Fence"},
		{bot.Button{Choice: "fence", Style: "danger"}, "really fence"},
		{bot.Button{Label: "Commit", Style: "danger", Confirm: "Really?", NeedsReason: true}, ""},
		{bot.Button{Label: "Fill in", Style: "danger", WithForm: true}, ""},
	} {
		if got := c.b.Sure(words); got != c.want {
			t.Errorf("%+v asks %q", c.b, got)
		}
	}
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	m := bot.Message{Code: "3f2a", Buttons: []bot.Button{{Choice: "retry", For: "go-fly", Code: "91aa"}, {Choice: "skip", For: "go-fly", Code: "91aa"}, {Choice: "retry", For: "go-fly", Code: "91aa"},
		{Label: "no word"}, {Choice: "do 7"}, {Choice: "abort"}}}
	var got []string
	for i, a := range m.Answers() {
		got = append(got, a.Lead(i > 0)+strings.Join(a.Typed(), ","))
	}
	if d := cmp.Diff([]string{"go-fly: retry\u00a091aa,skip\u00a091aa", "  do\u00a07\u00a03f2a,abort\u00a03f2a"}, got); d != "" {
		t.Error(d)
	}
	if a := (bot.Answer{For: "b"}); a.Lead(true) != " · b: " || a.Typed() != nil {
		t.Errorf("nothing to type behind %q: %q", a.Lead(true), a.Typed())
	}
}

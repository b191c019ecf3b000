package handlers

import (
	"testing"

	"recoverbot/bot"
)

// A press that comes before the bot has looked at any alert since its start is about a card that people still see.
func TestAPressRightAfterARestart(t *testing.T) {
	t.Parallel()
	for what, act := range map[string]func(b *book, key string) bool{
		"press": func(b *book, key string) bool {
			r := b.Handle(t.Context(), bot.Inbound{Platform: "web", UserID: "ops1", Action: press{Alert: key, Choice: "snooze"}.encode()})
			return !r.Refused
		},
		"command": func(b *book, key string) bool {
			b.Handle(t.Context(), bot.Inbound{Platform: "web", UserID: "ops1", Text: "help"})
			since, id := b.calledSince("primary", nil)
			return !since.IsZero() && id == key
		},
		"form": func(b *book, key string) bool {
			m, ok := b.Render(t.Context(), "zh", "alert/"+key)
			return ok && len(m.Buttons) > 0
		},
	} {
		b := newBook(t)
		b.tell(silent("primary", "app1"))
		id := b.alerts.all()[0].ID
		_ = b.Handlers.Journal.(bookJournal).Close()
		b.open(b.Fleet)
		if !act(b, id) {
			t.Errorf("%s: the card is taken for one that is gone", what)
		}
		if r := b.Handle(t.Context(), bot.Inbound{Platform: "web", UserID: "ops1", Action: press{Alert: "none", Choice: "snooze"}.encode()}); !r.Refused {
			t.Errorf("%s: a card that never was: %+v", what, r)
		}
	}
}

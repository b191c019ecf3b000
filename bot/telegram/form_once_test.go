package telegram

import (
	"strings"
	"testing"
	"time"

	"recoverbot/bot/bottest"
	"recoverbot/bot/telegram/telegramtest"
)

// questions are how many posts in the chat ask for what.
func (w *town) questions(what string) (n int) {
	for _, m := range w.srv.Messages(w.chat) {
		if strings.Contains(m.Text, what) && strings.Contains(m.Text, "/cancel as the reply") {
			n++
		}
	}
	return n
}

// Who presses again while the budget holds the question back, or while it stands there, is asked once.
func TestPressingAgainAsksOnce(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{Answer: thanks}
	w := posted(t, world{}, in, asking())
	w.t.budget.Rest(500 * time.Millisecond)
	for range 3 {
		if err := w.click(t, "ops1", "k1", "mark done"); err != nil {
			t.Fatal(err)
		}
	}
	w.until(t, "two boxes", func() bool { return strings.Count(w.Private(t, "ops1"), "the question comes below") == 2 })
	reason := w.asked(t, "Reason")
	w.until(t, "a box that points to the question", func() bool { // the server has a post before the bot has its answer
		return strings.Contains(w.Press(t, "ops1", "k1", "mark done"), "answer the question below")
	})
	if n := w.questions("Reason"); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
	w.reply(t, "ops1", "it runs", reason.ID)
	w.until(t, "thanks", func() bool { return strings.Contains(w.Private(t, "ops1"), "thank you") })
	if said := in.Said(); len(said) != 1 || said[0].Reason != "it runs" {
		t.Errorf("handled was %+v", said)
	}
}

// A question that is out of sight is asked again, and both may be replied to.
func TestQuestionOutOfSight(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{Answer: thanks}
	w := posted(t, world{}, in, asking())
	if err := w.click(t, "ops1", "k1", "mark done"); err != nil {
		t.Fatal(err)
	}
	first := w.asked(t, "Reason")
	w.t.forms.mu.Lock()
	w.t.forms.all[0].since = time.Now().Add(-2 * sight)
	w.t.forms.mu.Unlock()
	if err := w.click(t, "ops1", "k1", "mark done"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the question again", func() bool { return w.questions("Reason") == 2 && w.asked(t, "Reason").ID != first.ID })
	w.reply(t, "ops1", "it runs", first.ID)
	w.until(t, "thanks", func() bool { return strings.Contains(w.Private(t, "ops1"), "thank you") })
	if said := in.Said(); len(said) != 1 || said[0].Reason != "it runs" {
		t.Errorf("handled was %+v", said)
	}
}

// Of two buttons pressed while the budget is used up, the newest asks: the other question does not come any more.
func TestQuestionThatNobodyWantsIsNotAsked(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{}
	w := posted(t, world{}, in, asking())
	w.t.budget.Rest(500 * time.Millisecond)
	for _, b := range []string{"mark done", "send"} {
		if err := w.click(t, "ops1", "k1", b); err != nil {
			t.Fatal(err)
		}
	}
	w.asked(t, "Address")
	w.until(t, "a word about the other", func() bool { return strings.Contains(w.Private(t, "ops1"), "Something else was asked") })
	if n := w.questions("Reason"); n != 0 {
		t.Errorf("it was asked %d times", n)
	}
}

// Each reply to a question that is over is answered, however soon it comes after another.
func TestRepliesToOldQuestionsAreAnswered(t *testing.T) {
	t.Parallel()
	w := posted(t, world{}, &bottest.Inbox{}, asking())
	if err := w.click(t, "ops1", "k1", "mark done"); err != nil {
		t.Fatal(err)
	}
	m := w.asked(t, "Reason")
	w.reply(t, "ops1", "/cancel", m.ID)
	w.until(t, "a word", func() bool { return strings.Contains(w.Private(t, "ops1"), "Nothing was done") })
	for range 2 {
		w.reply(t, "ops1", "it runs", m.ID)
	}
	over := func() (n int) {
		for _, m := range w.srv.Messages(w.chat) {
			if m.From != 1001 && strings.Contains(m.Text, "This question is over") {
				n++
			}
		}
		return n
	}
	w.until(t, "two answers", func() bool { return over() == 2 })
}

// A question with buttons says in the end what became of it.
func TestQuestionSaysItsEnd(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do   func(t *testing.T, w *town, keep telegramtest.Message)
		want string
	}{
		"answered": {func(t *testing.T, w *town, keep telegramtest.Message) { w.button(t, "ops1", keep, "No") }, "This question is over. The answer: No"},
		"cancelled": {func(t *testing.T, w *town, keep telegramtest.Message) { w.button(t, "ops1", keep, "Cancel") },
			"This question is over. ops1 cancelled it: nothing was done."},
		"another": {func(t *testing.T, w *town, _ telegramtest.Message) {
			if err := w.click(t, "ops1", "k1", "mark done"); err != nil {
				t.Fatal(err)
			}
		}, "This question is over. Something else was asked in its place."},
		"wrong": {func(t *testing.T, w *town, keep telegramtest.Message) { w.reply(t, "ops1", "perhaps", keep.ID) },
			"This question is over. It is asked again below."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, address := begun(t, &bottest.Inbox{Answer: thanks})
			w.reply(t, "ops1", "192.0.2.9", address.ID)
			keep := w.asked(t, "Keep the old data")
			c.do(t, w, keep)
			w.bare(t, keep)
			now, _ := w.srv.Message(keep.Chat, keep.ID)
			if !strings.HasSuffix(now.Text, "\n"+c.want) || !strings.Contains(now.Text, "2 of 3: Keep the old data") || strings.Contains(now.Text, "press a button.") {
				t.Errorf("it ends as %q", now.Text)
			}
			if name == "cancelled" {
				w.until(t, "the step to be named", func() bool {
					return strings.Contains(w.Private(t, "ops1"), "Cancelled: 🟡 5/12 Take 192.0.2.21 off the domain list. Nothing was done.")
				})
			}
		})
	}
}

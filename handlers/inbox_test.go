package handlers

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/runbook"
)

// chatFleet is the fleet of a company that uses chats; ops2 reads Chinese.
var chatFleet = strings.NewReplacer(
	`{name: ops1, roles: [approver, danger],`, `{name: ops1, slack: U0OPS1, roles: [approver, danger],`,
	`{name: ops2, roles: [approver],`, `{name: ops2, telegram: 42, language: zh, roles: [approver],`,
	`{name: guest, roles: [viewer],`, `{name: guest, slack: U0GUEST, roles: [viewer],`,
).Replace(fleetFile)

func (w *world) chat(t *testing.T, in bot.Inbound) bot.Reply {
	t.Helper()
	return w.Handle(t.Context(), in)
}

func (w *world) unchanged(t *testing.T, what string) {
	t.Helper()
	r, err := w.Journal.Run(t.Context(), "run1")
	if err != nil || r.Step("one").State != runbook.Waiting || r.Step("one").Attempt != 1 || r.State != runbook.Open || w.applied.Load() != 0 {
		t.Errorf("%s changed something: %v %+v", what, err, r.Step("one"))
	}
}

func TestPeopleTalkingToEachOther(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, chatFleet)
	casual := func(user, text string) bot.Reply {
		return w.chat(t, bot.Inbound{Platform: "slack", UserID: user, Text: text, Casual: true})
	}
	for _, text := range []string{"approve", "approve 3f2a", "hello"} {
		if r := casual("U0OPS1", text); !nothing(r) {
			t.Errorf("no run, %q: %+v", text, r)
		}
	}
	w.chat(t, bot.Inbound{Platform: "slack", UserID: "U0OPS1", Text: "primary"})
	one := w.hub.until(t, "step/run1/one", waiting)
	for _, text := range []string{
		"", "  ", "skip it I think", "let me look", "approve?", "approve!", "skip dead", "look again please", "status", "primary", "help",
		"resume it", "park", "abort the mission", "ok", "aprove 3f2a", "approve " + one.Code[:3], "批准吧", strings.Repeat("approve ", 1000), "approve \xff",
	} {
		if r := casual("U0OPS1", text); !nothing(r) {
			t.Errorf("%q: %+v", text, r)
		}
	}
	for _, text := range []string{"approve", "approve 3f2a", "aprove " + one.Code, one.Code, "hello", "primary"} {
		if r := casual("U0NOBODY", text); !nothing(r) {
			t.Errorf("a stranger's %q: %+v", text, r)
		}
	}
	for _, text := range []string{"approve " + one.Code, one.Code + " approve", "approve: " + one.Code} {
		if r := casual("U0NOBODY", text); !r.Refused || !strings.Contains(r.Text, "U0NOBODY") {
			t.Errorf("a stranger's %q: %+v", text, r)
		}
	}
	if r := casual("U0GUEST", "aprove "+one.Code); !nothing(r) {
		t.Errorf("a viewer's talk: %+v", r)
	}
	for text, want := range map[string]string{
		"aprove CODE": "Did you mean: approve CODE?", "CODE aprove": "Did you mean: approve CODE?", "look agian, CODE!": "Did you mean: look again CODE?",
		"ok CODE": "It takes: approve|", "CODE": "|abort CODE", "I would approve CODE": "It takes: approve|", "approve CODE.": "Did you mean: approve CODE?",
		"CODE approve please": "It takes: approve|",
	} {
		text, want = strings.ReplaceAll(text, "CODE", one.Code), strings.ReplaceAll(want, "CODE", one.Code)
		if r := casual("U0OPS1", text); !r.Refused || !strings.Contains(r.Text, want) {
			t.Errorf("%q: %+v, want %q", text, r, want)
		}
	}
	w.unchanged(t, "talk")
	for _, text := range []string{"approve", "Look again", "skip", "批准", "DONE", "Park run", "abort run", "approve 0f0e"} {
		r := casual("U0OPS1", text)
		if r.Refused || r.Message == nil || r.Message.Code != one.Code || r.Text == "" {
			t.Errorf("%q must show the current card: %+v", text, r)
		}
	}
	w.unchanged(t, "a word without its code")
	if r := casual("U0GUEST", "approve "+one.Code); !r.Refused {
		t.Errorf("a viewer approved: %+v", r)
	}
	w.unchanged(t, "a viewer")
	if r := casual("U0OPS1", "批准 "+strings.ToUpper(one.Code)+" 看过了"); r.Refused || r.RunID != "run1" {
		t.Errorf("with the code: %+v", r)
	}
	done := w.hub.until(t, "step/run1/one", inState("done"))
	if !strings.Contains(done.Footer, "approved by ops1 (Slack) ") || !strings.Contains(done.Footer, "看过了") {
		t.Errorf("footer %q", done.Footer)
	}
}

func TestWhatComesTooLateIsNotDone(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, chatFleet)
	w.chat(t, bot.Inbound{Platform: "slack", UserID: "U0OPS1", Text: "primary", At: time.Now().Add(-4 * time.Minute)})
	one := w.hub.until(t, "step/run1/one", waiting)
	old := time.Now().Add(-5*time.Minute - time.Second)
	approve := button(t, one, "approve").Action
	for _, in := range []bot.Inbound{
		{Platform: "slack", UserID: "U0OPS1", Action: approve, At: old},
		{Platform: "slack", UserID: "U0OPS1", Text: "approve " + one.Code, At: old},
		{Platform: "slack", UserID: "U0OPS1", Text: "approve " + one.Code, At: old, Casual: true},
		{Platform: "slack", UserID: "U0OPS1", Text: "primary --supersede", At: old},
	} {
		r := w.chat(t, in)
		if !r.Refused || !strings.Contains(r.Text, old.UTC().Format("15:04:05")) || !strings.Contains(r.Text, "press or type it again") {
			t.Errorf("%+v: %+v", in, r)
		}
	}
	if r := w.chat(t, bot.Inbound{Platform: "telegram", UserID: "42", Action: approve, At: old}); !strings.Contains(r.Text, "重新点击") {
		t.Errorf("in Chinese: %+v", r)
	}
	w.unchanged(t, "what came too late")
	if r := w.chat(t, bot.Inbound{Platform: "slack", UserID: "U0OPS1", Action: approve, At: time.Now()}); r.Refused {
		t.Errorf("in time: %+v", r)
	}
	w.hub.until(t, "step/run1/one", inState("done"))
}

func TestTheLanguageOfReplies(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, chatFleet)
	for _, c := range []struct{ platform, user, client, want string }{
		{"slack", "U0OPS1", "", "No recovery"},
		{"slack", "U0OPS1", "zh", "没有"},
		{"telegram", "42", "", "没有"},
		{"telegram", "42", "en", "No recovery"},
		{"slack", "U0NOBODY", "", "to add you: Slack U0NOBODY."},
		{"slack", "ops1", "", "I do not know you"}, // a name is no id there
		{"telegram", "0", "", "I do not know you"},
		{"slack", "", "", "to add you."},
	} {
		r := w.chat(t, bot.Inbound{Platform: c.platform, UserID: c.user, Language: c.client, Text: "status"})
		if !strings.Contains(r.Text, c.want) {
			t.Errorf("%+v: %q", c, r.Text)
		}
	}
}

// Two people press different buttons at once, on two platforms: one answer counts, and the other person is told whose
// (fault 22, fault 24).
func TestTwoPeopleOnTwoPlatforms(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, chatFleet)
	w.chat(t, bot.Inbound{Platform: "slack", UserID: "U0OPS1", Text: "primary"})
	one := w.hub.until(t, "step/run1/one", waiting)
	type answer struct {
		bot.Reply
		lost string // what the loser must read
	}
	replies := make(chan answer, 2)
	go func() {
		in := bot.Inbound{Platform: "slack", UserID: "U0OPS1", Action: button(t, one, "approve").Action, Language: "en"}
		replies <- answer{w.chat(t, in), "Already decided by ops2 (Telegram) at "}
	}()
	go func() {
		in := bot.Inbound{Platform: "telegram", UserID: "42", Action: button(t, one, "skip").Action, Language: "en"}
		replies <- answer{w.chat(t, in), "Already decided by ops1 (Slack) at "}
	}()
	a, b := <-replies, <-replies
	if a.Refused == b.Refused {
		t.Fatalf("not one of them won: %+v, %+v", a.Reply, b.Reply)
	}
	if b.Refused {
		a = b
	}
	if !strings.HasPrefix(a.Text, a.lost) || !strings.Contains(a.Text, time.Now().UTC().Format("15:04:")) {
		t.Errorf("the loser reads %q", a.Text)
	}
	w.hub.until(t, "step/run1/two", waiting)
	if n := w.applied.Load(); n > 1 {
		t.Errorf("%d effects", n)
	}
}

// Render answers for what a button can be on, in the other language, and for nothing else.
func TestRender(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tell(t, "ops1", "/recover primary")
	one := w.hub.until(t, "step/run1/one", waiting)
	for key, title := range map[string]string{"step/run1/one": "1/3 步骤First", "run/run1": "步骤Primary dead（run1）"} {
		m, ok := w.Render(t.Context(), "zh", key)
		if !ok || m.Title != title || key == one.Key && button(t, m, "approve").Action != button(t, one, "approve").Action {
			t.Errorf("%s: %v %+v", key, ok, m)
		}
	}
	for _, key := range []string{"step/run1/three", "step/run2/one", "nudge/run1/one/waiting-1/0", "platform/slack/1", "alert/none", "choose", ""} {
		if m, ok := w.Render(t.Context(), "zh", key); ok {
			t.Errorf("%q: %+v", key, m)
		}
	}
}

// nothing reports whether nobody is answered.
func nothing(r bot.Reply) bool { return reflect.DeepEqual(r, bot.Reply{}) }

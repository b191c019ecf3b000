package handlers

import (
	"strings"
	"testing"

	"recoverbot/bot"
)

// After a run that was aborted past its point of no return, people may go back to the old primary: one of them says so,
// with a reason that is recorded, and it holds until the machine goes away.
func TestAPersonSaysThatTheOldPrimaryIsRight(t *testing.T) {
	t.Parallel()
	w := newTakeover(t)
	w.moved(t)
	tell(t, w, backAlert("app1"))
	key := dangerCard(t, w, returned)
	m := w.hub.until(t, key, func(m bot.Message) bool { return m.State == "down" && len(m.Buttons) == 2 }) // the run is open
	fence, err := decodePress(m.Buttons[0].Action)
	if err != nil {
		t.Fatal(err)
	}
	fence.Choice = "accept"
	if r := w.press(t, "ops1", bot.Button{Action: fence.encode()}, "it is right"); !r.Refused {
		t.Errorf("during the run: %+v", r)
	}
	if r := w.tell(t, "ops1", "/recover abort run1 we go back"); r.Refused {
		t.Fatalf("abort: %+v", r)
	}
	w.hub.until(t, "run/run1", inState("aborted"))
	w.reviewAlerts(t.Context())
	w.showAlerts(t.Context())
	m = w.hub.until(t, key, func(m bot.Message) bool { return m.State == "down" && len(m.Buttons) == 3 })
	if d := w.tell(t, "ops1", "/recover").Message; d.State != "down" || d.Warn[0] != m.Title || d.Buttons[0].Choice != "fence" {
		t.Errorf("a diagnosis hides the danger: %+v", d)
	}
	accept := button(t, m, "accept")
	if !accept.NeedsReason || accept.Confirm == "" {
		t.Errorf("button: %+v", accept)
	}
	for who, reason := range map[string]string{"guest": "right", "ops2": " ", "ops1": strings.Repeat("long ", 1000)} {
		if r := w.press(t, who, accept, reason); !r.Refused {
			t.Errorf("%s, %.10q: %+v", who, reason, r)
		}
	}
	if k, _ := w.alerts.get(strings.TrimPrefix(key, "alert/")); k.State != firing || k.Accepted != nil {
		t.Errorf("a refused press changed %+v", k)
	}
	if r := w.press(t, "ops2", accept, "users are back\non \u202eapp1"); r.Refused {
		t.Fatalf("accept: %+v", r)
	}
	if r := w.press(t, "ops1", accept, "other words"); r.Refused {
		t.Errorf("a second time: %+v", r)
	}
	w.showAlerts(t.Context())
	m = w.hub.until(t, key, inState("info"))
	if text := text(m); !strings.Contains(text, "ops2 at ") || !strings.Contains(text, "users are back") || strings.ContainsAny(strings.Join(m.Lines, ""), "\n\u202e") || len(m.Buttons) != 2 {
		t.Errorf("accepted: %+v", m)
	}
	events, err := w.Handlers.Journal.Events(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	recorded := 0
	for _, e := range events {
		if e.Kind == "alert" && e.Data["state"] == accepted && e.By.Name == "ops2" && strings.HasPrefix(e.Data["reason"], "users are back") {
			recorded++
		}
	}
	if recorded != 1 {
		t.Errorf("recorded %d times", recorded)
	}
	tell(t, w, over(backAlert("app1")))
	w.hub.until(t, key, inState("done"))
	tell(t, w, backAlert("app1")) // it went away: what was said of it no longer counts
	w.showAlerts(t.Context())
	w.hub.until(t, key, func(m bot.Message) bool { return m.State == "down" && len(m.Buttons) == 3 })
	if w.applied.Load() != 1 {
		t.Errorf("%d effects", w.applied.Load())
	}
}

package handlers

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"recoverbot/bot"
	"recoverbot/runbook"
)

// Note keeps nothing: a desk asks for none of it.
func (deskJournal) Note(context.Context, string, runbook.Actor, map[string]string) error { return nil }

func TestRefusalsAreJournaled(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tell(t, "guest", "/recover primary")
	w.tell(t, "guest", "status")
	w.Handle(t.Context(), bot.Inbound{Platform: "telegram", UserID: "666", Text: "approve 3f2a password"})
	w.tell(t, "ops1", "/recover primary")
	one := w.hub.until(t, "step/run1/one", waiting)
	w.press(t, "guest", button(t, one, "approve"), "")
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/commands", strings.NewReader(`{"text": "primary"}`))
	r.Header.Set("Authorization", "Bearer "+token("guest"))
	w.API().ServeHTTP(httptest.NewRecorder(), r)
	var got, what []string
	for _, e := range w.events(t) {
		if e.Kind == "note" {
			got = append(got, strings.TrimSpace(e.By.Name+" "+e.By.Platform+" "+e.Data["refused"]+" "+e.Data["stranger"]))
			what = append(what, e.Data["what"])
			if strings.Contains(e.Data["what"], "password") || e.Data["what"] == "" {
				t.Errorf("what was said: %q", e.Data["what"])
			}
		}
	}
	want := "guest web cmd.not_approver|telegram cmd.stranger 666|guest web cmd.not_approver|guest web cmd.not_approver"
	if strings.Join(got, "|") != want {
		t.Errorf("notes %q", got)
	}
	if want := "/recover primary|approve 3f2a|approve one run1|POST /api/commands"; strings.Join(what, "|") != want {
		t.Errorf("what was refused: %q", what)
	}
}

func TestRefusalsDoNotFillTheJournal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for range 200 {
		w.tell(t, "stranger", "/recover primary")
	}
	n := len(w.events(t))
	if n < 20 || n > 40 {
		t.Errorf("%d events", n)
	}
	if w.tell(t, "guest", "/recover primary"); len(w.events(t)) != n+1 {
		t.Error("strangers hide what a person of the fleet tried")
	}
}

func (w *world) events(t *testing.T) []runbook.Event {
	t.Helper()
	es, err := w.Journal.Events(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	return es
}

package journal

import (
	"slices"
	"strings"
	"testing"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/journal/journaltest"
)

// TestSecretsAreRedacted: fault 40.
func TestSecretsAreRedacted(t *testing.T) {
	t.Parallel()
	j := open(t)
	r := journaltest.NewRun("r1")
	secret := `pa"ss<1>`
	r.Params["dsn"] = "root:" + secret + "@tcp"
	r.Steps[0].Note = runbook.T("x", "why", "log-in with "+secret)
	if err := j.CreateRun(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	next := r.Steps[0]
	next.State = runbook.Planning
	got, err := j.MoveStep(t.Context(), runbook.StepAt{State: runbook.Pending}, next,
		&runbook.Decision{Choice: runbook.Retry, Reason: "it is " + secret, Fields: map[string]string{"script": secret}})
	if err != nil || got.Note.Args["why"] != "log-in with <redacted>" {
		t.Errorf("returned %v, %v", got.Note, err)
	}
	if err := j.SaveAlerts(t.Context(), []Alert{{Fingerprint: "f", State: "firing", Body: []byte(`{"x": "pa\"ss<1>"}`)}}, runbook.Actor{}); err != nil {
		t.Fatal(err)
	}
	if _, err := j.SaveInbound(t.Context(), "slack", "e1", []byte(`{"Fields":{"dsn":"pa\"ss<1>"}}`)); err != nil {
		t.Fatal(err)
	}
	for _, query := range []string{`SELECT body FROM inbound`, `SELECT group_concat(body) FROM runs`, `SELECT group_concat(body) FROM steps`,
		`SELECT group_concat(body) FROM decisions`, `SELECT group_concat(data) FROM events`, `SELECT body FROM alerts`} {
		var text string
		if err := j.readers.Get(&text, query); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(text, `pa\"ss`) || !strings.Contains(text, "redacted") {
			t.Errorf("%s: %s", query, text)
		}
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	j := open(t)
	now := clock()
	j.now = func() time.Time { return now.Add(-8 * 24 * time.Hour) }
	save := func(key string, version int64, body string) {
		t.Helper()
		if err := j.SaveWanted(t.Context(), key, version, []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	save("old", 1, "o")
	j.now = func() time.Time { return now }
	save("a", 2, "a2")
	save("a", 1, "a1")
	save("b", 1, "b1")
	wanted, err := j.Wanted(t.Context())
	if err != nil || len(wanted) != 2 || wanted[0].Key != "a" || string(wanted[0].Body) != "a2" {
		t.Errorf("wanted %v, %v", wanted, err)
	}
	for _, version := range []int64{0, 2} {
		if err := j.SaveDelivered(t.Context(), "web", Delivery{Key: "a", Version: version, Ref: "ref", Digest: "d", Asks: version == 2}); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := j.Delivered(t.Context(), "web"); err != nil || len(got) != 1 || got[0] != (Delivery{"a", 2, "ref", "d", true}) {
		t.Errorf("delivered %v, %v", got, err)
	}
	if got, err := j.Delivered(t.Context(), "slack"); err != nil || len(got) != 0 {
		t.Errorf("delivered elsewhere %v, %v", got, err)
	}
}

func TestAlertsAndSessions(t *testing.T) {
	t.Parallel()
	j := open(t)
	now := clock()
	a := Alert{Fingerprint: "f1", State: "firing", Count: 2, Since: now, SeenAt: now, SnoozedUntil: now.Add(time.Hour), Body: []byte(`{}`)}
	if err := j.SaveAlerts(t.Context(), []Alert{a}, runbook.Actor{Name: "watcher"}); err != nil {
		t.Fatal(err)
	}
	got, ok, err := j.Alert(t.Context(), "f1")
	if err != nil || !ok || got.Count != 2 || !got.SnoozedUntil.Equal(a.SnoozedUntil) || !got.Since.Equal(now) {
		t.Errorf("alert %+v, %v, %v", got, ok, err)
	}
	if firing, err := j.Firing(t.Context(), now.Add(time.Second)); err != nil || len(firing) != 1 {
		t.Errorf("firing %v, %v", firing, err)
	}
	if _, ok, err := j.Alert(t.Context(), "none"); ok || err != nil {
		t.Errorf("an alert that never was: %v, %v", ok, err)
	}
	if err := j.SaveSession(t.Context(), "h", "ops1", "p", now.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if person, proof, ok, err := j.Session(t.Context(), "h"); person != "ops1" || proof != "p" || !ok || err != nil {
		t.Errorf("session %q, %v, %v", person, ok, err)
	}
	j.now = func() time.Time { return now.Add(time.Hour) }
	if _, _, ok, err := j.Session(t.Context(), "h"); ok || err != nil {
		t.Errorf("expired session: %v, %v", ok, err)
	}
	if err := j.DeleteSession(t.Context(), "h"); err != nil {
		t.Error(err)
	}
}

func TestCallsAreKnownInTheirOrder(t *testing.T) {
	t.Parallel()
	j := open(t)
	now := clock()
	var want []time.Time
	for i := range keepCalls + 20 {
		at := now.Add(time.Duration(i) * time.Second)
		if i >= keepCalls { // the clock is set back
			at = at.Add(-time.Hour)
		}
		j.now = func() time.Time { return at }
		want = append(want, at)
		for _, platform := range []string{"chat", "other"} {
			if err := j.SaveCall(t.Context(), platform); err != nil {
				t.Fatal(err)
			}
		}
	}
	got, err := j.CalledAt(t.Context(), "chat")
	if err != nil || len(got) < keepCalls/2 || len(got) > keepCalls {
		t.Fatalf("%d calls are known: %v", len(got), err)
	}
	if want = want[len(want)-len(got):]; !slices.EqualFunc(got, want, time.Time.Equal) {
		t.Errorf("calls at %v, want %v", got, want)
	}
}

package handlers

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"recoverbot/bot"
	"recoverbot/runbook/journal"
	"recoverbot/runbook/journal/journaltest/blank"
)

func TestHubStore(t *testing.T) {
	t.Parallel()
	j, err := journal.Open(t.Context(), blank.DSN(t, filepath.Join(t.TempDir(), "j.db")), time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = j.Close() })
	s := HubStore(j)
	if err := s.SaveWanted(t.Context(), "run/step", 2, []byte(`{"title":"x"}`)); err != nil {
		t.Fatal(err)
	}
	shown := bot.StoredDelivery{Key: "run/step", Version: 2, Ref: "ref", Digest: "3f2a", Asks: true}
	if err := s.SaveDelivered(t.Context(), "web", shown); err != nil {
		t.Fatal(err)
	}
	wanted, err := s.Wanted(t.Context())
	if diff := cmp.Diff([]bot.StoredMessage{{Key: "run/step", Version: 2, Body: []byte(`{"title":"x"}`)}}, wanted); diff != "" || err != nil {
		t.Errorf("wanted %v:\n%s", err, diff)
	}
	delivered, err := s.Delivered(t.Context(), "web")
	if diff := cmp.Diff([]bot.StoredDelivery{shown}, delivered); diff != "" || err != nil {
		t.Errorf("delivered %v:\n%s", err, diff)
	}
}

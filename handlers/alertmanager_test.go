package handlers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"recoverbot/bot"
)

// alertmanagerProgram is Debian's; scripts/install-test-deps.sh installs it.
const alertmanagerProgram = "prometheus-alertmanager"

// A real Alertmanager fires, repeats, adds to a group, and resolves; at first the journal cannot be written.
func TestRealAlertmanager(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath(alertmanagerProgram)
	if err != nil {
		t.Fatalf("%v: run scripts/install-test-deps.sh", err)
	}
	w := newWorldOf(t, alertFleet)
	var requests, refusals atomic.Int64
	api := w.AlertsAPI(alertToken, func(string, string, int) {})
	server := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if requests.Add(1) == 1 { // as where the journal cannot store
			refusals.Add(1)
			http.Error(rw, "the disk is full", http.StatusServiceUnavailable)
			return
		}
		api.ServeHTTP(rw, r)
	}))
	t.Cleanup(server.Close)
	am := startAlertmanager(t, program, server.URL+"/alerts/alertmanager")

	am.alert(t, "app1:9100", "app1 is down", false)
	m := w.hub.some(t, says("alertmanager: 1 alert, told"))
	key := m.Key
	if refusals.Load() != 1 || len(m.Buttons) != 3 || !strings.Contains(m.Title, "app1") {
		t.Errorf("%d refusals, card %+v", refusals.Load(), m)
	}
	w.hub.until(t, key, says("told 3 times")) // it repeats: the card is edited
	am.alert(t, "nginx2:9100", "nginx2 <b>is</b> down", false)
	w.hub.until(t, key, says("also: nginx2")) // nginx is no scenario of this world
	am.alert(t, "app1:9100", "app1 is down", true)
	m = w.hub.until(t, key, inState("done"))
	if len(m.Buttons) != 0 {
		t.Errorf("resolved: %+v", m)
	}
	m = w.hub.some(t, says("nginx2 <b>is</b> down"))
	am.alert(t, "nginx2:9100", "nginx2 <b>is</b> down", true)
	w.hub.until(t, m.Key, inState("done"))
	rows, err := w.Journal.Firing(t.Context(), time.Time{})
	if err != nil || len(rows) != 2 {
		t.Errorf("%d rows, %v", len(rows), err)
	}
}

func says(part string) func(bot.Message) bool {
	return func(m bot.Message) bool { return strings.Contains(text(m), part) }
}

// some waits for any message that satisfies ok.
func (w *wanted) some(t *testing.T, ok func(bot.Message) bool) bot.Message {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for {
		w.mu.Lock()
		wake := w.wake
		for _, m := range w.last {
			if ok(m) {
				w.mu.Unlock()
				return m
			}
		}
		w.mu.Unlock()
		select {
		case <-wake:
		case <-deadline:
			t.Fatal("no message came to be as wanted")
		}
	}
}

// manager is a private Alertmanager.
type manager struct{ url string }

func startAlertmanager(t *testing.T, program, receiver string) manager {
	t.Helper()
	dir := t.TempDir()
	config := filepath.Join(dir, "alertmanager.yml")
	text := fmt.Sprintf(`
route: {receiver: recoverbot, group_by: [job], group_wait: 100ms, group_interval: 500ms, repeat_interval: 1s}
receivers:
  - name: recoverbot
    webhook_configs: [{url: %q, send_resolved: true, http_config: {authorization: {credentials: %s}}}]
`, receiver, alertToken)
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var output bytes.Buffer
	cmd := exec.CommandContext(ctx, program, "--config.file="+config, "--storage.path="+dir, "--web.listen-address="+address, "--cluster.listen-address=")
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait() // it was killed
		if t.Failed() {
			t.Logf("Alertmanager says:\n%s", output.String())
		}
	})
	m := manager{url: "http://" + address}
	deadline := time.Now().Add(10 * time.Second)
	for {
		r, err := http.Get(m.url + "/-/ready")
		if err == nil {
			_ = r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return m
			}
		}
		if time.Now().After(deadline) {
			t.Fatalf("Alertmanager does not get ready: %v", err)
		}
		<-time.After(50 * time.Millisecond)
	}
}

// alert tells Alertmanager what Prometheus would.
func (m manager) alert(t *testing.T, instance, summary string, resolved bool) {
	t.Helper()
	a := map[string]any{"labels": map[string]string{"alertname": "HostDown", "instance": instance, "job": "node"},
		"annotations": map[string]string{"summary": summary}}
	if resolved {
		a["endsAt"] = time.Now().Add(-time.Millisecond)
	}
	body, err := json.Marshal([]any{a})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.Post(m.url+"/api/v2/alerts", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Body.Close(); err != nil || r.StatusCode != http.StatusOK {
		t.Fatalf("Alertmanager: %s, %v", r.Status, err)
	}
}

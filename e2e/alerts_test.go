package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// post sends a body as a monitoring system does.
func (c *company) post(source, token string, body []byte) (int, string) {
	c.t.Helper()
	req, err := http.NewRequest(http.MethodPost, c.d.Console+"/alerts/"+source, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Expect", "100-continue") // what is refused for its size is not sent
	client := &http.Client{Timeout: 2 * time.Minute, Transport: &http.Transport{DisableKeepAlives: true, ExpectContinueTimeout: time.Minute}}
	res, err := client.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res.StatusCode, string(answer)
}

// recorded is what an Alertmanager sent, about a machine of this company.
func (c *company) recorded(name, host string) []byte {
	c.t.Helper()
	b, err := os.ReadFile(filepath.Join("../handlers/alert/alertmanager/testdata/firing.json"))
	if err != nil {
		c.t.Fatal(err)
	}
	return []byte(strings.NewReplacer("app1:9100", c.address(host)+":9100", "HostDown", name, "app1 does not answer", host+" does not answer").Replace(string(b)))
}

// burst is a body with as many alerts about one machine, each with a fingerprint of its own.
func (c *company) burst(host string, from, to int) []byte {
	c.t.Helper()
	var list []map[string]any
	for i := from; i < to; i++ {
		list = append(list, map[string]any{"status": "firing", "fingerprint": fmt.Sprintf("%016x", i), "startsAt": "2026-11-23T03:11:40Z",
			"labels":      map[string]string{"alertname": "HostDown", "instance": c.address(host) + ":9100", "path": fmt.Sprint("/v", i)},
			"annotations": map[string]string{"summary": fmt.Sprint("down: ", i), "description": strings.Repeat("words ", 50)}})
	}
	b, err := json.Marshal(map[string]any{"version": "4", "status": "firing", "alerts": list})
	if err != nil {
		c.t.Fatal(err)
	}
	return b
}

// rss is the memory of the bot's process in kB.
func (c *company) rss() int {
	c.t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.d.Bot.Pid))
	if err != nil {
		c.t.Fatal(err)
	}
	var kb int
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	if _, err := fmt.Sscan(rest, &kb); err != nil {
		c.t.Fatal(err)
	}
	return kb
}

// said waits for the console's one card of alerts to be as ok wants it.
func (w *console) said(what string, ok func(card) bool) card {
	w.c.t.Helper()
	var found card
	eventually(w.c.t, 30*time.Second, what, func() error {
		cards, err := w.cards("alert/")
		if err != nil {
			return err
		}
		if len(cards) != 1 || !ok(cards[0]) {
			return fmt.Errorf("%+v", cards)
		}
		found = cards[0]
		return nil
	})
	return found
}

// TestAlertsOfAMonitoringSystem sends what an Alertmanager sends to the bot of a company that is well.
func TestAlertsOfAMonitoringSystem(t *testing.T) {
	t.Parallel()
	c := start(t)
	w := c.console()
	firing := c.recorded("NginxDown", "nginx2")
	resolved := bytes.ReplaceAll(firing, []byte(`"firing"`), []byte(`"resolved"`))

	for name, x := range map[string]struct {
		source, token string
		body          []byte
		status        int
		text          string
	}{
		"wrong token": {"alertmanager", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", firing, 401, ""},
		"no token":    {"alertmanager", "", firing, 401, ""},
		"a person's":  {"alertmanager", c.d.Token, firing, 401, ""},
		"no source":   {"nagios", c.d.Alerts, firing, 404, "nagios"},
		"too large":   {"alertmanager", c.d.Alerts, append(bytes.Repeat([]byte(" "), 8<<20), firing...), 413, ""},
		"cut off":     {"alertmanager", c.d.Alerts, firing[:len(firing)/2], 400, ""},
	} {
		if status, answer := c.post(x.source, x.token, x.body); status != x.status || !strings.Contains(answer, x.text) {
			t.Errorf("%s: %d %s", name, status, answer)
		}
	}
	if cards, err := w.cards("alert/"); err == nil && len(cards) > 0 {
		t.Errorf("what was refused is shown: %+v", cards)
	}
	var alerts []alert
	if err := c.call("GET", "/api/alerts", nil, &alerts); err != nil || len(alerts) > 0 {
		t.Errorf("what was refused is kept: %v %+v", err, alerts)
	}

	// A prompt, its button, and how it ends.
	if status, answer := c.post("alertmanager", c.d.Alerts, firing); status != 200 || answer != "{\"ignored\":0,\"stored\":1}\n" {
		t.Fatalf("%d %s", status, answer)
	}
	prompt := w.said("a prompt", func(x card) bool { return x.Priority == 0 && strings.Contains(x.Title, "nginx2") })
	id := w.press("start", func(x card) bool { return x.Key == prompt.Key })
	var r struct {
		run
		Scenario string
		Params   map[string]string
	}
	if err := c.call("GET", "/api/runs/"+id, nil, &r); err != nil || r.Scenario != "nginx" || r.Params["which"] != "nginx2" {
		t.Errorf("Start began %q with %v: %v", r.Scenario, r.Params, err)
	}
	if err := c.decide(id, decision{Choice: "abort"}); err != nil {
		t.Error(err)
	}
	if status, answer := c.post("alertmanager", c.d.Alerts, resolved); status != 200 {
		t.Errorf("%d %s", status, answer)
	}
	w.said("the same card, over", func(x card) bool { return x.Key == prompt.Key && x.State == "done" && len(x.Buttons) == 0 })

	// A storm, in one body and in many: one prompt, and memory as before.
	if status, answer := c.post("alertmanager", c.d.Alerts, c.burst("primary", 0, 10)); status != 200 {
		t.Fatalf("%d %s", status, answer)
	}
	c.alerted("firing")
	before := c.rss()
	for i := range 20 {
		if status, answer := c.post("alertmanager", c.d.Alerts, c.burst("primary", 500*i, 500*i+500)); status != 200 {
			t.Fatalf("%d %s", status, answer)
		}
	}
	if status, answer := c.post("alertmanager", c.d.Alerts, c.burst("primary", 0, 10_000)); status != 200 || !strings.Contains(answer, `"stored":10000`) {
		t.Fatalf("%d %s", status, answer)
	}
	eventually(t, 30*time.Second, "one prompt", func() error {
		cards, err := w.cards("alert/")
		prompts := 0
		for _, x := range cards {
			if x.State == "down" && x.Priority == 0 {
				prompts++
			}
		}
		if err == nil && prompts != 1 {
			err = fmt.Errorf("%d prompts: %+v", prompts, cards)
		}
		return err
	})
	highest, begin := 0, time.Now()
	eventually(t, 60*time.Second, "memory as before", func() error {
		highest = max(highest, c.rss())
		if now := c.rss(); now > before+8<<10 {
			return fmt.Errorf("%d kB, before %d kB", now, before)
		}
		return nil
	})
	t.Logf("10 000 alerts, twice: %.1f MB before, at most %.1f MB seen after, as before again after %s", float64(before)/1024, float64(highest)/1024, time.Since(begin).Round(time.Second))
	if highest > before+40<<10 {
		t.Errorf("a storm took %d kB", highest-before)
	}
	var shown []alert
	if err := c.call("GET", "/api/alerts", nil, &shown); err != nil {
		t.Error(err)
	}
	open := 0
	for _, a := range shown {
		if a.State == "firing" {
			open++
		}
	}
	if open != 1 {
		t.Errorf("%d calls are open: %+v", open, shown)
	}
}

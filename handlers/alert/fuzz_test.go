package alert_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"testing"
	"testing/iotest"
	"unicode/utf8"

	"recoverbot/handlers/alert"
	"recoverbot/handlers/alert/alertmanager"
	"recoverbot/handlers/alert/generic"
	"recoverbot/handlers/alert/grafana"
	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// sources are all that read bodies from outside.
var sources = []alert.Source{
	alertmanager.Source{}, grafana.Source{},
	generic.New("zabbix", fleet.AlertMapping{Fingerprint: []string{"event_id"}, Status: "value", Resolved: []string{"0"}, Since: "since",
		Summary: "trigger", Labels: map[string]string{"instance": "host", "alertname": "severity"}}),
	generic.New("kuma", fleet.AlertMapping{Fingerprint: []string{"heartbeat.monitorID"}, Status: "heartbeat.status", Resolved: []string{"1"},
		Summary: "msg", Labels: map[string]string{"alertname": "monitor.name", "instance": "monitor.tags.0.value"}}),
	generic.New("own", fleet.AlertMapping{List: "data.items", Fingerprint: []string{"a", "b.1"}, Status: "up", Resolved: []string{"true"}, Since: "at",
		Labels: map[string]string{"instance": "host", "alertname": "name"}}),
}

// FuzzBody: no body of any source panics, gives more than it holds, or calls for anything that fleet.yaml does not have
// (fault 31).
func FuzzBody(f *testing.F) {
	recorded, err := filepath.Glob("*/testdata/*.json")
	if err != nil || len(recorded) == 0 {
		f.Fatalf("no recorded bodies: %v", err)
	}
	for _, name := range recorded {
		body, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		for i := range sources {
			f.Add(body, byte(i))
		}
	}
	for _, since := range []string{"0000-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00Z"} { // no year in UTC
		f.Add([]byte(`{"version": "4", "alerts": [{"status": "firing", "fingerprint": "f", "startsAt": "`+since+`", "labels": {"alertname": "HostDown", "instance": "app1"}}]}`), byte(0))
	}
	f.Add([]byte(`{"version": "4", "alerts": [{"status": "firing", "labels": {"alertname": "HostDown", "instance": "x; rm -rf /\n$(reboot)"}}]}`), byte(0))
	cfg := routed()
	f.Fuzz(func(t *testing.T, body []byte, which byte) {
		s := sources[int(which)%len(sources)]
		var got, again []alert.Event
		err := s.Parse(bytes.NewReader(body), func(e alert.Event) { got = append(got, e) })
		slow := s.Parse(iotest.OneByteReader(bytes.NewReader(body)), func(e alert.Event) { again = append(again, e) })
		var refused *runbook.Error
		switch {
		case err != nil && (!errors.As(err, &refused) || refused.Code != runbook.Invalid):
			t.Fatalf("an error that says nothing to the sender: %v", err)
		case (err == nil) != (slow == nil) || err == nil && !reflect.DeepEqual(got, again):
			t.Fatalf("in one piece %+v, %v; byte by byte %+v, %v", got, err, again, slow)
		case err != nil:
			return
		}
		size := 0
		for _, e := range got {
			size += len(e.Fingerprint) + len(e.Summary)
			sound := utf8.ValidString(e.Fingerprint + e.Summary)
			for k, v := range e.Labels {
				size += len(k) + len(v)
				sound = sound && utf8.ValidString(k+v)
			}
			if e.Fingerprint == "" || !sound {
				t.Errorf("%+v", e)
			}
			selects(t, cfg, s.Name(), e)
		}
		if size > 16*len(body) { // what is no text becomes three bytes, and labels are quoted where they stand in for a fingerprint
			t.Errorf("%d bytes became %d", len(body), size)
		}
	})
}

var identity = regexp.MustCompile(`^[0-9a-f]{16}$`)

// selects holds that what an event calls for is made of fleet.yaml alone, and can be journaled.
func selects(t *testing.T, cfg *fleet.Config, source string, e alert.Event) {
	t.Helper()
	a, ok := alert.NewRouter(cfg, source).Route(e)
	if _, err := json.Marshal(a.Since.UTC()); err != nil {
		t.Errorf("no journal can hold since when: %v", err)
	}
	if !identity.MatchString(a.Fingerprint) || a.Source != source || len(a.Findings)+len(a.Vantage) > 0 || a.Closed != "" {
		t.Errorf("%+v", a)
	}
	if !ok {
		if a.Host+a.Scenario+a.Level != "" || a.Params != nil {
			t.Errorf("no rule is for it, but: %+v", a)
		}
		return
	}
	if h, known := cfg.Host(a.Host); a.Host != "" && (!known || h.Retired) {
		t.Errorf("a host from outside: %q", a.Host)
	}
	ofRules := func(want string, of func(fleet.AlertRule) string) bool {
		return slices.ContainsFunc(cfg.Alerts.Rules, func(r fleet.AlertRule) bool { return of(r) == want })
	}
	if !ofRules(a.Scenario, func(r fleet.AlertRule) string { return r.Scenario }) && a.Scenario != cfg.Watch.Roles[0].Scenario && a.Scenario != "" {
		t.Errorf("a scenario from outside: %q", a.Scenario)
	}
	if !ofRules(a.Level, func(r fleet.AlertRule) string { return r.Level }) && a.Level != "service_down" {
		t.Errorf("a level from outside: %q", a.Level)
	}
	if len(a.Params) > 0 && !slices.ContainsFunc(cfg.Alerts.Rules, func(r fleet.AlertRule) bool {
		want := maps.Clone(r.Params)
		for k, v := range want {
			if v == fleet.HostParam {
				want[k] = a.Host
			}
		}
		return maps.Equal(want, a.Params)
	}) {
		t.Errorf("parameters from outside: %v", a.Params)
	}
}

// FuzzLabels is the same for labels alone, so that their text is what changes (fault 31).
func FuzzLabels(f *testing.F) {
	for _, v := range []string{"app1", "APP-primary:9100", "192.0.2.11:9100", "x; rm -rf /", "$(reboot)", "app1\n", "`id`", "192.0.2.30' OR '1'='1", "$host", "nginx1\x00",
		"app1\u202e", "old", "[192.0.2.11]:80", "\xff", "nginx", "primary", "auto"} {
		f.Add("HostDown", "nginx", v, "instance", v)
		f.Add(v, v, "app1", "team", v)
	}
	cfg := routed()
	f.Fuzz(func(t *testing.T, name, job, instance, key, value string) {
		labels := map[string]string{"alertname": name, "job": job, "instance": instance, key: value}
		selects(t, cfg, "alertmanager", alert.Event{Fingerprint: instance, Labels: labels, Summary: value})
	})
}

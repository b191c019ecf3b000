package generic

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"recoverbot/handlers/alert"
	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

var (
	zabbix = fleet.AlertMapping{Fingerprint: []string{"event_id"}, Status: "value", Resolved: []string{"0"}, Since: "since",
		Summary: "trigger", Labels: map[string]string{"host": "host", "severity": "severity"}}
	kuma = fleet.AlertMapping{Fingerprint: []string{"heartbeat.monitorID"}, Status: "heartbeat.status", Resolved: []string{"1"},
		Summary: "msg", Labels: map[string]string{"monitor": "monitor.name", "host": "monitor.tags.0.value"}}
)

func parsed(s alert.Source, body string) (got []alert.Event, err error) {
	err = s.Parse(strings.NewReader(body), func(e alert.Event) { got = append(got, e) })
	return got, err
}

func TestParse(t *testing.T) {
	t.Parallel()
	for file, c := range map[string]struct {
		mapping fleet.AlertMapping
		want    alert.Event
	}{
		"zabbix": {zabbix, alert.Event{Fingerprint: `"4711"`, Since: time.Unix(1795374700, 0),
			Summary: "Zabbix agent on app1 is unreachable for 3 minutes", Labels: map[string]string{"host": "app1", "severity": "Disaster"}}},
		"zabbix-resolved": {zabbix, alert.Event{Fingerprint: `"4711"`, Since: time.Unix(1795374700, 0), Resolved: true,
			Summary: "Zabbix agent on app1 is unreachable for 3 minutes", Labels: map[string]string{"host": "app1", "severity": "Disaster"}}},
		"uptime-kuma": {kuma, alert.Event{Fingerprint: `"7"`, Summary: "[app1 go-api] [🔴 Down] connect ECONNREFUSED 192.0.2.30:8080",
			Labels: map[string]string{"monitor": "app1 go-api", "host": "app1"}}},
		"uptime-kuma-up": {kuma, alert.Event{Fingerprint: `"7"`, Resolved: true, Summary: "[app1 go-api] [✅ Up] 200 - OK",
			Labels: map[string]string{"monitor": "app1 go-api", "host": "app1"}}},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			body, err := os.ReadFile("testdata/" + file + ".json")
			if err != nil {
				t.Fatal(err)
			}
			got, err := parsed(New(file, c.mapping), string(body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]alert.Event{c.want}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseList(t *testing.T) {
	t.Parallel()
	s := New("own", fleet.AlertMapping{List: "data.items", Fingerprint: []string{"a", "b.1"}, Status: "up", Resolved: []string{"true"}, Since: "at",
		Labels: map[string]string{"host": "host"}})
	got, err := parsed(s, `{"data": {"items": [{"a": 1, "b": [0, "x"], "up": false, "at": "2026-11-23T03:11:40Z", "host": null},
		{"a": "1,2", "b": [0, "x"], "up": true, "at": 1795374700123}]}, "more": [{"items": [1]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	want := []alert.Event{{Fingerprint: `"1","x"`, Labels: map[string]string{}, Since: time.Date(2026, 11, 23, 3, 11, 40, 0, time.UTC)},
		{Fingerprint: `"1,2","x"`, Labels: map[string]string{}, Since: time.UnixMilli(1795374700123), Resolved: true}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	list := zabbix
	list.List = "items"
	for body, c := range map[string]struct {
		mapping fleet.AlertMapping
		want    string
	}{
		`{"heartbeat": null, "monitor": null, "msg": "Testing"}`: {kuma, "heartbeat.monitorID is missing"},
		`{"event_id": "1"}`:                    {zabbix, "value is missing"},
		`{"event_id": {"x": 1}, "value": "1"}`: {zabbix, "event_id is missing"},
		`{"event_id": "1", "value": "1"} {}`:   {zabbix, "more than one"},
		`{"event_id": `:                        {zabbix, "unexpected EOF"},
		`[]`:                                   {zabbix, "event_id is missing"},
		`{"items": {}}`:                        {list, "items is no list"},
		`{"item": []}`:                         {list, "items is no list"},
		`"items"`:                              {list, "items is no list"},
		strings.Repeat("[", 1<<20):             {zabbix, "32"},
	} {
		_, err := parsed(New("x", c.mapping), body)
		var e *runbook.Error
		if !errors.As(err, &e) || e.Code != runbook.Invalid || !strings.Contains(fmt.Sprint(e.Msg), c.want) {
			t.Errorf("%.60s: %v", body, err)
		}
	}
}

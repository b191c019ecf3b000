package alert_test

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"recoverbot/handlers/alert"
	"recoverbot/handlers/alert/alertmanager"
	"recoverbot/handlers/alert/grafana"
	"recoverbot/runbook"
)

func stamp(s string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		panic(err)
	}
	return at
}

func TestRecordedBodies(t *testing.T) {
	t.Parallel()
	labels := func(instance string) map[string]string {
		return map[string]string{"alertname": "HostDown", "instance": instance, "job": "node", "severity": "critical"}
	}
	app1 := alert.Event{Fingerprint: "f33aded3a34a18e4", Labels: labels("app1:9100"), Summary: "app1 does not answer", Since: stamp("2026-11-23T04:44:16.590673252Z")}
	nginx2 := alert.Event{Fingerprint: "2361f885d8776bf0", Labels: labels("nginx2:9100"), Summary: "nginx2 & <b>co</b> do not answer", Since: stamp("2026-11-23T04:44:18.630717546Z")}
	over := func(e alert.Event) alert.Event { e.Resolved = true; return e }
	folder := func(instance string) map[string]string {
		return map[string]string{"alertname": "Host down", "grafana_folder": "Servers", "instance": instance}
	}
	for file, c := range map[string]struct {
		source alert.Source
		want   []alert.Event
	}{
		"alertmanager/testdata/firing.json":        {alertmanager.Source{}, []alert.Event{app1}},
		"alertmanager/testdata/group.json":         {alertmanager.Source{}, []alert.Event{app1, nginx2}},
		"alertmanager/testdata/part-resolved.json": {alertmanager.Source{}, []alert.Event{over(app1), nginx2}},
		"alertmanager/testdata/resolved.json":      {alertmanager.Source{}, []alert.Event{over(nginx2)}},
		"grafana/testdata/firing.json": {grafana.Source{}, []alert.Event{
			{Fingerprint: "c6eadffa33fcdf37", Labels: folder("192.0.2.30:9100"), Summary: "app1 is down", Since: stamp("2026-11-23T11:11:40.157076+08:00")},
			{Fingerprint: "bc97ff14869b13e3", Labels: folder("nginx2:9100"), Summary: "Host down", Since: stamp("2026-11-23T11:05:00+08:00"), Resolved: true}}},
	} {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			body, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := parsed(c.source, string(body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// parsed reads a body that comes in small pieces.
func parsed(s alert.Source, body string) ([]alert.Event, error) {
	var got []alert.Event
	err := s.Parse(iotest.HalfReader(strings.NewReader(body)), func(e alert.Event) { got = append(got, e) })
	return got, err
}

func said(err error) string {
	var e *runbook.Error
	if errors.As(err, &e) {
		return fmt.Sprint(e.Msg)
	}
	return ""
}

// TestBodiesThatAreRefused: fault 34.
func TestBodiesThatAreRefused(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		``:                                 "EOF",
		`[]`:                               "the body is no object",
		`{"version": "3", "alerts": []}`:   `"3", not 4`,
		`{"version": "4"}`:                 "no alerts",
		`{"version": "4", "alerts": {}}`:   "alerts is no list",
		`{"version": "4", "alerts": []} 1`: "more than one",
		`{"version": "4", "alerts": [`:     "EOF",
		`{"alerts": [{"status": "firing", "fingerprint": "f", "annotations": {"x": "` + strings.Repeat("x", 1<<20) + `"}}], "version": "4"}`: "alerts[0] is larger than 1024 KB",
		`{"version": "4", "alerts": [{"status": "on"}]}`:                                                           `"on", not firing`,
		`{"version": "4", "alerts": [{"status": "firing"}]}`:                                                       "neither fingerprint nor labels",
		`{"version": "4", "alerts": [{"status": "firing", "startsAt": "now"}]}`:                                    "parsing time",
		`{"version": "4", "alerts": [{"status": "firing", "labels": {"a": {"b": 1}}}]}`:                            "cannot unmarshal object",
		`{"version": "4", "alerts": [], "x": ` + strings.Repeat(`{"x":`, 40) + `1` + strings.Repeat(`}`, 40) + `}`: "alert.too_deep",
	} {
		_, err := parsed(alertmanager.Source{}, body)
		if runbook.CodeOf(err) != runbook.Invalid || !strings.Contains(said(err), want) {
			t.Errorf("%.80s: %v", body, err)
		}
	}
	deepInText := `{"version": "4", "alerts": [{"status": "firing", "fingerprint": "f", "annotations": {"summary": "` + strings.Repeat(`[\"{`, 100) + `"}}]}`
	if got, err := parsed(alertmanager.Source{}, deepInText); err != nil || len(got) != 1 {
		t.Errorf("brackets in a text: %v, %v", got, err)
	}
}

package alert_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"recoverbot/handlers/alert"
	"recoverbot/runbook/fleet"
)

func routed() *fleet.Config {
	return &fleet.Config{
		Hosts: []fleet.Host{
			{Name: "app1", Address: "192.0.2.30", Aliases: []string{"app-primary"}, Roles: []string{"primary"}},
			{Name: "nginx1", Address: "192.0.2.11", Roles: []string{"nginx"}}, {Name: "nginx2", Address: "192.0.2.12", Roles: []string{"nginx"}},
			{Name: "old", Address: "192.0.2.99", Retired: true},
		},
		Watch: fleet.Watch{Roles: []fleet.WatchRole{{Role: "primary", Scenario: "primary"}}},
		Alerts: fleet.Alerts{Rules: []fleet.AlertRule{
			{Source: "grafana", Match: map[string]string{"alertname": "HostDown"}, Scenario: "total"},
			{Match: map[string]string{"alertname": "HostDown", "job": "/nginx|lb/"}, HostLabel: "instance", Scenario: "nginx",
				Params: map[string]string{"which": "$host", "how": "kill"}, Level: "silent"},
			{Match: map[string]string{"alertname": "HostDown"}, HostLabel: "instance", Scenario: "auto", Level: "silent"},
			{Match: map[string]string{"alertname": "DiskFull"}, Host: "primary"},
			{Match: map[string]string{"team": ""}, Host: "nginx", Scenario: "nginx"},
		}},
	}
}

// TestRoute: labels select among what fleet.yaml has, whatever they say (fault 31).
func TestRoute(t *testing.T) {
	t.Parallel()
	nginx := func(host string) alert.Alert {
		return alert.Alert{Host: host, Scenario: "nginx", Params: map[string]string{"which": host, "how": "kill"}, Level: "silent"}
	}
	for name, c := range map[string]struct {
		labels map[string]string
		want   alert.Alert
		not    bool
	}{
		"by name":         {labels: map[string]string{"alertname": "HostDown", "job": "nginx", "instance": "nginx2"}, want: nginx("nginx2")},
		"by address:port": {labels: map[string]string{"alertname": "HostDown", "job": "lb", "instance": "192.0.2.11:9100"}, want: nginx("nginx1")},
		"by alias, auto": {labels: map[string]string{"alertname": "HostDown", "job": "node", "instance": "APP-primary:9100"},
			want: alert.Alert{Host: "app1", Scenario: "primary", Level: "silent"}},
		"auto without a watched role": {labels: map[string]string{"alertname": "HostDown", "instance": "nginx1"}, want: alert.Alert{Host: "nginx1", Level: "silent"}},
		"role with one host":          {labels: map[string]string{"alertname": "DiskFull", "team": "x"}, want: alert.Alert{Host: "app1"}},
		"role with two hosts":         {labels: map[string]string{}, want: alert.Alert{Scenario: "nginx", Level: "service_down"}},
		"unknown host":                {labels: map[string]string{"alertname": "HostDown", "instance": "elsewhere", "team": "x"}, not: true},
		"retired host":                {labels: map[string]string{"alertname": "HostDown", "instance": "old", "team": "x"}, not: true},
		"no rule":                     {labels: map[string]string{"alertname": "Other", "team": "x"}, not: true},
		"part of an expression":       {labels: map[string]string{"alertname": "HostDown", "job": "nginxx", "instance": "nginx1"}, want: alert.Alert{Host: "nginx1", Level: "silent"}},
		"host and a command":          {labels: map[string]string{"alertname": "HostDown", "instance": "app1; rm -rf /", "team": "x"}, not: true},
		"host and a substitution":     {labels: map[string]string{"alertname": "HostDown", "instance": "$(reboot)", "team": "x"}, not: true},
		"host and a newline":          {labels: map[string]string{"alertname": "HostDown", "instance": "app1\n", "team": "x"}, not: true},
		"host and SQL":                {labels: map[string]string{"alertname": "HostDown", "instance": "192.0.2.30' OR '1'='1", "team": "x"}, not: true},
		"value and a newline":         {labels: map[string]string{"alertname": "HostDown\n", "instance": "app1", "team": "x"}, not: true},
		"$host from outside":          {labels: map[string]string{"alertname": "HostDown", "instance": "$host", "team": "x"}, not: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := alert.NewRouter(routed(), "alertmanager").Route(alert.Event{Fingerprint: "f", Labels: c.labels})
			if ok == c.not {
				t.Fatalf("ok %t: %+v", ok, got)
			}
			if diff := cmp.Diff(c.want, got, cmpopts.IgnoreFields(alert.Alert{}, "Source", "Fingerprint"), cmpopts.EquateEmpty()); ok && diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if got, _ := alert.NewRouter(routed(), "grafana").Route(alert.Event{Labels: map[string]string{"alertname": "HostDown"}}); got.Scenario != "total" {
		t.Errorf("a rule of one source: %+v", got)
	}
}

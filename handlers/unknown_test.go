package handlers

import (
	"strings"
	"testing"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

func TestUnknownNamesInAScenario(t *testing.T) {
	t.Parallel()
	cfg := company(usual...)
	cfg.Services = []fleet.Service{{Name: "go-api"}}
	probe := runbook.Probe{Kind: "service", Host: "dead", Service: "go-api", From: "host:nginx1"}
	bad := probe
	bad.Service, bad.Down = "go-app", []string{"report", "app9"}
	s := runbook.Scenario{
		Name: "own", Bind: map[string]runbook.Binding{"dead": from("primary")},
		When:   []runbook.Probe{probe, {Kind: "ssh", Host: "$param.which"}},
		Guards: map[string]runbook.Guard{"default": {All: []runbook.Probe{bad}}},
		Steps: []runbook.Step{
			{ID: "take", Kind: "enrol", With: `{"bind": "fresh"}`},
			{ID: "a", Host: "fresh", On: []string{"go-api", "go-fly", "member"}},
			{ID: "b", On: []string{"nginx", "host:app2", "nginx3"}},
			{ID: "c", Host: "new"},
		},
	}
	var got []string
	for _, m := range Unknown(cfg, s) {
		got = append(got, m.Args["step"].(string)+" "+m.Args["name"].(string)+" "+m.Args["best"].(string))
	}
	if text := strings.Join(got, "; "); text != "guard default app9 app1; guard default go-app go-api; a go-fly ; b nginx3 nginx; c new " {
		t.Errorf("unknown: %s", text)
	}
}

package main

import (
	"testing"

	"github.com/goccy/go-yaml"

	"recoverbot/runbook"
)

// TestNoParameterTakesAnythingElse: each parameter of each built-in scenario, and each field of its forms, refuses what is
// SQL, shell, markup or a path (fault 32).
func TestNoParameterTakesAnythingElse(t *testing.T) {
	t.Parallel()
	set := builtInScenarios(t)
	values := []string{"1.1.1.1' OR '1'='1", "1.1.1.1; rm -rf /", "$(reboot)", "`id`", "a\nb", "a\x00b", "a b", "../../etc/passwd", "/etc/passwd", "-oProxyCommand=id", "fe80::1%; id",
		"{{.x}}", "${HOME}", "speed\\", "speed`", "speed\"", "<!channel>", "@everyone", "<b>x</b>", "[x](http://192.0.2.1)", "\u202elqs.sql", "a\u200bb", "\x1b[2J", "\xff"}
	fields := 0
	for name, s := range set {
		all := s.Params
		for _, step := range s.Steps {
			var with struct {
				Form []runbook.Param `yaml:"form"`
			}
			if err := yaml.Unmarshal([]byte(step.With), &with); err != nil {
				continue // another kind's
			}
			all = append(all[:len(all):len(all)], with.Form...)
		}
		for _, p := range all {
			fields++
			for _, v := range values {
				if got, wrong := p.Answer(v); wrong.IsZero() {
					t.Errorf("%s: %s (%s) takes %q as %q", name, p.Name, p.Type, v, got)
				}
				if p.Type != "host" && p.Fits(v) { // of those the fleet knows the names
					t.Errorf("%s: %s (%s) takes %q", name, p.Name, p.Type, v)
				}
			}
		}
	}
	if fields < 20 {
		t.Errorf("only %d parameters and fields were found", fields)
	}
}

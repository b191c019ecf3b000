package copy

import (
	"testing"

	"recoverbot/runbook"
	"recoverbot/runbook/action/actiontest"
)

// What only the black box may have is said with the command that gets it out; what a machine has is copied from there.
func TestTheBlackBoxOnPaper(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "primary", "standby", "report")
	for name, tc := range map[string]struct {
		from  string
		typed int
	}{
		"only the box":            {`"blackbox:primary"`, 1},
		"a machine, then the box": {`report, "blackbox:primary", "blackbox:report"`, 3},
	} {
		a, _ := build(t, c, "files: [{from: ["+tc.from+"], path: $service.go-fly.config, to_path: $service.go-fly.config}]")
		s := a.(runbook.Paper).Paper(runbook.Plan{})
		if len(s.Typed) != tc.typed {
			t.Fatalf("%s: %+v", name, s.Typed)
		}
		last := s.Typed[len(s.Typed)-1]
		src, dst := c.Path("primary", "/wwwroot/go/go-fly/config.yaml"), c.Path("standby", "/wwwroot/go/go-fly/config.yaml")
		if m := last.Note; m.ID != "paper.copy_box" || last.Script != "" || m.Args["command"] != "recoverbot blackbox get primary "+src || m.Args["to"] != dst {
			t.Errorf("%s: %+v", name, m)
		}
	}
}

package roles

import (
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/paper"
)

// Paper says what to write into the bot's own fleet.yaml, when there is time for it.
func (r *roles) Paper(p runbook.Plan) runbook.Sheet {
	var s runbook.Sheet
	note := func(m runbook.Msg) { s.Typed = append(s.Typed, runbook.Typed{Note: m}) }
	note(runbook.T("paper.roles", "path", r.env.Fleet.Config().Path()))
	if len(p.Effect.Exact) > 0 && p.Effect.Exact[0].Format == "diff" {
		for l := range strings.Lines(p.Effect.Exact[0].Text) {
			note(runbook.T("paper.line", "text", strings.TrimRight(l, "\r\n")))
		}
		return s
	}
	want, err := r.wanted()
	if err != nil {
		note(action.Refuse(err).Text)
	}
	for _, c := range want {
		if paper.IsUnknown(c.host) {
			c.host = fleet.Host{Name: c.host.Name, Address: "$" + paper.Variable(c.host.Name, "ADDRESS"), Roles: c.host.Roles}
		}
		note(c.msg())
	}
	return s
}

package service

import (
	"net"
	"strconv"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/paper"
)

// Paper is the commands of fleet.yaml for every service that the machine has, whatever state it was in.
func (s *service) Paper(runbook.Plan) runbook.Sheet {
	h, err := s.env.Target()
	if err != nil {
		return runbook.Sheet{Typed: []runbook.Typed{{Note: action.Refuse(err).Text}}}
	}
	names, err := s.resolved()
	if err != nil {
		return runbook.Sheet{Typed: []runbook.Typed{{Note: action.Refuse(err).Text}}}
	}
	var b, off, see strings.Builder
	for _, name := range names {
		svc, err := s.env.Service(name)
		if err != nil {
			return runbook.Sheet{Typed: []runbook.Typed{{Note: action.Refuse(err).Text}}}
		}
		do := map[string]string{"restart": svc.Restart, "start": svc.Start}[s.spec.Do]
		if !s.spec.starts() {
			do = svc.Stop
		} else if svc.Enable != "" {
			do += "\n" + svc.Enable
		}
		b.WriteString("if " + svc.Installed + "; then\n" + do + "\nfi\n")
		if s.spec.Do == "retire" && svc.Disable != "" { // what is disabled first stays down, also where a stop hangs
			off.WriteString("if " + svc.Installed + "; then\n" + svc.Disable + "\nfi\n")
		}
		see.WriteString("if " + svc.Status + "; then echo " + paper.Quote(name+": running") + "; else echo " + paper.Quote(name+": stopped") + "; fi\n")
		if s.spec.starts() && svc.Health.Port != 0 {
			url := "http://" + net.JoinHostPort(h.LoopbackAddress(), strconv.Itoa(svc.Health.Port)) + svc.Health.Path
			see.WriteString("curl -sS -m 10 --retry 12 --retry-delay 5 --retry-connrefused -o /dev/null -w '%{http_code}\\n' " + paper.Quote(url) + "\n")
		}
	}
	note := runbook.T("paper.see_running")
	if !s.spec.starts() {
		note = runbook.T("paper.see_stopped")
	}
	return runbook.Sheet{Typed: []runbook.Typed{
		{Host: h.Name, Script: off.String() + b.String()},
		{Host: h.Name, Note: note, Script: see.String()},
	}}
}

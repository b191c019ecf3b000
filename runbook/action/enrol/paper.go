package enrol

import (
	"fmt"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/paper"
)

// Paper leaves the machine's address to be filled in at the top of the paper, and has its key compared by eye.
func (a *enrol) Paper(runbook.Plan) runbook.Sheet {
	bind := a.spec.bind()
	h := paper.Unknown(bind)
	value := func(ref, or string) string {
		if v, err := a.env.Value(ref); err == nil && v != "" && plain(v) {
			return v
		}
		return or
	}
	address := value(a.spec.Address, "")
	var spares []string
	for _, s := range a.env.Fleet.Config().WithRole("spare") {
		text := fmt.Sprintf("%s %s (port %d, user %s", s.Name, s.Address, s.Port, s.User)
		if s.DNSIP.IsValid() {
			text += ", public " + s.DNSIP.String()
		}
		spares = append(spares, text+")")
	}
	blank := func(what, v string) runbook.Blank {
		return runbook.Blank{Name: paper.Variable(bind, what), Value: v, Note: runbook.T("paper.blank_"+map[string]string{
			"ADDRESS": "address", "PORT": "port", "USER": "user", "DNS_IP": "dns_ip"}[what], "spares", strings.Join(spares, ", "))}
	}
	return runbook.Sheet{
		Values:  paper.Enrolled(bind),
		Machine: bind,
		Blanks: []runbook.Blank{blank("ADDRESS", address), blank("PORT", value(a.spec.Port, "22")), blank("USER", value(a.spec.User, "root")),
			blank("DNS_IP", value(a.spec.DNSIP, address))},
		Typed: []runbook.Typed{
			{Note: runbook.T("paper.enrol"), Script: `ssh-keyscan -p "${` + paper.Variable(bind, "PORT") + `:?}" "${` + paper.Variable(bind, "ADDRESS") + `:?}" 2>/dev/null | ssh-keygen -lf -` + "\n"},
			{Note: runbook.T("paper.enrol_same"), Script: "ssh -t " + paper.Login(a.env.Fleet.Config(), h) + " uname -a\n"},
		},
	}
}

// plain holds for what may stand in a shell's variable without a thought.
func plain(v string) bool {
	for _, r := range v {
		if (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '.' && r != ':' && r != '_' && r != '-' {
			return false
		}
	}
	return true
}

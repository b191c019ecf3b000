package fleet

import (
	"os"
	"slices"

	"recoverbot/runbook"
)

// Warnings lists what is allowed but probably not meant: what `check` tells, and nothing refuses.
func (c *Config) Warnings() []runbook.Msg {
	var out []runbook.Msg
	warn := func(id string, pairs ...any) { out = append(out, runbook.T(id, pairs...)) }
	approvers, danger := 0, 0
	for _, p := range c.People {
		dangerous := slices.Contains(p.Roles, "danger")
		if dangerous {
			danger++
		}
		if dangerous || slices.Contains(p.Roles, "approver") {
			approvers++
			if p.Slack == "" && p.Telegram == 0 && p.TokenHash == "" {
				warn("fleet.warn_no_way_in", "name", p.Name)
			}
		}
	}
	need := c.Policy.Needs("")
	switch {
	case approvers == 0:
		warn("fleet.warn_no_approver")
	case approvers < need:
		warn("fleet.warn_few_approvers", "have", approvers, "need", need)
	case danger == 0:
		warn("fleet.warn_no_danger")
	case danger < need:
		warn("fleet.warn_few_danger", "have", danger, "need", need)
	case c.Policy.TwoPerson && danger < 2:
		warn("fleet.warn_two_person")
	}
	if len(c.Policy.OnCall) == 0 {
		warn("fleet.warn_no_on_call")
	}
	if !slices.ContainsFunc(c.People, func(p Person) bool { return p.TokenHash != "" }) {
		warn("fleet.warn_no_token")
	}
	for _, role := range []string{"primary", "standby", "nginx", "backup"} {
		if len(c.WithRole(role)) == 0 {
			warn("fleet.warn_no_host", "role", role)
		}
	}
	for _, role := range []string{"nginx", "standby", "primary"} {
		p, ok := c.Provision[role]
		if !ok {
			warn("fleet.warn_no_provision", "role", role)
		} else if _, err := os.ReadFile(c.Beside(p.Script)); err != nil {
			warn("ssh.no_provision_file", "role", role, "file", c.Beside(p.Script))
		}
	}
	for _, h := range c.Hosts {
		if !h.Retired && h.HasRole("primary") && !h.DNSIP.IsValid() {
			warn("fleet.no_dns_ip", "host", h.Name)
		}
	}
	if len(c.Watch.Roles) > 0 && len(c.Watch.From) == 0 {
		warn("fleet.warn_one_vantage")
	}
	return out
}

package roles

import (
	"regexp"
	"slices"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

var rolePattern = regexp.MustCompile(`^[a-z][a-z0-9_-]{0,39}$`)

// change is what becomes of one host in fleet.yaml.
type change struct {
	host   fleet.Host
	add    bool // it is not in the file yet
	assign bool
	roles  []string
	retire bool
}

func (c change) msg() runbook.Msg {
	switch {
	case c.retire:
		return runbook.T("roles.retires", "host", c.host.Name)
	case c.add:
		return runbook.T("roles.adds", "host", c.host.Name, "address", c.host.Address, "roles", strings.Join(c.roles, ", "))
	}
	return runbook.T("roles.assigns", "host", c.host.Name, "before", strings.Join(c.host.Roles, ", "), "roles", strings.Join(c.roles, ", "))
}

// wanted resolves the step's references into one change a host, those in the file first, in a fixed order.
func (r *roles) wanted() ([]change, error) {
	cfg := r.env.Fleet.Config()
	var out []change
	at := func(h fleet.Host) *change {
		for i := range out {
			if out[i].host.Name == h.Name {
				return &out[i]
			}
		}
		have, listed := cfg.Host(h.Name)
		if listed {
			h = have
		}
		out = append(out, change{host: h, add: !listed, roles: h.Roles})
		return &out[len(out)-1]
	}
	refs := make([]string, 0, len(r.spec.Assign))
	for ref := range r.spec.Assign {
		refs = append(refs, ref)
	}
	slices.Sort(refs)
	for _, ref := range refs {
		hs, err := r.env.Hosts(ref)
		if err != nil {
			return nil, err
		}
		for _, h := range hs {
			c := at(h)
			c.assign, c.roles = true, r.spec.Assign[ref]
		}
	}
	added, err := r.env.Hosts(r.spec.Add...)
	if err != nil {
		return nil, err
	}
	for _, h := range added {
		at(h)
	}
	retired, err := r.env.Hosts(r.spec.Retire...)
	if err != nil {
		return nil, err
	}
	for _, h := range retired {
		c := at(h)
		if c.add {
			return nil, runbook.Errorf(runbook.Invalid, "fleet.unknown_host", "ref", h.Name)
		}
		c.retire, c.assign, c.roles = true, true, nil
	}
	for _, c := range out {
		if c.add && !slices.Contains(names(added), c.host.Name) {
			return nil, runbook.Errorf(runbook.Invalid, "fleet.unknown_host", "ref", c.host.Name)
		}
	}
	return out, nil
}

func names(hs []fleet.Host) []string {
	var out []string
	for _, h := range hs {
		out = append(out, h.Name)
	}
	return out
}

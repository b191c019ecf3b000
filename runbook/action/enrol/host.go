package enrol

import (
	"net/netip"
	"regexp"
	"strconv"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

var (
	namePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	userPattern = regexp.MustCompile(`^[a-z_][a-z0-9_-]{0,31}$`)
	hostName    = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$`)
	numeric     = regexp.MustCompile(`^[0-9.]+$`)
)

// host is the new machine as the step describes it. A spare that fleet.yaml already lists under its address keeps its
// own entry, name included; any other name or address of the fleet is refused.
func (a *enrol) host() (fleet.Host, error) {
	h := fleet.Host{Port: 22, User: "root", Roles: a.spec.Roles}
	var port, dns string
	for _, f := range []struct {
		ref string
		to  *string
	}{{a.spec.Name, &h.Name}, {a.spec.Address, &h.Address}, {a.spec.Port, &port}, {a.spec.User, &h.User}, {a.spec.DNSIP, &dns}} {
		if f.ref == "" {
			continue
		}
		v, err := a.env.Value(f.ref)
		if err != nil {
			return h, err
		}
		if v != "" {
			*f.to = v
		}
	}
	bad := func(field, value string) (fleet.Host, error) {
		return h, runbook.Errorf(runbook.Invalid, "enrol.bad_field", "field", field, "value", value)
	}
	if ip, err := netip.ParseAddr(h.Address); err == nil && ip.Zone() == "" {
		h.Address, h.DNSIP = ip.Unmap().String(), ip.Unmap()
	} else if len(h.Address) > 253 || !hostName.MatchString(h.Address) || numeric.MatchString(h.Address) {
		return bad("address", h.Address)
	}
	if dns != "" {
		ip, err := netip.ParseAddr(dns)
		if err != nil || ip.Zone() != "" {
			return bad("dns_ip", dns)
		}
		h.DNSIP = ip.Unmap()
	}
	if port != "" {
		n, err := strconv.Atoi(port)
		if err != nil || n < 1 || n > 65535 {
			return bad("port", port)
		}
		h.Port = n
	}
	if !namePattern.MatchString(h.Name) {
		return bad("name", h.Name)
	}
	if !userPattern.MatchString(h.User) {
		return bad("user", h.User)
	}
	return a.known(h)
}

// known compares the machine with those of fleet.yaml.
func (a *enrol) known(h fleet.Host) (fleet.Host, error) {
	for _, have := range a.env.Fleet.Config().Hosts {
		switch {
		case have.Retired && have.Name != h.Name: // its address may have a new machine
		case have.Address == h.Address && have.HasRole("spare"), a.ours(have):
			return have, nil
		case have.Name == h.Name:
			return h, runbook.Errorf(runbook.Conflicting, "enrol.name_taken", "name", h.Name)
		case have.Address == h.Address:
			return h, runbook.Errorf(runbook.Conflicting, "enrol.address_taken", "address", h.Address, "host", have.Name)
		}
	}
	return h, nil
}

// ours reports whether fleet.yaml has the machine because a later step of this run has added it.
func (a *enrol) ours(have fleet.Host) bool {
	r := a.env.Step.Result
	if r == nil {
		return false
	}
	return r.Values["name"] == have.Name && r.Values["address"] == have.Address
}

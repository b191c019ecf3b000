package enrol

import (
	"encoding/json"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

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
// own entry, name included; any other machine of the fleet or of the run is refused, by whatever name it is meant.
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
	h, err := a.known(h, dns != "")
	if err != nil {
		return h, err
	}
	return h, a.twice(h)
}

// known compares the machine with those of fleet.yaml; publicly is whether its public address was entered.
func (a *enrol) known(h fleet.Host, publicly bool) (fleet.Host, error) {
	hosts := a.env.Fleet.Config().Hosts
	for _, have := range hosts {
		switch {
		case have.Retired || !a.ours(have) && (have.Address != h.Address || !have.HasRole("spare")):
		case publicly && have.DNSIP != h.DNSIP: // the run would go on with what the file says
			return h, runbook.Errorf(runbook.Conflicting, "enrol.other_dns_ip", "host", have.Name, "have", have.DNSIP.String(), "entered", h.DNSIP.String())
		default:
			return have, nil
		}
	}
	for _, have := range hosts {
		if have.Name == h.Name {
			return h, runbook.Errorf(runbook.Conflicting, "enrol.name_taken", "name", h.Name)
		}
		if address := shared(h, have); address != "" {
			id := "enrol.address_taken"
			if have.Retired { // one address cannot mean two machines: the step that writes fleet.yaml would refuse it in the end
				id = "enrol.address_retired"
			}
			return h, runbook.Errorf(runbook.Conflicting, id, "address", address, "host", have.Name)
		}
	}
	return h, nil
}

// twice is an error where another step of the run has taken in the same machine: the primary of now must not be made
// its own standby.
func (a *enrol) twice(h fleet.Host) error {
	for _, s := range a.env.Run.Steps {
		if s.Def.Kind != a.env.Step.Def.Kind || s.ID == a.env.Step.ID || s.State != runbook.Done || s.Result == nil {
			continue
		}
		var have fleet.Host
		if err := json.Unmarshal([]byte(s.Result.Values["host"]), &have); err != nil {
			continue // nothing was taken in
		}
		if have.Name == h.Name || shared(h, have) != "" {
			return runbook.Errorf(runbook.Conflicting, "enrol.twice", "host", have.Name, "address", have.Address, "step", s.ID)
		}
	}
	return nil
}

// shared is an address of h that means the other machine as well; "" where there is none.
func shared(h, other fleet.Host) string {
	for _, name := range h.Names() {
		if slices.ContainsFunc(other.Names(), func(n string) bool { return strings.EqualFold(n, name) }) {
			return name
		}
	}
	return ""
}

// ours reports whether fleet.yaml has the machine because a later step of this run has added it.
func (a *enrol) ours(have fleet.Host) bool {
	r := a.env.Step.Result
	if r == nil {
		return false
	}
	return r.Values["name"] == have.Name && r.Values["address"] == have.Address
}

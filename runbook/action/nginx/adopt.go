package nginx

import (
	"context"
	"errors"
	"net/netip"
	"slices"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// adopted plans that a copied configuration listens on its new machine: every `listen` with an address of one of the
// machines it came from gets the address of own of the same sort.
func (t *tree) adopted(from []fleet.Host, own fleet.Host) (*edits, error) {
	e := &edits{ops: map[string][]op{}}
	for _, p := range t.others {
		if !p.listens() {
			continue
		}
		i := slices.IndexFunc(from, func(h fleet.Host) bool { return isOneOf(p.addr.host, h.Names()) })
		if i < 0 || isOneOf(p.addr.host, own.Names()) {
			continue
		}
		if err := located(p); err != nil {
			return nil, err
		}
		e.add(p.file, p.stmt.rehost(t.files[p.file], counterpart(p.addr.host, from[i], own)))
	}
	return e, nil
}

func (p place) listens() bool {
	return p.ok && p.stmt.end > 0 && p.stmt.words[0].text == "listen"
}

// counterpart is own's address that is to it what written is to h: the public one for a public one.
func counterpart(written string, h, own fleet.Host) string {
	ip, err := netip.ParseAddr(written)
	if err == nil && own.DNSIP.IsValid() && ip.Unmap() == h.DNSIP && !isOneOf(written, []string{h.Address}) {
		return own.DNSIP.String()
	}
	return own.Address
}

// planAdopt works out the edits of a copied configuration. nginx need not run with it yet.
func (a *nginx) planAdopt(ctx context.Context, own fleet.Host) (p runbook.Plan, err error) {
	from, err := a.env.Hosts(a.spec.Adopt...)
	if err != nil {
		return p, err
	}
	p.Summary = runbook.T("nginx.adopt", "host", own.Name)
	m, err := a.look(ctx)
	if err != nil {
		return p, err
	}
	defer m.close()
	e, err := checked(m.tree.adopted(from, own))
	if err != nil {
		return p, err
	}
	if len(e.ops) == 0 { // otherwise it cannot pass before it is edited
		if err := a.passes(ctx, m); err != nil {
			return p, err
		}
	}
	ch, err := m.change(e, own.Name, a.spec.mode())
	if err != nil {
		return p, err
	}
	for _, h := range from {
		for _, place := range m.tree.mentions(h.Names()) {
			if !place.listens() {
				p.Warnings = append(p.Warnings, runbook.T("nginx.mentioned", "machine", h.Name, "file", place.file, "line", place.stmt.line))
			}
		}
	}
	return a.finish(p, m, e, ch)
}

// isStopped tells that no nginx runs with the configuration from any other trouble.
func isStopped(err error) bool {
	var e *runbook.Error
	return errors.As(err, &e) && e.Msg.ID == "nginx.no_master"
}

package sql

import (
	"context"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/probe"
)

var hostName = regexp.MustCompile(`^(?i)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.?$`)

// reach asks whether users will find the machine under its domains, and can trust it there. What is wrong needs a
// reason to go on; nothing of it is part of the effect.
func (r *rows) reach(ctx context.Context, p *runbook.Plan, n newcomer, list []listed, fresh []newRow) {
	type place struct{ domain, ip string }
	var places []place
	up := strconv.Itoa(n.l.Up)
	for _, row := range list {
		if means(n.host, row.ip) && !row.unticked && (row.to == up || row.to == "" && row.status == up) {
			places = append(places, place{row.name, n.ip})
		}
	}
	for _, row := range fresh {
		if !row.there && !row.unticked && n.of(row, n.l.Status).text == up {
			places = append(places, place{n.of(row, n.l.Domain).text, n.of(row, n.l.IP).text})
		}
	}
	hosts := map[string]fleet.Host{}
	var probes []runbook.Probe
	for i, pl := range places {
		if pl.ip != n.ip {
			p.Danger = true
			p.Warnings = append(p.Warnings, runbook.T("sql.add_other_ip", "ip", pl.ip, "host", n.host.Name, "own", n.ip))
		}
		if slices.Contains(places[:i], pl) || n.index(n.l.Domain) < 0 {
			continue
		}
		if len(pl.domain) > 253 || !hostName.MatchString(pl.domain) {
			p.Facts = append(p.Facts, runbook.T("sql.add_no_name", "domain", clip(pl.domain)))
			continue
		}
		ip, err := netip.ParseAddr(pl.ip)
		if err != nil {
			continue // validIP has seen to it
		}
		ref := strconv.Itoa(i)
		h := n.host
		h.DNSIP = ip
		hosts[ref] = h
		ask := runbook.Probe{Kind: "name", Host: ref, Name: strings.TrimSuffix(pl.domain, "."), Timeout: runbook.Duration(probeTimeout)}
		probes = append(probes, ask)
		if n.l.TLSPort != 0 {
			ask.Kind, ask.Port = "tls", n.l.TLSPort
			probes = append(probes, ask)
		}
	}
	resolve := func(refs ...string) ([]fleet.Host, error) {
		var out []fleet.Host
		for _, ref := range refs {
			out = append(out, hosts[ref])
		}
		return out, nil
	}
	for _, f := range probe.Run(ctx, r.env.Fleet, resolve, probes) {
		if f.OK && f.Text.ID != "probe.tls_soon" {
			p.Facts = append(p.Facts, f.Text)
			continue
		}
		p.Danger = true
		p.Warnings = append(p.Warnings, f.Text)
	}
}

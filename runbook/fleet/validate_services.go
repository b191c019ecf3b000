package fleet

import (
	"fmt"
	"maps"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

func validateDatabases(c *Config, d *decoder) {
	names := map[string]bool{}
	for i, db := range c.Databases {
		at := fmt.Sprintf("databases[%d]", i)
		switch {
		case db.Name == "":
			d.wrong(at, "fleet.config_missing", "key", "name")
		case !identifier.MatchString(db.Name):
			d.wrong(at+".name", "fleet.config_bad_name", "text", db.Name)
		case names[db.Name]:
			d.wrong(at+".name", "fleet.config_twice", "what", db.Name)
		}
		names[db.Name] = true
		if db.Schema != "" && !identifier.MatchString(db.Schema) {
			d.wrong(at+".schema", "fleet.config_bad_name", "text", db.Schema)
		}
		checkRef(c, d, at+".host", db.Host)
		checkPath(d, at+".socket", db.Socket)
		checkPort(d, at+".port", db.Port)
		if db.Port != 0 && db.Socket != "" {
			d.wrong(at+".socket", "fleet.config_socket_or_port")
		}
	}
	l := c.DomainList
	if !names[l.Database] && (len(c.Databases) > 0 || d.at["domain_list"] != nil) {
		d.wrong("domain_list.database", "probe.no_database", "name", l.Database)
	}
	for _, f := range []struct{ key, name string }{{"table", l.Table}, {"key", l.Key}, {"ip", l.IP}, {"domain", l.Domain}, {"status", l.Status}} {
		if !identifier.MatchString(f.name) {
			d.wrong("domain_list."+f.key, "fleet.config_bad_name", "text", f.name)
		}
	}
	if l.Up == l.Down {
		d.wrong("domain_list.down", "fleet.config_up_is_down")
	}
	checkPort(d, "domain_list.port", l.Port)
	checkPort(d, "domain_list.tls_port", l.TLSPort)
	if l.Resolver != "" {
		if at, err := netip.ParseAddrPort(l.Resolver); err != nil || at.Port() == 0 {
			d.wrong("domain_list.resolver", "fleet.config_bad_resolver", "text", l.Resolver)
		}
	}
	if l.Admin != "" {
		u, err := url.Parse(l.Admin)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Hostname() == "" || u.User != nil {
			d.wrong("domain_list.admin", "fleet.config_bad_admin")
		}
	}
	for _, scenario := range slices.Sorted(maps.Keys(c.DNSVia)) {
		if via := c.DNSVia[scenario]; via != "sql" && via != "admin" {
			d.wrong("dns_via."+scenario, "fleet.config_bad_dns_via", "text", via)
		}
	}
}

func validateServices(c *Config, d *decoder) {
	names := map[string]bool{}
	for i, s := range c.Services {
		at := fmt.Sprintf("services[%d]", i)
		switch {
		case s.Name == "":
			d.wrong(at, "fleet.config_missing", "key", "name")
		case !plainName.MatchString(s.Name):
			d.wrong(at+".name", "fleet.config_bad_name", "text", s.Name)
		case names[s.Name]:
			d.wrong(at+".name", "fleet.config_twice", "what", s.Name)
		}
		names[s.Name] = true
		checkPath(d, at+".config", s.Config)
		checkPort(d, at+".health.port", s.Health.Port)
		for j, role := range s.On {
			if !slices.Contains(hostRoles, role) {
				d.wrong(fmt.Sprintf("%s.on[%d]", at, j), "fleet.config_unknown_role", "role", role, "known", strings.Join(hostRoles, ", "))
			}
		}
		for _, f := range []struct{ key, text string }{{"start", s.Start}, {"stop", s.Stop}, {"restart", s.Restart}, {"status", s.Status},
			{"enable", s.Enable}, {"disable", s.Disable}, {"enabled", s.Enabled}, {"installed", s.Installed}} {
			if strings.Contains(f.text, "{{") || strings.ContainsRune(f.text, 0) {
				d.wrong(at+"."+f.key, "fleet.config_no_template")
			}
		}
	}
}

func validateWatch(c *Config, d *decoder) {
	w := c.Watch
	if w.Every != 0 && time.Duration(w.Every) < time.Second {
		d.wrong("watch.every", "fleet.config_bad_duration", "text", time.Duration(w.Every).String())
	}
	d.within("watch.failures", w.Failures, 1, 1000)
	for i, ref := range w.From {
		checkRef(c, d, fmt.Sprintf("watch.from[%d]", i), ref)
	}
	for i, t := range w.Together {
		at := fmt.Sprintf("watch.together[%d]", i)
		for j, ref := range t.Roles {
			checkRef(c, d, fmt.Sprintf("%s.roles[%d]", at, j), ref)
		}
		if t.Scenario == "" || len(t.Roles) == 0 {
			d.wrong(at, "fleet.config_missing", "key", "scenario, roles")
		} else if len(slices.Compact(slices.Sorted(slices.Values(t.Roles)))) == 1 {
			d.wrong(at+".roles", "fleet.config_together_one", "role", t.Roles[0])
		}
	}
	for i, r := range w.Roles {
		at := fmt.Sprintf("watch.roles[%d]", i)
		checkRef(c, d, at+".role", r.Role)
		for j, p := range r.Probes {
			place := fmt.Sprintf("%s.probes[%d]", at, j)
			if p.Kind == "" {
				d.wrong(place, "fleet.config_missing", "key", "kind")
			}
			for key, ref := range map[string]string{"host": p.Host, "from": p.From} {
				if ref != "" {
					checkRef(c, d, place+"."+key, ref)
				}
			}
			if p.Service != "" {
				if _, ok := c.Service(p.Service); !ok {
					d.wrong(place+".service", "fleet.unknown_service", "name", p.Service)
				}
			}
		}
	}
}

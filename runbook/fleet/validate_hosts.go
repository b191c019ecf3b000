package fleet

import (
	"fmt"
	"net/netip"
	"path"
	"slices"
	"strings"
)

func validateHosts(c *Config, d *decoder) {
	names, known := map[string]bool{}, map[string]string{}
	for i, h := range c.Hosts {
		at := fmt.Sprintf("hosts[%d]", i)
		switch {
		case h.Name == "":
			d.wrong(at, "fleet.config_missing", "key", "name")
		case !plainName.MatchString(h.Name):
			d.wrong(at+".name", "fleet.config_bad_name", "text", h.Name)
		case names[h.Name]:
			d.wrong(at+".name", "fleet.config_twice", "what", h.Name)
		}
		names[h.Name] = true
		validateHost(d, at, h)
		validateNames(c, d, at, h, known)
		validateJump(c, d, at, h)
	}
	if hs := c.WithRole("primary"); len(hs) > 1 {
		i := slices.IndexFunc(c.Hosts, func(h Host) bool { return h.Name == hs[1].Name })
		d.wrong(fmt.Sprintf("hosts[%d].roles", i), "fleet.config_one_primary", "host", hs[0].Name, "other", hs[1].Name)
	}
}

func validateHost(d *decoder, at string, h Host) {
	if h.Address == "" {
		d.wrong(at, "fleet.config_missing", "key", "address")
	} else if !validAddress(h.Address) {
		d.wrong(at+".address", "fleet.config_bad_address", "text", h.Address)
	}
	if h.DNSIP.Zone() != "" {
		d.wrong(at+".dns_ip", "fleet.config_bad_ip", "text", h.DNSIP.String())
	}
	checkPort(d, at+".port", h.Port)
	checkPort(d, at+".http_port", h.HTTPPort)
	if !userName.MatchString(h.User) {
		d.wrong(at+".user", "fleet.config_bad_name", "text", h.User)
	}
	if h.Loopback != "" {
		if ip, err := netip.ParseAddr(h.Loopback); err != nil || !ip.IsLoopback() || ip.Zone() != "" {
			d.wrong(at+".loopback", "fleet.config_bad_ip", "text", h.Loopback)
		}
	}
	if h.Domain != "" && !hostName.MatchString(h.Domain) {
		d.wrong(at+".domain", "fleet.config_bad_address", "text", h.Domain)
	}
	checkPath(d, at+".root", h.Root)
	checkPath(d, at+".paths.sql_backup", h.Paths.SQLBackup)
	checkPath(d, at+".paths.workdir", h.Paths.Workdir)
	checkPath(d, at+".paths.nginx_conf", h.Paths.NginxConf)
	for j, role := range h.Roles {
		if !slices.Contains(hostRoles, role) {
			d.wrong(fmt.Sprintf("%s.roles[%d]", at, j), "fleet.config_unknown_role", "role", role, "known", strings.Join(hostRoles, ", "))
		}
	}
}

// validateNames lets no name mean two hosts: rehost would rewrite the wrong one.
func validateNames(c *Config, d *decoder, at string, h Host, known map[string]string) {
	for _, name := range h.Names() {
		place := at + ".address"
		if name != h.Address {
			place = at + ".dns_ip"
		}
		if k := slices.Index(h.Aliases, name); k >= 0 {
			place = fmt.Sprintf("%s.aliases[%d]", at, k)
			if !validAddress(name) {
				d.wrong(place, "fleet.config_bad_address", "text", name)
			}
			if local(name) && (!c.Drill || strings.EqualFold(name, "localhost")) {
				d.wrong(place, "fleet.config_alias_local", "alias", name)
				continue
			}
		}
		if name == "" {
			continue
		}
		key := strings.ToLower(name)
		if other, ok := known[key]; ok && other != h.Name {
			d.wrong(place, "fleet.config_shared_alias", "alias", name, "host", h.Name, "other", other)
		}
		known[key] = h.Name
	}
}

func validateJump(c *Config, d *decoder, at string, h Host) {
	seen := map[string]bool{h.Name: true}
	for via := h.Jump; via != ""; {
		next, ok := c.Host(via)
		if !ok {
			if via == h.Jump {
				d.wrong(at+".jump", "fleet.unknown_host", "ref", via)
			}
			return
		}
		if seen[via] {
			d.wrong(at+".jump", "fleet.config_jump_loop", "host", h.Name, "jump", h.Jump)
			return
		}
		seen[via] = true
		via = next.Jump
	}
}

func validAddress(s string) bool {
	if ip, err := netip.ParseAddr(s); err == nil {
		return ip.Zone() == "" // a zone may be any text
	}
	// Digits and dots that are no address are a misspelt one, not a name.
	return len(s) <= 253 && hostName.MatchString(s) && strings.Trim(s, "0123456789.") != ""
}

func local(s string) bool {
	ip, err := netip.ParseAddr(s)
	return strings.EqualFold(s, "localhost") || err == nil && ip.IsLoopback()
}

func checkPort(d *decoder, at string, port int) {
	if port < 0 || port > 65535 {
		d.wrong(at, "fleet.config_bad_port", "port", port)
	}
}

// checkPath takes absolute clean paths, no part of which can lead elsewhere.
func checkPath(d *decoder, at, p string) {
	if p == "" || p == "/" {
		return
	}
	if !path.IsAbs(p) || path.Clean(p) != strings.TrimSuffix(p, "/") || strings.ContainsAny(p, "\x00\n\r") {
		d.wrong(at, "fleet.config_bad_path", "path", p)
	}
}

// checkRef notes a reference to a host or role that nothing has.
func checkRef(c *Config, d *decoder, at, ref string) {
	if _, ok := c.Host(ref); !ok && !slices.Contains(hostRoles, ref) {
		d.wrong(at, "fleet.unknown_host", "ref", ref)
	}
}

package fleet

import (
	"net/netip"
	"time"

	"al.essio.dev/pkg/shellescape"

	"recoverbot/runbook"
)

// defaults fills in what the file leaves out; the values are those of the operators' document and of Debian.
func defaults(c *Config, d *decoder) {
	for i := range c.Hosts {
		h := &c.Hosts[i]
		set(&h.Port, 22)
		set(&h.User, "root")
		set(&h.HTTPPort, 80)
		if !h.DNSIP.IsValid() {
			if ip, err := netip.ParseAddr(h.Address); err == nil {
				h.DNSIP = ip
			}
		}
	}
	for i := range c.Databases {
		d := &c.Databases[i]
		set(&d.Schema, d.Name)
		set(&d.Host, "primary")
		set(&d.User, "root")
		if d.Port == 0 {
			set(&d.Socket, defaultSocket)
		}
	}
	for _, s := range []Service{{Name: "mysql"}, {Name: "redis", Unit: "redis-server"}, {Name: "nginx"}} { // what the scenarios fence and start
		if _, own := c.Service(s.Name); !own {
			c.Services = append(c.Services, s)
		}
	}
	for i := range c.Services {
		s := &c.Services[i]
		set(&s.Unit, s.Name)
		unit := shellescape.Quote(s.Unit)
		set(&s.Start, "systemctl start "+unit)
		set(&s.Stop, "systemctl stop "+unit)
		set(&s.Restart, "systemctl restart "+unit)
		set(&s.Status, "systemctl is-active --quiet "+unit)
		set(&s.Enable, "systemctl enable "+unit)
		set(&s.Disable, "systemctl disable "+unit)
		set(&s.Enabled, "systemctl show --property=UnitFileState --value "+unit+" | grep -q '^enabled'") // is-enabled calls mysql an alias
		set(&s.Installed, "systemctl cat "+unit+" >/dev/null 2>&1")
		if s.Health.Port != 0 {
			set(&s.Health.Path, "/")
		}
	}
	b := &c.BackupScript
	set(&b.Path, "/shell/database_backup_speed.py")
	set(&b.Interpreter, "python3")
	set(&b.Targets, "TARGETS")
	l := &c.DomainList
	set(&l.Database, "speed")
	set(&l.Table, "t_app_dns")
	set(&l.Key, "id")
	set(&l.IP, "ip")
	set(&l.Domain, "domain")
	set(&l.Status, "status")
	absent(d, "domain_list.up", &l.Up, 1)
	absent(d, "domain_list.down", &l.Down, 2)
	set(&l.Port, 80)
	set(&c.Redis.Port, 6379)
	absent(d, "policy.approvals", &c.Policy.Approvals, 1)
	set(&c.Policy.BreakGlass, "3m")
	set(&c.Policy.CoolDown, runbook.Duration(10*time.Minute))
	if len(c.Watch.Roles) > 0 {
		set(&c.Watch.Every, runbook.Duration(10*time.Second))
	}
	absent(d, "watch.failures", &c.Watch.Failures, 3)
	defaultAlerts(c, d)
	defaultBlackBox(c, d)
	for i := range c.People {
		if len(c.People[i].Roles) == 0 {
			c.People[i].Roles = []string{"viewer"}
		}
	}
}

// absent fills in a number that the file does not have; a 0 in the file is meant.
func absent(d *decoder, path string, v *int, def int) {
	if d.at[path] == nil {
		*v = def
	}
}

func set[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

package fleet

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"recoverbot/runbook"
)

var (
	plainName  = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,39}$`)
	hostName   = regexp.MustCompile(`^(?i)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.?$`)
	userName   = regexp.MustCompile(`^[a-z_][a-z0-9_.-]{0,31}\$?$`)
	identifier = regexp.MustCompile(`^[A-Za-z0-9_$-]{1,64}$`)
	pyName     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

	hostRoles = runbook.HostRoles
)

// validate notes everything that cannot be right; d knows where it stands in the file.
func validate(c *Config, d *decoder) {
	if len(c.Hosts) == 0 {
		d.wrong("hosts", "fleet.config_no_hosts")
	}
	validateHosts(c, d)
	validateDatabases(c, d)
	validateServices(c, d)
	validatePeople(c, d)
	validateWatch(c, d)
	validateAlerts(c, d)
	validateBlackBox(c, d)
	validateRehearsal(c, d)
	b := c.BackupScript
	checkPath(d, "backup_script.path", b.Path)
	if b.Schedule != "" && len(strings.Fields(b.Schedule)) != 5 {
		d.wrong("backup_script.schedule", "fleet.config_bad_schedule", "text", b.Schedule)
	}
	if !pyName.MatchString(b.Targets) {
		d.wrong("backup_script.targets", "fleet.config_bad_name", "text", b.Targets)
	}
	checkPort(d, "redis.port", c.Redis.Port)
	for role, p := range c.Provision {
		validateProvision(d, role, p)
	}
}

func validateProvision(d *decoder, role string, p Provision) {
	at := "provision." + role
	if !slices.Contains(hostRoles, role) {
		d.add(d.at[at+":"], "fleet.config_unknown_role", "role", role, "known", strings.Join(hostRoles, ", "))
	}
	if p.Script == "" {
		d.add(d.at[at+":"], "fleet.config_missing", "key", "script")
	}
	if p.Timeout != "" {
		if t, err := time.ParseDuration(p.Timeout); err != nil || t <= 0 {
			d.wrong(at+".timeout", "fleet.config_bad_duration", "text", p.Timeout)
		}
	}
	for i, name := range p.Env {
		if !envName.MatchString(name) {
			d.wrong(fmt.Sprintf("%s.env[%d]", at, i), "fleet.config_bad_name", "text", name)
		}
	}
}

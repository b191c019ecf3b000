package probe

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-sql-driver/mysql"
	"github.com/jmoiron/sqlx"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// database picks the log-in: the probe's Database, else the first of fleet.yaml.
func (a *asking) database(name string) (fleet.Database, error) {
	cfg := a.fleet.Config()
	if name == "" && len(cfg.Databases) > 0 {
		return cfg.Databases[0], nil
	}
	d, ok := cfg.Database(name)
	if !ok {
		return d, runbook.Errorf(runbook.Invalid, "probe.no_database", "name", name)
	}
	return d, nil
}

// mysqlWritable logs in and asks whether the server is a source that takes writes.
func mysqlWritable(ctx context.Context, a *asking) answer {
	bad := func(err error) answer {
		return down("probe.mysql_down", "host", a.host.Name, "why", why(a.fleet, err))
	}
	d, err := a.database(a.probe.Database)
	if err != nil {
		return bad(err)
	}
	db, err := a.fleet.SQL(ctx, a.host, d, "")
	if err != nil {
		return bad(err)
	}
	defer db.Close()
	var readOnly bool
	if err := db.GetContext(ctx, &readOnly, "SELECT @@global.read_only"); err != nil {
		return bad(err)
	}
	if readOnly {
		return down("probe.mysql_read_only", "host", a.host.Name)
	}
	replica, err := isReplica(ctx, db)
	if err != nil {
		return bad(err)
	}
	if replica {
		return down("probe.mysql_replica", "host", a.host.Name)
	}
	return up("probe.mysql_up", "host", a.host.Name)
}

// isReplica knows both words for it: MariaDB says slave, MySQL 8.4 only replica. An account that may not ask cannot
// be a reason to call the server down.
func isReplica(ctx context.Context, db *sqlx.DB) (bool, error) {
	for _, q := range []string{"SHOW SLAVE STATUS", "SHOW REPLICA STATUS"} {
		rows, err := db.QueryxContext(ctx, q)
		var my *mysql.MySQLError
		if errors.As(err, &my) {
			if my.Number == 1064 {
				continue
			}
			if my.Number == 1227 {
				return false, nil
			}
		}
		if err != nil {
			return false, err
		}
		some := rows.Next()
		err = rows.Err()
		_ = rows.Close()
		return some, err
	}
	return false, nil
}

// domains asks whether the domain list sends users to none of the hosts called Down, and to each one called Up.
func domains(ctx context.Context, a *asking) answer {
	list := a.fleet.Config().DomainList
	name := a.probe.Database
	if name == "" {
		name = list.Database
	}
	bad := func(err error) answer {
		return down("probe.domains_unknown", "host", a.host.Name, "why", why(a.fleet, err))
	}
	d, err := a.database(name)
	if err != nil {
		return bad(err)
	}
	off, err := a.resolve(a.probe.Down...)
	if err != nil {
		return bad(err)
	}
	on, err := a.resolve(a.probe.Up...)
	if err != nil {
		return bad(err)
	}
	if len(off)+len(on) == 0 {
		return bad(runbook.Errorf(runbook.Invalid, "fleet.no_dns_ip", "host", strings.Join(slices.Concat(a.probe.Down, a.probe.Up), ", ")))
	}
	db, err := a.fleet.SQL(ctx, a.host, d, d.Schema)
	if err != nil {
		return bad(err)
	}
	defer db.Close()
	var listed []string
	if err := db.SelectContext(ctx, &listed, fmt.Sprintf("SELECT %s FROM %s WHERE %s = ? AND %[1]s IS NOT NULL",
		quote(list.IP), quote(list.Table), quote(list.Status)), list.Up); err != nil {
		return bad(err)
	}
	still, rows := []string{}, 0
	for _, h := range off { // by every name of theirs: a machine may be listed by more than one
		if n := count(listed, h); n > 0 {
			still, rows = append(still, h.Name), rows+n
		}
	}
	var missing []string
	for _, h := range on {
		if count(listed, h) == 0 {
			missing = append(missing, h.Name)
		}
	}
	switch {
	case len(still) > 0 && len(missing) > 0:
		return down("probe.domains_both", "hosts", strings.Join(still, ", "), "count", rows, "missing", strings.Join(missing, ", "))
	case len(still) > 0:
		return down("probe.domains_listed", "hosts", strings.Join(still, ", "), "count", rows)
	case len(missing) > 0:
		return down("probe.domains_missing", "hosts", strings.Join(missing, ", "))
	case len(off) == 0:
		return up("probe.domains_up", "hosts", names(on))
	case len(on) == 0:
		return up("probe.domains_clear", "hosts", names(off))
	}
	return up("probe.domains_right", "hosts", names(off), "up", names(on))
}

// count is how many of the listed addresses are the host.
func count(listed []string, h fleet.Host) int {
	n := 0
	for _, ip := range listed {
		if slices.ContainsFunc(h.Names(), func(name string) bool { return strings.EqualFold(name, strings.TrimSpace(ip)) }) {
			n++
		}
	}
	return n
}

func names(hosts []fleet.Host) string {
	var out []string
	for _, h := range hosts {
		out = append(out, h.Name)
	}
	return strings.Join(out, ", ")
}

// quote makes an SQL identifier of a name from fleet.yaml.
func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

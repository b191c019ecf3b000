package probe

import (
	"context"
	"errors"
	"fmt"
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

// domains asks whether the domain list still sends users to one of the hosts called Down.
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
	hosts, err := a.resolve(a.probe.Down...)
	if err != nil {
		return bad(err)
	}
	var ips []string // every name of theirs: a machine may be listed by more than one
	for _, h := range hosts {
		ips = append(ips, h.Names()...)
	}
	if len(ips) == 0 {
		return bad(runbook.Errorf(runbook.Invalid, "fleet.no_dns_ip", "host", strings.Join(a.probe.Down, ", ")))
	}
	db, err := a.fleet.SQL(ctx, a.host, d, d.Schema)
	if err != nil {
		return bad(err)
	}
	defer db.Close()
	q, args, err := sqlx.In(fmt.Sprintf("SELECT %s FROM %s WHERE %s = ? AND %s IN (?)",
		quote(list.IP), quote(list.Table), quote(list.Status), quote(list.IP)), list.Up, ips)
	if err != nil {
		return bad(err)
	}
	var still []string
	if err := db.SelectContext(ctx, &still, db.Rebind(q), args...); err != nil {
		return bad(err)
	}
	if len(still) > 0 {
		return down("probe.domains_listed", "ips", strings.Join(still, ", "), "count", len(still))
	}
	return up("probe.domains_clear", "ips", strings.Join(ips, ", "))
}

// quote makes an SQL identifier of a name from fleet.yaml.
func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

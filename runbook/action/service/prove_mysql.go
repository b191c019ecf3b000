package service

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jmoiron/sqlx"

	"recoverbot/runbook"
	"recoverbot/runbook/appconfig"
	"recoverbot/runbook/fleet"
)

const proofTimeout = 10 * time.Second

func hostPort(host string, port int) string { return net.JoinHostPort(host, strconv.Itoa(port)) }

type quiet struct{}

func (quiet) Print(...any) {}

// proveMySQL logs in as the service does and writes without changing a row. open is set where the schema is not there
// (or empty): a person has to see to it, but the service may work without.
func (s *service) proveMySQL(ctx context.Context, c *fleet.Client, h fleet.Host, m appconfig.MySQL) (fact, open runbook.Msg, err error) {
	ctx, cancel := context.WithTimeoutCause(ctx, proofTimeout, errors.New("prove MySQL log-in: no answer within 10s"))
	defer cancel()
	where := m.Socket
	if where == "" {
		where = hostPort(m.Host, m.Port)
	}
	db, err := connectMySQL(ctx, c, h, m, m.Database)
	if err != nil {
		if m.Database != "" && (number(err) == 1049 || number(err) == 1044) && s.schemaMissing(ctx, h, m) {
			return runbook.T("service.mysql_no_schema", "address", where, "database", m.Database),
				runbook.T("service.mysql_no_schema", "address", where, "database", m.Database), nil
		}
		return fact, open, mysqlProblem(where, m, err)
	}
	defer db.Close()
	if m.Database == "" {
		return runbook.T("service.mysql_login", "address", where, "user", m.User), open, nil
	}
	table, err := writeNothing(ctx, db, m.Database)
	switch {
	case errors.Is(err, errEmpty):
		empty := runbook.T("service.mysql_empty", "address", where, "database", m.Database, "user", m.User)
		return empty, empty, nil
	case err != nil:
		return fact, open, mysqlProblem(where, m, err)
	}
	return runbook.T("service.mysql_ok", "address", where, "user", m.User, "database", m.Database, "table", table), open, nil
}

func connectMySQL(ctx context.Context, c *fleet.Client, h fleet.Host, m appconfig.MySQL, schema string) (*sqlx.DB, error) {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.DBName = m.User, m.Password, schema
	cfg.Net, cfg.Addr = "tcp", hostPort(m.Host, m.Port)
	if m.Socket != "" {
		cfg.Net, cfg.Addr = "unix", h.Path(m.Socket)
	}
	network, addr := cfg.Net, cfg.Addr
	cfg.Logger = quiet{}
	cfg.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) { return c.Dial(ctx, network, addr) }
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("configure log-in: %w", err)
	}
	db := sqlx.NewDb(sql.OpenDB(connector), "mysql")
	db.SetMaxOpenConns(1)
	if err := db.PingContext(ctx); err != nil {
		_ = db.Close()
		return nil, err
	}
	return db, nil
}

var errEmpty = errors.New("no table")

// writeNothing proves the privilege to insert, update and delete, on a server that takes writes, with statements that
// match no row, in a transaction that is rolled back: neither rows nor counters nor the binlog change.
func writeNothing(ctx context.Context, db *sqlx.DB, schema string) (string, error) {
	var table string
	err := db.GetContext(ctx, &table, `SELECT TABLE_NAME FROM information_schema.TABLES
		WHERE TABLE_SCHEMA = ? AND TABLE_TYPE = 'BASE TABLE' AND ENGINE = 'InnoDB' ORDER BY TABLE_NAME LIMIT 1`, schema)
	if errors.Is(err, sql.ErrNoRows) {
		return "", errEmpty
	}
	if err != nil {
		return "", fmt.Errorf("list tables: %w", err)
	}
	var columns []string
	err = db.SelectContext(ctx, &columns, `SELECT COLUMN_NAME FROM information_schema.COLUMNS
		WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND EXTRA NOT LIKE '%GENERATED%' ORDER BY ORDINAL_POSITION`, schema, table)
	if err != nil || len(columns) == 0 {
		return "", fmt.Errorf("list columns of %s: %w", table, errors.Join(err, errEmpty))
	}
	for i := range columns {
		columns[i] = quote(columns[i])
	}
	list, name := strings.Join(columns, ", "), quote(schema)+"."+quote(table)
	tx, err := db.BeginTxx(ctx, nil)
	if err != nil {
		return "", fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // that is the point
	for _, stmt := range []string{
		"INSERT INTO " + name + " (" + list + ") SELECT " + list + " FROM " + name + " WHERE 1 = 0",
		"UPDATE " + name + " SET " + columns[0] + " = " + columns[0] + " WHERE 1 = 0",
		"DELETE FROM " + name + " WHERE 1 = 0",
	} {
		if _, err := tx.ExecContext(ctx, stmt); err != nil {
			return "", fmt.Errorf("write to %s: %w", table, err)
		}
	}
	return table, nil
}

func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

func number(err error) uint16 {
	var e *mysql.MySQLError
	if errors.As(err, &e) {
		return e.Number
	}
	return 0
}

// mysqlProblem says what people need to know; the server's own words stay in the log.
func mysqlProblem(where string, m appconfig.MySQL, err error) error {
	id, n := "service.mysql_unreachable", number(err)
	switch {
	case n == 1045 || n == 1698 || n == 1130:
		id = "service.mysql_denied"
	case n == 1044 || n == 1142 || n == 1143 || n == 1227:
		id = "service.mysql_no_right"
	case n == 1290 || n == 1836 || n == 1792:
		id = "service.mysql_read_only"
	case n == 1049:
		id = "service.mysql_no_schema"
	case n != 0:
		id = "service.mysql_other"
	}
	return &runbook.Error{Code: runbook.Unavailable, Err: err,
		Msg: runbook.T(id, "address", where, "user", m.User, "database", m.Database, "number", int(n))}
}

// schemaMissing asks the server itself, where it is the host's own: with too few rights, a user is told 'denied' for a
// schema that does not exist.
func (s *service) schemaMissing(ctx context.Context, h fleet.Host, m appconfig.MySQL) bool {
	local := append(h.Names(), "localhost", "127.0.0.1", h.LoopbackAddress(), "")
	if !slices.Contains(local, m.Host) {
		return false
	}
	for _, d := range s.env.Fleet.Config().Databases {
		db, err := s.env.Fleet.SQL(ctx, h, d, "")
		if err != nil {
			continue
		}
		var n int
		err = db.GetContext(ctx, &n, "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME = ?", m.Database)
		_ = db.Close()
		if err == nil {
			return n == 0
		}
	}
	return false
}

package fleet

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"github.com/go-sql-driver/mysql"
	"github.com/jmoiron/sqlx"

	"recoverbot/runbook"
	"recoverbot/runbook/failpoint"
)

// SQL opens the schema on the host through SSH: the socket by streamlocal, or the port. It logs in once before it
// returns. The caller closes it. schema "" means no default schema. Times are read and written as UTC.
func (f *Fleet) SQL(ctx context.Context, h Host, d Database, schema string) (*sqlx.DB, error) {
	cfg := mysql.NewConfig()
	cfg.User, cfg.Passwd, cfg.DBName = or(d.User, "root"), d.Password.Reveal(), schema
	cfg.ParseTime, cfg.Loc = true, time.UTC
	cfg.Timeout = sqlTimeout
	cfg.Logger = silent{}
	network, addr := "unix", h.Path(or(d.Socket, defaultSocket))
	if d.Port != 0 {
		network, addr = "tcp", net.JoinHostPort("localhost", strconv.Itoa(d.Port))
	}
	cfg.Net, cfg.Addr = network, addr
	cfg.DialFunc = func(ctx context.Context, _, _ string) (net.Conn, error) {
		c, err := f.SSH(ctx, h)
		if err != nil {
			return nil, err
		}
		conn, err := c.Dial(ctx, network, addr)
		if err != nil {
			return nil, err
		}
		return failpoint.MySQL(conn), nil
	}
	connector, err := mysql.NewConnector(cfg)
	if err != nil {
		return nil, fmt.Errorf("configure database %s: %w", d.Name, err)
	}
	db := sqlx.NewDb(sql.OpenDB(connector), "mysql")
	db.SetMaxIdleConns(2)
	db.SetConnMaxIdleTime(time.Minute)
	ctx, cancel := context.WithTimeoutCause(ctx, sqlTimeout, fmt.Errorf("log in to database: no answer within %s", sqlTimeout))
	defer cancel()
	if err := db.PingContext(ctx); err != nil {
		_ = db.Close()
		if errors.Is(err, ctx.Err()) {
			err = context.Cause(ctx)
		}
		return nil, sqlError(h, d, cfg.User, err)
	}
	return db, nil
}

// sqlError says what people can do about a database that cannot be opened; the driver's own text is the cause.
func sqlError(h Host, d Database, user string, err error) error {
	var known *runbook.Error
	var my *mysql.MySQLError
	id := "fleet.sql_unreachable"
	switch {
	case errors.As(err, &known):
		return err
	case errors.As(err, &my) && (my.Number == 1045 || my.Number == 1698 || my.Number == 1044):
		id = "fleet.sql_denied"
	case errors.As(err, &my) && my.Number == 1049:
		id = "fleet.sql_no_schema"
	}
	return &runbook.Error{Code: runbook.Unavailable, Err: fmt.Errorf("open database %s: %w", d.Name, err),
		Msg: runbook.T(id, "host", h.Name, "database", d.Name, "user", user)}
}

// silent keeps the driver from printing to stderr; every error is returned anyway.
type silent struct{}

func (silent) Print(...any) {}

package server

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/go-sql-driver/mysql"
)

// MariaDB is a private mariadbd.
type MariaDB struct {
	*Process
	Address string
	Port    int
	Socket  string
}

// MariaDBOptions configure StartMariaDB. root logs in through the socket with RootPassword (empty: none). Port 0 picks
// a free one.
type MariaDBOptions struct {
	Dir          string // datadir inside; initialised from a cached template when empty
	Address      string
	Port         int
	Socket       string // short: a unix path holds 107 bytes
	RootPassword string
	Flags        []string // further mariadbd options
	// Durable keeps data over a power failure. Without it data is kept over a kill of the server, which is what drills and
	// tests are about, and no server waits for the disk of a machine that runs eight of them.
	Durable bool
}

// small keeps a server's idle memory low; the redo log's size must be the template's.
var small = []string{
	"--no-defaults", "--innodb-buffer-pool-size=48M", "--innodb-log-file-size=16M", "--innodb-log-buffer-size=2M", "--key-buffer-size=1M",
	"--aria-pagecache-buffer-size=1M", "--performance-schema=OFF", "--table-open-cache=200", "--table-definition-cache=400", "--thread-cache-size=4",
	"--character-set-server=utf8mb4", "--collation-server=utf8mb4_general_ci",
}

// StartMariaDB starts mariadbd, binlog on, and returns when it answers.
func StartMariaDB(ctx context.Context, o MariaDBOptions) (*MariaDB, error) {
	path, err := Find("mariadbd")
	if err != nil {
		return nil, err
	}
	if len(o.Socket) > 107 {
		return nil, fmt.Errorf("start mariadbd: socket path %s is longer than 107 bytes", o.Socket)
	}
	if o.Dir, err = makeDir(o.Dir); err != nil {
		return nil, err
	}
	if o.Port == 0 {
		if o.Port, err = FreePort(o.Address); err != nil {
			return nil, err
		}
	}
	data := filepath.Join(o.Dir, "data")
	if err := fromTemplate(ctx, path, data); err != nil {
		return nil, err
	}
	args := append(append([]string{}, small...), "--datadir="+data, "--socket="+o.Socket, "--bind-address="+o.Address, "--port="+strconv.Itoa(o.Port),
		"--pid-file="+filepath.Join(o.Dir, "mariadbd.pid"), "--tmpdir="+o.Dir, "--skip-name-resolve",
		"--log-bin="+filepath.Join(data, "binlog"), "--innodb-flush-log-at-trx-commit=1", "--server-id="+strconv.Itoa(o.Port))
	if o.Durable {
		args = append(args, "--sync-binlog=1")
	} else {
		args = append(args, "--sync-binlog=0", "--innodb-flush-method=nosync")
	}
	args = append(args, asRoot()...)
	args = append(args, o.Flags...)
	p, err := Spawn(Command{Name: "mariadbd", Path: path, Args: args, Dir: o.Dir, Env: Environment(), Log: filepath.Join(o.Dir, "mariadbd.log")})
	if err != nil {
		return nil, err
	}
	m := &MariaDB{Process: p, Address: o.Address, Port: o.Port, Socket: o.Socket}
	return m, ready(ctx, p, func(ctx context.Context) error { return m.accepts(ctx, o.RootPassword) })
}

// DSN is how root reaches the server through its socket, for go-sql-driver/mysql.
func (m *MariaDB) DSN(password, schema string) string { return m.config(password, schema).FormatDSN() }

func (m *MariaDB) config(password, schema string) *mysql.Config {
	c := mysql.NewConfig()
	c.User, c.Passwd, c.Net, c.Addr, c.DBName = "root", password, "unix", m.Socket, schema
	c.ParseTime, c.Timeout, c.MultiStatements = true, 5*time.Second, true
	c.Logger = silent{}
	return c
}

// accepts logs in; a datadir fresh from the template gets its root password now, and loses the roots without one that
// mariadb-install-db makes for other host names.
func (m *MariaDB) accepts(ctx context.Context, password string) error {
	err := m.exec(ctx, password, "DO 1")
	var refused *mysql.MySQLError
	if password == "" || !errors.As(err, &refused) || refused.Number != 1045 {
		return err
	}
	// The password is a literal here: ALTER USER takes no parameter. MySQL's quoting doubles quotes and backslashes.
	if err := m.exec(ctx, "", "DELETE FROM mysql.global_priv WHERE User='root' AND Host<>'localhost'; FLUSH PRIVILEGES; "+
		"ALTER USER root@localhost IDENTIFIED BY "+quote(password)); err != nil {
		return err
	}
	return m.exec(ctx, password, "DO 1")
}

func (m *MariaDB) exec(ctx context.Context, password, statement string) error {
	connector, err := mysql.NewConnector(m.config(password, ""))
	if err != nil {
		return err
	}
	db := sql.OpenDB(connector)
	defer db.Close()
	_, err = db.ExecContext(ctx, statement)
	return err
}

func quote(s string) string {
	out := make([]byte, 0, len(s)+2)
	out = append(out, '\'')
	for i := range len(s) {
		if s[i] == '\'' || s[i] == '\\' {
			out = append(out, s[i])
		}
		out = append(out, s[i])
	}
	return string(append(out, '\''))
}

// asRoot lets mariadbd run as root, which it refuses by default.
func asRoot() []string {
	if os.Geteuid() == 0 {
		return []string{"--user=root"}
	}
	return nil
}

// silent drops the driver's own complaints: ready reports the last error.
type silent struct{}

func (silent) Print(v ...any) { slog.Debug("mysql driver", "error", fmt.Sprint(v...)) }

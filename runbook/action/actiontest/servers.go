package actiontest

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/jmoiron/sqlx"

	_ "github.com/go-sql-driver/mysql" // the driver of DB

	"recoverbot/drill/server"
)

// MariaDB is a host's running server together with a connection of the test's own, past SSH.
type MariaDB struct {
	*server.MariaDB
	DB *sqlx.DB // root, no default schema, several statements allowed
}

// StartMariaDB starts MariaDB on the host: port 3306, socket /run/mysqld/mysqld.sock, root without password. flags are
// further mariadbd options.
func (c *Company) StartMariaDB(host string, flags ...string) *MariaDB {
	c.t.Helper()
	m := c.machine(host)
	s, err := server.StartMariaDB(context.Background(), server.MariaDBOptions{
		Dir: filepath.Join(m.root, "var/lib/mysql"), Address: m.address, Port: MySQLPort,
		Socket: filepath.Join(m.root, "run/mysqld/mysqld.sock"), Flags: flags,
	})
	c.must(err)
	c.t.Cleanup(func() { _ = s.Kill() })
	db, err := sqlx.Open("mysql", s.DSN("", ""))
	c.must(err)
	c.t.Cleanup(func() { _ = db.Close() })
	return &MariaDB{s, db}
}

// Exec runs statements as root and fails the test where they fail.
func (c *Company) Exec(db *MariaDB, statements ...string) {
	c.t.Helper()
	for _, s := range statements {
		if _, err := db.DB.ExecContext(c.t.Context(), s); err != nil {
			c.t.Fatalf("%v in %s", err, s)
		}
	}
}

// StartRedis starts redis on the host, port 6379, without password.
func (c *Company) StartRedis(host string) *server.Redis {
	c.t.Helper()
	m := c.machine(host)
	s, err := server.StartRedis(context.Background(), server.RedisOptions{
		Dir: filepath.Join(m.root, "var/lib/redis"), Address: m.address, Port: RedisPort})
	c.must(err)
	c.t.Cleanup(func() { _ = s.Kill() })
	return s
}

// NginxConf is a main configuration for the host, unprivileged, with everything below its root; http is the text
// inside of its http block, after an include of conf.d/*.conf.
func (c *Company) NginxConf(host, http string) string {
	c.t.Helper()
	m := c.machine(host)
	return fmt.Sprintf(`# the main configuration of %[1]s
worker_processes 1;
pid %[2]s/run/nginx.pid;
error_log %[2]s/etc/nginx/error.log;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path %[2]s/tmp/body;
    proxy_temp_path %[2]s/tmp/proxy;
    fastcgi_temp_path %[2]s/tmp/fastcgi;
    uwsgi_temp_path %[2]s/tmp/uwsgi;
    scgi_temp_path %[2]s/tmp/scgi;
    include %[2]s/etc/nginx/conf.d/*.conf;
%[3]s
}
`, host, m.root, http)
}

// StartNginx starts nginx on the host with its /etc/nginx/nginx.conf, which must be there already (WriteFile of
// NginxConf). It should listen on Host.Address, port 8000.
func (c *Company) StartNginx(host string) *server.Nginx {
	c.t.Helper()
	m := c.machine(host)
	s, err := server.StartNginx(context.Background(), m.root, filepath.Join(m.root, "etc/nginx/nginx.conf"))
	c.must(err)
	c.t.Cleanup(func() { _ = s.Kill() })
	return s
}

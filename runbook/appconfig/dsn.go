package appconfig

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/go-sql-driver/mysql"
)

// text recognises endpoints that are written as one string: a Go DSN or a URL.
func (s *Settings) text(at, v string) {
	v = strings.TrimSpace(v)
	if strings.Contains(v, "@tcp(") || strings.Contains(v, "@unix(") {
		s.dsn(at, v)
		return
	}
	v = strings.TrimPrefix(v, "jdbc:")
	scheme, _, ok := strings.Cut(v, "://")
	if !ok {
		return
	}
	scheme, _, _ = strings.Cut(strings.ToLower(scheme), "+") // mysql+pymysql
	switch scheme {
	case "mysql", "mariadb", "redis", "rediss":
		if u, err := url.Parse(v); err == nil {
			s.url(at, scheme, u)
		}
	}
}

func (s *Settings) dsn(at, v string) {
	c, err := mysql.ParseDSN(v)
	if err != nil {
		// Other programs' parameters may not be the driver's: what stands before them is enough.
		bare, _, _ := strings.Cut(v, "?")
		if c, err = mysql.ParseDSN(bare); err != nil {
			return
		}
	}
	m := MySQL{User: c.User, Password: c.Passwd, Database: c.DBName, Path: at}
	if c.Net == "unix" {
		m.Socket = c.Addr
	} else {
		var ok bool
		if m.Host, m.Port, ok = hostPort(c.Addr); !ok {
			return
		}
	}
	s.addMySQL(m)
}

func (s *Settings) url(at, scheme string, u *url.URL) {
	port, _ := strconv.Atoi(u.Port())
	pass, _ := u.User.Password()
	if _, raw, ok := strings.Cut(u.User.String(), ":"); ok && raw != pass {
		s.raw = append(s.raw, raw)
	}
	db := strings.Trim(u.Path, "/")
	if u.Hostname() == "" {
		return
	}
	if strings.HasPrefix(scheme, "redis") {
		n, _ := strconv.Atoi(db)
		s.addRedis(Redis{Host: u.Hostname(), Port: port, User: u.User.Username(), Password: pass, DB: n, Path: at})
		return
	}
	m := MySQL{Host: u.Hostname(), Port: port, User: u.User.Username(), Password: pass, Database: db, Path: at}
	if m.User == "" { // jdbc:mysql://host/db?user=u&password=p
		m.User, m.Password = u.Query().Get("user"), u.Query().Get("password")
	}
	s.addMySQL(m)
}

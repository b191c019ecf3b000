package appconfig

import (
	"fmt"
	"net"
	"strconv"
	"strings"
	"unicode"

	"github.com/goccy/go-yaml"
)

// fields maps the usual names of a setting to what it means.
var fields = map[string]string{
	"host": "host", "hostname": "host", "addr": "host", "address": "host", "server": "host", "ip": "host", "endpoint": "host",
	"addrs": "host", "hosts": "host", "nodes": "host",
	"port": "port",
	"user": "user", "username": "user", "user_name": "user", "uname": "user",
	"password": "password", "passwd": "password", "pass": "password", "pwd": "password", "auth": "password",
	"db": "db", "database": "db", "dbname": "db", "schema": "db", "name": "name",
	"socket": "socket", "unix_socket": "socket",
}

// group is the settings of one map that belong together: those without a prefix, or those of one prefix (redis_addr, redis_password).
type group struct {
	prefix string
	values map[string]string
}

func (s *Settings) walk(at string, node any) {
	switch n := node.(type) {
	case yaml.MapSlice:
		s.groups(at, n)
		for _, item := range n {
			s.walk(join(at, fmt.Sprint(item.Key)), item.Value)
		}
	case []any:
		for i, v := range n {
			s.walk(at+"["+strconv.Itoa(i)+"]", v)
		}
	case string:
		s.text(at, n)
	}
}

func join(at, key string) string {
	if at == "" {
		return key
	}
	return at + "." + key
}

// groups collects the scalar settings of a map and keeps those that are an endpoint.
func (s *Settings) groups(at string, m yaml.MapSlice) {
	byPrefix := map[string]*group{}
	var order []*group
	get := func(prefix string) *group {
		if g := byPrefix[prefix]; g != nil {
			return g
		}
		g := &group{prefix: prefix, values: map[string]string{}}
		byPrefix[prefix] = g
		order = append(order, g)
		return g
	}
	for _, item := range m {
		value, ok := scalar(item.Value)
		if !ok {
			continue
		}
		key := snake(fmt.Sprint(item.Key))
		f, known := fields[key]
		if !known {
			f, known = fields[strings.ToLower(fmt.Sprint(item.Key))] // DbName
		}
		if known {
			put(get("").values, f, value)
			continue
		}
		if i := strings.LastIndexByte(key, '_'); i > 0 {
			if f, known := fields[key[i+1:]]; known {
				put(get(key[:i]).values, f, value)
				continue
			}
		}
		if _, _, ok := hostPort(value); ok && strings.Contains(value, ":") { // redis: 192.0.2.21:6379
			put(get(key).values, "host", value)
		}
	}
	base := byPrefix[""]
	for _, g := range order {
		if g != base && base != nil && base.values["host"] != "" && g.values["host"] == "" { // host, user, db_name
			for f, v := range g.values {
				if f == "name" {
					f = "db"
				}
				put(base.values, f, v)
			}
		}
	}
	for _, g := range order {
		s.keep(join(at, g.prefix), g.values)
	}
}

func put(m map[string]string, field, value string) {
	if m[field] == "" {
		m[field] = value
	}
}

// keep adds an endpoint that a group of settings describes.
func (s *Settings) keep(at string, v map[string]string) {
	at = strings.TrimSuffix(at, ".")
	if v["host"] == "" && v["socket"] == "" {
		return
	}
	host, port := v["host"], 0
	if v["socket"] == "" {
		h, p, ok := hostPort(host)
		if !ok {
			return // a DSN or a URL is found by its text
		}
		host, port = h, p
	}
	if n, err := strconv.Atoi(v["port"]); err == nil {
		port = n
	}
	switch kind(at, port, v) {
	case "redis":
		db, _ := strconv.Atoi(v["db"])
		s.addRedis(Redis{Host: host, Port: port, User: v["user"], Password: v["password"], DB: db, Path: at})
	case "mysql":
		database := v["db"]
		if database == "" {
			database = v["name"]
		}
		s.addMySQL(MySQL{Host: host, Port: port, Socket: v["socket"], User: v["user"], Password: v["password"], Database: database, Path: at})
	}
}

// kind tells redis from MySQL by name, by port, by what is set; "" is something else.
func kind(at string, port int, v map[string]string) string {
	low := strings.ToLower(at)
	switch {
	case strings.Contains(low, "redis"):
		return "redis"
	case strings.Contains(low, "mysql"), strings.Contains(low, "mariadb"):
		return "mysql"
	case strings.Contains(low, "postgres"), strings.Contains(low, "mongo"), strings.Contains(low, "clickhouse"):
		return ""
	case port == 6379:
		return "redis"
	case port == 3306:
		return "mysql"
	case v["user"] != "" && v["db"] != "":
		return "mysql"
	case v["user"] != "" && v["name"] != "" && lastWord(low, "db", "database", "sql"):
		return "mysql"
	}
	return ""
}

func lastWord(at string, words ...string) bool {
	last := at[strings.LastIndexByte(at, '.')+1:]
	for _, w := range words {
		if strings.HasSuffix(last, w) {
			return true
		}
	}
	return false
}

func (s *Settings) addMySQL(m MySQL) {
	if m.Port == 0 && m.Socket == "" {
		m.Port = 3306
	}
	for _, have := range s.MySQL {
		have.Path = m.Path
		if have == m {
			return
		}
	}
	s.MySQL = append(s.MySQL, m)
}

func (s *Settings) addRedis(r Redis) {
	if r.Port == 0 {
		r.Port = 6379
	}
	for _, have := range s.Redis {
		have.Path = r.Path
		if have == r {
			return
		}
	}
	s.Redis = append(s.Redis, r)
}

func scalar(v any) (string, bool) {
	switch x := v.(type) {
	case string:
		return x, true
	case nil:
		return "", true
	case yaml.MapSlice:
		return "", false
	case []any:
		if len(x) == 0 {
			return "", false
		}
		first, ok := x[0].(string) // addrs: [a:6379]: one node answers for all
		return first, ok
	}
	return fmt.Sprint(v), true
}

// hostPort splits "host", "host:port" and "[v6]:port"; ok is false for anything that is not a host.
func hostPort(v string) (host string, port int, ok bool) {
	host = v
	if h, p, err := net.SplitHostPort(v); err == nil {
		n, err := strconv.Atoi(p)
		if err != nil || n < 1 || n > 65535 {
			return "", 0, false
		}
		host, port = h, n
	}
	if host == "" || len(host) > 253 {
		return "", 0, false
	}
	if net.ParseIP(host) != nil {
		return host, port, true
	}
	for _, r := range host {
		if r > 127 || (!unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '.' && r != '-' && r != '_') {
			return "", 0, false
		}
	}
	return host, port, true
}

// snake makes MYSQL_HOST, mysqlHost, mysql-host and mysql.host the same key.
func snake(key string) string {
	var b strings.Builder
	lower := false
	for _, r := range key {
		if unicode.IsUpper(r) {
			if lower {
				b.WriteByte('_')
			}
			r = unicode.ToLower(r)
			lower = false
		} else {
			lower = unicode.IsLower(r) || unicode.IsDigit(r)
		}
		if r == '-' || r == '.' {
			r = '_'
		}
		b.WriteRune(r)
	}
	return b.String()
}

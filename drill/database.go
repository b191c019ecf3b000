package drill

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"
	"golang.org/x/sync/errgroup"
)

// open logs in to a host's MySQL as root through its socket.
func (c *Company) open(h *Host) (*sql.DB, error) {
	m := mysql.NewConfig()
	m.User, m.Passwd, m.Net, m.Addr = "root", c.secrets.mysql, "unix", h.socket()
	m.MultiStatements, m.ParseTime, m.Loc, m.Timeout = true, true, time.Local, 5*time.Second
	connector, err := mysql.NewConnector(m)
	if err != nil {
		return nil, fmt.Errorf("configure MySQL of %s: %w", h.Name, err)
	}
	return sql.OpenDB(connector), nil
}

const schema = `CREATE DATABASE speed CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci; USE speed;
CREATE TABLE t_app_dns (
  id bigint NOT NULL AUTO_INCREMENT, domain varchar(128) NOT NULL, ip varchar(64) NOT NULL,
  status tinyint NOT NULL DEFAULT 1 COMMENT '1 上架 2 下架', remark varchar(255) DEFAULT NULL,
  created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, updated_at timestamp NULL DEFAULT NULL,
  PRIMARY KEY (id), KEY ip (ip)) ENGINE=InnoDB COMMENT='域名列表';
CREATE TABLE users (
  id bigint NOT NULL AUTO_INCREMENT, email varchar(128) NOT NULL, nickname varchar(64) DEFAULT NULL, balance_cents int NOT NULL DEFAULT 0,
  created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (id), UNIQUE KEY email (email)) ENGINE=InnoDB;
CREATE TABLE orders (
  id bigint NOT NULL AUTO_INCREMENT, user_id bigint NOT NULL, product varchar(64) NOT NULL, amount_cents int NOT NULL, state varchar(16) NOT NULL,
  note text, created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (id), KEY user_created (user_id, created_at), KEY state (state)) ENGINE=InnoDB;
CREATE TABLE settings (name varchar(64) NOT NULL, value text, PRIMARY KEY (name)) ENGINE=InnoDB;
CREATE TABLE payments (
  id bigint NOT NULL AUTO_INCREMENT, order_id bigint NOT NULL, channel varchar(16) NOT NULL, payload blob,
  created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP, PRIMARY KEY (id), UNIQUE KEY order_id (order_id)) ENGINE=InnoDB;
CREATE TABLE user_logs (
  id bigint NOT NULL AUTO_INCREMENT COMMENT '自增id', user_id bigint NOT NULL COMMENT '用户id', datestr varchar(32) NOT NULL COMMENT '日期',
  ip varchar(32) NOT NULL COMMENT 'IP地址', user_agent varchar(1000) DEFAULT NULL COMMENT '请求头user-agent',
  created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP COMMENT '创建时间', updated_at timestamp NULL DEFAULT NULL COMMENT '更新时间',
  comment varchar(255) DEFAULT NULL COMMENT '备注信息', PRIMARY KEY (id) USING BTREE, UNIQUE KEY log_user_date (user_id,datestr) USING BTREE
) ENGINE=InnoDB COMMENT='用户日志表（仅记录第一次事件)';
INSERT INTO settings VALUES ('site_name', 'speed; DROP TABLE -- not'), ('quote', 'it''s "quoted" \\ and ` + "`ticked`" + `'), ('emoji', '🚀 备份');`

// grants are the log-ins on every application server: that of the services, and root's by port besides its socket, so that
// whoever plays with the company can look into it with any client.
func (c *Company) grants() string {
	return fmt.Sprintf("CREATE USER IF NOT EXISTS 'speed_app'@'%%' IDENTIFIED BY '%s';\n"+
		"GRANT SELECT, INSERT, UPDATE, DELETE ON speed.* TO 'speed_app'@'%%';\n"+
		"CREATE USER IF NOT EXISTS 'root'@'127.%%' IDENTIFIED BY '%s';\nGRANT ALL PRIVILEGES ON *.* TO 'root'@'127.%%';\n", c.secrets.app, c.secrets.mysql)
}

// domains are the rows of t_app_dns: two of the primary's, one dead machine that is rightly down, and one of nginx2
// that the dumps have as down although nginx2 is up.
func (c *Company) domains() string {
	row := func(domain, ip string, status int, remark string) string {
		return fmt.Sprintf("('%s','%s',%d,'%s',NOW() - INTERVAL 400 DAY)", domain, ip, status, remark)
	}
	dead := strings.TrimSuffix(c.must("primary").Address, "21") + "99"
	return "INSERT INTO t_app_dns (domain, ip, status, remark, created_at) VALUES " + strings.Join([]string{
		row("n1.example.com", c.must("nginx1").Address, 1, "nginx 1"),
		row("n2.example.com", c.must("nginx2").Address, 1, "nginx 2"),
		row("a.example.com", c.must("primary").Address, 1, "应用服务器主"),
		row("b.example.com", c.must("standby").Address, 1, "应用服务器备"),
		row("cdn2.example.com", c.must("nginx2").Address, 2, "nginx 2, 维护中"),
		row("old.example.com", dead, 2, "2024 年下线"),
		row("img.example.com", c.must("primary").Address, 1, "图片"),
	}, ",")
}

// fill creates the data in the order in which it came to be, with a dump at each age, and gives the standby's own
// MySQL the outdated schema of the oldest one.
func (c *Company) fill(ctx context.Context) error {
	primary, standby := c.must("primary"), c.must("standby")
	db, err := c.open(primary)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // USE speed holds
	now := time.Now()
	steps := []struct {
		statements []string
		dump       func(context.Context) error
	}{
		{[]string{schema, c.domains(), c.grants(), userRows(4000, now), orders(1, 24000, now.Add(-300*time.Hour), now.Add(-50*time.Hour))}, c.oldestDump},
		{[]string{orders(24001, 3000, now.Add(-50*time.Hour), now.Add(-26*time.Hour))}, c.olderDump},
		{[]string{orders(27001, 3000, now.Add(-26*time.Hour), now.Add(-2*time.Hour)), payments(5000), logs(2000)}, c.rightDump},
		{[]string{orders(30001, 500, now.Add(-2*time.Hour), now), "UPDATE t_app_dns SET status = 1, updated_at = NOW() WHERE domain = 'cdn2.example.com'"}, nil},
	}
	c.dumps.orders = 30000
	for _, s := range steps {
		for _, q := range s.statements {
			if _, err := db.ExecContext(ctx, q); err != nil {
				return fmt.Errorf("fill the primary's database: %w", err)
			}
		}
		if s.dump != nil {
			if err := s.dump(ctx); err != nil {
				return err
			}
		}
	}
	var g errgroup.Group
	g.Go(func() error { return c.spread(now) })
	g.Go(func() error { return c.outdate(ctx, standby) })
	return g.Wait()
}

// outdate loads the oldest dump into the standby's own MySQL.
func (c *Company) outdate(ctx context.Context, standby *Host) error {
	db, err := c.open(standby)
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	for _, q := range []string{"CREATE DATABASE speed CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci; USE speed", withoutSandbox(c.dumps.oldest), c.grants()} {
		if _, err := db.ExecContext(ctx, q); err != nil {
			return fmt.Errorf("fill the standby's database: %w", err)
		}
	}
	return nil
}

func userRows(n int, now time.Time) string {
	var b strings.Builder
	b.WriteString("INSERT INTO users (email, nickname, balance_cents, created_at) VALUES ")
	for i := 1; i <= n; i++ {
		if i > 1 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "('user%d@example.com','用户%d',%d,'%s')", i, i, i*7%10000, stamp(now.Add(-time.Duration(300+i/100)*time.Hour)))
	}
	return b.String()
}

// orders makes n orders from the given id on, spread evenly over a time.
func orders(first, n int, from, to time.Time) string {
	var b strings.Builder
	b.WriteString("INSERT INTO orders (id, user_id, product, amount_cents, state, note, created_at) VALUES ")
	step := to.Sub(from) / time.Duration(n)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		id := first + i
		fmt.Fprintf(&b, "(%d,%d,'plan-%d',%d,'%s','order %d; it''s (ok), \\\\ done',FROM_UNIXTIME(%d))", id, id%4000+1, id%5, 100+id%900, [...]string{"new", "paid", "sent"}[id%3], id,
			from.Add(step*time.Duration(i)).Unix())
	}
	return b.String()
}

func payments(n int) string {
	return fmt.Sprintf("INSERT INTO payments (order_id, channel, payload, created_at) SELECT id, 'card', UNHEX(MD5(id)), created_at FROM orders WHERE id <= %d", n)
}

func logs(n int) string {
	return fmt.Sprintf("INSERT INTO user_logs (user_id, datestr, ip, user_agent) SELECT id, '2026-11-01', '192.0.2.9', 'drill' FROM users WHERE id <= %d", n)
}

func stamp(t time.Time) string { return t.Format("2006-01-02 15:04:05") }

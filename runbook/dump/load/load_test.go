package load

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	_ "github.com/go-sql-driver/mysql"
	"go.uber.org/goleak"

	"recoverbot/drill/server"
)

func TestMain(m *testing.M) {
	if os.Getenv(ConfigVariable) != "" {
		code := Main(nil, os.Stdin, os.Stdout, os.Stderr)
		if status, err := os.ReadFile("/proc/self/status"); err == nil { // what the parent had before would count in rusage
			_, _ = os.Stderr.Write(status)
		}
		os.Exit(code)
	}
	goleak.VerifyTestMain(m)
}

// place is a private server.
type place struct {
	*server.MariaDB
	t   *testing.T
	db  *sql.DB
	dir string
}

func newPlace(t *testing.T, flags ...string) *place {
	t.Helper()
	dir, err := os.MkdirTemp("", "rbload")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	m, err := server.StartMariaDB(t.Context(), server.MariaDBOptions{Dir: filepath.Join(dir, "m"), Address: "127.0.0.1", Socket: filepath.Join(dir, "s"), Flags: flags})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Kill() })
	db, err := sql.Open("mysql", m.DSN("", ""))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &place{m, t, db, dir}
}

// exec runs statements in a schema.
func (p *place) exec(schema string, statements ...string) {
	p.t.Helper()
	conn, err := p.db.Conn(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	for _, s := range append([]string{"CREATE DATABASE IF NOT EXISTS " + quote(schema), "USE " + quote(schema)}, statements...) {
		if _, err := conn.ExecContext(p.t.Context(), s); err != nil {
			p.t.Fatalf("%.200s: %v", s, err)
		}
	}
}

func (p *place) client(program, input string, args ...string) string {
	p.t.Helper()
	cmd := exec.CommandContext(p.t.Context(), program, append([]string{"--no-defaults", "--socket=" + p.Socket, "-uroot"}, args...)...)
	cmd.Stdin = strings.NewReader(input)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil {
		p.t.Fatalf("%s: %v: %s", program, err, complaint.String())
	}
	return string(out)
}

func (p *place) file(text string, gz bool) Config {
	p.t.Helper()
	data := []byte(text)
	if gz {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(data)
		_ = z.Close()
		data = b.Bytes()
	}
	f, err := os.CreateTemp(p.dir, "dump")
	if err != nil {
		p.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(data); err != nil {
		p.t.Fatal(err)
	}
	sum := sha256.Sum256(data)
	return Config{File: f.Name(), Gzip: gz, SHA256: hex.EncodeToString(sum[:]), Schema: "live", Scratch: "scratch_" + filepath.Base(f.Name()), Network: "unix",
		Address: p.Socket, User: "root", Sessions: 3}
}

// load runs the load and returns its last line.
func (p *place) load(ctx context.Context, cfg Config, say func(Line)) Line {
	p.t.Helper()
	if say == nil {
		say = func(Line) {}
	}
	return runLocal(ctx, cfg, say)
}

func (p *place) list(query string, args ...any) (out [][2]string) {
	p.t.Helper()
	rows, err := p.db.QueryContext(p.t.Context(), query, args...)
	if err != nil {
		p.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var x [2]string
		if err := rows.Scan(&x[0], &x[1]); err != nil {
			p.t.Fatal(err)
		}
		out = append(out, x)
	}
	return out
}

var counters = regexp.MustCompile(` AUTO_INCREMENT=\d+`)

// contents is all that a schema holds, as text: definitions and checksums.
func (p *place) contents(schema string) map[string]string {
	p.t.Helper()
	out := map[string]string{}
	show := func(kind, name string) {
		rows, err := p.db.QueryContext(p.t.Context(), "SHOW CREATE "+kind+" "+quote(schema)+"."+quote(name))
		if err != nil {
			p.t.Fatal(err)
		}
		defer rows.Close()
		columns, _ := rows.Columns()
		for rows.Next() {
			row := make([]any, len(columns))
			for i := range row {
				row[i] = new(sql.NullString)
			}
			if err := rows.Scan(row...); err != nil {
				p.t.Fatal(err)
			}
			text := ""
			for i, c := range columns {
				if c != "Created" {
					text += c + "=" + row[i].(*sql.NullString).String + "\n"
				}
			}
			text = strings.ReplaceAll(text, quote(schema)+".", "")
			out[kind+" "+name] = counters.ReplaceAllString(text, "")
		}
	}
	for _, x := range p.list("SELECT TABLE_TYPE, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA=?", schema) {
		switch x[0] {
		case "VIEW":
			show("VIEW", x[1])
		case "SEQUENCE":
			show("SEQUENCE", x[1])
		default:
			show("TABLE", x[1])
			if x[1] == "made" || x[1] == "versioned" { // a checksum takes in when rows were written, and what lies unused in them
				sum := sha256.Sum256([]byte(p.client("mysqldump", "", "--compact", "--no-create-info", "--order-by-primary", schema, x[1])))
				out["ROWS "+x[1]] = hex.EncodeToString(sum[:])
				continue
			}
			out["CHECKSUM "+x[1]] = p.list("CHECKSUM TABLE " + quote(schema) + "." + quote(x[1]))[0][1]
		}
	}
	for _, x := range p.list("SELECT 'TRIGGER', TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA=?"+
		" UNION ALL SELECT ROUTINE_TYPE, ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA=?", schema, schema) {
		show(x[0], x[1])
	}
	return out
}

func (p *place) same(want, have map[string]string) {
	p.t.Helper()
	for k, w := range want {
		if h := have[k]; h != w {
			p.t.Errorf("%s:\nwant %s\nhave %s", k, w, h)
		}
	}
	if len(want) != len(have) {
		p.t.Errorf("%d things, want %d", len(have), len(want))
	}
}

// everything is a schema with all that a dump can hold.
var everything = []string{
	"CREATE TABLE `t``1` (id int PRIMARY KEY AUTO_INCREMENT, a tinyint unsigned, b smallint zerofill, c mediumint, d bigint unsigned, e decimal(65,30), f float, g double, h bit(17)," +
		" i date, j datetime(6), k timestamp(3) NULL, l time(2), m year, n char(10), o varchar(200) CHARACTER SET latin1, p binary(5), q varbinary(20), r blob, s longtext, t enum('a','b\\'c')," +
		" u set('x','y'), v json, w uuid, x inet6, y point, z varchar(30) COLLATE utf8mb4_bin DEFAULT 'it''s; -- x' COMMENT 'a ) , KEY `no` (`id`)') AUTO_INCREMENT=7000",
	"INSERT INTO `t``1` VALUES (0,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL)," +
		"(9,255,7,-8,18446744073709551615,-1.000000000000000000000000000001,1.5e-30,-2.25e300,b'10101010101010101','2026-02-28','2026-11-22 03:04:05.123456','2026-11-22 03:04:05.123'," +
		"'-838:59:59',2026,'用户','é',x'0001',x'275c0a00','\\0\\'\\\"\\\\\\n;',REPEAT('字',4000),'b\\'c','x,y','{\"a\": [1]}',UUID(),'2001:db8::1',POINT(1,2),'/* x */')",
	"CREATE TABLE big (id bigint NOT NULL AUTO_INCREMENT, name varchar(60) NOT NULL, word varchar(200), n int, created_at timestamp NULL, PRIMARY KEY (id), UNIQUE KEY name (name)," +
		" KEY word (word(10)) COMMENT 'two, ) words; \\'x\\'', KEY `odd``name` (n DESC, id), KEY both_of (n,word(5)) USING BTREE, KEY off (n) IGNORED, CONSTRAINT pos CHECK (n > -5)) ROW_FORMAT=DYNAMIC COMMENT='k; K'",
	"INSERT INTO big SELECT seq, MD5(seq), REPEAT(MD5(seq), 4), seq MOD 100, '2026-01-01' + INTERVAL seq SECOND FROM seq_1_to_14000",
	"CREATE TABLE nopk (a int, b varchar(200), KEY a (a), KEY b (b))",
	"INSERT INTO nopk SELECT seq, REPEAT('x', 150) FROM seq_1_to_9000",
	"CREATE TABLE nopk_unique (a int NOT NULL, b varchar(200), UNIQUE KEY a (a))",
	"INSERT INTO nopk_unique SELECT seq, REPEAT('x', 150) FROM seq_1_to_300",
	"CREATE TABLE second_counter (id int NOT NULL AUTO_INCREMENT, g int NOT NULL, b varchar(200), PRIMARY KEY (g,id), KEY id (id))",
	"INSERT INTO second_counter SELECT seq, seq MOD 9, REPEAT('x', 150) FROM seq_1_to_300",
	"CREATE TABLE words (id int PRIMARY KEY, b text, n int, FULLTEXT KEY b (b), KEY n (n))",
	"INSERT INTO words SELECT seq, REPEAT(CONCAT('word', seq, ' '), 20), seq FROM seq_1_to_300",
	"CREATE TABLE places (id int PRIMARY KEY, p point NOT NULL, pad char(200), n int, SPATIAL KEY p (p), KEY n (n))",
	"INSERT INTO places SELECT seq, POINT(seq, seq), REPEAT('p', 150), seq FROM seq_1_to_300",
	"CREATE TABLE parent (id int PRIMARY KEY, code varchar(150) NOT NULL, KEY code (code))",
	"INSERT INTO parent SELECT seq, CONCAT(REPEAT('c', 140), seq) FROM seq_1_to_300",
	"CREATE TABLE child (id int PRIMARY KEY, code varchar(150), up int, KEY code (code), CONSTRAINT fk_code FOREIGN KEY (code) REFERENCES parent (code), CONSTRAINT fk_up FOREIGN KEY (up) REFERENCES child (id) ON DELETE CASCADE)",
	"INSERT INTO child SELECT seq, CONCAT(REPEAT('c', 140), seq), IF(seq=1, NULL, 1) FROM seq_1_to_300",
	"CREATE TABLE made (id int PRIMARY KEY, a int, v int AS (a + 1) VIRTUAL, s varchar(160) AS (CONCAT(REPEAT('s',150), a)) STORED, KEY v (v), KEY s (s), KEY a (a))",
	"INSERT INTO made (id, a) SELECT seq, seq FROM seq_1_to_300",
	"CREATE TABLE parts (id int NOT NULL, y int NOT NULL, pad char(200), PRIMARY KEY (id,y), KEY y (y)) PARTITION BY RANGE (y) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE)",
	"INSERT INTO parts SELECT seq, seq MOD 20, REPEAT('p', 150) FROM seq_1_to_300",
	"CREATE TABLE versioned (id int PRIMARY KEY, pad char(200), n int, KEY n (n)) WITH SYSTEM VERSIONING",
	"INSERT INTO versioned SELECT seq, REPEAT('p', 150), seq FROM seq_1_to_300",
	"CREATE TABLE spans (id int, a date, b date, PERIOD FOR p (a,b), UNIQUE KEY id (id, p WITHOUT OVERLAPS))",
	"INSERT INTO spans VALUES (1,'2026-01-01','2026-02-01'),(1,'2026-02-01','2026-03-01')",
	"CREATE TABLE hidden (id int PRIMARY KEY, a int INVISIBLE DEFAULT 5, b varchar(200), KEY a (a))",
	"INSERT INTO hidden (id, a, b) SELECT seq, seq, REPEAT('h', 150) FROM seq_1_to_300",
	"CREATE SEQUENCE numbers START WITH 40 INCREMENT BY 3", "SELECT NEXTVAL(numbers)",
	"CREATE TABLE old_engine (id int PRIMARY KEY, b varchar(200), KEY b (b)) ENGINE=MyISAM", "INSERT INTO old_engine SELECT seq, REPEAT('m', 150) FROM seq_1_to_300",
	"CREATE TABLE aria (id int PRIMARY KEY, b varchar(20), KEY b (b)) ENGINE=Aria", "INSERT INTO aria VALUES (1,'a')",
	"CREATE TABLE nothing (id int PRIMARY KEY)",
	"CREATE VIEW v1 AS SELECT id, name FROM big WHERE n < 5", "CREATE VIEW a_view AS SELECT v1.id FROM v1 JOIN parent USING (id)",
	"CREATE TRIGGER before_big BEFORE INSERT ON big FOR EACH ROW BEGIN SET NEW.word = CONCAT('triggered; ', NEW.word); INSERT INTO nothing VALUES (NEW.id); END",
	"CREATE TRIGGER after_child AFTER INSERT ON child FOR EACH ROW FOLLOWS after_child_0",
	"CREATE FUNCTION twice(n int) RETURNS int DETERMINISTIC RETURN n * 2",
	"CREATE PROCEDURE note(IN s varchar(20)) BEGIN DECLARE x int; SET x = 1; IF x > 0 THEN SELECT s; END IF; END",
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	statements := append([]string{"SET time_zone='+05:00'"}, everything...)
	for i, s := range statements {
		if strings.Contains(s, "FOLLOWS after_child_0") {
			statements[i] = "CREATE TRIGGER after_child AFTER INSERT ON child FOR EACH ROW SET @seen = NEW.id"
		}
	}
	p.exec("made", statements...)
	p.exec("live", "CREATE TABLE only_live (id int)", "INSERT INTO only_live VALUES (1)",
		"CREATE TABLE big (id int) ENGINE=MERGE UNION=(lost)", "CREATE TABLE damaged (id int) ENGINE=MERGE UNION=(lost)")
	for _, c := range []struct {
		name  string
		flags []string
	}{
		{"plain", nil},
		{"compact", []string{"--compact", "--hex-blob", "--single-transaction"}},
		{"complete", []string{"--complete-insert", "--order-by-primary", "--skip-tz-utc", "--skip-add-locks"}},
		{"one_row", []string{"--skip-extended-insert", "--no-autocommit"}},
	} {
		name, flags := c.name, c.flags
		if name == "one_row" { // as many rows would keep the mysql client busy for a minute
			p.exec("made", "SET foreign_key_checks=0", "DELETE FROM child WHERE id > 1", "DELETE FROM big WHERE id MOD 10", "DELETE FROM parent WHERE id MOD 9",
				"DELETE FROM nopk", "DELETE FROM nopk_unique WHERE a MOD 9", "DELETE FROM second_counter WHERE id MOD 9", "DELETE FROM words", "DELETE FROM places",
				"DELETE FROM made WHERE id MOD 9", "DELETE FROM parts WHERE id MOD 9", "DELETE FROM versioned WHERE id MOD 9", "DELETE FROM hidden WHERE id MOD 9", "DELETE FROM old_engine")
		}
		for _, gz := range []bool{false, true} {
			if gz && name != "plain" {
				continue
			}
			text := p.client("mysqldump", "", append(append([]string{"--routines", "--triggers"}, flags...), "made")...)
			base := "base_" + name
			p.exec(base)
			p.client("mysql", "SET foreign_key_checks=0, sql_mode='NO_AUTO_VALUE_ON_ZERO';"+text, base)
			cfg := p.file(text, gz)
			last := p.load(t.Context(), cfg, nil)
			if last.Report == nil {
				t.Fatalf("%s: %+v", name, last.Refused)
			}
			p.same(p.contents(base), p.contents(cfg.Scratch))
			if !slices.Equal(last.Report.Extra, []string{"damaged", "only_live"}) {
				t.Errorf("%s: extra %v", name, last.Report.Extra)
			}
			for _, x := range last.Report.Tables {
				if x.LiveRows != -1 {
					t.Errorf("%s: %d live rows of %s", name, x.LiveRows, x.Name)
				}
			}
			p.exec("live", "DROP DATABASE "+quote(cfg.Scratch), "DROP DATABASE "+quote(base))
			if t.Failed() {
				t.Fatalf("%s, gzip %v", name, gz)
			}
		}
	}
}

package load_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jmoiron/sqlx"

	"recoverbot/drill/server"
	"recoverbot/runbook/dump/load"
)

// hostile are texts that a reader of dumps may trip over.
var hostile = []string{
	"", "'", "\"", "`", "\\", "\\'", "''", "a'b", ";", "; DROP TABLE x;", "-- x", "#x", "/* x", "*/", "/*!50000 x */", "/*M! x */", "--", "\\! id",
	"DELIMITER ;;", "\nDELIMITER $$\n", "\n\\! touch /x\n", "\r\n", "\x1a", "\x00", "USE other;", "用户 😀", "\u00a0\u2028", "INSERT INTO `x` VALUES (1);",
	"\nUSE `other`;\n-- Dump completed on 2020-01-01  1:00:00\n", "\\\\'", "\\0", "%_", "\t", strings.Repeat("'\\", 500),
}

const made = "CREATE TABLE texts (id int primary key auto_increment, t longtext, b blob) DEFAULT CHARSET=utf8mb4;" +
	"CREATE TABLE bytes (n int primary key, b blob, l text CHARACTER SET latin1, v varbinary(600));" +
	"INSERT INTO bytes SELECT seq, CHAR(seq), CONVERT(CHAR(seq) USING latin1), REPEAT(CONCAT(CHAR(seq),CHAR(255-seq)),200) FROM seq_0_to_255;" +
	"CREATE TABLE wide (id int primary key, g varchar(99) CHARACTER SET gbk, s varchar(99) CHARACTER SET sjis);" +
	"INSERT INTO wide VALUES (1, CONVERT(x'D55C27B55C6031' USING gbk), CONVERT(x'835C27955C60' USING sjis)), (2, CONVERT(x'815C' USING gbk), CONVERT(x'8E5C8F5C' USING sjis)), (3, x'5C', x'27');" +
	"CREATE TABLE kinds (id bigint unsigned primary key auto_increment, b1 bit(1), b64 bit(64), j json, p point, f float, d double, n decimal(20,5), y year, t6 time(6), ts timestamp(6) NULL, " +
	"e enum('a''b','c;d','*/'), s set('x','y;','z') CHARACTER SET latin1, u uuid, v int AS (n*2) VIRTUAL, w varchar(20) AS (CONCAT(y,';')) STORED, k int DEFAULT (1+1) COMMENT 'it''s */ ; -- \\\\ `x`', KEY (n)) COMMENT='a;b';" +
	"INSERT INTO kinds (b1,b64,j,p,f,d,n,y,t6,ts,e,s,u) VALUES (b'1',x'FFFFFFFFFFFFFFFF','{\"a\":\"\\\\\"\\\\\\\\;\"}',POINT(-1,2.5),-0.0,-0e0,-0.00001,2026,'-838:59:58.999999','2026-11-22 01:00:00.123456','a''b','x,z','123e4567-e89b-12d3-a456-426655440000')," +
	"(b'0',0,NULL,NULL,1.17549e-38,1.7976931348623157e308,-99999.99999,1901,'00:00:00.000001',NULL,'*/','',NULL),(NULL,NULL,'[]',NULL,NULL,2.2250738585072014e-308,NULL,NULL,NULL,NULL,NULL,NULL,NULL);" +
	"CREATE TABLE empty (a int); CREATE TABLE `od``d . name;/*` (`a``b` int primary key, `select` int, KEY `k;` (`select`)); INSERT INTO `od``d . name;/*` VALUES (1,2);" +
	"CREATE TABLE parts (id int primary key, x int) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN MAXVALUE); INSERT INTO parts VALUES (1,1),(11,11);" +
	"CREATE TABLE child (id int primary key, p int, CONSTRAINT fk FOREIGN KEY (p) REFERENCES parent (id)); "

const objects = "CREATE VIEW v_b AS SELECT id, REPLACE(t,'a','b') r FROM texts WHERE t LIKE b OR t=';' OR EXTRACT(YEAR FROM NOW())=1; CREATE VIEW v_a AS SELECT v.id FROM v_b v JOIN texts x ON x.id=v.id;" +
	"CREATE FUNCTION f(a int) RETURNS int DETERMINISTIC RETURN a+1;" +
	"CREATE TRIGGER g BEFORE INSERT ON empty FOR EACH ROW BEGIN /* it's; */ SET @x='; /* ;;'; SET NEW.a=NEW.a+1; -- don't; x\n END;"

type exactWorld struct {
	t    *testing.T
	s    *server.MariaDB
	db   *sqlx.DB
	conn string
}

func newExactWorld(t *testing.T) *exactWorld {
	t.Helper()
	dir, err := os.MkdirTemp("", "exact") // short: a socket's path has a limit
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	s, err := server.StartMariaDB(t.Context(), server.MariaDBOptions{Dir: dir, Address: "127.0.0.1", Socket: filepath.Join(dir, "s"), Flags: []string{"--event-scheduler=OFF"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Kill() })
	db, err := sqlx.Open("mysql", s.DSN("", ""))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return &exactWorld{t: t, s: s, db: db}
}

func (w *exactWorld) exec(query string, args ...any) {
	w.t.Helper()
	if _, err := w.db.ExecContext(w.t.Context(), query, args...); err != nil {
		w.t.Fatalf("%v in %.200s", err, query)
	}
}

func (w *exactWorld) program(in string, name string, args ...string) (string, error) {
	c := exec.CommandContext(w.t.Context(), name, append([]string{"--no-defaults", "--socket=" + w.s.Socket, "-uroot"}, args...)...)
	c.Stdin = strings.NewReader(in)
	out, err := c.Output()
	if e := (*exec.ExitError)(nil); err != nil {
		if e, _ = err.(*exec.ExitError); e != nil { //nolint:errorlint // Output returns it bare
			err = fmt.Errorf("%w: %s", err, e.Stderr)
		}
	}
	return string(out), err
}

// load runs our path into the schema scratch.
func (w *exactWorld) load(text []byte, gz bool) load.Line {
	sum := sha256.Sum256(text)
	cfg := load.Config{Gzip: gz, Trailer: bytes.Contains(text, []byte("Host:")) && !gz, SHA256: hex.EncodeToString(sum[:]), Schema: "speed", Scratch: "scratch", Network: "unix", Address: w.s.Socket, User: "root"}
	open := func(_ context.Context, offset int64) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(text[offset:])), nil
	}
	var d net.Dialer
	return load.Run(w.t.Context(), cfg, load.Source{Size: int64(len(text)), Open: open},
		func(ctx context.Context) (net.Conn, error) { return d.DialContext(ctx, "unix", w.s.Socket) }, func(load.Line) {})
}

// image is everything that a schema holds, in words.
func (w *exactWorld) image(schema string) []string {
	w.t.Helper()
	var out []string
	say := func(kind, name, query string) {
		rows, err := w.db.QueryxContext(w.t.Context(), query)
		if err != nil {
			w.t.Fatalf("%v in %s", err, query)
		}
		defer func() { _ = rows.Close() }()
		for rows.Next() {
			cells, err := rows.SliceScan()
			if err != nil {
				w.t.Fatal(err)
			}
			line := kind + " " + name
			for _, c := range cells {
				if b, ok := c.([]byte); ok {
					c = string(b)
				}
				line += "|" + fmt.Sprint(c)
			}
			out = append(out, strings.ReplaceAll(line, "`"+schema+"`", "`?`"))
		}
		if err := rows.Err(); err != nil {
			w.t.Fatal(err)
		}
	}
	list := func(query string) (names []string) {
		if err := w.db.SelectContext(w.t.Context(), &names, query, schema); err != nil {
			w.t.Fatal(err)
		}
		return names
	}
	w.exec("USE " + schema)
	for _, t := range list("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA=? AND TABLE_TYPE='BASE TABLE' ORDER BY 1") {
		q := "`" + strings.ReplaceAll(t, "`", "``") + "`"
		say("create", t, "SHOW CREATE TABLE "+q)
		var n string
		var sum any
		if err := w.db.QueryRowxContext(w.t.Context(), "CHECKSUM TABLE "+q).Scan(&n, &sum); err != nil {
			w.t.Fatal(err)
		}
		out = append(out, fmt.Sprint("sum ", t, sum))
		var columns []struct {
			Name string `db:"COLUMN_NAME"`
			Type string `db:"DATA_TYPE"`
		}
		if err := w.db.SelectContext(w.t.Context(), &columns, "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA=? AND TABLE_NAME=? ORDER BY ORDINAL_POSITION", schema, t); err != nil {
			w.t.Fatal(err)
		}
		var cells []string
		for _, c := range columns {
			name := "`" + strings.ReplaceAll(c.Name, "`", "``") + "`"
			if c.Type != "point" && c.Type != "bit" {
				name = "CAST(" + name + " AS BINARY)"
			}
			cells = append(cells, "COALESCE(HEX("+name+"),'NULL')")
		}
		say("row", t, "SELECT "+strings.Join(cells, ",")+" FROM "+q+" ORDER BY 1")
	}
	for _, v := range list("SELECT TABLE_NAME FROM information_schema.VIEWS WHERE TABLE_SCHEMA=? ORDER BY 1") {
		say("view", v, "SHOW CREATE VIEW `"+v+"`")
	}
	for _, x := range list("SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA=? ORDER BY 1") {
		say("trigger", x, "SELECT ACTION_STATEMENT, SQL_MODE, DEFINER, CHARACTER_SET_CLIENT, COLLATION_CONNECTION, ACTION_TIMING, EVENT_MANIPULATION FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA='"+schema+"' AND TRIGGER_NAME='"+x+"'")
	}
	for _, x := range list("SELECT ROUTINE_NAME FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA=? ORDER BY 1") {
		say("routine", x, "SELECT ROUTINE_TYPE, ROUTINE_DEFINITION, SQL_MODE, DEFINER, CHARACTER_SET_CLIENT FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA='"+schema+"' AND ROUTINE_NAME='"+x+"'")
	}
	return out
}

// TestByteExact loads the same dumps by the mysql client and by our path, and compares all that is there afterwards.
func TestByteExact(t *testing.T) {
	t.Parallel()
	w := newExactWorld(t)
	w.db.SetMaxOpenConns(1)
	w.exec("CREATE DATABASE speed CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci; USE speed; SET foreign_key_checks=0; " + made)
	for _, s := range hostile {
		w.exec("INSERT INTO texts (t,b) VALUES (?,?)", s, []byte(s+"\xff\x00"))
	}
	w.exec("CREATE TABLE parent (id int primary key); INSERT INTO parent VALUES (1); INSERT INTO child VALUES (1,1);" + objects)
	w.exec("SET sql_mode='ANSI_QUOTES,NO_BACKSLASH_ESCAPES'; CREATE PROCEDURE p(OUT o text) BEGIN DECLARE \"x;\" int; SET o = '\\'; SELECT 'a''\\' INTO o; END; SET sql_mode=DEFAULT;" +
		"CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM texts")
	dumped := func(flags ...string) string {
		out, err := w.program("", "mysqldump", append(append([]string{"--routines", "--events"}, flags...), "speed")...)
		if err != nil {
			t.Fatal(flags, err)
		}
		return out
	}
	plain := dumped()
	i := strings.LastIndex(plain, "-- Dump completed")
	huge := plain[:i] + "INSERT INTO `texts` VALUES (7000,'" + strings.Repeat(`\'x;`, 1<<20) + "','');\n" + plain[i:]
	mysql8, err := os.ReadFile("testdata/mysql8.sql")
	if err != nil {
		t.Fatal(err)
	}
	type dumpCase struct {
		name, text, charset string
		gz                  bool
	}
	cases := []dumpCase{
		{name: "bom, no newline at the end", text: "\ufeff" + strings.TrimRight(plain, "\n")},
		{name: "gzip", text: plain, gz: true}, {name: "huge statement", text: huge}, {name: "mysql 8", text: string(mysql8)},
		{name: "crlf", text: strings.ReplaceAll(dumped("--skip-routines", "--skip-triggers"), "\n", "\r\n")},
	}
	for _, flags := range []string{
		"--skip-extended-insert --complete-insert --replace --skip-comments --no-autocommit", "--compact --hex-blob", "--databases --add-drop-database --single-transaction --master-data=2",
		"--master-data=1 --insert-ignore --skip-add-locks --skip-disable-keys --order-by-primary", "--skip-opt --create-options --skip-tz-utc --skip-set-charset",
		"--default-character-set=latin1", "--default-character-set=gbk --hex-blob", "--default-character-set=sjis --hex-blob", "--default-character-set=binary",
		"--compatible=ansi --skip-events --skip-routines",
	} {
		c := dumpCase{name: flags, text: dumped(strings.Fields(flags)...)}
		if _, after, ok := strings.Cut(flags, "--default-character-set="); ok {
			c.charset, _, _ = strings.Cut(after, " ")
		}
		if strings.HasPrefix(flags, "--compact") { // which sets nothing, has a table before the one that it refers to, and values of generated columns
			sandbox, rest, _ := strings.Cut(c.text, "\n")
			c.text = sandbox + "\nSET foreign_key_checks=0, sql_mode='NO_AUTO_VALUE_ON_ZERO';\n" + rest
		}
		cases = append(cases, c)
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w.t = t
			w.exec("DROP DATABASE IF EXISTS speed; CREATE DATABASE speed CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci; DROP DATABASE IF EXISTS scratch")
			var clean []string // of what a MariaDB without replication cannot take
			for _, line := range strings.SplitAfter(c.text, "\n") {
				if !strings.HasPrefix(line, "CHANGE MASTER") {
					clean = append(clean, line)
				}
			}
			in := strings.Join(clean, "")
			if i := strings.Index(in, "SET @@GLOBAL.GTID_PURGED"); i >= 0 {
				in = in[:i] + in[i+strings.Index(in[i:], ";\n"):]
			}
			charset := c.charset
			if charset == "" {
				charset = "utf8mb4"
			}
			if _, err := w.program(in, "mysql", "--comments", "--default-character-set="+charset, "speed"); err != nil {
				t.Fatal(err)
			}
			text := []byte(c.text)
			if c.gz {
				var b bytes.Buffer
				z := gzip.NewWriter(&b)
				_, _ = z.Write(text)
				_ = z.Close()
				text = b.Bytes()
			}
			line := w.load(text, c.gz)
			if line.Report == nil {
				t.Fatalf("refused: %+v", line.Refused)
			}
			want, got := w.image("speed"), w.image("scratch")
			for i := range max(len(want), len(got)) {
				if i >= len(want) || i >= len(got) || want[i] != got[i] {
					t.Fatalf("differs:\n%.600s\n%.600s", slices.Concat(want[min(i, len(want)):], []string{""})[0], slices.Concat(got[min(i, len(got)):], []string{""})[0])
				}
			}
		})
	}
	w.t = t
	lacking := strings.ReplaceAll(string(mysql8), "utf8mb4_general_ci NOT NULL", "utf8mb4_0900_ai_ci NOT NULL")
	w.exec("DROP DATABASE IF EXISTS scratch")
	if line := w.load([]byte(lacking), false); line.Refused == nil || line.Refused.ID != "dump.collation" || line.Refused.Args["names"] != "utf8mb4_0900_ai_ci" {
		t.Errorf("a collation that the server lacks: %+v", line.Refused)
	}
	var left int
	if err := w.db.GetContext(t.Context(), &left, "SELECT COUNT(*) FROM information_schema.SCHEMATA WHERE SCHEMA_NAME='scratch'"); err != nil || left != 0 {
		t.Errorf("written before it was refused: %v", err)
	}
}

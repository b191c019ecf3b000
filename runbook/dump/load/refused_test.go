package load_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"recoverbot/locale"
)

// TestRefusedBeforeAnyWrite wants each dump that would reach beyond its schema refused with what, where and what to
// do, and a server on which nothing has changed, not even for a moment (fault 38).
func TestRefusedBeforeAnyWrite(t *testing.T) {
	t.Parallel()
	w := newExactWorld(t)
	w.db.SetMaxOpenConns(1)
	w.exec("CREATE DATABASE speed; CREATE DATABASE other; CREATE TABLE other.t (a int); INSERT INTO other.t VALUES (1);" +
		"USE speed; CREATE TABLE t_app_dns (id int primary key, ip varchar(64)); INSERT INTO t_app_dns VALUES (1,'192.0.2.1'),(2,'canary-row')")
	good, err := w.program("", "mysqldump", "speed")
	if err != nil {
		t.Fatal(err)
	}
	w.exec("CREATE TABLE speed.2024_logs (a int); INSERT INTO speed.2024_logs VALUES (1); CREATE DATABASE 1other; CREATE TABLE 1other.t (a int); CREATE DATABASE old; CREATE TABLE old.b (a int);" +
		"CREATE FUNCTION speed.f() RETURNS int MODIFIES SQL DATA DETERMINISTIC BEGIN INSERT INTO speed.2024_logs VALUES (7); RETURN 1; END")
	books, err := locale.Load()
	if err != nil {
		t.Fatal(err)
	}
	at := strings.LastIndex(good, "/*!40103 SET TIME_ZONE=@OLD_TIME_ZONE")
	line := int64(strings.Count(good[:at], "\n") + 1)
	state := func() string {
		var s string
		for _, q := range []string{"SELECT GROUP_CONCAT(SCHEMA_NAME ORDER BY 1) FROM information_schema.SCHEMATA", "SELECT GROUP_CONCAT(a) FROM other.t",
			"SELECT GROUP_CONCAT(id,ip ORDER BY 1) FROM speed.t_app_dns", "SELECT @@GLOBAL.max_connections", "SELECT COUNT(*) FROM mysql.global_priv"} {
			var v string
			if err := w.db.GetContext(t.Context(), &v, q); err != nil {
				t.Fatal(err)
			}
			s += v + "\n"
		}
		for _, q := range []string{"CHECKSUM TABLE speed.t_app_dns, speed.2024_logs, other.t, 1other.t, old.b", "SHOW MASTER STATUS"} {
			rows, err := w.db.QueryxContext(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for rows.Next() {
				cells, _ := rows.SliceScan()
				s += fmt.Sprintf("%s\n", cells)
			}
			_ = rows.Close()
		}
		return s
	}
	before := state()
	touched := filepath.Join(t.TempDir(), "touched")
	inserted := func(s string) string { return good[:at] + s + good[at:] }
	packed := func(s string) string {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write([]byte(s))
		_ = z.Close()
		return b.String()
	}
	refused := func(name, text string, gz bool, want string, where bool) {
		t.Helper()
		l := w.load([]byte(text), gz)
		if l.Refused == nil || l.Refused.ID != want {
			t.Errorf("%s: %+v, want %s", name, l.Refused, want)
		} else {
			for _, language := range []string{"en", "zh"} {
				said := books.Printer(language, time.UTC).Say(*l.Refused)
				if strings.Contains(said, "canary") || strings.Contains(said, "<no value>") || strings.HasPrefix(said, "dump.") ||
					where && (!strings.Contains(said, fmt.Sprint(line)) || !strings.Contains(said, fmt.Sprint(at))) {
					t.Errorf("%s: %s", name, said)
				}
			}
		}
		if now := state(); now != before {
			t.Fatalf("%s changed\n%s\nto\n%s", name, before, now)
		}
	}

	const foreign, unknown, set, client, body = "dump.foreign_schema", "dump.unknown_statement", "dump.set_refused", "dump.client_command", "dump.body"
	const elsewhere, literal = "dump.table_elsewhere", "dump.insert_not_literal"
	for text, want := range map[string]string{
		"USE other;": foreign, "use `other`;": foreign, "/*!50000 USE other */;": foreign, "/*!99999 USE other */;": foreign, "/*M! USE other */;": foreign,
		"CREATE DATABASE other2;": foreign, "CREATE SCHEMA IF NOT EXISTS other2;": foreign, "DROP DATABASE other;": foreign, "ALTER DATABASE other CHARACTER SET latin1;": foreign,
		"INSERT INTO other.t VALUES (7);": foreign, "INSERT INTO `other` . `t` VALUES (7);": foreign, "REPLACE INTO other.t VALUES (7);": foreign,
		"/*!50000 INSERT INTO other.t VALUES (7) */;": foreign, "CREATE TABLE other.x (a int);": foreign, "CREATE TABLE /*!50000 other.*/x (a int);": foreign,
		"CREATE TABLE x LIKE other.t;": foreign, "DROP TABLE other.t;": foreign, "DROP TABLE IF EXISTS t_app_dns, other.t;": foreign, "DROP VIEW other.v;": foreign,
		"ALTER TABLE other.t ADD b int;": foreign, "LOCK TABLES other.t WRITE;": foreign, "CREATE INDEX i ON other.t (a);": foreign,
		"CREATE TABLE x (a int, FOREIGN KEY (a) REFERENCES other.t (a));": foreign, "CREATE VIEW v AS SELECT * FROM other.t;": foreign,
		"CREATE VIEW v AS SELECT 1 FROM (t_app_dns), other.t;": foreign, "CREATE VIEW v AS SELECT other.f(1);": foreign,
		"CREATE TRIGGER g BEFORE INSERT ON other.t FOR EACH ROW SET @a=1;": foreign, "CREATE TRIGGER g BEFORE INSERT ON t_app_dns FOR EACH ROW INSERT other.t VALUES (1);": foreign,
		"CREATE PROCEDURE p() UPDATE other.t SET a=2;": foreign, "CREATE FUNCTION other.f() RETURNS int RETURN 1;": foreign, "CREATE EVENT e ON SCHEDULE EVERY 1 SECOND DO DELETE FROM other.t;": foreign,
		"DO SETVAL(other.s, 1);": foreign, "CREATE SEQUENCE other.s;": foreign,

		"RENAME TABLE t_app_dns TO other.t2;": unknown, "ALTER TABLE t_app_dns RENAME TO other.t2;": unknown, "TRUNCATE other.t;": unknown, "DELETE FROM other.t;": unknown,
		"UPDATE other.t SET a=2;": unknown, "GRANT ALL ON *.* TO x;": unknown, "REVOKE ALL ON *.* FROM x;": unknown, "CREATE USER x;": unknown, "CREATE ROLE x;": unknown,
		"DROP USER x;": unknown, "ALTER USER root IDENTIFIED BY 'canary';": unknown, "LOAD DATA INFILE '/etc/passwd' INTO TABLE t_app_dns;": unknown, "LOAD DATA LOCAL INFILE 'canary' INTO TABLE other.t;": unknown,
		"SELECT 'canary' INTO OUTFILE '/tmp/x';": unknown, "SELECT * FROM other.t;": unknown, "HANDLER other.t OPEN;": unknown, "PREPARE s FROM 'DROP DATABASE other';": unknown,
		"EXECUTE s;": unknown, "EXECUTE IMMEDIATE 'DROP DATABASE other';": unknown, "CALL other.p();": unknown, "DO SLEEP(1);": unknown, "SHUTDOWN;": unknown, "KILL 1;": unknown,
		"FLUSH PRIVILEGES;": unknown, "RESET MASTER;": unknown, "PURGE BINARY LOGS TO 'x';": unknown, "INSTALL SONAME 'x';": unknown, "XA START 'x';": unknown, "BEGIN NOT ATOMIC DROP DATABASE other; END;": unknown,
		"source /etc/passwd\n;": unknown, "system touch " + touched + "\n;": unknown, "tee " + touched + "\n;": unknown, "pager cat\n;": unknown, "CREATE FUNCTION f RETURNS int SONAME 'x.so';": unknown,
		"DROP TABLE 1other.t;": foreign, "DROP TABLE IF EXISTS t_app_dns, 1other.t;": foreign, "LOCK TABLES 1other.t WRITE;": foreign, "ALTER TABLE 1other.t ADD b int;": foreign,
		"CREATE INDEX i ON 1other.t (a);": foreign, "CREATE TABLE x LIKE 1other.t;": foreign, "INSERT INTO 1other.t VALUES (7);": foreign, "CREATE VIEW v AS SELECT 1e5FROM other.t;": foreign,
		"CREATE TRIGGER g BEFORE INSERT ON t_app_dns FOR EACH ROW INSERT INTO 1other.t VALUES (1);": foreign, "CREATE TRIGGER g BEFORE INSERT ON t_app_dns FOR EACH ROW INSERT old.b VALUES (1);": foreign,
		"CREATE VIEW v AS SELECT 1.5FROM other.t;": unknown, "INSERT INTO t_app_dns VALUES (9,1other.s.nextval);": literal,

		"SELECT SETVAL(s,1), speed.f();": unknown, "DO SETVAL(s,1), speed.f(), SLEEP(1);": unknown, "DO SETVAL(s,speed.f());": unknown,
		"CREATE TABLE x (a int) ENGINE FEDERATED CONNECTION 'mysql://canary';": elsewhere, "CREATE TABLE x (a int) ENGINE CONNECT TABLE_TYPE='MYSQL';": elsewhere, "ALTER TABLE t_app_dns ENGINE FEDERATED;": elsewhere,
		"CREATE TABLE x (a int) PARTITION BY LIST (a) (PARTITION p VALUES IN (1) ENGINE FEDERATED);": elsewhere, "CREATE TABLE x (a int) ENGINE MERGE UNION (other.t);": elsewhere,
		"CREATE TABLE x (a int) AS VALUES (1);": elsewhere, "CREATE TABLE x (a int) AS TABLE other.t;": elsewhere, "CREATE TABLE x WITH y AS (VALUES (1)) TABLE y;": elsewhere,
		"CREATE TRIGGER g BEFORE INSERT ON t_app_dns FOR EACH ROW SET @a=1, GLOBAL max_connections=7;": body, "CREATE PROCEDURE p() SET @a=1, @@GLOBAL. max_connections=7;": body,
		"'canary';": unknown, "WITH x AS (SELECT 1) SELECT * FROM x;": unknown,

		"SET GLOBAL max_connections=7;": set, "SET @@GLOBAL.max_connections=7;": set, "SET SQL_NOTES=0, GLOBAL max_connections=7;": set, "SET PERSIST x=1;": set, "SET PASSWORD='canary';": set,
		"/*!50000 SET GLOBAL max_connections=7 */;": set, "SET SESSION sql_mode='CANARY';": set, "SET STATEMENT max_statement_time=1 FOR DROP DATABASE other;": set, "SET ROLE x;": set,

		"\\! touch " + touched + "\n": client, "\\. /etc/passwd\n": client, "\\u other\n": client, "\\T " + touched + "\n": client, "\\r other\n": client,
		"DELIMITER\n": unknown, "delimiter '\n": "dump.delimiter", "DELIMITER \\\n": "dump.delimiter", "DELIMITER x\n": "dump.delimiter",
		"/*!5 x */;": "dump.nested_comment", "INSERT INTO t_app_dns SELECT * FROM other.t;": literal, "INSERT INTO t_app_dns VALUES (9,LOAD_FILE('canary'));": literal,
		"INSERT INTO t_app_dns VALUES (9,'canary') ON DUPLICATE KEY UPDATE id=(SELECT 1);": literal, "INSERT INTO missing VALUES (1);": "dump.rows_without_table",
		"CREATE TABLE x AS SELECT * FROM other.t;": elsewhere, "CREATE TABLE x (a int) ENGINE=FEDERATED CONNECTION='mysql://canary';": elsewhere,
		"CREATE TABLE x (a int) DATA DIRECTORY='/tmp';": elsewhere, "CREATE TABLE x (a int) ENGINE=MERGE UNION=(other.t);": elsewhere,
		"CREATE PROCEDURE p() SET GLOBAL max_connections=7;": body, "CREATE TRIGGER g BEFORE INSERT ON t_app_dns FOR EACH ROW SET @@GLOBAL.max_connections=7;": body,
		"CREATE VIEW v AS SELECT LOAD_FILE('/etc/passwd');": body, "CREATE PROCEDURE p() DROP DATABASE other;": body, "CREATE TABLE speed /*!99999 .x */ (a int);": "dump.nested_comment",
	} {
		refused(text, inserted(text+"\n"), false, want, true)
	}
	for text, want := range map[string]string{ // found further on than where it begins
		"/*!50000 SET SQL_NOTES=0; USE other; */;\n": "dump.nested_comment", "/*!50000 /*!50001 USE other */ */;\n": "dump.nested_comment",
		"CREATE TABLE /*!99999 ' */ other.t2 (a int) -- ' */\n;\n": "dump.nested_comment", "CREATE TABLE x (a int)\x00;\n": "dump.not_text",
		"CREATE TABLE x (a int) \\! id\n;\n": client, "INSERT INTO t_app_dns VALUES (9,'canary": "dump.unterminated",
	} {
		refused(text, inserted(text), false, want, false)
	}
	refused("cut between statements", good[:strings.Index(good, "LOCK TABLES")], false, "dump.no_trailer", false)
	refused("cut in a statement", good[:strings.Index(good, "canary")+3], false, "dump.unterminated", false)
	refused("empty", "", false, "dump.no_tables", false)
	whole := packed(good)
	refused("cut in gzip", whole[:len(whole)-20], true, "dump.bad_gzip", false)
	refused("not gzip", good, true, "dump.bad_gzip", false)
	refused("damaged gzip", whole[:300]+"xxxx"+whole[304:], true, "dump.bad_gzip", false)
	refused("a lie in gzip", packed(inserted("USE other;\n")), true, foreign, true)
	refused("a long SET", inserted("SET @a='"+strings.Repeat("x", 1<<17)+"', sql_mode='NO_BACKSLASH_ESCAPES';\n"), false, set, true)
	refused("a long row", inserted("INSERT INTO t_app_dns VALUES (9,'"+strings.Repeat("x", 40<<20)+"');\n"), false, "dump.statement_too_long", true)
	if l := w.load([]byte(inserted("DROP TABLE IF EXISTS speed.2024_logs;\nCREATE TABLE speed.2024_logs (a int);\nLOCK TABLES speed.2024_logs WRITE;\nINSERT INTO speed.2024_logs VALUES (8),(9);\nUNLOCK TABLES;\n")), false); l.Report == nil {
		t.Errorf("names that begin with a digit: %+v", l.Refused)
	}
	var logs string
	if err := w.db.GetContext(t.Context(), &logs, "SELECT CONCAT((SELECT GROUP_CONCAT(a ORDER BY a) FROM speed.2024_logs),';',(SELECT GROUP_CONCAT(a ORDER BY a) FROM scratch.2024_logs))"); err != nil || logs != "1;8,9" {
		t.Errorf("%q, %v", logs, err)
	}
	if _, err := os.Stat(touched); err == nil {
		t.Error("a dump ran a command")
	}
}

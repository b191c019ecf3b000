package dump

import (
	"context"
	"errors"
	"strings"
	"testing"

	"recoverbot/runbook"
)

var speed = Rules{Schema: "speed", Scratch: "speed_new_1"}

// TestTaken holds what may run, and what it becomes: "" is left out (fault 38).
func TestTaken(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"CREATE DATABASE /*!32312 IF NOT EXISTS*/ `speed` /*!40100 DEFAULT CHARACTER SET utf8mb4 */": "",
		"USE `speed`": "",
		"use speed":   "",
		"/*!40000 DROP DATABASE IF EXISTS `speed`*/":      "",
		"DROP TABLE IF EXISTS `t`":                        "DROP TABLE IF EXISTS `t`",
		"DROP TABLE IF EXISTS `speed`.`t`":                "DROP TABLE IF EXISTS `speed_new_1`.`t`",
		"CREATE TABLE speed.t (a int)":                    "CREATE TABLE `speed_new_1`.t (a int)",
		"CREATE TABLE t (a varchar(9) DEFAULT 'other.x')": "CREATE TABLE t (a varchar(9) DEFAULT 'other.x')",
		"INSERT INTO `speed`.`t` VALUES (1)":              "INSERT INTO `speed_new_1`.`t` VALUES (1)",
		"INSERT INTO `t` (`a`,`b`) VALUES (1,'USE other; \\'`x`.y'),(NULL,_binary 'a''b'),(0x0F,-1.5e-3)": "INSERT INTO `t` (`a`,`b`) VALUES (1,'USE other; \\'`x`.y'),(NULL,_binary 'a''b'),(0x0F,-1.5e-3)",
		"REPLACE INTO t VALUES (1)":                                     "REPLACE INTO t VALUES (1)",
		"LOCK TABLES `t` WRITE, speed.u WRITE":                          "LOCK TABLES `t` WRITE, `speed_new_1`.u WRITE",
		"UNLOCK TABLES":                                                 "UNLOCK TABLES",
		"/*!40000 ALTER TABLE `t` DISABLE KEYS */":                      "/*!40000 ALTER TABLE `t` DISABLE KEYS */",
		"/*!40101 SET @saved_cs_client     = @@character_set_client */": "/*!40101 SET @saved_cs_client     = @@character_set_client */",
		"CREATE VIEW v AS select extract(year from `t`.`d`), replace(`t`.`a`,`t`.`b`,''), truncate(`t`.`c`,1) from `t` where `t`.`a` like `t`.`b`": "CREATE VIEW v AS select extract(year from `t`.`d`), replace(`t`.`a`,`t`.`b`,''), truncate(`t`.`c`,1) from `t` where `t`.`a` like `t`.`b`",
		"CREATE TABLE t (a int DEFAULT (nextval(`speed`.`s`)))":                                    "CREATE TABLE t (a int DEFAULT (nextval(`speed_new_1`.`s`)))",
		"/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */":       "/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */",
		"SET @@SESSION.SQL_LOG_BIN= 0":                                                             "",
		"SET @@GLOBAL.GTID_PURGED=/*!80000 '+'*/ 'aaaa:1-5'":                                       "",
		"CHANGE MASTER TO MASTER_LOG_FILE='x'":                                                     "",
		"CREATE VIEW `v` AS select `t`.`a` AS `a` from `speed`.`t` join `u` on(`t`.`a` = `u`.`a`)": "CREATE VIEW `v` AS select `t`.`a` AS `a` from `speed_new_1`.`t` join `u` on(`t`.`a` = `u`.`a`)",
		"/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER `g` BEFORE INSERT ON `t` FOR EACH ROW SET NEW.a = OLD.b + 1 */": "/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER `g` BEFORE INSERT ON `t` FOR EACH ROW SET NEW.a = OLD.b + 1 */",
		"CREATE TABLE t (a int, CONSTRAINT c FOREIGN KEY (a) REFERENCES speed.u (id))":                                                            "CREATE TABLE t (a int, CONSTRAINT c FOREIGN KEY (a) REFERENCES `speed_new_1`.u (id))",
		"ALTER DATABASE `speed` CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci":                                                                 "",
		"CREATE DEFINER=`a`@`%` PROCEDURE `p`() BEGIN SELECT 1; END":                                                                              "CREATE DEFINER=`a`@`%` PROCEDURE `p`() BEGIN SELECT 1; END",
		"CREATE ALGORITHM=UNDEFINED DEFINER=`root`@`localhost` SQL SECURITY DEFINER VIEW `v` AS select 1":                                         "CREATE ALGORITHM=UNDEFINED DEFINER=`root`@`localhost` SQL SECURITY DEFINER VIEW `v` AS select 1",
		"DO SETVAL(`s`, 1001, 0)": "DO SETVAL(`s`, 1001, 0)",
		"SET NAMES utf8mb4":       "SET NAMES utf8mb4",

		"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW BEGIN IF NEW.a THEN INSERT INTO u VALUES (NEW.a,NEW.b),(OLD.a,OLD.b) ON DUPLICATE KEY UPDATE a=VALUES(a), b=NEW.b; ELSE REPLACE u (a,b) VALUES (1,OLD.b); END IF; END": "CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW BEGIN IF NEW.a THEN INSERT INTO u VALUES (NEW.a,NEW.b),(OLD.a,OLD.b) ON DUPLICATE KEY UPDATE a=VALUES(a), b=NEW.b; ELSE REPLACE u (a,b) VALUES (1,OLD.b); END IF; END",
		"CREATE VIEW v AS SELECT case when `t`.`a` then `t`.`b` else `u`.`c` end, max(`t`.`d`) from `t` join `u` group by `t`.`a`,`u`.`b` order by `t`.`a`,`u`.`b`":                                                             "CREATE VIEW v AS SELECT case when `t`.`a` then `t`.`b` else `u`.`c` end, max(`t`.`d`) from `t` join `u` group by `t`.`a`,`u`.`b` order by `t`.`a`,`u`.`b`",
		"CREATE VIEW v AS SELECT {d '2026-11-22'} FROM {OJ speed.t LEFT JOIN u ON t.a=u.a}":                                                                                                                                     "CREATE VIEW v AS SELECT {d '2026-11-22'} FROM {OJ `speed_new_1`.t LEFT JOIN u ON t.a=u.a}",

		// names that begin with a digit
		"DROP TABLE IF EXISTS speed.2024_logs":                                                        "DROP TABLE IF EXISTS `speed_new_1`.`2024_logs`",
		"LOCK TABLES speed.1t WRITE, 2t READ":                                                         "LOCK TABLES `speed_new_1`.`1t` WRITE, 2t READ",
		"ALTER TABLE speed.1e5 ADD b int":                                                             "ALTER TABLE `speed_new_1`.`1e5` ADD b int",
		"CREATE INDEX i ON speed.0x1F (a)":                                                            "CREATE INDEX i ON `speed_new_1`.`0x1F` (a)",
		"CREATE TABLE t LIKE speed.2024":                                                              "CREATE TABLE t LIKE `speed_new_1`.`2024`",
		"INSERT INTO speed.2024_logs VALUES (1.5,.5,1.,0x1f,0b1,-1.5e-3,1e5)":                         "INSERT INTO `speed_new_1`.`2024_logs` VALUES (1.5,.5,1.,0x1f,0b1,-1.5e-3,1e5)",
		"INSERT INTO 2024_logs VALUES (1)":                                                            "INSERT INTO 2024_logs VALUES (1)",
		"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW INSERT INTO speed.1t VALUES (1)":             "CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW INSERT INTO `speed_new_1`.`1t` VALUES (1)",
		"CREATE TABLE t (a decimal(5,2) DEFAULT 0.50, b double DEFAULT 1.5e-3, c int CHECK (c > .5))": "CREATE TABLE t (a decimal(5,2) DEFAULT 0.50, b double DEFAULT 1.5e-3, c int CHECK (c > .5))",

		"DO SETVAL(speed.s, -5, 1, 0)":         "DO SETVAL(`speed_new_1`.s, -5, 1, 0)",
		"SELECT SETVAL(`speed`.`2s`, 1001, 0)": "SELECT SETVAL(`speed_new_1`.`2s`, 1001, 0)",

		"CREATE TABLE t (engine varchar(9), connection int) ENGINE InnoDB":                                                                                                                                                "CREATE TABLE t (engine varchar(9), connection int) ENGINE InnoDB",
		"CREATE TABLE t (a int GENERATED ALWAYS AS (1) VIRTUAL) ENGINE = 'Aria' WITH SYSTEM VERSIONING":                                                                                                                   "CREATE TABLE t (a int GENERATED ALWAYS AS (1) VIRTUAL) ENGINE = 'Aria' WITH SYSTEM VERSIONING",
		"CREATE TABLE t (a int) PARTITION BY LIST (a) (PARTITION p VALUES IN (1) ENGINE = InnoDB)":                                                                                                                        "CREATE TABLE t (a int) PARTITION BY LIST (a) (PARTITION p VALUES IN (1) ENGINE = InnoDB)",
		"ALTER TABLE t ADD b int AS (a) STORED, ENGINE=InnoDB":                                                                                                                                                            "ALTER TABLE t ADD b int AS (a) STORED, ENGINE=InnoDB",
		"CREATE SEQUENCE `s` start with 1 minvalue 1 maxvalue 9 increment by 1 cache 1000 nocycle ENGINE=InnoDB":                                                                                                          "CREATE SEQUENCE `s` start with 1 minvalue 1 maxvalue 9 increment by 1 cache 1000 nocycle ENGINE=InnoDB",
		"CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW BEGIN UPDATE u SET a=1, password='x', role=NEW.r; CALL p(NEW.a, OLD.b); END":                                                                                    "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW BEGIN UPDATE u SET a=1, password='x', role=NEW.r; CALL p(NEW.a, OLD.b); END",
		"CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW BEGIN IF NEW.a IN (1,2) THEN UPDATE a x JOIN u USE INDEX (i) ON x.a=u.a AND u.b=NEW.b SET x.c=u.c, x.d=trim(both from NEW.d) WHERE x.view=u.event; END IF; END": "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW BEGIN IF NEW.a IN (1,2) THEN UPDATE a x JOIN u USE INDEX (i) ON x.a=u.a AND u.b=NEW.b SET x.c=u.c, x.d=trim(both from NEW.d) WHERE x.view=u.event; END IF; END",
		"CREATE PROCEDURE p() BEGIN DECLARE done, n INT; WHILE (SELECT COUNT(*) FROM a, b) DO SELECT x.a, x.b INTO n, done FROM t x LIMIT 1; END WHILE; END":                                                              "CREATE PROCEDURE p() BEGIN DECLARE done, n INT; WHILE (SELECT COUNT(*) FROM a, b) DO SELECT x.a, x.b INTO n, done FROM t x LIMIT 1; END WHILE; END",
		"CREATE PROCEDURE p(a varchar(9) CHARACTER SET utf8, role int) SET @m = CONCAT(a, role), @n = event.x":                                                                                                            "CREATE PROCEDURE p(a varchar(9) CHARACTER SET utf8, role int) SET @m = CONCAT(a, role), @n = event.x",
	} {
		c, err := speed.Check([]byte(in))
		if err != nil || string(c.SQL) != want {
			t.Errorf("%s\n → %q, %v", in, c.SQL, err)
		}
	}
}

// TestRefused: fault 38.
func TestRefused(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"USE `other`":                                                                     "dump.foreign_schema",
		"USE other\nINSERT INTO t VALUES (1)":                                             "dump.unknown_statement",
		"USE `Speed`":                                                                     "dump.foreign_schema",
		"CREATE DATABASE `other`":                                                         "dump.foreign_schema",
		"DROP DATABASE mysql":                                                             "dump.foreign_schema",
		"CREATE TABLE other.t (a int)":                                                    "dump.foreign_schema",
		"CREATE TABLE `other` . `t` (a int)":                                              "dump.foreign_schema",
		"CREATE TABLE /*!99999 other.*/t (a int)":                                         "dump.foreign_schema",
		"INSERT INTO `mysql`.`user` VALUES (1)":                                           "dump.foreign_schema",
		"INSERT INTO mysql.user SELECT 1":                                                 "dump.foreign_schema",
		"/*!50000 INSERT INTO mysql.user VALUES (1)*/":                                    "dump.foreign_schema",
		"INSERT INTO t SELECT * FROM mysql.user":                                          "dump.insert_not_literal",
		"INSERT INTO t VALUES ((SELECT 1))":                                               "dump.insert_not_literal",
		"INSERT INTO t VALUES (sleep)":                                                    "dump.insert_not_literal",
		"INSERT INTO t VALUES (1) ON DUPLICATE KEY UPDATE a=1":                            "dump.insert_not_literal",
		"INSERT INTO t SET a=1":                                                           "dump.insert_not_literal",
		"DROP TABLE a, other.b":                                                           "dump.foreign_schema",
		"LOCK TABLES a READ, other.b WRITE":                                               "dump.foreign_schema",
		"ALTER TABLE other.t ADD b int":                                                   "dump.foreign_schema",
		"ALTER TABLE t RENAME TO other.t":                                                 "dump.unknown_statement",
		"RENAME TABLE t TO other.t":                                                       "dump.unknown_statement",
		"DROP VIEW other.v":                                                               "dump.foreign_schema",
		"CREATE TABLE t LIKE other.u":                                                     "dump.foreign_schema",
		"CREATE TABLE t AS SELECT * FROM mysql.user":                                      "dump.table_elsewhere",
		"CREATE TABLE t (a int) DATA DIRECTORY='/etc'":                                    "dump.table_elsewhere",
		"CREATE TABLE t (a int) ENGINE=FEDERATED CONNECTION='mysql://x'":                  "dump.table_elsewhere",
		"CREATE TABLE t (a int REFERENCES other.u(id))":                                   "dump.foreign_schema",
		"CREATE VIEW v AS SELECT * FROM other.t":                                          "dump.foreign_schema",
		"CREATE VIEW v AS SELECT * FROM t, other.u":                                       "dump.foreign_schema",
		"CREATE VIEW v AS SELECT * FROM (t JOIN other.u)":                                 "dump.foreign_schema",
		"CREATE VIEW v AS SELECT other.u.a FROM t":                                        "dump.foreign_schema",
		"CREATE TRIGGER g BEFORE INSERT ON other.t FOR EACH ROW SET @a=1":                 "dump.foreign_schema",
		"CREATE TRIGGER other.g BEFORE INSERT ON t FOR EACH ROW SET @a=1":                 "dump.foreign_schema",
		"CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW INSERT INTO other.t VALUES (1)": "dump.foreign_schema",
		"CREATE PROCEDURE p() CALL other.q()":                                             "dump.foreign_schema",
		"CREATE FUNCTION f RETURNS INT SONAME 'x.so'":                                     "dump.unknown_statement",
		"CREATE USER x":                                                                   "dump.unknown_statement",
		"GRANT ALL ON *.* TO x":                                                           "dump.unknown_statement",
		"DELETE FROM t":                                                                   "dump.unknown_statement",
		"UPDATE t SET a=1":                                                                "dump.unknown_statement",
		"LOAD DATA INFILE '/etc/passwd' INTO TABLE t":                                     "dump.unknown_statement",
		"SELECT 1 INTO OUTFILE '/tmp/x'":                                                  "dump.unknown_statement",
		"SELECT SETVAL(s,1) INTO OUTFILE 'x'":                                             "dump.unknown_statement",
		"SHUTDOWN":                                                                        "dump.unknown_statement",
		"source /etc/passwd":                                                              "dump.unknown_statement",
		"system id":                                                                       "dump.unknown_statement",
		"SET GLOBAL read_only=0":                                                          "dump.set_refused",
		"SET @@GLOBAL.read_only=0":                                                        "dump.set_refused",
		"SET SQL_NOTES=0, GLOBAL max_connections=1":                                       "dump.set_refused",
		"SET PERSIST x=1":                                                                 "dump.set_refused",
		"SET PASSWORD='x'":                                                                "dump.set_refused",
		"SET sql_mode='NEW_MODE'":                                                         "dump.set_refused",
		"SET sql_mode=@unknown":                                                           "dump.set_refused",
		"SET character_set_client=@unknown":                                               "dump.set_refused",
		"/*!80000 SET sql_mode='ANSI_QUOTES' */":                                          "dump.set_refused",
		"/*M!100100 SET NAMES gbk */":                                                     "dump.set_refused",
		"SET NAMES swe7":                                                                  "dump.set_refused",
		"SET NAMES utf16":                                                                 "dump.set_refused",
		"CREATE TABLE /*!99999 other.*/ /*!50000 t (a int) */":                            "dump.foreign_schema",
		"CREATE TABLE speed /*!99999 .t */ (a int)":                                       "dump.nested_comment",
		"INSERT INTO /*!99999 t VALUES (1), */ u VALUES (1)":                              "dump.nested_comment",
		"CREATE VIEW v AS SELECT * FROM (t), other.u":                                     "dump.foreign_schema",
		"CREATE VIEW v AS SELECT * FROM t JOIN u ON t.a=u.a, other.z":                     "dump.foreign_schema",
		"CREATE VIEW v AS SELECT * FROM t JOIN u USING (a), other.z":                      "dump.foreign_schema",
		"CREATE VIEW v AS SELECT other.f(1)":                                              "dump.foreign_schema",
		"CREATE VIEW v AS SELECT * FROM {OJ other.t LEFT JOIN u ON 1}":                    "dump.foreign_schema",
		"CREATE VIEW v AS SELECT * FROM {OJ t LEFT JOIN u ON 1}, other.z":                 "dump.foreign_schema",
		"CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW UPDATE {OJ other.t LEFT JOIN u ON 1} SET a=1": "dump.foreign_schema",
		"CREATE VIEW v AS SELECT * FROM {`OJ` other.t LEFT JOIN u ON 1}":                                "dump.unknown_statement",
		"CREATE VIEW v AS SELECT NEXTVAL(other.s)":                                                      "dump.foreign_schema",
		"CREATE VIEW v AS SELECT NEXT VALUE FOR other.s":                                                "dump.foreign_schema",
		"CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW INSERT other.t VALUES (1)":                    "dump.foreign_schema",
		"CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW REPLACE other.t VALUES (1)":                   "dump.foreign_schema",
		"CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET GLOBAL max_connections=1":                 "dump.body",
		"CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET @@GLOBAL.max_connections=1":               "dump.body",
		"CREATE PROCEDURE p() BEGIN DROP DATABASE other; END":                                           "dump.body",
		"CREATE PROCEDURE p() SELECT 1 INTO OUTFILE '/tmp/x'":                                           "dump.body",
		"CREATE PROCEDURE p() DELETE other.t FROM other.t":                                              "dump.foreign_schema",
		"CREATE PROCEDURE p() CREATE TABLE x LIKE other.t":                                              "dump.foreign_schema",
		"INSERT INTO t VALUES (1 -- '\n,(SELECT a FROM other.t) -- '\n)":                                "dump.insert_not_literal",
		// names that begin with a digit
		"DROP TABLE 1other.t":                 "dump.foreign_schema",
		"DROP TABLE IF EXISTS a, 1other . 2t": "dump.foreign_schema",
		"CREATE TABLE 0x1G.t (a int)":         "dump.foreign_schema",
		"LOCK TABLES 1e.t WRITE":              "dump.foreign_schema",
		"ALTER TABLE 1other.2t ADD b int":     "dump.foreign_schema",
		"CREATE INDEX i ON 1other.t (a)":      "dump.foreign_schema",
		"CREATE TABLE t LIKE 1other.t":        "dump.foreign_schema",
		"INSERT INTO 1other.t VALUES (1)":     "dump.foreign_schema",
		"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW INSERT INTO 1other.t VALUES (1)": "dump.foreign_schema",
		"CREATE VIEW v AS SELECT 1e5FROM other.t":                                         "dump.foreign_schema",
		"CREATE VIEW v AS SELECT 1.5FROM other.t":                                         "dump.unknown_statement",
		"CREATE VIEW v AS SELECT .5FROM other.t":                                          "dump.unknown_statement",
		"CREATE VIEW v AS SELECT 1.FROM other.t":                                          "dump.unknown_statement",
		"CREATE VIEW v AS SELECT 1 FROM .t":                                               "dump.unknown_statement",
		"DROP TABLE 0x1F.t":                                                               "dump.unknown_statement",
		"DROP TABLE speed.'t'":                                                            "dump.unknown_statement",
		"DROP TABLE 'other'.t":                                                            "dump.unknown_statement",
		"INSERT INTO t VALUES (1other.s.nextval)":                                         "dump.insert_not_literal",
		"INSERT INTO t VALUES (1a)":                                                       "dump.insert_not_literal",
		"INSERT INTO t VALUES (1.nextval)":                                                "dump.insert_not_literal",
		"INSERT INTO t VALUES (NULL.s.nextval)":                                           "dump.insert_not_literal",
		// sequences
		"SELECT SETVAL(`s`, 1), `speed`.`f`()":      "dump.unknown_statement",
		"DO SETVAL(s, 1), speed.f(), SLEEP(1000)":   "dump.unknown_statement",
		"DO SETVAL(s, 1, 0, 0, SLEEP(1))":           "dump.unknown_statement",
		"DO SETVAL(s, f())":                         "dump.unknown_statement",
		"DO SETVAL(s, -SLEEP)":                      "dump.unknown_statement",
		"DO SETVAL(other.s, 1)":                     "dump.foreign_schema",
		"DO SETVAL(s, 1":                            "dump.unknown_statement",
		"DO SETVAL(s)":                              "dump.unknown_statement",
		"DO SETVAL(s.":                              "dump.unknown_statement",
		"CREATE SEQUENCE s ENGINE CONNECT":          "dump.table_elsewhere",
		"SELECT SETVAL(s, 1) /*!99999 , SLEEP(9)*/": "dump.unknown_statement",
		// tables elsewhere
		"CREATE TABLE t (a int) ENGINE FEDERATED CONNECTION 'mysql://x'":                            "dump.table_elsewhere",
		"CREATE TABLE t (a int) ENGINE CONNECT TABLE_TYPE='MYSQL'":                                  "dump.table_elsewhere",
		"CREATE TABLE t (a int) ENGINE `SPIDER`":                                                    "dump.table_elsewhere",
		"CREATE TABLE t (a int) COMMENT='x', ENGINE 'SPIDER'":                                       "dump.table_elsewhere",
		"CREATE TABLE t (a int) CONNECTION 'x'":                                                     "dump.table_elsewhere",
		"CREATE TABLE t (a int) ENGINE /*!99999 = InnoDB, ENGINE */ MERGE":                          "dump.table_elsewhere",
		"CREATE TABLE t (a int) UNION (other.u)":                                                    "dump.table_elsewhere",
		"CREATE TABLE t (a int) PARTITION BY LIST (a) (PARTITION p VALUES IN (1) ENGINE FEDERATED)": "dump.table_elsewhere",
		"CREATE TABLE t (a int) PARTITION BY LIST (a) (PARTITION p VALUES IN (1) CONNECTION='x')":   "dump.table_elsewhere",
		"ALTER TABLE t ENGINE FEDERATED":                                                            "dump.table_elsewhere",
		"ALTER TABLE t ADD b int, ENGINE=CONNECT":                                                   "dump.table_elsewhere",
		"CREATE TABLE t (a int) AS VALUES (1)":                                                      "dump.table_elsewhere",
		"CREATE TABLE t (a int) (VALUES (1))":                                                       "dump.table_elsewhere",
		"CREATE TABLE t AS TABLE speed.x":                                                           "dump.table_elsewhere",
		"CREATE TABLE t (a int) TABLE x":                                                            "dump.table_elsewhere",
		"CREATE TABLE t (TABLE x)":                                                                  "dump.table_elsewhere",
		"CREATE TABLE t WITH x AS (VALUES (1)) TABLE x":                                             "dump.table_elsewhere",
		// bodies
		"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW UPDATE a USE INDEX FOR ORDER BY (i), other.b SET c=1":                         "dump.foreign_schema",
		"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW UPDATE a USE KEY FOR GROUP BY (i), other.b SET c=1":                           "dump.foreign_schema",
		"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW UPDATE a JOIN u ON CASE WHEN 1 THEN 1 ELSE 0 END, other.b SET c=1":            "dump.foreign_schema",
		"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW UPDATE a JOIN u ON REPEAT('a',1), other.b SET c=1":                            "dump.foreign_schema",
		"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW UPDATE a JOIN u ON VALUES(a.x) IS NULL, other.b SET c=1":                      "dump.foreign_schema",
		"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW INSERT INTO t SELECT 1 FROM a JOIN u ON NOT VALUES(a.x), other.b":             "dump.foreign_schema",
		"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW UPDATE a begin, other.b SET c=1":                                              "dump.foreign_schema",
		"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW UPDATE a AS do, other.b SET c=1":                                              "dump.foreign_schema",
		"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW INSERT INTO event.b VALUES (1)":                                               "dump.foreign_schema",
		"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW INSERT INTO event . b VALUES (1)":                                             "dump.unknown_statement",
		"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW INSERT INTO mid (SELECT a FROM other.t)":                                      "dump.foreign_schema",
		"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW INSERT INTO mid (WITH c AS (SELECT 1) SELECT a FROM other.t)":                 "dump.foreign_schema",
		"CREATE PROCEDURE p() RENAME TABLE a TO other.a":                                                                               "dump.foreign_schema",
		"CREATE PROCEDURE p() ALTER TABLE a RENAME other.a":                                                                            "dump.foreign_schema",
		"CREATE PROCEDURE p() CREATE UNIQUE INDEX i USING BTREE ON other.a (x)":                                                        "dump.foreign_schema",
		"CREATE PROCEDURE p() BEGIN SELECT 1; SELECT 2; SELECT 3; SELECT 4; SELECT 5; CREATE OR REPLACE VIEW other.v AS SELECT 1; END": "dump.foreign_schema",
		"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW INSERT old.b VALUES (1)":                                                      "dump.foreign_schema",
		"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW UPDATE new.b SET c=1":                                                         "dump.foreign_schema",
		"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW SET @a=old.f(1)":                                                              "dump.foreign_schema",
		"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW SET @a=1, GLOBAL long_query_time=7":                                           "dump.body",
		"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW SET @a=f(1, 2), SESSION x=1, PERSIST y=7":                                     "dump.body",
		"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW SET @a=1, @@GLOBAL . x = 7":                                                   "dump.unknown_statement",
		"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW SET @a=1, @@GLOBAL. x = 7":                                                    "dump.body",
		"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW SET @@global /* */ .x = 7":                                                    "dump.unknown_statement",
		"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW SET @@persist.x = 7":                                                          "dump.body",
		"CREATE PROCEDURE p() SET GLOBAL TRANSACTION READ ONLY":                                                                        "dump.body",
		"CREATE PROCEDURE speed.insert() SET @a=1, PASSWORD='x'":                                                                       "dump.body",
		"CREATE PROCEDURE p() SET @a=1, PASSWORD FOR x='y'":                                                                            "dump.body",
		"CREATE PROCEDURE p() GRANT ALL ON *.* TO x":                                                                                   "dump.body",
		"CREATE TABLE t (a int COMMENT '" + strings.Repeat("x", maxDefinition) + "')":                                                  "dump.statement_too_long",
		"CREATE TABLE t (a int" + strings.Repeat(",", maxTokens) + ")":                                                                 "dump.statement_too_long",
		"SET @a='" + strings.Repeat("x", maxSet) + "', sql_mode='NO_BACKSLASH_ESCAPES'":                                                "dump.set_refused", // or the splitter would not know

		"CALL p()":                             "dump.unknown_statement",
		"HANDLER t OPEN":                       "dump.unknown_statement",
		"PREPARE s FROM 'DROP DATABASE other'": "dump.unknown_statement",
		"EXECUTE s":                            "dump.unknown_statement",
		"DO SLEEP(9)":                          "dump.unknown_statement",
		"tee /tmp/x":                           "dump.unknown_statement",
		"SET PERSIST_ONLY x=1":                 "dump.set_refused",
		"SET @@PERSIST.x=1":                    "dump.set_refused",
		"RESET MASTER":                         "dump.unknown_statement",
		"INSTALL PLUGIN x SONAME 'x.so'":       "dump.unknown_statement",
		"XA START 'x'":                         "dump.unknown_statement",
		"CREATE ROLE r":                        "dump.unknown_statement",
		"CREATE SERVER s FOREIGN DATA WRAPPER mysql OPTIONS (HOST 'x')": "dump.unknown_statement",
		"FLUSH PRIVILEGES":                                    "dump.unknown_statement",
		"SET @x=(SELECT password FROM mysql.user)":            "dump.set_refused",
		"SET STATEMENT max_statement_time=1 FOR DROP TABLE t": "dump.set_refused",
	} {
		_, err := speed.Check([]byte(in))
		var e *runbook.Error
		if !errors.As(err, &e) || e.Msg.ID != want {
			t.Errorf("%.200s\n → %v, want %s", in, err, want)
		}
	}
}

func scan(text string) (Summary, error) {
	return Scan(context.Background(), strings.NewReader(text), speed, nil)
}

func TestScan(t *testing.T) {
	t.Parallel()
	s, err := scan("/*M!999999\\- enable the sandbox mode */ \n-- MariaDB dump\n" +
		"CREATE DATABASE `speed` /*!40100 DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci */;\nUSE `speed`;\n" +
		"CREATE TABLE `a` (x int); # c ; '\nCREATE TABLE `v` (x int);\n/* ; ' */ INSERT INTO a VALUES (1),\n(2,'(3),(4);--\\\\');INSERT INTO a VALUES (';');\n" +
		"DROP TABLE v;\n/*!50001 CREATE VIEW `v` AS select 1 AS `x` */;\n" +
		"DELIMITER ;;\n/*!50003 CREATE*/ /*!50017 DEFINER=`ghost`@`%`*/ /*!50003 TRIGGER g BEFORE INSERT ON a FOR EACH ROW BEGIN SET @x=1; SET @y=2; END */;;\nDELIMITER ;\n" +
		"CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO DELETE FROM a;\n" +
		"-- Dump completed on 2026-11-22  3:00:01\n")
	if err != nil {
		t.Fatal(err)
	}
	if len(s.Tables) != 1 || s.Tables[0] != (Table{"a", 3}) || len(s.Objects) != 3 || s.Objects[1].Definer != "ghost@%" || !s.Trailer ||
		s.Charset != "utf8mb4" || s.Collate != "utf8mb4_general_ci" || len(s.Left) != 1 {
		t.Errorf("%+v", s)
	}
	for text, want := range map[string]string{
		"CREATE TABLE a (x int);\n\\! touch /tmp/x\n":         "dump.client_command",
		"CREATE TABLE a (x int); \\. /etc/passwd\n":           "dump.client_command",
		"/*!40101 \\! id */;":                                 "dump.client_command",
		"\n-- x\n/*M!999999\\- enable the sandbox mode */\n;": "dump.client_command", // only as the first line
		"/*M!999999\\- enable the sandbox mode */ \\! id\n;":  "dump.client_command",
		"CREATE TABLE a (x int); INSERT INTO a VALUES ('":     "dump.unterminated",
		"CREATE TABLE a (x int)":                              "dump.unterminated",
		"CREATE TABLE a (x int); /* ":                         "dump.unterminated",
		"DELIMITER a\nCREATE TABLE t (x int)a":                "dump.delimiter",
		"CREATE TABLE a (x int);\x00;":                        "dump.not_text",
		"INSERT INTO a VALUES (1);":                           "dump.rows_without_table",
		"CREATE TABLE a (x int); CREATE TRIGGER g AFTER INSERT ON a FOR EACH ROW SET @x=1; CREATE TABLE IF NOT EXISTS a (x int); INSERT INTO a VALUES (1);": "dump.rows_behind_trigger",
		"SET NAMES utf8mb4;":                       "dump.no_tables",
		"/*!50000 SET SQL_NOTES=0; USE other; */;": "dump.nested_comment",
	} {
		_, err := scan(text)
		var e *runbook.Error
		if !errors.As(err, &e) || e.Msg.ID != want {
			t.Errorf("%q → %v, want %s", text, err, want)
		}
	}
}

// FuzzScan looks for panics, and for statements of another schema that get through by way of whatever comes before.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{"CREATE TABLE a (x int);INSERT INTO a VALUES (1,'\\'');", "/*!40101 SET NAMES utf8 */;", "DELIMITER ;;\nX;;", "-- x\n#y\n/* z */",
		"`a``b`", "'a''b\\", "/*M!999999\\- enable the sandbox mode */\n", "\xef\xbb\xbfUSE x;", "INSERT INTO a VALUES (0x1F,-1e5,NULL);"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := scan(text)
		if err == nil && s.Bytes != int64(len(text)) {
			t.Errorf("read %d of %d bytes", s.Bytes, len(text))
		}
		if _, err := scan(text + "\n;USE `other`;CREATE TABLE a (x int);"); err == nil && !hidden(text) {
			t.Errorf("USE got through behind %q", text)
		}
	})
}

// hidden reports whether text may end within a comment or with another delimiter, which rightly hides what follows.
func hidden(text string) bool {
	return strings.Contains(strings.ToLower(text), "delimiter") || strings.ContainsAny(text, "'\"`") || strings.Contains(text, "/*")
}

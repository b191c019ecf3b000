package sql

import (
	"slices"
	"strings"
	"testing"
)

// TestParse refuses what a transaction could not undo, DDL first (fault 19), and what is more than one plain statement.
func TestParse(t *testing.T) {
	t.Parallel()
	p, err := parse(" update speed.t_app_dns set status=2, `note` = concat('a;b', ?) where ip=? and (status = 1 or status in (3, ?));\n")
	if err != nil {
		t.Fatal(err)
	}
	if p.verb != "update" || p.schema != "speed" || p.table != "t_app_dns" || len(p.sets) != 2 || p.sets[1].value != "concat('a;b', ?)" ||
		p.setArgs != 1 || p.whereArgs != 2 || p.where != "ip=? and (status = 1 or status in (3, ?))" {
		t.Errorf("%+v", p)
	}
	for text, word := range map[string]string{
		"drop table t":                  "only update",
		"alter table t add x int":       "only update",
		"begin":                         "only update",
		"commit":                        "only update",
		"set autocommit=1":              "only update",
		"select 1":                      "only update",
		"replace into t (a) values (1)": "not allowed",
		"update t set a=1":              "where",
		"delete from t":                 "where",
		"update t, u set a=1 where b=1": "one table",
		"update t set a=1 where b=1; delete from t where 1=1":      "several",
		"update t set a=(select 1) where b=1":                      "select",
		"update t set a=1 where sleep(5)":                          "sleep",
		"update t set a={{.x}} where b=1":                          "{{",
		"update t set a=1 where b=1 -- c":                          "comments",
		"update t set a=1 where b=1 /*! or 1 */":                   "comments",
		"update t set a=1 where b='x":                              "closed",
		"update t set a=1 where b=1 limit 1":                       "limit",
		"update t set a=1 where (b=1":                              "brackets",
		"update t set a=1 where b=1) or (1=1":                      "brackets",
		"insert into t values (1)":                                 "",
		"insert into t (a) select a from u":                        "select",
		"insert into t (a) values (1) on duplicate key update a=2": "duplicate",
		"":                                  "no statement",
		"update `a``b`.t set a=1 where b=1": "simple name",
		"update t set a=@x where b=1":       "not allowed",
	} {
		if _, err := parse(text); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestShown(t *testing.T) {
	t.Parallel()
	got := shown("update t set a='?', b=? where ip=? and `c?`=?", []string{"2", "1.1.1.1' OR '1'='1", "a\\\n"})
	if want := `update t set a='?', b=2 where ip='1.1.1.1\' OR \'1\'=\'1' and ` + "`c?`=" + `'a\\\n'`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestExpect(t *testing.T) {
	t.Parallel()
	for s, want := range map[string][]bool{"": {false, true, true}, "1": {false, true, false}, ">=2": {false, false, true}, "<=1": {true, true, false}, "1..2": {false, true, true}} {
		e, err := parseExpect(s)
		if got := []bool{e.holds(0), e.holds(1), e.holds(2)}; err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"x", ">1", "1..", "1x", ">= 1 2 x"} {
		if _, err := parseExpect(s); err == nil {
			t.Errorf("%q is taken", s)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]Spec{
		"no mode":       {Database: "speed"},
		"two modes":     {Database: "speed", LoginOf: "x", DomainList: &DomainSpec{Down: []string{"a"}}},
		"no database":   {DomainList: &DomainSpec{Down: []string{"a"}}},
		"args":          {Database: "speed", Statements: []Statement{{Text: "update t set a=? where b=?", Args: []string{"1"}}}},
		"insert":        {Database: "speed", Statements: []Statement{{Text: "insert into t (a) values (1)"}}},
		"show":          {Database: "speed", Statements: []Statement{{Text: "insert into t (a) values (1)", Show: &Query{Text: "delete from t"}}}},
		"table name":    {Database: "speed", Tables: []TableSpec{{Name: "a", Create: "create table b (x int)"}}},
		"drop":          {Database: "speed", Tables: []TableSpec{{Name: "a", Create: "drop table a"}}},
		"as select":     {Database: "speed", Tables: []TableSpec{{Name: "a", Create: "create table a (x int) as select 1"}}},
		"two creations": {Database: "speed", Tables: []TableSpec{{Name: "a", Create: "create table a (x int); drop table b"}}},
	} {
		if err := s.Validate(); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	ok := Spec{Database: "speed", Statements: []Statement{{Text: "insert into t (a) values (?)", Args: []string{"1"}, Show: &Query{Text: "select * from t where a=?", Args: []string{"1"}}}}}
	if err := ok.Validate(); err != nil {
		t.Error(err)
	}
}

const documentTable = "CREATE TABLE IF NOT EXISTS `user_logs` (\n" +
	"`id` bigint NOT NULL AUTO_INCREMENT COMMENT '自增id',\n" +
	"`user_id` bigint NOT NULL COMMENT '用户id',\n" +
	"`ip` varchar(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci NOT NULL COMMENT 'IP地址',\n" +
	"`user_agent` varchar(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci DEFAULT NULL COMMENT '请求头user-agent',\n" +
	"`created_at` timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP COMMENT '创建时间',\n" +
	"`updated_at` timestamp NULL DEFAULT NULL COMMENT '更新时间',\n" +
	"PRIMARY KEY (`id`) USING BTREE,\n" +
	"UNIQUE KEY `log_user_date` (`user_id`,`ip`) USING BTREE\n" +
	") ENGINE=InnoDB AUTO_INCREMENT=2217919 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='用户日志表（仅记录第一次事件)'"

func TestDefinitionsCompare(t *testing.T) {
	t.Parallel()
	server := "CREATE TABLE `user_logs` (\n  `id` bigint(20) NOT NULL AUTO_INCREMENT COMMENT '自增id',\n  `user_id` bigint(20) NOT NULL COMMENT '用户id',\n" +
		"  `ip` varchar(32) NOT NULL COMMENT 'IP地址',\n  `user_agent` varchar(1000) DEFAULT NULL COMMENT '请求头user-agent',\n" +
		"  `created_at` timestamp NOT NULL DEFAULT current_timestamp() COMMENT '创建时间',\n  `updated_at` timestamp NULL DEFAULT NULL COMMENT '更新时间',\n" +
		"  PRIMARY KEY (`id`),\n  UNIQUE KEY `log_user_date` (`user_id`,`ip`)\n" +
		") ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='用户日志表（仅记录第一次事件)'"
	a, err := parseCreate(documentTable)
	if err != nil {
		t.Fatal(err)
	}
	b, err := parseCreate(server)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a.lines, b.lines) {
		t.Errorf("differ:\n%s\n\n%s", strings.Join(a.lines, "\n"), strings.Join(b.lines, "\n"))
	}
	if !strings.HasPrefix(b.text, "CREATE TABLE IF NOT EXISTS `user_logs` (") {
		t.Errorf("text %.60s", b.text)
	}
	for old, new := range map[string]string{"varchar(32)": "varchar(64)", "NOT NULL COMMENT 'IP": "NULL COMMENT 'IP", "UNIQUE KEY": "KEY",
		"InnoDB": "MyISAM", "'用户id'": "'x'", "utf8mb4_general_ci": "utf8mb4_bin"} {
		c, err := parseCreate(strings.ReplaceAll(server, old, new))
		if err != nil || slices.Equal(a.lines, c.lines) {
			t.Errorf("%s → %s is not seen: %v", old, new, err)
		}
	}
}

package sql

import (
	"strings"
	"testing"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/blackbox"
)

// box is a black box by host.
type box map[string]*blackbox.Host

func (b box) Latest(host string) (*blackbox.Host, bool) { h, ok := b[host]; return h, ok }

func TestRecall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "primary")
	at := time.Date(2026, 11, 22, 4, 30, 0, 0, time.UTC)
	w.Exec(w.db, "CREATE TABLE speed.child (id int PRIMARY KEY) ENGINE=InnoDB", "CREATE DATABASE other", "SET GLOBAL sql_mode='STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE'")
	made := "CREATE TABLE `%` (\n  `id` bigint(20) NOT NULL AUTO_INCREMENT,\n  `at` datetime NOT NULL DEFAULT '0000-00-00 00:00:00',\n  `note` varchar(20) DEFAULT 'a;b -- c' COMMENT 'it''s',\n" +
		"  PRIMARY KEY (`id`)\n) ENGINE=InnoDB AUTO_INCREMENT=4711 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='as select; like'"
	table := func(name, create string) blackbox.Table {
		return blackbox.Table{Name: name, Create: strings.Replace(create, "%", name, 1), Rows: 12}
	}
	w.Box = box{"primary": {At: at, Databases: map[string]*blackbox.Database{"speed": {At: at, Schema: "speed", Tables: []blackbox.Table{
		table("child", "nonsense"), // it is there
		table("audit", made), table("Audit", made),
		table("b_child", "CREATE TABLE `%` (`id` int, `p` int, KEY (`p`), CONSTRAINT `fk` FOREIGN KEY (`p`) REFERENCES `z_parent` (`id`)) ENGINE=InnoDB"),
		table("user_logs", "CREATE TABLE `%` (`other` int) ENGINE=InnoDB"), // the listed definition counts
		table("z_parent", "CREATE TABLE `%` (`id` int PRIMARY KEY) ENGINE=InnoDB"),
		table("bad1", "CREATE TABLE `%` (`id` int) ENGINE=InnoDB; DROP TABLE `child`"),
		table("bad2", "CREATE TABLE `other`.`bad2` (`id` int) ENGINE=InnoDB"),
		table("bad3", "CREATE TABLE `%` (`id` int) ENGINE=InnoDB COMMENT='x' AS SELECT * FROM mysql.user"),
		table("bad4", "CREATE TABLE `someother` (`id` int) ENGINE=InnoDB"),
		table("bad5", "CREATE TABLE `%` (`id` int) ENGINE=CONNECT table_type=CSV file_name='/etc/passwd'"),
		table("bad6", "CREATE TABLE `%` (`id` int) ENGINE=FEDERATED CONNECTION='mysql://u:p@192.0.2.1/db/t'"),
		table("bad7", "CREATE TABLE `%` (`id` int) ENGINE=InnoDB /*!50100 PARTITION BY HASH (id) */"),
		table("bad8", ""), table("bad`9", made), table("bad10", "CREATE TEMPORARY TABLE `%` (`id` int) ENGINE=InnoDB"),
		table("bad11", "CREATE OR REPLACE TABLE `%` (`id` int) ENGINE=InnoDB"), table("bad12", "CREATE TABLE `%` LIKE `child`"),
	}}}}}
	spec := &Spec{Database: "speed", Recall: "primary", Tables: []TableSpec{{Name: "user_logs", Create: documentTable}}}
	if err := spec.Validate(); err != nil {
		t.Fatal(err)
	}
	env := w.Env(runbook.Step{ID: "s", Kind: "sql", Host: "standby"})
	a := &tables{spec: spec, env: env}
	p := plan(t, a, runbook.Ready)
	var eff creation
	decode(t, p, &eff)
	if got := strings.Join(eff.Names, " "); got != "user_logs audit Audit b_child z_parent" || eff.Recalled != 4 {
		t.Fatalf("makes %s, %d recalled", got, eff.Recalled)
	}
	if len(p.Warnings) != 2 || p.Warnings[0].ID != "sql.recall_found" || p.Warnings[0].Args["at"] != "2026-11-22T04:30:00Z" || p.Warnings[1].Args["count"] != 12 || len(p.Open) != 1 {
		t.Errorf("warnings %v, open %v", p.Warnings, p.Open)
	}
	if exact := p.Effect.Exact[0].Text; strings.Contains(exact, "bad") || strings.Contains(exact, "other") {
		t.Fatalf("exact %s", exact)
	}
	if n := p.Tables[0].Count; n != 5 || len(p.Tables[0].Rows[1]) != 3 || p.Tables[0].Rows[1][2] != "≈ 12" {
		t.Errorf("tables %v", p.Tables[0])
	}
	res, err := a.Apply(t.Context(), p, w.Job(env), actiontest.NewRecorder())
	if err != nil || res.Outcome != runbook.OutcomeDone || len(res.Open) != 1 {
		t.Fatal(res, err)
	}
	if got := w.table("SHOW TABLES FROM speed"); got != "Audit\naudit\nb_child\nchild\nt_app_dns\nuser_logs\nz_parent" {
		t.Errorf("tables %s", got)
	}
	if got := w.table("SELECT auto_increment FROM information_schema.tables WHERE table_schema = 'speed' AND table_name = 'audit'"); !strings.HasPrefix(got, "4711") {
		t.Errorf("AUTO_INCREMENT %s", got)
	}
	q := plan(t, a, runbook.Satisfied)
	if q.Why.ID != "sql.tables_as_wanted" || q.Facts[0].ID != "sql.recall_nothing" || len(q.Open) != 1 {
		t.Errorf("%+v", q)
	}

	// Without a box, and alone.
	env.Box = box{"primary": {At: at}}
	a = &tables{spec: &Spec{Database: "speed", Recall: "primary"}, env: env}
	if q := plan(t, a, runbook.Satisfied); q.Facts[0].ID != "sql.recall_no_box" {
		t.Errorf("%+v", q)
	}
	if err := action.Decode("database: speed\nrecall: dead", &Spec{}); err != nil {
		t.Error(err)
	}
}

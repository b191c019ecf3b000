package journal

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"recoverbot/runbook"
	"recoverbot/runbook/journal/journaltest"
)

// silent are columns whose change Verify does not find, and why; "*" is a whole table. docs/audit.md tells people.
var silent = map[string]string{
	"decisions.id":     "only its order counts, and that is compared",
	"alerts.count":     "how often an alert was told is no event",
	"alerts.since":     "as the source tells it each time",
	"alerts.seen_at":   "as the source tells it each time",
	"alerts.body":      "as the source tells it each time",
	"messages.*":       "made anew from runs",
	"deliveries.*":     "made anew from the chats",
	"inbound.*":        "forgotten when it is handled; what it leads to is an event",
	"calls.*":          "counts calls for the limits of chats",
	"sessions.*":       "forgotten when they expire",
	"heartbeat.*":      "is written to see whether writing is possible",
	"goose_db_version": "which migrations were made",
}

// sample is a file with a journal of everything that is covered, three rows of each kind at least, and its head. Its last event
// is a note: nothing else tells of it.
func sample(t *testing.T) (path, head string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "sample.db")
	at := clock()
	j, err := Open(t.Context(), "sqlite://"+path, func() time.Time { at = at.Add(time.Second); return at }, hideSecret)
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range []string{"r1", "r2", "r3"} {
		r := journaltest.NewRun(id)
		r.DryRun, r.Alert = i > 0, "f1"
		must(t, j.CreateRun(t.Context(), r))
		by := runbook.Actor{Name: "ops" + strconv.Itoa(i), Platform: "web"}
		s := r.Steps[0]
		s.State, s.Attempt, s.Digest = runbook.Planning, 1, "digest"+id
		s, err = j.MoveStep(t.Context(), runbook.StepAt{State: runbook.Pending}, s,
			&runbook.Decision{Step: s.ID, Attempt: i, Choice: runbook.Input, Reason: "it is " + id, Fields: map[string]string{"ip": "192.0.2.1"}, By: by})
		must(t, err)
		next := s
		next.State, next.Result = runbook.Waiting, &runbook.Result{Output: "printed by " + id}
		_, err = j.MoveStep(t.Context(), runbook.StepAt{State: s.State, Version: s.Version}, next, nil)
		must(t, err)
		_, err = j.MoveRun(t.Context(), runbook.RunAt{State: runbook.Open}, r, &runbook.Decision{Choice: runbook.Abort, Reason: "over", By: by})
		must(t, err)
		must(t, j.SaveAlerts(t.Context(), []Alert{{Fingerprint: "f" + id, State: "firing", RunID: id, Count: i, SnoozedUntil: at, Body: []byte(`{}`)}}, by))
	}
	must(t, j.Note(t.Context(), "r1", runbook.Actor{Name: "watcher"}, map[string]string{"body": "last"}))
	head, err = j.Head(t.Context(), "")
	must(t, err)
	must(t, j.Close())
	return path, head
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// tampered is what Verify finds after somebody had a copy of the file in their hands who knows to bring the triggers back.
func tampered(t *testing.T, file []byte, head string, change func(db *sqlx.DB)) error {
	t.Helper()
	path := filepath.Join(t.TempDir(), "j.db")
	must(t, os.WriteFile(path, file, 0o600))
	db, err := connect(path, "")
	must(t, err)
	db.SetMaxOpenConns(1)
	db.MustExec(`PRAGMA foreign_keys = 0; PRAGMA synchronous = 0`)
	var triggers []struct{ Name, Sql string }
	must(t, db.Select(&triggers, `SELECT name, sql FROM sqlite_master WHERE type = 'trigger'`))
	for _, tr := range triggers {
		db.MustExec(`DROP TRIGGER ` + tr.Name)
	}
	change(db)
	for _, tr := range triggers {
		db.MustExec(tr.Sql)
	}
	must(t, db.Close())
	j, err := OpenReader(t.Context(), "sqlite://"+path, clock)
	must(t, err)
	defer j.Close()
	_, err = j.Verify(t.Context(), head)
	return err
}

// TestVerifyFindsEveryChange goes through each column of each row of each kind.
func TestVerifyFindsEveryChange(t *testing.T) {
	t.Parallel()
	path, head := sample(t)
	file, err := os.ReadFile(path)
	must(t, err)
	if err := tampered(t, file, head, func(*sqlx.DB) {}); err != nil {
		t.Fatalf("unchanged: %v", err)
	}
	db, err := connect(path, "")
	must(t, err)
	defer db.Close()
	var tables []string
	must(t, db.Select(&tables, `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name`))
	for _, table := range tables {
		if silent[table+".*"] != "" || silent[table] != "" {
			continue
		}
		var rows int
		must(t, db.Get(&rows, `SELECT count(*) FROM `+table))
		if rows < 3 {
			t.Fatalf("%s has %d rows", table, rows)
		}
		var columns []string
		must(t, db.Select(&columns, `SELECT name FROM pragma_table_info('`+table+`')`))
		for _, row := range []int{0, rows - 1} {
			at := fmt.Sprintf(`rowid = (SELECT rowid FROM %s ORDER BY rowid LIMIT 1 OFFSET %d)`, table, row)
			for _, c := range columns {
				found := tampered(t, file, head, func(db *sqlx.DB) { db.MustExec(edit(table, c, at)) })
				if found == nil && silent[table+"."+c] == "" {
					t.Errorf("%s.%s of row %d edited: not found", table, c, row)
				}
			}
			if err := tampered(t, file, head, func(db *sqlx.DB) { db.MustExec(`DELETE FROM ` + table + ` WHERE ` + at) }); runbook.CodeOf(err) != runbook.Conflicting {
				t.Errorf("row %d of %s deleted: %v", row, table, err)
			}
			if err := tampered(t, file, head, func(db *sqlx.DB) { db.MustExec(again(table, columns, at)) }); runbook.CodeOf(err) != runbook.Conflicting {
				t.Errorf("row %d of %s added again: %v", row, table, err)
			}
		}
		if err := tampered(t, file, head, func(db *sqlx.DB) { swap(db, table) }); runbook.CodeOf(err) != runbook.Conflicting {
			t.Errorf("two rows of %s swapped: %v", table, err)
		}
		if err := tampered(t, file, head, func(db *sqlx.DB) { db.MustExec(`DELETE FROM ` + table) }); runbook.CodeOf(err) != runbook.Conflicting {
			t.Errorf("all of %s deleted: %v", table, err)
		}
	}
}

func edit(table, column, at string) string {
	return fmt.Sprintf(`UPDATE %s SET %s = CASE typeof(%s) WHEN 'integer' THEN %s + 100 ELSE %s || 'x' END WHERE %s`, table, column, column, column, column, at)
}

// again inserts a row once more under a key of its own.
func again(table string, columns []string, at string) string {
	values := slices.Clone(columns)
	key := slices.IndexFunc(columns, func(c string) bool { return c == "id" || c == "fingerprint" })
	values[key] = fmt.Sprintf(`CASE typeof(%s) WHEN 'integer' THEN 1000 ELSE 'other' END`, columns[key])
	if state := slices.Index(columns, "state"); state >= 0 && table == "runs" {
		values[state] = `'parked'` // only one may be open
	}
	return fmt.Sprintf(`INSERT INTO %s (%s) SELECT %s FROM %s WHERE %s`, table, strings.Join(columns, ", "), strings.Join(values, ", "), table, at)
}

// swap exchanges the keys of the first row and of another.
func swap(db *sqlx.DB, table string) {
	key, other := "id", "SELECT max(rowid) FROM "+table
	switch table {
	case "steps": // whose ids repeat
		key, other = "run_id", "SELECT max(rowid) FROM steps WHERE id = 'fence'"
	case "alerts":
		key = "fingerprint"
	}
	for _, set := range []string{
		"UPDATE %[1]s SET %[2]s = -1 WHERE rowid = 1",
		"UPDATE %[1]s SET %[2]s = (SELECT k FROM swapped WHERE r = 1) WHERE rowid = (%[3]s)",
		"UPDATE %[1]s SET %[2]s = (SELECT k FROM swapped WHERE r > 1) WHERE %[2]s = -1 OR %[2]s = '-1'",
	} {
		db.MustExec(fmt.Sprintf("CREATE TEMP TABLE IF NOT EXISTS swapped AS SELECT rowid AS r, %[2]s AS k FROM %[1]s WHERE rowid = 1 OR rowid = (%[3]s)", table, key, other))
		db.MustExec(fmt.Sprintf(set, table, key, other))
	}
}

// TestVerifyNeedsTheHeadForWhatIsWholeWithoutIt: whoever writes the file can make another whole chain; only a head from
// elsewhere tells.
func TestVerifyNeedsTheHeadForWhatIsWholeWithoutIt(t *testing.T) {
	t.Parallel()
	path, head := sample(t)
	file, err := os.ReadFile(path)
	must(t, err)
	for name, change := range map[string]func(db *sqlx.DB){
		"cut": func(db *sqlx.DB) { db.MustExec(`DELETE FROM events WHERE id = (SELECT max(id) FROM events)`) },
		"rewritten": func(db *sqlx.DB) {
			db.MustExec(`UPDATE events SET person = 'somebody' WHERE kind = 'alert'`)
			rechain(t, db)
		},
		"rewritten at the end": func(db *sqlx.DB) {
			db.MustExec(`UPDATE events SET person = 'somebody' WHERE id = (SELECT max(id) FROM events)`)
			rechain(t, db)
		},
	} {
		for _, given := range []string{head, head[:16]} {
			if err := tampered(t, file, given, change); err == nil || !strings.Contains(err.Error(), "journal.audit_cut") {
				t.Errorf("%s, with the head: %v", name, err)
			}
		}
		if err := tampered(t, file, "", change); err != nil {
			t.Errorf("%s, without: %v; docs/audit.md says that it is not found", name, err)
		}
	}
}

// rechain makes all hashes right again.
func rechain(t *testing.T, db *sqlx.DB) {
	t.Helper()
	var rows []eventRow
	must(t, db.Select(&rows, `SELECT * FROM events ORDER BY id`))
	prev := ""
	for _, e := range rows {
		e.Prev = prev
		prev = e.sum()
		db.MustExec(`UPDATE events SET data = ?, prev = ?, hash = ? WHERE id = ?`, e.Data, e.Prev, prev, e.ID)
	}
}

func TestDecisionsOfOlderJournalsAreCompared(t *testing.T) {
	t.Parallel()
	path, _ := sample(t)
	file, err := os.ReadFile(path)
	must(t, err)
	older := func(db *sqlx.DB) {
		db.MustExec(`UPDATE events SET data = json_remove(data, '$.body') WHERE kind = 'decision'`)
		rechain(t, db)
	}
	if err := tampered(t, file, "", older); err != nil {
		t.Errorf("unchanged: %v", err)
	}
	for _, field := range []string{"$.Choice", "$.Reason", "$.Digest", "$.Group", "$.By.name", "$.By.platform", "$.Fields"} {
		value := `'other'`
		if field == "$.Fields" {
			value = `json('{"ip":"192.0.2.2"}')`
		}
		err := tampered(t, file, "", func(db *sqlx.DB) {
			older(db)
			db.MustExec(`UPDATE decisions SET body = json_set(body, '` + field + `', ` + value + `) WHERE id = 3`)
		})
		if err == nil || !strings.Contains(err.Error(), "audit.decision") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

// TestVerifyFindsValuesOfAnotherType: they look the same to people, and the bot's queries find them no more.
func TestVerifyFindsValuesOfAnotherType(t *testing.T) {
	t.Parallel()
	path, head := sample(t)
	file, err := os.ReadFile(path)
	must(t, err)
	for _, change := range []string{
		`UPDATE runs SET state = CAST(state AS BLOB)`, `UPDATE steps SET id = CAST(id AS BLOB) WHERE run_id = 'r2'`,
		`UPDATE events SET run_id = CAST(run_id AS BLOB) WHERE id = 2`, `UPDATE runs SET version = 'x'`,
	} {
		if err := tampered(t, file, head, func(db *sqlx.DB) { db.MustExec(change) }); err == nil || !strings.Contains(err.Error(), "audit.type") {
			t.Errorf("%s: %v", change, err)
		}
	}
}

func TestVerifyFindsTriggersThatAreNotTheBots(t *testing.T) {
	t.Parallel()
	for name, statements := range map[string][]string{
		"removed":  {`DROP TRIGGER events_no_update`},
		"replaced": {`DROP TRIGGER events_no_update`, `CREATE TRIGGER events_no_update BEFORE UPDATE ON events BEGIN SELECT 1; END`},
		"added":    {`CREATE TRIGGER approve AFTER INSERT ON steps BEGIN DELETE FROM decisions; END`},
		"view":     {`CREATE VIEW v AS SELECT 1`},
	} {
		j := open(t)
		for _, s := range statements {
			exec(t, j, s)
		}
		if _, err := j.Verify(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "audit.trigger") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEventsCannotBeChangedByAccident(t *testing.T) {
	t.Parallel()
	j := open(t)
	must(t, j.CreateRun(t.Context(), journaltest.NewRun("r1")))
	for _, sql := range []string{`UPDATE events SET person = 'x'`, `DELETE FROM events`} {
		if _, err := j.writer.Exec(sql); err == nil {
			t.Errorf("%s was possible", sql)
		}
	}
	if c, err := j.Verify(t.Context(), ""); err != nil || c.Events != 1 {
		t.Errorf("%+v, %v", c, err)
	}
}

package fleet_test

import (
	"strings"
	"testing"

	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/fleet"
)

// TestRealErrorsOfMySQL lets a real server quote the values of rows in its errors, to the driver and to the mysql client in a
// script: none of them is shown, and what the error is about is (fault 40).
func TestRealErrorsOfMySQL(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "a")
	db := c.StartMariaDB("a")
	c.Exec(db, "CREATE DATABASE speed",
		"CREATE TABLE speed.users (id INT PRIMARY KEY, email VARCHAR(40) UNIQUE, age TINYINT UNSIGNED, at DATETIME, CONSTRAINT adult CHECK (age > 17))",
		"INSERT INTO speed.users VALUES (1, 'row-canary', 20, NOW())",
		"CREATE TABLE speed.parts (name VARCHAR(20)) PARTITION BY LIST COLUMNS (name) (PARTITION p VALUES IN ('x'))",
		"CREATE TRIGGER speed.no BEFORE DELETE ON speed.users FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'row-canary stays'")
	x, err := c.Fleet.SQL(t.Context(), c.Host("a"), fleet.Database{Name: "speed"}, "speed")
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	redact := c.Fleet.Redactor().Redact
	var script strings.Builder
	for stmt, want := range map[string]string{
		"INSERT INTO users VALUES (2, 'row-canary', 20, NOW())":              "1062",
		"UPDATE users SET age = 'row-canary'":                                "1366",
		"UPDATE users SET at = 'row-canary'":                                 "1292",
		"UPDATE users SET age = CAST('row-canary' AS UNSIGNED) WHERE id = 1": "1292",
		"UPDATE users SET email = REPEAT(email, 9)":                          "1406",
		"UPDATE users SET age = 3":                                           "4025",
		"INSERT users VALUES (3, ''row-canary'', 20, NOW())":                 "1064",
		"INSERT INTO parts VALUES ('row-canary')":                            "1526",
		"DELETE FROM users":                                                  "1644",
	} {
		script.WriteString("mysql --socket=\"$SOCKET\" -u root -D speed --show-warnings -e \"" + stmt + "\" || true\n")
		_, err := x.ExecContext(t.Context(), stmt)
		if err == nil {
			t.Errorf("%s was taken", stmt)
			continue
		}
		got := redact(err.Error())
		if strings.Contains(got, "canary") || !strings.Contains(got, want) || want == "1062" && !strings.Contains(got, "for key 'email'") {
			t.Errorf("%s: %s", stmt, got)
		}
	}
	ran, err := c.Client("a").Run(t.Context(), fleet.Command{Script: script.String(), Env: map[string]string{"SOCKET": db.Socket}})
	if err != nil {
		t.Fatal(err)
	}
	got := redact(ran.Stderr)
	if strings.Contains(got, "canary") || strings.Count(got, "ERROR ") != 9 || !strings.Contains(ran.Stderr, "row-canary") {
		t.Errorf("the mysql client said %s\nwhich is shown as\n%s", ran.Stderr, got)
	}
}

package fleet

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"html"
	"net/url"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// TestRowsAreCut: values of rows in the errors of servers and their programs go, names stay (fault 40).
func TestRowsAreCut(t *testing.T) {
	t.Parallel()
	const c = "canary"
	for name, tt := range map[string]struct{ text, want string }{
		"driver":               {"Error 1062 (23000): Duplicate entry 'canary' for key 'users.email'", "Error 1062 (23000): Duplicate entry '‹cut›' for key 'users.email'"},
		"client":               {"ERROR 1062 (23000) at line 3: Duplicate entry 'canary' for key 'PRIMARY'", "ERROR 1062 (23000) at line 3: Duplicate entry '‹cut›' for key 'PRIMARY'"},
		"python":               {`(1062, "Duplicate entry 'canary' for key 'email'")`, `(1062, "Duplicate entry '‹cut›' for key 'email'")`},
		"PHP":                  {"SQLSTATE[23000]: Integrity constraint violation: 1062 Duplicate entry 'canary' for key 'a'", "SQLSTATE[23000]: Integrity constraint violation: 1062 Duplicate entry '‹cut›' for key 'a'"},
		"two":                  {"Duplicate entry 'canary' for key 'a'\nx\nDuplicate entry 'canary' for key 'b'", "Duplicate entry '‹cut›' for key 'a'\nx\nDuplicate entry '‹cut›' for key 'b'"},
		"quotes within":        {"Duplicate entry 'ca' for key 'canary' for key 'a'", "Duplicate entry '‹cut›' for key 'a'"},
		"lines within":         {"Duplicate entry 'ca\ncanary\n' for key 'a'", "Duplicate entry '‹cut›' for key 'a'"},
		"cut short":            {"Duplicate entry 'canary and more", "Duplicate entry '‹cut›"},
		"resequencing":         {"ERROR 1569 (HY000): ALTER TABLE causes auto_increment resequencing, resulting in duplicate entry 'canary' for key 'PRIMARY'", "ERROR 1569 (HY000): ALTER TABLE causes auto_increment resequencing, resulting in duplicate entry '‹cut›' for key 'PRIMARY'"},
		"foreign key":          {"Foreign key constraint for table 't', record 'canary-1' would lead to a duplicate entry in table 'c', key 'k'", "Foreign key constraint for table 't', record '‹cut›' would lead to a duplicate entry in table 'c', key 'k'"},
		"old foreign key":      {"Upholding foreign key constraints for table 't', entry 'canary', key 1 would lead to a duplicate entry", "Upholding foreign key constraints for table 't', entry '‹cut›', key 1 would lead to a duplicate entry"},
		"1366":                 {"Error 1366 (22007): Incorrect integer value: 'canary' for column `speed`.`users`.`age` at row 1", "Error 1366 (22007): Incorrect integer value: '‹cut›' for column `speed`.`users`.`age` at row 1"},
		"1366 bytes":           {`Incorrect string value: '\xE4canary' for column 'name' at row 7`, "Incorrect string value: '‹cut›' for column 'name' at row 7"},
		"1292 column":          {"Incorrect datetime value: 'canary' for column 'at' at row 1", "Incorrect datetime value: '‹cut›' for column 'at' at row 1"},
		"1292":                 {"Error 1292 (22007): Truncated incorrect DOUBLE value: 'ca'nary'", "Error 1292 (22007): Truncated incorrect DOUBLE value: '‹cut›'"},
		"1292 decimal":         {"Truncated incorrect DECIMAL(10,2) value: 'canary'", "Truncated incorrect DECIMAL(10,2) value: '‹cut›'"},
		"1411":                 {"Incorrect datetime value: 'canary' for function str_to_date", "Incorrect datetime value: '‹cut›' for function str_to_date"},
		"1367":                 {"Illegal double 'canary' value found during parsing", "Illegal double '‹cut›' value found during parsing"},
		"1064":                 {"ERROR 1064 (42000) at line 2: You have an error in your SQL syntax; check the manual for the right syntax to use near ''canary' VALUES (1)' at line 1", "ERROR 1064 (42000) at line 2: You have an error in your SQL syntax; check the manual for the right syntax to use near '‹cut›' at line 1"},
		"1690":                 {"BIGINT UNSIGNED value is out of range in '(`speed`.`t`.`a` - canary)'", "BIGINT UNSIGNED value is out of range in '‹cut›'"},
		"1300":                 {"Invalid utf8mb4 character string: 'canary'", "Invalid utf8mb4 character string: '‹cut›'"},
		"3854":                 {`Cannot convert string 'canary\xE4' from utf8mb4 to latin1`, "Cannot convert string '‹cut›' from utf8mb4 to latin1"},
		"1977":                 {"Cannot convert 'utf8mb4' character 0xcanary to 'latin1'", "Cannot convert 'utf8mb4' character ‹cut› to 'latin1'"},
		"1526":                 {"Table has no partition for value canary\nnext", "Table has no partition for value ‹cut›\nnext"},
		"3140":                 {`Invalid JSON text: "canary" at position 3 in value for column 'a.b'`, `Invalid JSON text: "‹cut›" at position 3 in value for column 'a.b'`},
		"statement":            {"x\n--------------\nINSERT INTO t VALUES ('canary',\n'canary')\n--------------\n\nERROR 1146 (42S02) at line 1: Table 'a.t' doesn't exist\n--------------\nDO canary\n--------------\n\nERROR 1 (HY000): y", "x\n--------------\n‹cut›\n--------------\n\nERROR 1146 (42S02) at line 1: Table 'a.t' doesn't exist\n--------------\n‹cut›\n--------------\n\nERROR 1 (HY000): y"},
		"end of a statement":   {"'canary'), ('canary')\n--------------\n\nERROR 1146 (42S02) at line 1: Table 'a.t' doesn't exist", "‹cut›\n--------------\n\nERROR 1146 (42S02) at line 1: Table 'a.t' doesn't exist"},
		"SIGNAL":               {"ERROR 1644 (45000) at line 1: no money left for canary\nnext", "ERROR 1644 (45000) at line 1: ‹cut›\nnext"},
		"another language":     {"ERROR 1062 (23000) at line 1: Doppelter Eintrag 'canary' für Schlüssel 'PRIMARY'", "ERROR 1062 (23000) at line 1: Doppelter Eintrag '‹cut›'"},
		"in JSON":              {`{"error":"Error 1062 (23000): Duplicate entry 'ca\"nary' for key 'a'","b":"c"}`, `{"error":"Error 1062 (23000): Duplicate entry '‹cut›' for key 'a'","b":"c"}`},
		"no value: 1264":       {"Out of range value for column 'a' at row 1", ""},
		"no value: 1265":       {"Data truncated for column 'a' at row 1", ""},
		"no value: 1406":       {"Data too long for column 'a' at row 1", ""},
		"no value: 1416":       {"Cannot get geometry object from data you send to the GEOMETRY field", ""},
		"no value: 1452":       {"Cannot add or update a child row: a foreign key constraint fails (`a`.`b`, CONSTRAINT `c` FOREIGN KEY (`d`) REFERENCES `e` (`f`))", ""},
		"no value: 3819":       {"Check constraint 'c' is violated.", ""},
		"no value: 4025":       {"CONSTRAINT `c` failed for `a`.`b`", ""},
		"no error":             {"the host is near 'rack 3', and the value is 7", ""},
		"no error, of columns": {"Incorrect key file for table 't'; try to repair it", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if tt.want == "" {
				tt.want = tt.text
			}
			got := (&Redactor{}).Redact(tt.text)
			if got != tt.want || strings.Contains(got, c) {
				t.Errorf("%s\nwant %s", got, tt.want)
			}
			if again := (&Redactor{}).Redact(got); again != got {
				t.Errorf("cut twice: %s", again)
			}
		})
	}
}

// TestSpellings: a secret is hidden however programs print it (fault 40).
func TestSpellings(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"plain-canary-1", `Can'ar"y\ $x<&>é %/+`, "Kanarienvögel=sind;gelb", "sieben7"} {
		var r Redactor
		r.Add(s)
		quoted, _ := json.Marshal(s)
		for how, text := range map[string]string{
			"plain": s, "JSON": string(quoted), "Go": strconv.Quote(s), "ASCII": strconv.QuoteToASCII(s),
			"shell": "'" + strings.ReplaceAll(s, "'", `'\''`) + "'", "SQL": "'" + strings.ReplaceAll(s, "'", "''") + "'",
			"query": url.QueryEscape(s), "path": url.PathEscape(s), "URL": (&url.URL{Scheme: "mysql", User: url.UserPassword("u", s), Host: "h"}).String(),
			"HTML": html.EscapeString(s), "hex": hex.EncodeToString([]byte(s)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(s))),
			"base64": base64.StdEncoding.EncodeToString([]byte(s)), "Basic": base64.StdEncoding.EncodeToString([]byte("user:" + s)),
			"base64 within": base64.URLEncoding.EncodeToString([]byte("users:" + s + "@host")),
		} {
			got := r.Redact("a " + text + " b")
			if !strings.Contains(got, redacted) || strings.Contains(got, s) || len(s) > 8 && strings.Contains(got, text) || !strings.HasPrefix(got, "a ") || !strings.HasSuffix(got, " b") {
				t.Errorf("%s of %q: %q is shown as %q", how, s, text, got)
			}
		}
	}
	var r Redactor
	r.Add("-----BEGIN KEY-----\nbG9uZyBsaW5lIG9uZQ\nbG9uZyBsaW5lIHR3bw\n-----END KEY-----\n", "Lange-Parole-1")
	for _, text := range []string{"x bG9uZyBsaW5lIHR3bw", "LANGE-PAROLE-1", "lange-parole-1"} {
		if got := r.Redact(text); !strings.Contains(got, redacted) {
			t.Errorf("%s is shown", text)
		}
	}
	if got := r.Redact("-----BEGIN KEY-----"); strings.Contains(got, redacted) {
		t.Errorf("what is no secret is hidden: %s", got)
	}
	var short Redactor
	short.Add("abc", "root")
	if got := short.Redact("abc Root ROOT"); got != "abc Root ROOT" {
		t.Errorf("words are hidden: %s", got)
	}
	script := "grep -q \"Duplicate entry 'x' for key\" log"
	if got := short.Hide(script); got != script {
		t.Errorf("Hide changes %q", got)
	}
}

// TestLongOutputIsCutInTime: what is printed without end must not hold up a recovery (fault 10). What is copied tells more
// than a clock.
func TestLongOutputIsCutInTime(t *testing.T) {
	for name, line := range map[string]string{
		"nothing": "2026-11-23 03:00:00 INFO all is well near the value of the record\n", "known": "Duplicate entry 'a' for key 'b'\n",
		"foreign": "ERROR 1062 (23000): Doppelter Eintrag 'a' für 'b'\n", "statements": ruler + "\nERROR 1 (HY000): a\n",
	} {
		text := strings.Repeat(line, 256<<10/len(line))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := cutRows(text)
		runtime.ReadMemStats(&after)
		if copied := after.TotalAlloc - before.TotalAlloc; copied > 256*uint64(len(text)) {
			t.Errorf("%s: %d bytes for %d", name, copied, len(text))
		} else {
			t.Logf("%s: %d bytes for %d", name, copied, len(text))
		}
		if (got == text) != (name == "nothing") {
			t.Errorf("%s: %.200q", name, got)
		}
	}
}

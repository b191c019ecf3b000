package dump

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"
	"testing/iotest"
	"time"
	"unicode/utf8"

	"recoverbot/runbook"
)

// seeds are what dumps hold, and what they should not.
var seeds = []string{
	"CREATE TABLE a (x int);INSERT INTO a VALUES (1,'\\''),(2,'a''b;');", "/*!40101 SET NAMES utf8 */;", "DELIMITER ;;\nX;;\ndelimiter ;\nY;", "-- x\n#y\n/* z */",
	"`a``b`", "'a''b\\", "/*M!999999\\- enable the sandbox mode */\n", "\xef\xbb\xbfUSE x;", "INSERT INTO a VALUES (0x1F,-1e5,NULL);",
	"SET NAMES gbk;INSERT INTO a VALUES ('\xd5\x5c');SET NAMES utf8mb4;", "SET sql_mode='ANSI_QUOTES';CREATE TABLE \"a\" (\"b\\\" int);",
	"SET sql_mode='NO_BACKSLASH_ESCAPES';INSERT INTO a VALUES ('\\');", "/*!50003 CREATE*/ /*!50017 DEFINER=`a`@`b`*/ /*!50003 TRIGGER g BEFORE INSERT ON t FOR EACH ROW SET @x=1 */;",
	"CREATE VIEW v AS SELECT a.b FROM (t a JOIN other.u b ON a.x=b.x), other.z;", "USE other;", "CREATE TABLE /*!99999 ' */ other.t (a int);", "/*!50000 x; */;",
	"SET @OLD=@@sql_mode, sql_mode='';SET sql_mode=@OLD;", "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `speed`;", "-- Dump completed on 2026-11-22  3:00:01\n", "--\x7fx\n;", "\\! id\n",
	"INSERT INTO a VALUES (1) /*! , (2) */;", "/*!5 x*/;", "CREATE PROCEDURE p() BEGIN INSERT other.t VALUES (1); END;", "SELECT 'a' -- b\n;", "\r\nUSE speed;\r\n",
	"DROP TABLE 1other.t;", "LOCK TABLES speed.2024_logs WRITE, 1e5.t READ;", "INSERT INTO t VALUES (1.5,.5,1.,0x1F,1e-5,1other.s.nextval);", "DO SETVAL(speed.1s, -1, 0), other.f();",
	"CREATE TABLE t (a int DEFAULT 0.5) ENGINE MERGE UNION (1other.t);", "CREATE TABLE t (a int) PARTITION BY LIST (a) (PARTITION p VALUES IN (1) CONNECTION 'x');",
	"CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW SET @a=1, GLOBAL x=7;", "CREATE TRIGGER g AFTER INSERT ON t FOR EACH ROW INSERT old.b VALUES (NEW.a);",
	"CREATE VIEW v AS SELECT 1e5FROM other.t;", "#\n--\n/**/ /***/ /*/ */ ;", "ALTER TABLE t ADD b int REFERENCES 0x1G . 2t (c);",
}

// split returns a dump's statements, with how much of it was read, up to the first error.
func split(r io.Reader) (out []string, read int64, err error) {
	s := NewSplitter(r)
	for {
		text, err := s.Next()
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return out, s.Offset(), err
		}
		out = append(out, string(text))
	}
}

// FuzzSplit wants that the size of what a reader gives changes nothing, that statements and what stands between them
// are the whole dump, in order, and that what stands between them is only space, comments and delimiters.
func FuzzSplit(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	between := regexp.MustCompile(`(?is)^(\xef\xbb\xbf|[\x09-\x0d ]|/\*M?!999999\\-[^\n]*(\n|$)|--([\x00-\x20][^\n]*)?(\n|$)|#[^\n]*(\n|$)|/\*.*?\*/|delimiter[ \t][^\n]*(\n|$)|[^\w\s'"` + "`" + `\\]{1,15})*$`)
	f.Fuzz(func(t *testing.T, text string) {
		whole, read, err := split(strings.NewReader(text))
		single, n, err1 := split(iotest.OneByteReader(strings.NewReader(text)))
		if strings.Join(whole, "\x00") != strings.Join(single, "\x00") || read != n || (err == nil) != (err1 == nil) || err != nil && err.Error() != err1.Error() {
			t.Errorf("in one piece %q, %d, %v; byte by byte %q, %d, %v", whole, read, err, single, n, err1)
		}
		rest := text
		for _, s := range whole {
			i := strings.Index(rest, s)
			if i < 0 {
				t.Fatalf("%q is not in the dump, or not in its place", s)
			}
			rest = rest[i+len(s):]
		}
		if err == nil && (read != int64(len(text)) || len(whole) == 0 && !between.MatchString(text)) {
			t.Errorf("read %d of %d bytes of %q as nothing", read, len(text), text)
		}
	})
}

// FuzzStatements wants that nothing which passes can reach another schema, by a second, cruder reading: its name
// before a dot, or behind USE or DATABASE.
func FuzzStatements(f *testing.F) {
	for _, s := range seeds {
		f.Add(s)
	}
	reach := regexp.MustCompile("(?i)(\\bother\\b`?\\s*\\.|\\b(use|database|schema)\\s+`?other\\b)")
	f.Fuzz(func(t *testing.T, text string) {
		s := NewSplitter(strings.NewReader(text))
		for {
			c, err := s.Checked(speed)
			var refusal *runbook.Error
			if err != nil && !errors.Is(err, io.EOF) && !errors.As(err, &refusal) {
				t.Fatalf("%v", err)
			}
			if err != nil {
				return
			}
			if c.Object == "" && c.Name == "" && c.SQL != nil && reach.Match(bare(c.SQL)) {
				t.Errorf("%q passes", c.SQL)
			}
			if c.Object == "table" && reach.Match(bare(c.SQL)) {
				t.Errorf("%q passes", c.SQL)
			}
			if c.Object == "" || c.Object == "table" || c.Object == "sequence" {
				if schema := beyond(bare(c.SQL)); schema != "" {
					t.Errorf("%q passes, which names %s", c.SQL, schema)
				}
			}
		}
	})
}

// beyond returns what stands before a dot in a statement without a body and is neither the scratch schema nor a number,
// by a cruder reading.
func beyond(sql []byte) string {
	if bytes.ContainsAny(sql, "@`\"") || !utf8.Valid(sql) {
		sql = plainName.ReplaceAll(sql, []byte("$1"))
		if bytes.ContainsAny(sql, "@`\"") || !utf8.Valid(sql) {
			return ""
		}
	}
	for _, m := range beforeDot.FindAllSubmatch(sql, -1) {
		number := decimals.Match(m[1]) && (len(m[2]) == 0 || decimals.Match(m[2]))
		if string(m[1]) != speed.Scratch && !number && len(m[2])+len(m[3]) > 0 {
			return string(m[1])
		}
	}
	return ""
}

var (
	plainName = regexp.MustCompile("`([\\w$]+)`")
	beforeDot = regexp.MustCompile(`([\w$\x{80}-\x{10FFFF}]+)\s*\.\s*([\w$\x{80}-\x{10FFFF}]+)?([*'])?`)
	decimals  = regexp.MustCompile(`^\d+([eE]\d*)?$`)
)

// bare blanks what stands in quotes and comments, in the simplest way; what it cannot be sure of becomes nothing.
func bare(sql []byte) []byte {
	if bytes.ContainsAny(sql, "\\#") || bytes.Contains(sql, []byte("--")) || bytes.Contains(sql, []byte("/*")) {
		return nil
	}
	return regexp.MustCompile(`'[^']*'|"[^"]*"`).ReplaceAll(sql, []byte(" "))
}

// FuzzEnds wants no panic and no complete dump without its line at the very end.
func FuzzEnds(f *testing.F) {
	f.Add("-- MySQL dump\n-- Host: x    Database: speed\n", "-- Dump completed on 2026-11-22  3:00:01\n")
	f.Add("", "INSERT INTO t VALUES ('\n-- Dump completed\n');")
	f.Add("\x1f\x8b", "-- Dump completed")
	f.Fuzz(func(t *testing.T, head, tail string) {
		e := Edges([]byte(head), []byte(tail))
		last := strings.TrimRight(tail, " \t\r\n")
		last = last[strings.LastIndexByte(last, '\n')+1:]
		if e.Complete != trailerLine.MatchString(last) || e.Complete && !e.Cut.IsZero() {
			t.Errorf("%+v of %q", e, last)
		}
		if e.At != "" {
			if _, err := time.Parse("2006-01-02 15:04:05", e.At); err != nil {
				t.Error(err)
			}
		}
	})
}

// FuzzName wants no panic, and names that mean what they say wherever they are used (fault 37).
func FuzzName(f *testing.F) {
	for _, s := range []string{"speed-20261122.sql", "../x.sql", "-x.sql", "a\nb.sql", "speed_2026-11-22_03-00.sql.gz", "22Nov2026.sql", "2026年11月22日.sql", "1800000000.sql", "a\u202eb.sql"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, name string) {
		_, _ = NameDate(name, time.UTC)
		if CheckName(name).IsZero() && (name == "" || name[0] == '-' || strings.ContainsAny(name, "/\\\n\r\x00") || strings.Contains(name, "..")) {
			t.Errorf("%q passes", name)
		}
	})
}

// TestMemory holds that a splitter keeps no more than its longest statement asks for.
func TestMemory(t *testing.T) {
	t.Parallel()
	long := "INSERT INTO t VALUES ('" + strings.Repeat("x", 1<<19) + "');\n"
	var all []io.Reader
	for range 200 {
		all = append(all, strings.NewReader(long))
	}
	s := NewSplitter(io.MultiReader(all...))
	for {
		if _, err := s.Next(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if cap(s.buf) > 8<<20 {
		t.Errorf("keeps %d bytes for statements of %d", cap(s.buf), len(long))
	}
}

// TestEndless holds that what never ends is refused before it fills the memory, and that comments cost none (fault 34).
func TestEndless(t *testing.T) {
	t.Parallel()
	for begin, want := range map[string]struct {
		id   string
		kept int
	}{
		"-- a\nINSERT INTO t VALUES ('": {"dump.statement_too_long", maxStatement + 3*readChunk},
		"-- a\nCREATE TABLE t (":        {"dump.statement_too_long", maxStatement + 3*readChunk},
		"-- a\n-- ":                     {"", 4 * readChunk},
		"-- a\n#":                       {"", 4 * readChunk},
		"-- a\n/*/":                     {"dump.unterminated", 4 * readChunk},
	} {
		s := NewSplitter(io.MultiReader(strings.NewReader(begin), io.LimitReader(endless{}, 3*maxStatement/2)))
		_, err := s.Next()
		var e *runbook.Error
		switch {
		case want.id == "" && !errors.Is(err, io.EOF), want.id != "" && (!errors.As(err, &e) || e.Msg.ID != want.id || e.Msg.Args["line"] != int64(2)):
			t.Errorf("%q: %v", begin, err)
		case cap(s.buf) > want.kept:
			t.Errorf("%q: keeps %d bytes", begin, cap(s.buf))
		}
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

package dump

import (
	"testing"
	"time"
)

func TestNameDate(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)
	at := func(h, m, s int) time.Time {
		return day.Add(time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second)
	}
	for name, want := range map[string]Named{
		"speed-20261122.sql":                {day, false},
		"speed_2026-11-22.sql.gz":           {day, false},
		"speed-2026-11-22_03-00.sql.gz":     {at(3, 0, 0), true},
		"speed-20261122030000.sql":          {at(3, 0, 0), true},
		"speed-202611220305.sql":            {at(3, 5, 0), true},
		"speed-2026-11-22T03:00:07.sql":     {at(3, 0, 7), true},
		"speed.2026.11.22.sql":              {day, false},
		"speed2026_11_22 03.00.sql":         {at(3, 0, 0), true},
		"speed-22Nov2026.sql":               {day, false},
		"speed-22-nov-2026_0305.sql":        {at(3, 5, 0), true},
		"speed-2026年11月22日.sql":             {day, false},
		"speed-1795316400.sql":              {time.Unix(1795316400, 0).UTC(), true},
		"20261122-speed.sql":                {day, false},
		"speed-192.0.2.3-20261122_0300.sql": {at(3, 0, 0), true},
		"speed-db20261122-030000-full.sql":  {at(3, 0, 0), true},
	} {
		got, ok := NameDate(name, time.UTC)
		if !ok || !got.At.Equal(want.At) || got.Clock != want.Clock {
			t.Errorf("%s: %v %v, want %v", name, got, ok, want)
		}
	}
	for _, name := range []string{"speed.sql", "speed-20261322.sql", "speed-20260230.sql", "speed-12345678.sql", "speed-latest.sql.gz", "speed-20261122256000.sql"} {
		if got, ok := NameDate(name, time.UTC); ok {
			t.Errorf("%s: dated %v", name, got)
		}
	}
}

// TestCheckName: fault 37.
func TestCheckName(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"", ".", "..", "../speed.sql", "-rf.sql", "a/b.sql", "a\nb.sql", "a\x00.sql", "a\x1b[31m.sql", "speed..sql", "\xff.sql", "speed\u202elqs.sql"} {
		if CheckName(name).IsZero() {
			t.Errorf("%q is taken", name)
		}
	}
	for _, name := range []string{"speed-20261122.sql", "speed 2026-11-22.sql.gz", "备份-20261122.sql"} {
		if m := CheckName(name); !m.IsZero() {
			t.Errorf("%q is refused: %s", name, m.ID)
		}
	}
}

func TestEdges(t *testing.T) {
	t.Parallel()
	const head = "-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB\n--\n-- Host: localhost    Database: speed\n-- ----\n"
	for name, c := range map[string]struct {
		head, tail string
		complete   bool
		at, cut    string
	}{
		"good":            {head, "UNLOCK TABLES;\n\n-- Dump completed on 2026-11-22  3:00:01\n", true, "2026-11-22 03:00:01", ""},
		"two digits":      {head, "x;\n-- Dump completed on 2026-11-22 13:00:01", true, "2026-11-22 13:00:01", ""},
		"no date":         {head, "x;\n-- Dump completed\n", true, "", ""},
		"crlf":            {head, "x;\r\n-- Dump completed on 2026-11-22  3:00:01\r\n", true, "2026-11-22 03:00:01", ""},
		"in a string":     {head, "INSERT INTO t VALUES ('\n-- Dump completed on 2026-11-22  3:00:01');\n", false, "", "dump.no_trailer"},
		"something after": {head, "-- Dump completed on 2026-11-22  3:00:01\nDROP TABLE x;\n", false, "", "dump.no_trailer"},
		"at a boundary":   {head, "INSERT INTO `t` VALUES (1);\n", false, "", "dump.no_trailer"},
		"no comments":     {"/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;\n", "/*!40111 SET SQL_NOTES=@OLD_SQL_NOTES */;\n", false, "", ""},
		"no comments cut": {"/*!40111 SET @OLD_SQL_NOTES=@@SQL_NOTES, SQL_NOTES=0 */;\n", "INSERT INTO `t` VALUES (1);\n", false, "", "dump.no_trailer"},
		"compact":         {"CREATE TABLE `t` (a int);\n", "INSERT INTO `t` VALUES (1);\n", false, "", ""},
		"compact cut":     {"CREATE TABLE `t` (a int);\n", "INSERT INTO `t` VALUES (1),(2", false, "", "dump.mid_statement"},
		"empty":           {"", "", false, "", "dump.empty"},
		"blank":           {"\n\n", "\n\n", false, "", "dump.empty"},
		"binary":          {"\x00\x01", "\x00\x01", false, "", "dump.not_text"},
	} {
		e := Edges([]byte(c.head), []byte(c.tail))
		if e.Complete != c.complete || e.At != c.at || e.Cut.ID != c.cut {
			t.Errorf("%s: %+v", name, e)
		}
	}
	if e := Edges([]byte(head), nil); e.Schema != "speed" {
		t.Errorf("schema %q", e.Schema)
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	zone, err := Zone("+0800")
	if err != nil {
		t.Fatal(err)
	}
	e := Ends{Complete: true, At: "2026-11-22 03:20:01"}
	start, end, ok := Times(e, "speed-2026-11-22_03-00.sql", zone)
	if !ok || !start.Equal(time.Date(2026, 11, 21, 19, 0, 0, 0, time.UTC)) || !end.Equal(time.Date(2026, 11, 21, 19, 20, 1, 0, time.UTC)) {
		t.Error(start, end, ok)
	}
	if start, end, _ = Times(e, "speed-20261122.sql", zone); !start.Equal(end) { // a date without a clock says nothing better
		t.Error(start, end)
	}
	if start, end, _ = Times(e, "speed-2026-11-23_03-00.sql", zone); !start.Equal(end) { // a name in the trailer's future lies
		t.Error(start, end)
	}
	if _, _, ok = Times(Ends{}, "speed.sql", zone); ok {
		t.Error("dated out of nothing")
	}
}

package dump

import (
	"bytes"
	"regexp"
	"time"

	"recoverbot/runbook"
)

// EdgeBytes is how much of both ends of a dump Edges wants to see.
const EdgeBytes = 8192

// Ends is what the first and the last bytes of a dump tell about it.
type Ends struct {
	Complete bool   // the trailer is there, at the very end
	At       string // local time in the trailer, "2006-01-02 15:04:05"; "" where it has none
	Schema   string // that the header names; "" where it names none
	// Cut is why the file is certainly incomplete. Where it is zero and Complete is false, completeness is not proven.
	Cut runbook.Msg
}

var (
	trailerLine  = regexp.MustCompile(`^-- Dump completed(?: on (\d{4}-\d\d-\d\d) {1,2}(\d{1,2}:\d\d:\d\d))?$`)
	headerSchema = regexp.MustCompile(`(?m)^-- Host: .*Database: (\S+)\s*$`)
)

// Edges judges a dump by its first and last bytes (uncompressed, up to EdgeBytes each).
func Edges(head, tail []byte) Ends {
	var e Ends
	if m := headerSchema.FindSubmatch(head); m != nil {
		e.Schema = string(m[1])
	}
	end := bytes.TrimRight(tail, " \t\r\n")
	last := end[bytes.LastIndexByte(end, '\n')+1:]
	if m := trailerLine.FindSubmatch(bytes.TrimRight(last, " \t\r")); m != nil {
		e.Complete = true
		if len(m[1]) > 0 {
			if t, err := time.Parse("2006-01-02 15:04:05", string(m[1])+" "+string(m[2])); err == nil {
				e.At = t.Format("2006-01-02 15:04:05")
			}
		}
		return e
	}
	switch {
	case len(end) == 0:
		e.Cut = runbook.T("dump.empty")
	case bytes.IndexByte(head, 0) >= 0:
		e.Cut = runbook.T("dump.not_text")
	case bytes.Contains(head, []byte("-- MySQL dump")), bytes.Contains(head, []byte("-- MariaDB dump")):
		e.Cut = runbook.T("dump.no_trailer") // with comments on, mysqldump ends with one
	case bytes.Contains(head, []byte("@OLD_SQL_NOTES")) && !bytes.Contains(tail, []byte("SET SQL_NOTES=@OLD_SQL_NOTES")):
		e.Cut = runbook.T("dump.no_trailer")
	case end[len(end)-1] != ';' && !bytes.HasPrefix(last, []byte("--")) && !bytes.HasSuffix(end, []byte("*/")) &&
		!bytes.HasPrefix(bytes.ToUpper(last), []byte("DELIMITER")):
		e.Cut = runbook.T("dump.mid_statement")
	}
	return e
}

// Zone reads a time zone as configuration or `date +%z` gives it: "+0800", "+08:00", "UTC", "Asia/Shanghai".
func Zone(s string) (*time.Location, error) {
	for _, layout := range []string{"-0700", "-07:00"} {
		if t, err := time.Parse(layout, s); err == nil {
			_, offset := t.Zone()
			return time.FixedZone(s, offset), nil
		}
	}
	return time.LoadLocation(s)
}

// Times combines what a dump's trailer and name say, in zone: when it was finished, and when it was begun, which is
// what the data in it is as old as. ok is false where neither says anything.
func Times(e Ends, name string, zone *time.Location) (start, end time.Time, ok bool) {
	n, hasName := NameDate(name, zone)
	if e.At != "" {
		end, _ = time.ParseInLocation("2006-01-02 15:04:05", e.At, zone) // Edges has parsed it before
		start = end
		if hasName && n.Clock && n.At.Before(end) && end.Sub(n.At) < 24*time.Hour {
			start = n.At
		}
		return start, end, true
	}
	return n.At, n.At, hasName
}

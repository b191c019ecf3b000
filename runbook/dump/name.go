package dump

import (
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"recoverbot/runbook"
)

// Named is the date that a file's name carries.
type Named struct {
	At    time.Time
	Clock bool // the name has a time of day, not only a date
}

var (
	yearFirst = regexp.MustCompile(`(?:^|\D)(20\d\d)(?:[-_./]|年)?(\d{1,2})(?:[-_./]|月)?(\d{1,2})日?(?:[-_. T@]*(\d{2})(?:[-_.:h]|时)?(\d{2})(?:(?:[-_.:m]|分)?(\d{2}))?)?(?:\D|$)`)
	dayFirst  = regexp.MustCompile(`(?i)(?:^|\D)(\d{1,2})[-_. ]?(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*[-_. ]?(20\d\d)(?:[-_. T@]*(\d{2})[-_.:h]?(\d{2})(?:[-_.:m]?(\d{2}))?)?(?:\D|$)`)
	epoch     = regexp.MustCompile(`(?:^|\D)(1[5-9]\d{8}|2[0-3]\d{8})(?:\D|$)`)
)

// NameDate finds the date in a file's name, in any of the usual forms: 20261122, 2026-11-22, 2026_11_22_03-00,
// 20261122030000, 22Nov2026, 2026年11月22日, seconds since 1970. Local times are read in zone.
func NameDate(name string, zone *time.Location) (Named, bool) {
	if m := dayFirst.FindStringSubmatch(name); m != nil {
		month := strings.Index("janfebmaraprmayjunjulaugsepoctnovdec", strings.ToLower(m[2]))/3 + 1
		if n, ok := named(m[3], month, m[1], m[4:], zone); ok {
			return n, true
		}
	}
	if m := yearFirst.FindStringSubmatch(name); m != nil {
		if n, ok := named(m[1], num(m[2]), m[3], m[4:], zone); ok {
			return n, true
		}
	}
	if m := epoch.FindStringSubmatch(name); m != nil {
		return Named{At: time.Unix(int64(num(m[1])), 0).UTC(), Clock: true}, true
	}
	return Named{}, false
}

func named(year string, month int, day string, clock []string, zone *time.Location) (Named, bool) {
	h, mi, s := num(clock[0]), num(clock[1]), num(clock[2])
	t := time.Date(num(year), time.Month(month), num(day), h, mi, s, 0, zone)
	if t.Month() != time.Month(month) || t.Day() != num(day) || h > 23 || mi > 59 || s > 60 {
		return Named{}, false
	}
	return Named{At: t, Clock: clock[0] != ""}, true
}

func num(s string) int {
	n, _ := strconv.Atoi(s) // only digits, by the patterns; "" is 0
	return n
}

// CheckName returns why a file name must not be used (a zero Msg: it may): names reach programs as arguments.
func CheckName(name string) runbook.Msg {
	switch {
	case name == "" || name == "." || strings.Contains(name, ".."):
		return runbook.T("dump.name_dots")
	case strings.HasPrefix(name, "-"):
		return runbook.T("dump.name_dash")
	case strings.ContainsAny(name, "/\\"):
		return runbook.T("dump.name_slash")
	case !utf8.ValidString(name), len(name) > 200:
		return runbook.T("dump.name_strange")
	}
	for _, r := range name {
		if unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return runbook.T("dump.name_control")
		}
	}
	return runbook.Msg{}
}

// IsDump reports whether a name has the ending of a dump that can be read: .sql or .sql.gz.
func IsDump(name string) bool { return strings.HasSuffix(name, ".sql") || IsGzip(name) }

// IsGzip reports whether a name has the ending of a compressed dump.
func IsGzip(name string) bool { return strings.HasSuffix(name, ".sql.gz") }

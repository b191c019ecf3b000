package probe

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"recoverbot/runbook"
)

// dumpLook prints the host's zone, then a line a candidate: name, size, and the end of its text. The newest names come
// first; a name with anything but plain characters is left out, and so is a file that was last written before RB_AFTER:
// unpacking big ones takes long.
const dumpLook = `date +%z
cd -- "$RB_DIR" || exit 5
LC_ALL=C ls -1t | grep -E '^[A-Za-z0-9][A-Za-z0-9._-]*\.sql(\.gz)?$' | grep -F -- "$RB_PREFIX" | head -n 12 | while IFS= read -r f; do
	[ -f "$f" ] && [ ! -L "$f" ] || continue
	[ "$(stat -c %Y -- "$f")" -ge "$RB_AFTER" ] || continue
	case $f in
	*.gz) t=$(gzip -dc -- "$f" 2>/dev/null | tail -c 200 | grep -a -- '-- Dump completed on' | tail -n 1) ;;
	*) t=$(tail -c 200 -- "$f" | grep -a -- '-- Dump completed on' | tail -n 1) ;;
	esac
	printf '%s\t%s\t%s\n' "$f" "$(wc -c < "$f")" "$t"
done
`

// dump looks for a complete dump of the database in the host's sql_backup, begun after Since where that is given.
// Complete means: it ends with mysqldump's own trailer. Begun is judged by the time in the file's name, as far as it
// has one, and by the trailer: modification times prove nothing.
func dump(ctx context.Context, a *asking) answer {
	dir, _ := a.fleet.Config().PathOn(a.host, "sql_backup")
	bad := func(err error) answer {
		return down("probe.dump_unknown", "host", a.host.Name, "path", dir, "why", why(a.fleet, err))
	}
	d, err := a.database(a.probe.Database)
	if err != nil {
		return bad(err)
	}
	var since time.Time
	if a.probe.Since != "" {
		if since, err = time.Parse(time.RFC3339Nano, a.probe.Since); err != nil {
			return bad(runbook.Errorf(runbook.Invalid, "fleet.bad_reference", "ref", a.probe.Since))
		}
	}
	after := int64(0)
	if !since.IsZero() {
		after = since.Add(-24 * time.Hour).Unix() // clocks differ
	}
	ran, err := a.script(ctx, dumpLook, map[string]string{"RB_DIR": dir, "RB_PREFIX": d.Schema, "RB_AFTER": strconv.FormatInt(after, 10)})
	if err != nil {
		return bad(err)
	}
	if ran.Exit != 0 {
		return bad(fmt.Errorf("%s", strings.TrimSpace(ran.Stderr)))
	}
	zone, lines, _ := strings.Cut(strings.TrimRight(ran.Stdout, "\n"), "\n")
	name, at, incomplete := newestDump(zone, lines, d.Schema, since)
	switch {
	case name != "":
		return up("probe.dump_ok", "host", a.host.Name, "file", name, "at", at.UTC().Format(time.RFC3339))
	case incomplete != "":
		return down("probe.dump_incomplete", "host", a.host.Name, "file", incomplete)
	case since.IsZero():
		return down("probe.dump_none", "host", a.host.Name, "path", dir)
	}
	return down("probe.dump_old", "host", a.host.Name, "path", dir, "since", since.UTC().Format(time.RFC3339))
}

var (
	trailer  = regexp.MustCompile(`-- Dump completed on (\d{4}-\d{2}-\d{2} +\d{1,2}:\d{2}:\d{2})`)
	nameTime = regexp.MustCompile(`(20\d{2})[-_.]?(\d{2})[-_.]?(\d{2})(?:[-_.T]?(\d{2})[-_.]?(\d{2})(?:[-_.]?(\d{2}))?)?`)
)

// newestDump picks the newest complete dump that began after since; incomplete names one that would have been newer.
func newestDump(zone, lines, schema string, since time.Time) (name string, at time.Time, incomplete string) {
	loc := time.UTC
	if t, err := time.Parse("-0700", strings.TrimSpace(zone)); err == nil {
		_, offset := t.Zone()
		loc = time.FixedZone(zone, offset)
	}
	for line := range strings.Lines(lines) {
		f := strings.Split(strings.TrimRight(line, "\n"), "\t")
		if len(f) != 3 || !strings.HasPrefix(f[0], schema) {
			continue
		}
		begun, precise := timeOfName(f[0], loc)
		m := trailer.FindStringSubmatch(f[2])
		if m == nil {
			if !begun.Before(since.Add(-24 * time.Hour)) {
				incomplete = f[0]
			}
			continue
		}
		ended, err := time.ParseInLocation("2006-01-02 15:04:05", strings.Join(strings.Fields(m[1]), " "), loc)
		if err != nil || ended.Before(since.Truncate(time.Second)) {
			continue
		}
		if precise > 0 && begun.Before(since.Truncate(precise)) {
			continue
		}
		if ended.After(at) {
			name, at = f[0], ended
		}
	}
	return name, at, incomplete
}

// timeOfName reads the time that a dump's name tells; precise is its unit, 0 where the name tells a day at most.
func timeOfName(name string, loc *time.Location) (at time.Time, precise time.Duration) {
	m := nameTime.FindStringSubmatch(name)
	if m == nil {
		return at, 0
	}
	n := make([]int, 7)
	for i, s := range m[1:] {
		n[i], _ = strconv.Atoi(s)
	}
	at = time.Date(n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], 0, loc)
	switch {
	case m[6] != "":
		precise = time.Second
	case m[4] != "":
		precise = time.Minute
	}
	return at, precise
}

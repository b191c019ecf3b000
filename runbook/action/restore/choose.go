package restore

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// rank orders the usable candidates, the best first: complete before not proven, dated before undated, the newest by
// its own date first, and of equal dumps the copy on the target, then the earlier host.
func rank(cs []candidate, target fleet.Host) []candidate {
	var out []candidate
	for _, c := range cs {
		if c.usable() {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b candidate) int {
		if a.same(b) {
			return yes(b.host.Name == target.Name) - yes(a.host.Name == target.Name)
		}
		if d := yes(b.ends.Complete) - yes(a.ends.Complete); d != 0 {
			return d
		}
		if d := yes(b.dated) - yes(a.dated); d != 0 {
			return d
		}
		if d := b.end.Compare(a.end); d != 0 {
			return d
		}
		return yes(b.host.Name == target.Name) - yes(a.host.Name == target.Name)
	})
	return out
}

func yes(b bool) int {
	if b {
		return 1
	}
	return 0
}

// same reports whether two files look like copies of one dump; their hosts may lie in different time zones.
func (c candidate) same(d candidate) bool {
	return c.name == d.name && c.size == d.size && c.ends.At == d.ends.At && c.ends.Complete == d.ends.Complete
}

// named reports whether a person named this file: "HOST:FILE" or "FILE".
func (c candidate) named(wanted string) bool {
	host, file, ok := strings.Cut(wanted, ":")
	if !ok {
		host, file = "", wanted
	}
	return c.name != "" && (c.name == file || c.path == file) && (host == "" || c.host.Name == host)
}

// override finds the candidate that a person named.
func override(cs []candidate, wanted string, target fleet.Host) (candidate, error) {
	var found []candidate
	for _, c := range cs {
		if c.named(wanted) {
			found = append(found, c)
		}
	}
	if len(found) == 0 {
		return candidate{}, runbook.Errorf(runbook.NotFound, "restore.dump_not_found", "dump", wanted)
	}
	if best := rank(found, target); len(best) > 0 {
		return best[0], nil
	}
	return candidate{}, runbook.Errorf(runbook.Invalid, "restore.dump_refused", "dump", wanted, "why", found[0].refused)
}

const shownCandidates = 40

// candidates is the table of everything that was found, the chosen one first.
func candidates(all []candidate, ranked []candidate, chosen *candidate) runbook.Table {
	t := runbook.Table{Name: "dumps", Columns: []string{"host", "file", "size", "dump of", "state"}, Count: len(all), Words: true}
	add := func(c candidate, state, mark string) {
		if len(t.Rows) >= shownCandidates {
			return
		}
		at := ""
		if c.dated && !c.end.IsZero() {
			at = c.start.UTC().Format(time.RFC3339)
		}
		size := ""
		if c.name != "" {
			size = strconv.FormatInt(c.size, 10)
		}
		t.Rows = append(t.Rows, []string{c.host.Name, printable(c.name), size, at, state})
		t.Marks = append(t.Marks, mark)
	}
	for _, c := range ranked {
		switch {
		case chosen != nil && c.host.Name == chosen.host.Name && c.path == chosen.path:
			add(c, "chosen", "match")
		case chosen != nil && c.same(*chosen):
			add(c, "same dump", "")
		case !c.ends.Complete:
			add(c, "completeness not proven", "bad")
		default:
			add(c, "complete", "")
		}
	}
	for _, c := range all {
		if !c.usable() {
			state := c.refused.ID
			if i := strings.IndexByte(state, '.'); i >= 0 {
				state = strings.ReplaceAll(state[i+1:], "_", " ")
			}
			add(c, state, "refused")
		}
	}
	return t
}

// printable shows a name that may hold anything.
func printable(name string) string {
	q := strconv.Quote(name)
	if q == `"`+name+`"` {
		return name
	}
	return q
}

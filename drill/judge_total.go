package drill

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

var totalPart = part{breaks: theOnes("primary", "standby", "report"), facts: rebuilt, healed: primaryHealed}

// lostPart leaves no complete dump on any machine that answers: the bot must say so and stop.
var lostPart = part{
	breaks: theOnes("standby", "primary", "report"), ready: truncateDumps, facts: nothingDone, aborts: "survey", unserved: true,
}

// truncateDumps breaks off every dump of the machines that will answer, and remembers what all machines hold.
func truncateDumps(_ context.Context, sc *scene) error {
	for _, h := range sc.are("backup") {
		if slices.Contains(sc.dead, h) {
			continue
		}
		found, err := filepath.Glob(h.path("shell/sql_backup/*.sql*"))
		if err != nil {
			return fmt.Errorf("find dumps of %s: %w", h.Name, err)
		}
		for _, f := range found {
			st, err := os.Stat(f)
			if err == nil {
				err = os.Truncate(f, st.Size()*6/10)
			}
			if err == nil {
				err = os.Chtimes(f, st.ModTime(), st.ModTime())
			}
			if err != nil {
				return fmt.Errorf("break a dump off: %w", err)
			}
		}
	}
	var err error
	sc.files, err = sc.c.snapshot()
	return err
}

// nothingDone judges that the bot said that the data is lost, and that no machine was touched.
func nothingDone(_ context.Context, sc *scene) {
	if sc.run.State != "aborted" {
		sc.check("run", fmt.Errorf("it is %s", sc.run.State))
	}
	said := false
	for _, s := range sc.run.Steps {
		if s.Result != nil && s.Result.Outcome == "done" {
			sc.check(s.ID, fmt.Errorf("it did something: %s", s.Result.Text))
		}
		if s.ID == sc.aborts && s.Plan != nil {
			want := sc.o.Printer.T("restore.lost", "database", "speed", "silent", names(sc.dead))
			said = s.Plan.Verdict == "blocked" && s.Plan.Why == want
		}
	}
	if !said {
		sc.check(sc.aborts, fmt.Errorf("it does not say that the data is lost"))
	}
	now, err := sc.c.snapshot()
	sc.check("files", err)
	for path, before := range sc.files {
		if now[path] != before {
			sc.check("files", fmt.Errorf("%s has changed", path))
		}
	}
	for path := range now {
		if _, was := sc.files[path]; !was {
			sc.check("files", fmt.Errorf("%s is new", path))
		}
	}
}

// snapshot is every file of all machines that only a recovery changes, with size and time; and what the bot itself has
// written down of them.
func (c *Company) snapshot() (map[string]string, error) {
	out := map[string]string{}
	note := func(path string, d fs.DirEntry) error {
		info, err := d.Info()
		if err == nil {
			out[path] = fmt.Sprint(info.Mode(), info.Size(), info.ModTime())
		}
		return err
	}
	for _, h := range c.hosts {
		err := filepath.WalkDir(h.Root, func(path string, d fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if d.IsDir() {
				if slices.Contains([]string{h.path("run"), h.path("tmp"), h.path("var/log"), h.path("var/lib/mysql"), h.path("var/lib/redis"), h.path("var/lib/nginx")}, path) {
					return fs.SkipDir
				}
				return nil
			}
			if strings.HasSuffix(path, ".log") {
				return nil
			}
			return note(path, d)
		})
		if err != nil {
			return nil, fmt.Errorf("look at the files of %s: %w", h.Name, err)
		}
	}
	for _, path := range []string{c.fleetFile(), filepath.Join(c.Dir, "known_hosts")} {
		info, err := os.Stat(path)
		if err == nil {
			err = note(path, fs.FileInfoToDirEntry(info))
		}
		if err != nil {
			return nil, fmt.Errorf("look at what the bot has written: %w", err)
		}
	}
	return out, nil
}

package drill

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"recoverbot/runbook/fleet"
)

func read(path string) (Description, error) {
	var d Description
	b, err := os.ReadFile(path)
	if err != nil {
		return d, fmt.Errorf("find the drill: %w", err)
	}
	if err := json.Unmarshal(b, &d); err != nil {
		return d, fmt.Errorf("read drill.json: %w", err)
	}
	return d, nil
}

func (s *session) fleet() (*fleet.Config, error) {
	return fleet.LoadConfig(s.c.fleetFile(), func(string) string { return "unused" })
}

// endedEarly reports whether a person ended the run well before all its steps were begun.
func (r run) endedEarly() bool {
	return r.State == "done" && slices.ContainsFunc(r.Steps, func(s step) bool { return s.State == "pending" })
}

// domainRow is a row of t_app_dns.
type domainRow struct {
	id                 int
	domain, ip, remark string
	status             int
}

func (c *Company) domainRows(ctx context.Context, h *Host) ([]domainRow, error) {
	db, err := c.open(h)
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, "SELECT id, domain, ip, COALESCE(remark, ''), status FROM speed.t_app_dns ORDER BY id")
	if err != nil {
		return nil, fmt.Errorf("read t_app_dns of %s: %w", h.Name, err)
	}
	defer rows.Close()
	var out []domainRow
	for rows.Next() {
		var r domainRow
		if err := rows.Scan(&r.id, &r.domain, &r.ip, &r.remark, &r.status); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// domainsRight compares t_app_dns on a host with what it was before. The old rows are all there and differ in their
// status at most: up are those of machines that live and were not retired. listed are the machines that have got a row
// of their own; there are no other new ones.
func (sc *scene) domainsRight(ctx context.Context, on *Host, listed ...*Host) error {
	rows, err := sc.c.domainRows(ctx, on)
	if err != nil {
		return err
	}
	cfg, err := sc.fleet()
	if err != nil {
		return err
	}
	for i, was := range sc.domains {
		want := was
		want.status = 2
		if h, ok := sc.c.at(was.ip); ok && h.Alive() && rolesOf(cfg, h) != "retired" {
			want.status = 1
		}
		if i >= len(rows) {
			return fmt.Errorf("%s (%s) is missing", was.domain, was.ip)
		}
		now := rows[i]
		if !sc.o.Auto && want.status == 1 { // a person may leave a living machine off the list
			want.status = now.status
		}
		if now != want {
			return fmt.Errorf("row %d is %s (%s, %s) with status %d, want %s (%s, %s) with status %d",
				now.id, now.domain, now.ip, now.remark, now.status, want.domain, want.ip, want.remark, want.status)
		}
	}
	added := rows[len(sc.domains):]
	for _, h := range listed {
		n := len(added)
		added = slices.DeleteFunc(added, func(r domainRow) bool {
			return r.ip == h.Address && r.domain == h.domain() && r.status == 1
		})
		if n != len(added)+1 && (sc.o.Auto || n != len(added)) {
			return fmt.Errorf("%s has %d new rows that are up as %s, want 1", h.Name, n-len(added), h.domain())
		}
	}
	for _, st := range sc.run.Steps { // its name and its certificate are right, so that nothing may warn
		if st.ID == "new-domain" && st.Plan != nil && len(st.Plan.Warnings) > 0 {
			return fmt.Errorf("the bot warns: %s", strings.Join(st.Plan.Warnings, " "))
		}
	}
	if len(added) > 0 {
		return fmt.Errorf("a row too many: %s (%s)", added[0].domain, added[0].ip)
	}
	return nil
}

// ordersThere looks for the rows of the newest complete dump and for the tables: six, or five where the one that backups
// leave out may be missing.
func (s *session) ordersThere(ctx context.Context, now *Host, want int) error {
	db, err := s.c.open(now)
	if err != nil {
		return err
	}
	defer db.Close()
	var orders, tables int
	if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM speed.orders WHERE id <= ?", s.c.dumps.orders).Scan(&orders); err != nil {
		return err
	}
	if err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'speed'").Scan(&tables); err != nil {
		return err
	}
	if orders != s.c.dumps.orders || tables < want {
		return fmt.Errorf("%d of %d orders of the newest dump, %d of %d tables", orders, s.c.dumps.orders, tables, want)
	}
	return nil
}

// servicesAnswer asks the health URLs of a host's services.
func (sc *scene) servicesAnswer(ctx context.Context, h *Host, names ...string) {
	for _, name := range names {
		sc.check(name, get(ctx, fmt.Sprintf("http://%s:%d/healthz", h.Address, servicePorts[name])))
	}
}

// configRight compares a service's configuration byte for byte with what it should be: the original but for the hosts
// of redis and MySQL, which are host. before is the primary that the original names.
func (s *session) configRight(on *Host, host string) error {
	path := on.path("wwwroot/go/go-api/config.yaml")
	got, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	facts := s.c.facts(on)
	original, err := render("go-api.yaml", facts)
	if err != nil {
		return err
	}
	old := fmt.Sprint(facts["Primary"])
	want := strings.Replace(string(original), "@tcp("+old+":3306)", "@tcp("+host+":3306)", 1)
	want = strings.Replace(want, "addr: "+old+":6379", "addr: "+host+":6379", 1)
	if string(got) != want {
		return fmt.Errorf("%s differs in more than the hosts of redis and MySQL", path)
	}
	return nil
}

// nginxRight judges every nginx of now: its test, its comments, and that nothing names a dead machine any more.
func (sc *scene) nginxRight(dead ...*Host) {
	for _, h := range sc.are("nginx") {
		sc.check(h.Name, h.nginxRight(dead))
	}
}

func (h *Host) nginxRight(dead []*Host) error {
	a := h.run("nginx -t")
	if a.err != nil {
		return fmt.Errorf("nginx -t: %s", a.out)
	}
	files, err := filepath.Glob(h.path("etc/nginx/*/*"))
	if err != nil {
		return err
	}
	comments := 0
	for _, f := range files {
		if strings.HasPrefix(filepath.Base(f), ".") { // a copy of the old file; nginx does not include it
			continue
		}
		b, err := os.ReadFile(f)
		if err != nil {
			return err
		}
		for line := range strings.Lines(string(b)) {
			live, _, has := strings.Cut(line, "#")
			if has {
				comments++
			}
			for _, d := range dead {
				if strings.Contains(live, d.Address+":") {
					return fmt.Errorf("%s still names %s: %s", f, d.Name, strings.TrimSpace(line))
				}
			}
		}
	}
	if comments == 0 {
		return fmt.Errorf("the comments are gone")
	}
	return nil
}

// inUpstream reports an error unless every nginx of now sends requests to the host's go-api.
func (sc *scene) inUpstream(host *Host) {
	for _, h := range sc.are("nginx") {
		b, err := os.ReadFile(h.path("etc/nginx/conf.d/10-go-api.conf"))
		if err == nil && !strings.Contains(string(b), fmt.Sprintf("server %s:%d", host.Address, apiPort)) {
			err = fmt.Errorf("%s is not in upstream go_api", host.Name)
		}
		sc.check(h.Name, err)
	}
}

// backupsArrive waits for a complete dump on every machine that keeps backups now but for the primary: one of the
// schedule that the step (backup-schedule, or backup-run where the schedule was there already) left.
func (sc *scene) backupsArrive(ctx context.Context, id string) {
	if !sc.o.Auto {
		return
	}
	sc.say("drill.waiting_dump")
	i := slices.IndexFunc(sc.run.Steps, func(x step) bool { return x.ID == id })
	if i < 0 {
		sc.check("backup", fmt.Errorf("the run has no step %s", id))
		return
	}
	since := sc.run.Steps[i].ChangedAt.Truncate(time.Minute).Add(time.Minute)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	primary := sc.are("primary")
	for _, h := range sc.are("backup") {
		if !slices.Contains(primary, h) {
			sc.check("backup", until(ctx, func() error { return h.hasDump(since) }))
		}
	}
}

// hasDump looks for a complete dump that arrived after a time.
func (h *Host) hasDump(since time.Time) error {
	found, err := filepath.Glob(h.path("shell/sql_backup/speed-*.sql"))
	if err != nil {
		return err
	}
	for _, f := range found {
		st, err := os.Stat(f)
		if err != nil || st.ModTime().Before(since) {
			continue
		}
		if b, err := os.ReadFile(f); err == nil && trailer.Match(b[max(0, len(b)-200):]) {
			return nil
		}
	}
	return fmt.Errorf("no complete dump on %s since %s", h.Name, since.Format("15:04:05"))
}

package drill

import (
	"context"
	"encoding/json"
	"errors"
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

// primary is the host that has the role now.
func (s *session) primary() (*Host, error) {
	cfg, err := s.fleet()
	if err != nil {
		return nil, err
	}
	with := cfg.WithRole("primary")
	if len(with) != 1 {
		return nil, fmt.Errorf("find the primary: %d hosts have that role", len(with))
	}
	h, ok := s.at(with[0].Address)
	if !ok {
		return nil, fmt.Errorf("find the primary: no host of the drill is at %s", with[0].Address)
	}
	return h, nil
}

func (s *session) at(address string) (*Host, bool) {
	for _, h := range s.c.hosts {
		if h.Address == address {
			return h, true
		}
	}
	return nil, false
}

// judge lists what is not as it should be, by facts that the bot did not tell.
func (s *session) judge(ctx context.Context, r run, dead *Host, round int) []string {
	var problems []string
	bad := func(id string, pairs ...any) { problems = append(problems, s.o.Printer.T(id, pairs...)) }
	check := func(what string, err error) {
		if err != nil {
			bad("drill.bad", "what", what, "why", err.Error())
		}
	}
	if r.endedEarly() {
		return s.judgeHealed(ctx, dead)
	}
	for _, st := range r.Steps {
		if st.State != "done" && (s.o.Auto || (st.State != "skipped" && st.State != "deferred")) {
			bad("drill.bad_step", "step", st.ID, "state", st.State)
		}
	}
	now, err := s.primary()
	if err != nil || now == dead {
		check("fleet.yaml", fmt.Errorf("primary is %v: %w", now, err))
		return problems
	}
	check("t_app_dns", s.domainsRight(ctx, now, dead))
	check("orders", s.ordersThere(ctx, now))
	check("go-api/config.yaml", s.configRight(now))
	for _, n := range []string{"nginx1", "nginx2"} {
		check(n, s.nginxRight(s.c.must(n), dead))
	}
	for _, name := range services {
		check(name, get(ctx, fmt.Sprintf("http://%s:%d/healthz", now.Address, servicePorts[name])))
	}
	if s.o.Auto {
		s.say("drill.waiting_dump")
		check("backup", s.backupArrives(ctx, r))
	}
	return problems
}

// judgeHealed lists what is not as it should be where the run ended since the broken machine was back: it is the primary
// still, and all of it answers, also through the fronts.
func (s *session) judgeHealed(ctx context.Context, broken *Host) []string {
	var problems []string
	check := func(what string, err error) {
		if err != nil {
			problems = append(problems, s.o.Printer.T("drill.bad", "what", what, "why", err.Error()))
		}
	}
	now, err := s.primary()
	if err == nil && now != broken {
		err = fmt.Errorf("primary is %s", now.Name)
	}
	check("fleet.yaml", err)
	check("orders", s.ordersThere(ctx, broken))
	for _, name := range services {
		check(name, get(ctx, fmt.Sprintf("http://%s:%d/healthz", broken.Address, servicePorts[name])))
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_ = until(ctx, func() error { // what they say in the end is judged with every drill
		if !s.users.answered("nginx1") || !s.users.answered("nginx2") {
			return errors.New("not answered")
		}
		return nil
	})
	return problems
}

// endedEarly reports whether a person ended the run well before all its steps were begun.
func (r run) endedEarly() bool {
	return r.State == "done" && slices.ContainsFunc(r.Steps, func(s step) bool { return s.State == "pending" })
}

// domainsRight looks for the dead machine among what is up, and for other rows that changed.
func (s *session) domainsRight(ctx context.Context, now, dead *Host) error {
	db, err := s.c.open(now)
	if err != nil {
		return err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, "SELECT domain, ip, status FROM speed.t_app_dns ORDER BY id")
	if err != nil {
		return err
	}
	defer rows.Close()
	up := map[string]bool{}
	for _, h := range s.c.hosts {
		up[h.Address] = h.Alive()
	}
	n := 0
	for rows.Next() {
		var domain, ip string
		var status int
		if err := rows.Scan(&domain, &ip, &status); err != nil {
			return err
		}
		n++
		want := 2
		if up[ip] && ip != dead.Address {
			want = 1
		}
		if status != want && (s.o.Auto || ip == dead.Address) {
			return fmt.Errorf("%s (%s) has status %d", domain, ip, status)
		}
	}
	if n < 7 {
		return fmt.Errorf("%d rows, want 7", n)
	}
	return rows.Err()
}

func (s *session) ordersThere(ctx context.Context, now *Host) error {
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
	if orders != s.c.dumps.orders || tables != 6 {
		return fmt.Errorf("%d of %d orders of the newest dump, %d of 6 tables", orders, s.c.dumps.orders, tables)
	}
	return nil
}

// configRight compares go-api's configuration byte for byte with what it should be: the original but for two hosts.
func (s *session) configRight(now *Host) error {
	got, err := os.ReadFile(now.path("wwwroot/go/go-api/config.yaml"))
	if err != nil {
		return err
	}
	facts := s.c.facts(now)
	original, err := render("go-api.yaml", facts)
	if err != nil {
		return err
	}
	old := fmt.Sprint(facts["Primary"])
	want := strings.Replace(string(original), "@tcp("+old+":3306)", "@tcp(localhost:3306)", 1)
	want = strings.Replace(want, "addr: "+old+":6379", "addr: localhost:6379", 1)
	if string(got) != want {
		return fmt.Errorf("%s differs in more than the hosts of redis and MySQL", now.path("wwwroot/go/go-api/config.yaml"))
	}
	return nil
}

func (s *session) nginxRight(h, dead *Host) error {
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
			if strings.Contains(live, dead.Address+":") {
				return fmt.Errorf("%s still names %s: %s", f, dead.Name, strings.TrimSpace(line))
			}
		}
	}
	if comments == 0 {
		return fmt.Errorf("the comments are gone")
	}
	return nil
}

// backupArrives waits for a complete dump of the new schedule on every machine that keeps backups now.
func (s *session) backupArrives(ctx context.Context, r run) error {
	cfg, err := s.fleet()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(r.Steps, func(x step) bool { return x.ID == "backup-schedule" })
	if i < 0 {
		return fmt.Errorf("the run has no step backup-schedule")
	}
	since := r.Steps[i].ChangedAt.Truncate(time.Minute).Add(time.Minute)
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for _, b := range cfg.WithRole("backup") {
		h, ok := s.at(b.Address)
		if !ok || b.HasRole("primary") {
			continue
		}
		if err := until(ctx, func() error { return h.hasDump(since) }); err != nil {
			return err
		}
	}
	return nil
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

package drill

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	cron "github.com/netresearch/go-cron"

	"recoverbot/drill/server"
	"recoverbot/drill/service"
)

var cronParser = cron.MustNewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.DowOrDom)

func (h *Host) crontabFile() string { return h.path("var/spool/cron/crontabs/root") }

// crontab answers as Debian's does: -l lists, -r removes, anything else installs input.
func (h *Host) crontab(args []string, input string) service.Answer {
	fail := func(err error) service.Answer {
		return service.Answer{Exit: 1, Stderr: "crontab: " + err.Error() + "\n"}
	}
	switch {
	case slices.Contains(args, "-l"):
		b, err := os.ReadFile(h.crontabFile())
		if os.IsNotExist(err) {
			return service.Answer{Exit: 1, Stderr: "no crontab for root\n"}
		} else if err != nil {
			return fail(err)
		}
		return service.Answer{Stdout: string(b)}
	case slices.Contains(args, "-r"):
		if err := os.Remove(h.crontabFile()); err != nil && !os.IsNotExist(err) {
			return fail(err)
		}
		return service.Answer{}
	}
	for line := range strings.Lines(input) {
		if spec, _, ok := cronLine(line); ok {
			if _, err := cronParser.Parse(spec); err != nil {
				return service.Answer{Exit: 1, Stderr: "errors in crontab file, can't install.\n"}
			}
		}
	}
	if err := os.MkdirAll(filepath.Dir(h.crontabFile()), 0o755); err != nil {
		return fail(err)
	}
	if err := os.WriteFile(h.crontabFile()+".new", []byte(input), 0o600); err != nil {
		return fail(err)
	}
	if err := os.Rename(h.crontabFile()+".new", h.crontabFile()); err != nil {
		return fail(err)
	}
	return service.Answer{}
}

// cronLine splits a line into its five time fields and the command.
func cronLine(line string) (spec, command string, ok bool) {
	line = strings.TrimSpace(line)
	if line == "" || line[0] == '#' {
		return "", "", false
	}
	rest := line
	var fields []string
	for range 5 {
		f, after, found := strings.Cut(rest, " ")
		if !found {
			return "", "", false // a variable, or nonsense
		}
		fields, rest = append(fields, f), strings.TrimLeft(after, " \t")
	}
	return strings.Join(fields, " "), rest, true
}

// cron runs what is due on every living host at the start of each minute.
func (c *Company) cron(ctx context.Context) {
	for {
		next := time.Now().Truncate(time.Minute).Add(time.Minute)
		t := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
			t.Stop()
			return
		case <-t.C:
		}
		for _, h := range c.hosts {
			if h.Alive() {
				h.runDue(next)
			}
		}
	}
}

func (h *Host) runDue(at time.Time) {
	b, err := os.ReadFile(h.crontabFile())
	if err != nil {
		return // no crontab
	}
	for line := range strings.Lines(string(b)) {
		spec, command, ok := cronLine(line)
		if !ok {
			continue
		}
		schedule, err := cronParser.Parse(spec)
		if err != nil || !schedule.Next(at.Add(-time.Second)).Equal(at) {
			continue
		}
		p, err := server.Spawn(server.Command{Name: "cron", Path: "/bin/sh", Args: []string{"-c", command}, Dir: h.path("root"), Env: h.env(), Log: h.path("var/log/cron.log")})
		if err != nil {
			slog.Error("cron job not started", "host", h.Name, "error", err)
			continue
		}
		h.mu.Lock()
		h.jobs = append(slices.DeleteFunc(h.jobs, ended), p)
		h.mu.Unlock()
	}
}

func ended(p *server.Process) bool {
	select {
	case <-p.Done():
		return true
	default:
		return false
	}
}

package blackbox

import (
	"context"
	"errors"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// Limits bound what a round costs. What is left out for them is a problem, never silent.
type Limits struct {
	File, Host, Snapshot int           // bytes
	HostTime             time.Duration // for the files of a host, and again for each of its databases
	CountTime            time.Duration // for counting the rows of one database
}

// DefaultLimits are those of a bot in service.
var DefaultLimits = Limits{File: 1 << 20, Host: 4 << 20, Snapshot: 16 << 20, HostTime: time.Minute, CountTime: time.Minute}

const atOnce = 16 // hosts

// Collector reads the fleet. It changes nothing there.
type Collector struct {
	Fleet  *fleet.Fleet
	Now    func() time.Time
	Limits Limits
}

// Collect reads all machines that are in service, in parallel: one that hangs costs its own time only.
func (c *Collector) Collect(ctx context.Context) Snapshot {
	cfg := c.Fleet.Config()
	s := Snapshot{At: c.Now().UTC(), Hosts: map[string]*Host{}, Machines: Machines(cfg)}
	var mu sync.Mutex
	var wg sync.WaitGroup
	slots := make(chan struct{}, atOnce)
	for _, h := range cfg.Hosts {
		if !copied(h) {
			continue
		}
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			got, err := c.host(ctx, cfg, h)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				s.Problems = append(s.Problems, runbook.T("blackbox.host_unread", "host", h.Name, "why", why(err)))
				return
			}
			s.Hosts[h.Name] = got
		})
	}
	wg.Wait()
	slices.SortFunc(s.Problems, func(a, b runbook.Msg) int { return strings.Compare(a.Args["host"].(string), b.Args["host"].(string)) })
	s.fit(c.Limits.Snapshot)
	return s
}

// copied reports whether a machine is in service and has something to copy.
func copied(h fleet.Host) bool { return !h.Retired && !slices.Equal(h.Roles, []string{"spare"}) }

// Machines says which machines are copied, where they are and what they do: where that changes, older copies are not
// of today's fleet.
func Machines(cfg *fleet.Config) string {
	var out []string
	for _, h := range cfg.Hosts {
		if copied(h) {
			out = append(out, h.Name+" "+h.Address+" "+strings.Join(slices.Sorted(slices.Values(h.Roles)), ","))
		}
	}
	slices.Sort(out)
	return strings.Join(out, "\n")
}

// host reads one machine. An error means that its files could not be read at all: an older copy is worth more then.
func (c *Collector) host(ctx context.Context, cfg *fleet.Config, h fleet.Host) (*Host, error) {
	out := &Host{At: c.Now().UTC()}
	files, cancel := context.WithTimeout(ctx, c.Limits.HostTime)
	defer cancel()
	client, err := c.Fleet.SSH(files, h)
	if err != nil {
		return nil, err
	}
	if err := c.files(files, client, wanted(cfg, h), out); err != nil {
		return nil, err
	}
	c.crontab(files, client, out)
	for _, d := range cfg.Databases {
		if d.Host == h.Name || h.HasRole(d.Host) {
			c.database(ctx, cfg, h, d, out)
		}
	}
	return out, nil
}

// crontab reads that of the user whom the bot logs in as: root.
func (c *Collector) crontab(ctx context.Context, client *fleet.Client, out *Host) {
	ran, err := client.Run(ctx, fleet.Command{Script: "LC_ALL=C crontab -l", Max: c.Limits.File})
	switch {
	case err != nil:
		out.problem("blackbox.crontab_unread", "why", why(err))
	case ran.Exit == 0:
		out.Crontab = ran.Stdout
	case ran.Exit == 127 || strings.Contains(ran.Stderr, "no crontab"):
	default:
		out.problem("blackbox.crontab_unread", "why", runbook.T("blackbox.exit", "code", ran.Exit))
	}
}

func (h *Host) problem(id string, pairs ...any) {
	h.Problems = append(h.Problems, runbook.T(id, pairs...))
}

// want is a file, or a directory with all that is in it.
type want struct {
	path string
	must bool // fleet.yaml says that the host has it
}

// wanted lists what to read of a host, the most important first.
func wanted(cfg *fleet.Config, h fleet.Host) []want {
	var out []want
	add := func(p string, must bool) {
		p = path.Clean(p)
		if !slices.ContainsFunc(out, func(w want) bool { return w.path == p }) {
			out = append(out, want{p, must})
		}
	}
	for _, s := range cfg.Services {
		if s.Config != "" && slices.ContainsFunc(s.On, h.HasRole) {
			add(h.Path(s.Config), true)
		}
	}
	if script, ok := cfg.PathOn(h, "backup_script"); ok {
		add(script, h.HasRole("primary"))
	}
	for _, p := range cfg.BlackBox.Files {
		add(h.Path(p), false)
	}
	if conf, ok := cfg.PathOn(h, "nginx_conf"); ok && h.HasRole("nginx") {
		add(conf, true)
		if dir := path.Dir(path.Clean(conf)); dir != "/" && dir != path.Clean(h.Root) {
			add(dir, true)
		}
	}
	return out
}

// fit drops the largest parts until the snapshot is within max bytes.
func (s *Snapshot) fit(max int) {
	total := 0
	for _, h := range s.Hosts {
		total += h.Bytes()
	}
	for total > max {
		var big *Host
		at := -1
		for _, h := range s.Hosts {
			for i, f := range h.Files {
				if big == nil || len(f.Content) > len(big.Files[at].Content) {
					big, at = h, i
				}
			}
		}
		if big == nil {
			return // definitions alone: each host has its own limit
		}
		f := big.Files[at]
		big.problem("blackbox.left_out", "path", shown(f.Path), "bytes", len(f.Content))
		big.Files = slices.Delete(big.Files, at, at+1)
		total -= len(f.Path) + len(f.Content)
	}
}

// why is what may be said of an error; the rest of it stays with the bot.
func why(err error) runbook.Msg {
	var known *runbook.Error
	switch {
	case errors.As(err, &known):
		return known.Msg
	case errors.Is(err, context.DeadlineExceeded):
		return runbook.T("blackbox.too_slow")
	}
	return runbook.T("blackbox.failed")
}

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// fault is one thing that goes wrong at a drawn moment of a round.
type fault struct {
	at, lasts time.Duration
	kind      string // kill, freeze, or that of a toxic
	host      string
	program   string // that freezes
	toxic     toxic
}

var hostNames = []string{"nginx1", "nginx2", "primary", "standby", "report", "hongkong", "spare1", "spare2"}

// schedule draws what goes wrong in a round, in order of time. Without kills the bot lives long enough to be seen to grow.
func schedule(rng *rand.Rand, storm time.Duration, kills bool) []fault {
	var out []fault
	pick := func(from []string) string { return from[rng.IntN(len(from))] }
	for at := time.Second; at < storm; at += 300*time.Millisecond + time.Duration(rng.Int64N(int64(3*time.Second))) {
		f := fault{at: at, lasts: time.Second + time.Duration(rng.Int64N(int64(9*time.Second))), host: pick(hostNames)}
		switch n := rng.IntN(20); {
		case n < 6 && kills:
			f.kind, f.host = "kill", ""
		case n < 9:
			f.kind, f.program = "freeze", pick([]string{"sshd", "mariadbd", "redis-server", "nginx"})
		default:
			f.toxic = drawToxic(rng)
			f.kind = f.toxic.kind
			if f.kind == "timeout" && rng.IntN(2) == 0 {
				f.lasts += 20 * time.Second // longer than the bot's keepalive
			}
		}
		out = append(out, f)
	}
	return out
}

func drawToxic(rng *rand.Rand) toxic {
	one := []string{"", "upstream", "downstream"}[rng.IntN(3)]
	return []toxic{
		{kind: "latency", attributes: map[string]int{"latency": 100 + rng.IntN(1500), "jitter": rng.IntN(100)}, stream: one},
		{kind: "bandwidth", attributes: map[string]int{"rate": 5 + rng.IntN(60)}, stream: one},
		{kind: "reset_peer", attributes: map[string]int{"timeout": rng.IntN(1500)}, stream: one},
		{kind: "timeout", attributes: map[string]int{"timeout": 0}, stream: one},
		{kind: "slicer", attributes: map[string]int{"average_size": 20 + rng.IntN(200), "size_variation": 10, "delay": 100 + rng.IntN(4000)}, stream: one},
		{kind: "down"},
	}[rng.IntN(6)]
}

// storm lets all of a schedule happen, and returns when all is well again.
func (c *company) storm(ctx context.Context, faults []fault, sum *summary) {
	var work sync.WaitGroup
	began := time.Now()
	for _, f := range faults {
		pause(ctx, f.at-time.Since(began))
		if ctx.Err() != nil {
			break
		}
		if f.kind == "kill" {
			took, err := c.killBot(ctx)
			sum.killed(took, err)
			continue
		}
		work.Go(func() {
			what := f.kind
			var err error
			if f.kind == "freeze" {
				what = "freeze " + f.program
				var frozen int
				if frozen, err = c.freeze(ctx, f); frozen == 0 && err == nil {
					return // it does not run there
				}
			} else {
				err = c.net.suffer(ctx, f.host, f.toxic, f.lasts)
			}
			sum.faulted(what, err)
		})
	}
	work.Wait()
}

// freeze stops all processes of one server of a host, and lets them go on after a while.
func (c *company) freeze(ctx context.Context, f fault) (int, error) {
	pids, err := c.processes(f.host, f.program)
	if err != nil {
		return 0, err
	}
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGSTOP) // it may have ended
	}
	pause(ctx, f.lasts)
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGCONT)
	}
	return len(pids), nil
}

// processes finds a server's processes by the log file that the drill marks them with.
func (c *company) processes(host, program string) ([]int, error) {
	all, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var out []int
	for _, dir := range all {
		comm, err := os.ReadFile(filepath.Join(dir, "comm"))
		if err != nil || strings.TrimSpace(string(comm)) != program {
			continue
		}
		environ, err := os.ReadFile(filepath.Join(dir, "environ"))
		if err != nil || !strings.Contains(string(environ), "="+filepath.Join(c.d.Hosts[host].Root)+"/") {
			continue
		}
		if pid, err := strconv.Atoi(filepath.Base(dir)); err == nil {
			out = append(out, pid)
		}
	}
	return out, nil
}

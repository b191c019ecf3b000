package nginx

import (
	"context"
	"errors"
	"path"
	"regexp"
	"strconv"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// listProcesses prints every nginx master and worker: pid, parent, start as Unix time, title. No user but the owner
// need be asked: the title and the times are public.
const listProcesses = `hz=$(getconf CLK_TCK) || exit 1
boot=$(awk '/^btime/ { print $2 }' /proc/stat) || exit 1
for f in $(grep -sazlE '^nginx: (master|worker) process' /proc/[0-9]*/cmdline); do
	d=${f%/cmdline}
	s=$(awk -v hz="$hz" -v b="$boot" '{ printf "%d\t%.2f", $4, b + $22 / hz }' "$d/stat" 2>/dev/null) || continue
	t=$(tr '\000\t\n' '   ' <"$f" 2>/dev/null) || continue
	printf '%s\t%s\t%s\n' "${d#/proc/}" "$s" "$t"
done
exit 0
`

// testConfig is nginx -t with the running master's own paths.
const testConfig = `PATH=$PATH:/usr/sbin:/usr/local/sbin
set -- -t -c "$RB_CONF"
[ -z "$RB_PREFIX" ] || set -- "$@" -p "$RB_PREFIX"
exec "$RB_NGINX" "$@" 2>&1
`

// reload signals the master after a last look that the process is still that master.
const reload = `[ "$(tr '\000\t\n' '   ' <"/proc/$RB_PID/cmdline")" = "$RB_TITLE" ] || exit 9
kill -HUP "$RB_PID"
`

// master is the running nginx of a configuration.
type master struct {
	pid     int
	title   string
	binary  string
	prefix  string // as given by -p
	workers map[int]float64
}

var (
	flagC = regexp.MustCompile(` -c +(\S+)`)
	flagP = regexp.MustCompile(` -p +(\S+)`)
)

const standardConf = "/etc/nginx/nginx.conf"

// findMaster returns the master that runs with the configuration file: the one whose pid is in pidFile, where several
// do. Several hosts of a drill share one machine, so a master with another configuration never counts.
func findMaster(ctx context.Context, c *fleet.Client, conf, pid string) (*master, error) {
	ran, err := c.Run(ctx, fleet.Command{Script: listProcesses})
	if err != nil {
		return nil, err
	}
	if ran.Exit != 0 {
		return nil, errors.New("list nginx processes: " + strings.TrimSpace(ran.Stderr))
	}
	m := parseProcesses(ran.Stdout, conf, strings.TrimSpace(pid))
	if m == nil {
		return nil, runbook.Errorf(runbook.Unavailable, "nginx.no_master", "host", c.Host().Name, "conf", conf)
	}
	return m, nil
}

func parseProcesses(list, conf, pid string) *master {
	var masters []*master
	type worker struct {
		pid, parent int
		start       float64
	}
	var workers []worker
	for line := range strings.Lines(list) {
		f := strings.SplitN(strings.TrimRight(line, "\n"), "\t", 4)
		if len(f) != 4 {
			continue
		}
		id, _ := strconv.Atoi(f[0])
		parent, _ := strconv.Atoi(f[1])
		start, _ := strconv.ParseFloat(f[2], 64)
		if command, ok := strings.CutPrefix(f[3], "nginx: master process "); ok {
			if m := newMaster(id, f[3], command); m.uses(conf) {
				masters = append(masters, m)
			}
		} else if !strings.Contains(f[3], "shutting down") {
			workers = append(workers, worker{id, parent, start})
		}
	}
	if len(masters) == 0 {
		return nil
	}
	found := masters[0]
	for _, m := range masters {
		if strconv.Itoa(m.pid) == pid {
			found = m
		}
	}
	for _, w := range workers {
		if w.parent == found.pid {
			found.workers[w.pid] = w.start
		}
	}
	return found
}

func newMaster(pid int, title, command string) *master {
	m := &master{pid: pid, title: title, workers: map[int]float64{}}
	m.binary, _, _ = strings.Cut(command, " ")
	if !path.IsAbs(m.binary) {
		m.binary = "nginx"
	}
	if f := flagP.FindStringSubmatch(command); f != nil {
		m.prefix = f[1]
	}
	return m
}

// uses reports whether the master was started with the configuration file.
func (m *master) uses(conf string) bool {
	f := flagC.FindStringSubmatch(m.title)
	if f == nil {
		return conf == standardConf
	}
	own := f[1]
	if !path.IsAbs(own) {
		own = path.Join(m.prefix, own)
	}
	return path.Clean(own) == path.Clean(conf)
}

// oldestWorker is when the oldest worker that takes requests began: all files older than that are in force.
func (m *master) oldestWorker() float64 {
	oldest := 0.0
	for _, start := range m.workers {
		if oldest == 0 || start < oldest {
			oldest = start
		}
	}
	return oldest
}

// test runs nginx -t. A refusal comes back as nginx's own words; err means that it could not be asked.
func (m *master) test(ctx context.Context, c *fleet.Client, conf string) (refusal string, err error) {
	ran, err := c.Run(ctx, fleet.Command{Script: testConfig, Env: map[string]string{"RB_NGINX": m.binary, "RB_CONF": conf, "RB_PREFIX": m.prefix}})
	if err != nil || ran.Exit == 0 {
		return "", err
	}
	return reason(ran.Stdout), nil
}

// reason is the line of nginx -t that says what is wrong.
func reason(output string) string {
	last := "nginx -t failed"
	for line := range strings.Lines(output) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		if strings.Contains(line, "[emerg]") {
			_, text, _ := strings.Cut(line, "[emerg] ")
			return text
		}
		last = line
	}
	return last
}

func reloadCommand(m *master) fleet.Command {
	return fleet.Command{Script: reload, Env: map[string]string{"RB_PID": strconv.Itoa(m.pid), "RB_TITLE": m.title}}
}

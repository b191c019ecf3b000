package probe

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// script runs a read-only script on the host.
func (a *asking) script(ctx context.Context, script string, env map[string]string) (fleet.Ran, error) {
	c, err := a.fleet.SSH(ctx, a.host)
	if err != nil {
		return fleet.Ran{}, err
	}
	return c.Run(ctx, fleet.Command{Script: script, Env: env})
}

// disk compares the free space below Path (default /) with Free.
func disk(ctx context.Context, a *asking) answer {
	path := a.probe.Path
	if path == "" {
		path = "/"
	}
	path = a.host.Path(path)
	bad := func(err error) answer {
		return down("probe.disk_unknown", "host", a.host.Name, "path", path, "why", why(a.fleet, err))
	}
	ran, err := a.script(ctx, `df -Pk -- "$RB_PATH" | tail -n 1`, map[string]string{"RB_PATH": path})
	if err != nil {
		return bad(err)
	}
	fields := strings.Fields(ran.Stdout)
	if ran.Exit != 0 || len(fields) < 6 {
		return bad(fmt.Errorf("df: %s", strings.TrimSpace(ran.Stderr)))
	}
	n := len(fields) // the device may contain blanks; the last five columns do not
	total, err1 := strconv.ParseInt(fields[n-5], 10, 64)
	free, err2 := strconv.ParseInt(fields[n-3], 10, 64)
	if err1 != nil || err2 != nil {
		return bad(fmt.Errorf("df: unexpected answer"))
	}
	total, free = total*1024, free*1024
	need, err := freeNeeded(a.probe.Free, total)
	if err != nil {
		return bad(err)
	}
	if free < need {
		return down("probe.disk_low", "host", a.host.Name, "path", path, "free", free, "need", need)
	}
	return up("probe.disk_ok", "host", a.host.Name, "path", path, "free", free)
}

// freeNeeded reads "20%" (of total) or a size such as "5GB" or "500 MB", in decimal units; "" needs nothing.
func freeNeeded(text string, total int64) (int64, error) {
	bad := runbook.Errorf(runbook.Invalid, "probe.bad_size", "text", text)
	s := strings.ToUpper(strings.TrimSpace(text))
	if s == "" {
		return 0, nil
	}
	if p, ok := strings.CutSuffix(s, "%"); ok {
		v, err := strconv.ParseFloat(strings.TrimSpace(p), 64)
		if err != nil || v < 0 || v > 100 {
			return 0, bad
		}
		return int64(v / 100 * float64(total)), nil
	}
	unit := int64(1)
	for _, u := range []struct {
		name string
		size int64
	}{{"TB", 1e12}, {"GB", 1e9}, {"MB", 1e6}, {"KB", 1e3}, {"B", 1}} {
		if p, ok := strings.CutSuffix(s, u.name); ok {
			s, unit = strings.TrimSpace(p), u.size
			break
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || v < 0 {
		return 0, bad
	}
	return int64(v * float64(unit)), nil
}

// nginxLook finds the master process by the pid file of this host's own configuration, then tests the configuration.
//
// One that was built by hand is in nobody's PATH: its running master tells where it is.
const nginxLook = `PATH=$PATH:/usr/sbin:/usr/local/sbin
nginx=nginx
if ! command -v nginx >/dev/null; then
	for f in $(grep -sazlE '^nginx: master process' /proc/[0-9]*/cmdline); do
		nginx=$(readlink "${f%/cmdline}/exe") && break
	done
fi
out=$("$nginx" -T -c "$RB_CONF" 2>/dev/null)
rc=$?
if [ $rc -ne 0 ]; then "$nginx" -t -c "$RB_CONF"; exit 5; fi
pid=$(printf '%s\n' "$out" | sed -n 's/^[[:space:]]*pid[[:space:]][[:space:]]*"\{0,1\}\([^";]*\)"\{0,1\}[[:space:]]*;.*/\1/p' | head -n 1)
[ -n "$pid" ] || pid=$("$nginx" -V 2>&1 | tr ' ' '\n' | sed -n 's/^--pid-path=//p')
case $pid in /*) ;; *) pid=$("$nginx" -V 2>&1 | tr ' ' '\n' | sed -n 's/^--prefix=//p')/$pid ;; esac
n=$(cat "$pid" 2>/dev/null)
[ -n "$n" ] && tr '\0' ' ' < "/proc/$n/cmdline" 2>/dev/null | grep -q 'nginx: master' || exit 6
`

// nginx holds where the master runs, its configuration is valid, and it answers HTTP at all.
func nginx(ctx context.Context, a *asking) answer {
	conf, _ := a.fleet.Config().PathOn(a.host, "nginx_conf")
	ran, err := a.script(ctx, nginxLook, map[string]string{"RB_CONF": conf})
	switch {
	case err != nil:
		return down("probe.nginx_down", "host", a.host.Name, "why", why(a.fleet, err))
	case ran.Exit == 6:
		return down("probe.nginx_no_master", "host", a.host.Name)
	case ran.Exit != 0:
		return down("probe.nginx_bad_config", "host", a.host.Name, "text", lastLine(a.fleet, ngxError(ran.Stderr)))
	}
	dial, err := a.dialer(ctx)
	if err != nil {
		return down("probe.nginx_down", "host", a.host.Name, "why", why(a.fleet, err))
	}
	port := a.probe.Port
	if port == 0 {
		port = httpPort(a.host)
	}
	if ans := a.get(ctx, dial, a.host.Address, port, a.probe.Path, a.probe.Status); !ans.up {
		return down("probe.nginx_down", "host", a.host.Name, "why", ans.text)
	}
	return up("probe.nginx_up", "host", a.host.Name)
}

// ngxError drops the line that only says that the test failed.
func ngxError(text string) string {
	var keep []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, "[emerg]") || strings.Contains(line, "[error]") {
			keep = append(keep, strings.TrimSpace(line))
		}
	}
	if len(keep) == 0 {
		return text
	}
	return keep[0]
}

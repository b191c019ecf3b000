package drill

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"recoverbot/drill/service"
)

// aliases are the names by which Debian knows the same units.
var aliases = map[string]string{"mysql": "mariadb", "mysqld": "mariadb", "redis": "redis-server"}

func unitName(arg string) string {
	n := strings.TrimSuffix(arg, ".service")
	if a, ok := aliases[n]; ok {
		return a
	}
	return n
}

func (h *Host) unitFile(unit string) (string, bool) {
	for _, d := range []string{"etc/systemd/system", "lib/systemd/system"} {
		p := h.path(filepath.Join(d, unit+".service"))
		if st, err := os.Stat(p); err == nil && st.Mode().IsRegular() {
			return p, true
		}
	}
	return "", false
}

func (h *Host) wants(unit string) string {
	return h.path("etc/systemd/system/multi-user.target.wants/" + unit + ".service")
}

// enabled lists the units that start at boot: databases first.
func (h *Host) enabled() []string {
	var out []string
	for _, u := range append([]string{"mariadb", "redis-server", "nginx"}, services...) {
		if h.isEnabled(u) {
			out = append(out, u)
		}
	}
	return out
}

func (h *Host) isEnabled(unit string) bool {
	_, err := os.Lstat(h.wants(unit))
	return err == nil
}

func (h *Host) enable(unit string, on bool) error {
	if !on {
		if err := os.Remove(h.wants(unit)); err != nil && !os.IsNotExist(err) {
			return err
		}
		return nil
	}
	file, _ := h.unitFile(unit)
	if err := os.MkdirAll(filepath.Dir(h.wants(unit)), 0o755); err != nil {
		return err
	}
	if err := os.Symlink(file, h.wants(unit)); err != nil && !os.IsExist(err) {
		return err
	}
	return nil
}

// systemctl answers as systemd's own does, for what the drill's hosts have.
func (h *Host) systemctl(ctx context.Context, args []string) service.Answer {
	var verb string
	var units, props []string
	now, quiet, value := false, false, false
	for i := 0; i < len(args); i++ {
		switch a := args[i]; {
		case a == "--now":
			now = true
		case a == "-q" || a == "--quiet":
			quiet = true
		case a == "--value":
			value = true
		case a == "-p" && i+1 < len(args):
			i++
			props = append(props, strings.Split(args[i], ",")...)
		case strings.HasPrefix(a, "--property="):
			props = append(props, strings.Split(strings.TrimPrefix(a, "--property="), ",")...)
		case strings.HasPrefix(a, "-"):
		case verb == "":
			verb = a
		default:
			units = append(units, unitName(a))
		}
	}
	if verb == "daemon-reload" || verb == "reset-failed" {
		return service.Answer{}
	}
	if len(units) == 0 {
		return service.Answer{Exit: 1, Stderr: "Too few arguments.\n"}
	}
	var out service.Answer
	anyGood := false
	for _, u := range units {
		a := h.systemctlOne(ctx, verb, u, now, value, props)
		out.Stdout += a.Stdout
		out.Stderr += a.Stderr
		anyGood = anyGood || a.Exit == 0
		if a.Exit != 0 {
			out.Exit = a.Exit
		}
	}
	if verb == "is-active" && anyGood {
		out.Exit = 0
	}
	if quiet {
		out.Stdout = ""
	}
	return out
}

func (h *Host) systemctlOne(ctx context.Context, verb, unit string, now, value bool, props []string) service.Answer {
	file, known := h.unitFile(unit)
	if slices.Contains([]string{"cron", "ssh", "sshd"}, unit) {
		known = true
	}
	state := "inactive"
	switch {
	case unit == "cron" || unit == "ssh" || unit == "sshd" || h.active(unit):
		state = "active"
	case h.hasFailed(unit):
		state = "failed"
	}
	fail := func(err error) service.Answer {
		if err == nil {
			return service.Answer{}
		}
		return service.Answer{Exit: 1, Stderr: "Job for " + unit + ".service failed: " + err.Error() + "\n"}
	}
	switch verb {
	case "is-active", "is-failed":
		exit := 0
		if (verb == "is-active") != (state == "active") || (verb == "is-failed" && state != "failed") {
			exit = 3
		}
		return service.Answer{Exit: exit, Stdout: state + "\n"}
	case "is-enabled":
		switch {
		case !known:
			return service.Answer{Exit: 1, Stderr: "Failed to get unit file state for " + unit + ".service: No such file or directory\n"}
		case h.isEnabled(unit):
			return service.Answer{Stdout: "enabled\n"}
		}
		return service.Answer{Exit: 1, Stdout: "disabled\n"}
	case "show":
		return service.Answer{Stdout: h.show(unit, state, known, value, props)}
	}
	if !known {
		switch verb {
		case "cat":
			return service.Answer{Exit: 1, Stderr: "No files found for " + unit + ".service.\n"}
		case "list-unit-files":
			return service.Answer{Exit: 1, Stdout: "0 unit files listed.\n"}
		case "status":
			return service.Answer{Exit: 4, Stderr: "Unit " + unit + ".service could not be found.\n"}
		}
		return service.Answer{Exit: 5, Stderr: "Failed to " + verb + " " + unit + ".service: Unit " + unit + ".service not found.\n"}
	}
	switch verb {
	case "start":
		return fail(h.start(ctx, unit))
	case "stop":
		return fail(h.halt(unit))
	case "restart":
		if err := h.halt(unit); err != nil {
			return fail(err)
		}
		return fail(h.start(ctx, unit))
	case "try-restart":
		if state != "active" {
			return service.Answer{}
		}
		if err := h.halt(unit); err != nil {
			return fail(err)
		}
		return fail(h.start(ctx, unit))
	case "enable", "disable":
		err := h.enable(unit, verb == "enable")
		switch {
		case err != nil || !now:
		case verb == "enable":
			err = h.start(ctx, unit)
		default:
			err = h.halt(unit)
		}
		return fail(err)
	case "cat":
		b, err := os.ReadFile(file)
		if err != nil {
			return fail(err)
		}
		return service.Answer{Stdout: "# " + file + "\n" + string(b)}
	case "list-unit-files":
		return service.Answer{Stdout: unit + ".service\n1 unit files listed.\n"}
	case "status":
		exit := 0
		if state != "active" {
			exit = 3
		}
		return service.Answer{Exit: exit, Stdout: fmt.Sprintf("● %s.service\n     Active: %s\n", unit, state)}
	}
	return service.Answer{Exit: 1, Stderr: "Unknown command verb " + verb + ".\n"}
}

func (h *Host) hasFailed(unit string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.failed[unit]
}

func (h *Host) show(unit, state string, known, value bool, props []string) string {
	all := map[string]string{"Id": unit + ".service", "ActiveState": state, "SubState": "dead", "LoadState": "not-found", "UnitFileState": "", "MainPID": "0", "NRestarts": "0"}
	if known {
		all["LoadState"], all["UnitFileState"] = "loaded", "disabled"
	}
	if h.isEnabled(unit) {
		all["UnitFileState"] = "enabled"
	}
	if state == "active" {
		all["SubState"] = "running"
		h.mu.Lock()
		if p := h.units[unit]; p != nil {
			all["MainPID"] = fmt.Sprint(p.Pid())
		}
		h.mu.Unlock()
		at := h.since(unit).UTC().Format("Mon 2006-01-02 15:04:05 UTC")
		all["ActiveEnterTimestamp"], all["ExecMainStartTimestamp"] = at, at
	}
	if len(props) == 0 {
		props = []string{"Id", "LoadState", "ActiveState", "SubState", "UnitFileState", "MainPID"}
	}
	var b strings.Builder
	for _, p := range props {
		if value {
			b.WriteString(all[p] + "\n")
		} else {
			b.WriteString(p + "=" + all[p] + "\n")
		}
	}
	return b.String()
}

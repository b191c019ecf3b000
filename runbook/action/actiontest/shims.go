package actiontest

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// systemctl is a service manager of files: units/NAME exists where the unit is installed, NAME.active where it runs,
// NAME.enabled where it starts at boot, NAME.do is run (with start, stop or restart) before the state changes, and its
// failure is the command's. Every call is a line of systemctl.log.
const systemctl = `#!/bin/sh
root=%s
echo "$*" >> "$root/systemctl.log"
verb=; units=
for a in "$@"; do case $a in -*) [ "$a" = --now ] && now=1 ;; *) if [ -z "$verb" ]; then verb=$a; else units="$units ${a%%.service}"; fi ;; esac; done
rc=0
for u in $units; do
	d=$root/units/$u
	if [ ! -f "$d" ]; then echo "Unit $u.service could not be found." >&2; exit 4; fi
	case $verb in
	start|restart|stop|reload) if [ -x "$d.do" ]; then "$d.do" "$verb" </dev/null || { rc=1; continue; }; fi ;;
	esac
	case $verb in
	start|restart) : > "$d.active" ;;
	stop) rm -f "$d.active" ;;
	enable) : > "$d.enabled"; [ -n "$now" ] && : > "$d.active" ;;
	disable) rm -f "$d.enabled"; [ -n "$now" ] && rm -f "$d.active" ;;
	is-active) if [ -f "$d.active" ]; then echo active; else echo inactive; rc=3; fi ;;
	is-enabled) if [ -f "$d.enabled" ]; then echo enabled; else echo disabled; rc=1; fi ;;
	show) if [ -f "$d.enabled" ]; then echo enabled; else echo disabled; fi ;;
	cat) echo "# $u.service" ;;
	status) [ -f "$d.active" ] || rc=3 ;;
	esac
done
exit $rc
`

const crontab = `#!/bin/sh
f=%s/crontab
case $1 in
-l) [ -f "$f" ] && cat "$f" || { echo "no crontab for $(id -un)" >&2; exit 1; } ;;
-r) rm -f "$f" ;;
-|'') cat > "$f" ;;
*) cat "$1" > "$f" ;;
esac
`

// ownSocket lets the operators' own commands (mysql < file, mysqldump speed) find the host's MySQL.
const ownSocket = `#!/bin/sh
exec /usr/bin/%s --no-defaults --socket=%s/run/mysqld/mysqld.sock "$@"
`

func (c *Company) shims(host string) {
	root := c.hosts[host].root
	bin := filepath.Join(root, "bin")
	write := func(name, text string) { c.must(os.WriteFile(filepath.Join(bin, name), []byte(text), 0o755)) }
	write("systemctl", fmt.Sprintf(systemctl, root))
	write("crontab", fmt.Sprintf(crontab, root))
	for _, name := range []string{"mysql", "mysqldump"} {
		write(name, fmt.Sprintf(ownSocket, name, root))
	}
}

// Unit installs a unit for the host's systemctl, stopped and disabled. do, where not empty, is an sh script that gets
// start, stop or restart as $1 and decides whether that works.
func (c *Company) Unit(host, name, do string) {
	c.t.Helper()
	c.WriteFile(host, "/units/"+name, "", 0o644)
	if do != "" {
		c.WriteFile(host, "/units/"+name+".do", "#!/bin/sh\n"+do+"\n", 0o755)
	}
}

// UnitState is "active" or "inactive", and "enabled" or "disabled".
func (c *Company) UnitState(host, name string) (active, enabled bool) {
	c.t.Helper()
	return c.Exists(host, "/units/"+name+".active"), c.Exists(host, "/units/"+name+".enabled")
}

// SystemctlLog lists the calls of the host's systemctl, in order.
func (c *Company) SystemctlLog(host string) []string {
	c.t.Helper()
	if !c.Exists(host, "/systemctl.log") {
		return nil
	}
	return strings.Split(strings.TrimSpace(c.ReadFile(host, "/systemctl.log")), "\n")
}

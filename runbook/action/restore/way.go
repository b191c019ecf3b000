package restore

import (
	"context"
	"slices"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/fleet"
)

// otherDirs are for the helper where stateDir is on a noexec disk. Nobody else keeps anything in a directory of these names.
var otherDirs = []string{"/opt/recoverbot/load", "/run/recoverbot/load"}

// wayScript prints the machine's architecture and, of each directory, whether it is ours to make files in and how its
// disk is mounted. Whoever owns what a directory lies in could put another program in its place.
const wayScript = `uname -m
printf '%s\n' "$RB_DIRS" | while IFS= read -r d; do
	while [ ! -d "$d" ]; do d=$(dirname -- "$d"); done
	[ -w "$d" ] && [ -O "$d" ] && ours=w || ours=no
	echo "$ours,$(findmnt -no OPTIONS -T "$d" 2>/dev/null)"
done
`

// way finds a directory where the helper will run, "" for stateDir, as far as can be seen beforehand; barred says why
// there is none.
func (r *restore) way(ctx context.Context, h fleet.Host, c *fleet.Client) (dir string, barred runbook.Msg) {
	dirs := append([]string{stateDir}, otherDirs...)
	var asked []string
	for _, dir := range dirs {
		asked = append(asked, h.Path(dir))
	}
	ran, err := c.Run(ctx, fleet.Command{Script: wayScript, Env: map[string]string{"RB_DIRS": strings.Join(asked, "\n")}})
	machine, text, _ := strings.Cut(ran.Stdout, "\n")
	mounts := strings.Split(strings.TrimSpace(text), "\n")
	if err != nil || ran.Exit != 0 || len(mounts) != len(dirs) {
		return "", runbook.Msg{} // an attempt will tell
	}
	if own := machines[r.arch]; own != "" && machine != own {
		return "", runbook.T("restore.barred_arch", "host", h.Name, "machine", printable(machine))
	}
	noexec := func(mount string) bool { return slices.Contains(strings.Split(mount, ","), "noexec") }
	if !noexec(mounts[0]) {
		return "", runbook.Msg{}
	}
	for i, mount := range mounts {
		if strings.HasPrefix(mount, "w,") && !noexec(mount) {
			return dirs[i], runbook.Msg{}
		}
	}
	return "", runbook.T("restore.barred_noexec", "host", h.Name, "path", strings.Join(asked, ", "))
}

// machines are the names that uname has for Go's.
var machines = map[string]string{"amd64": "x86_64", "arm64": "aarch64", "riscv64": "riscv64", "s390x": "s390x", "ppc64le": "ppc64le"}

// neverRan reports whether the helper ended before its first word, as it does where the system will not run it: noexec
// or another architecture (126), no loader (127), killed by a security module (128 + SIGKILL or SIGSYS).
func neverRan(ended action.Ended, l *lines) bool {
	if ended.Status != fleet.JobExited || l.heard {
		return false
	}
	switch ended.Exit {
	case 126, 127, 137, 159:
		return true
	}
	return false
}

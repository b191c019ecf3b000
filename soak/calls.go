package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// counted wraps a host's systemctl: each call is logged with the job on whose behalf it was made.
const counted = `#!/bin/sh
p=$PPID job=
while [ "$p" -gt 1 ]; do
	job=$(tr '\0' '\n' <"/proc/$p/cmdline" 2>/dev/null | sed -n 's|.*/lib/recoverbot/jobs/\([^/]*\).*|\1|p' | head -n 1)
	[ -n "$job" ] && break
	p=$(sed 's/.*) [^ ]* //; s/ .*//' "/proc/$p/stat" 2>/dev/null) || break
	[ -n "$p" ] || break
done
echo "${job:-nobody} $*" >>%q
exec %q "$@"
`

// countCalls lets each host log what changes its services. It returns the logs.
func (c *company) countCalls() (logs []string, err error) {
	for _, h := range c.d.Hosts {
		bin := filepath.Join(h.Root, "bin", "systemctl")
		if err := os.Rename(bin, bin+".real"); err != nil {
			return nil, fmt.Errorf("wrap systemctl: %w", err)
		}
		logs = append(logs, bin+".log")
		if err := os.WriteFile(bin, fmt.Appendf(nil, counted, bin+".log", bin+".real"), 0o755); err != nil {
			return nil, fmt.Errorf("wrap systemctl: %w", err)
		}
	}
	return logs, nil
}

// once sees that no job did the same to a service twice, and that only jobs did anything. It returns how many there were.
func once(logs []string, approved map[string]bool, sum *summary) int {
	n := 0
	for _, log := range logs {
		b, _ := os.ReadFile(log) // nobody called it
		seen := map[string]int{}
		for line := range strings.Lines(string(b)) {
			job, args, _ := strings.Cut(strings.TrimSpace(line), " ")
			verb, _, _ := strings.Cut(args, " ")
			switch verb {
			case "start", "restart", "stop", "enable", "disable", "reload":
			default:
				continue // it only looks
			}
			n++
			if seen[line]++; seen[line] == 2 {
				sum.doubles++
				sum.problem("%s: twice: %s", log, strings.TrimSpace(line))
			}
			if !approved[job] {
				sum.problem("%s: systemctl %s by %s, which nobody approved", log, args, job)
			}
		}
	}
	return n
}

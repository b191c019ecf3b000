package fleet

import (
	"strings"

	"recoverbot/runbook"
)

// placed are the parts of the file that only those who know the scenarios or the chats can find doubtful.
var placed = []string{"alerts.rules", "dns_via", "people", "watch"}

// places are the lines of what stands in those parts, by its path.
func (d *decoder) places() map[string]int {
	out := map[string]int{}
	for path, t := range d.at {
		for _, part := range placed {
			if strings.HasPrefix(path, part) && t != nil && t.Position != nil {
				out[strings.TrimSuffix(path, ":")] = t.Position.Line
			}
		}
	}
	return out
}

// At is a warning with the place in fleet.yaml that it is about: alerts.rules[2].scenario, or the nearest above it.
func (c *Config) At(path string, text runbook.Msg) runbook.Msg {
	for ; path != ""; path = path[:max(strings.LastIndexAny(path, ".["), 0)] {
		if line := c.places[path]; line > 0 {
			return runbook.T("fleet.warn_at", "file", c.path, "line", line, "text", text)
		}
	}
	return text
}

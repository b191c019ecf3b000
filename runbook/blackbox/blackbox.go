// Package blackbox keeps a daily, read-only copy of the small things that die with a machine: configuration, nginx files,
// the backup script, crontabs, the definitions and row counts of tables, the domain list. It is encrypted on the bot's own
// host. The package changes nothing on the fleet and knows nothing of runs.
package blackbox

import (
	"maps"
	"slices"
	"strings"
	"time"

	"recoverbot/runbook"
)

// Snapshot is what one round copied. A host that could not be read is not in Hosts; Problems says why.
type Snapshot struct {
	At       time.Time        `json:"at"`
	Hosts    map[string]*Host `json:"hosts"` // by name in the fleet
	Problems []runbook.Msg    `json:"problems,omitempty"`
	Machines string           `json:"machines,omitempty"` // the machines of the fleet then, as Machines says them
}

// Names lists the hosts, sorted.
func (s Snapshot) Names() []string { return slices.Sorted(maps.Keys(s.Hosts)) }

// Files counts them.
func (s Snapshot) Files() (n int) {
	for _, h := range s.Hosts {
		n += len(h.Files)
	}
	return n
}

// Tables counts them.
func (s Snapshot) Tables() (n int) {
	for _, h := range s.Hosts {
		for _, d := range h.Databases {
			n += len(d.Tables)
		}
	}
	return n
}

// AllProblems are those of the snapshot and of its hosts, each of which says which host it is about.
func (s Snapshot) AllProblems() []runbook.Msg {
	out := slices.Clone(s.Problems)
	for _, name := range s.Names() {
		for _, p := range s.Hosts[name].Problems {
			out = append(out, runbook.T("blackbox.on_host", "host", name, "text", p))
		}
	}
	return out
}

// Host is what was copied from one host. Problems says what could not be read; the rest is what could.
type Host struct {
	At        time.Time            `json:"at"`
	Files     []File               `json:"files,omitempty"`
	Crontab   string               `json:"crontab,omitempty"`
	Databases map[string]*Database `json:"databases,omitempty"` // by name in fleet.yaml
	Problems  []runbook.Msg        `json:"problems,omitempty"`
	// Unread are paths that may well be there and could not be read, and Unasked the same of databases: Latest has these
	// from an older snapshot.
	Unread  []string `json:"unread,omitempty"`
	Unasked []string `json:"unasked,omitempty"`
}

// Below lists the file at path, or the files in the directory path, in their order.
func (h *Host) Below(path string) []File {
	var out []File
	for _, f := range h.Files {
		if f.Path == path || strings.HasPrefix(f.Path, strings.TrimSuffix(path, "/")+"/") {
			out = append(out, f)
		}
	}
	return out
}

// Bytes is the size of what is held, about.
func (h *Host) Bytes() int {
	n := len(h.Crontab)
	for _, f := range h.Files {
		n += len(f.Path) + len(f.Content)
	}
	for _, d := range h.Databases {
		for _, t := range slices.Concat(d.Tables, d.Views) {
			n += len(t.Name) + len(t.Create)
		}
		for _, row := range d.Domain {
			for _, cell := range row {
				n += len(cell)
			}
		}
	}
	return n
}

// File is one regular file. Path is absolute on the host, its root included; where it was a symbolic link, Content is
// that of the file behind it.
type File struct {
	Path    string    `json:"path"`
	Mode    uint32    `json:"mode"` // permission bits
	At      time.Time `json:"at"`   // when it was copied
	Content []byte    `json:"content"`
}

// Database is one schema as it was.
type Database struct {
	At     time.Time  `json:"at"`
	Schema string     `json:"schema"`
	Tables []Table    `json:"tables"`
	Views  []Table    `json:"views,omitempty"`  // their rows are not counted
	Domain [][]string `json:"domain,omitempty"` // the domain list: a row of column names, then all rows
}

// Table is one table of a database.
type Table struct {
	Name   string    `json:"name"`
	Create string    `json:"create"` // SHOW CREATE TABLE, or VIEW; "" where it could not be read
	Rows   int64     `json:"rows"`
	Exact  bool      `json:"exact"`           // counted; otherwise the server's estimate
	Newest time.Time `json:"newest,omitzero"` // created_at of the last row, where the table has that
}

// Reader finds what was copied of a host. A nil *Store is a Reader that has nothing.
type Reader interface {
	// Latest is the newest copy of the host; files and databases that could not be read then are there as they were in an
	// older one. ok is false where nothing is held of the host. What it returns is not to be changed.
	Latest(host string) (h *Host, ok bool)
}

// Package blackbox keeps a daily, read-only copy of the small things that die with a machine: configuration, nginx files,
// the backup script, crontabs, the definitions and row counts of tables, the domain list. It is encrypted on the bot's own
// host. The package changes nothing on the fleet and knows nothing of runs.
package blackbox

import "time"

// Snapshot is what one round copied.
type Snapshot struct {
	At    time.Time        `json:"at"`
	Hosts map[string]*Host `json:"hosts"` // by name in the fleet
}

// Host is what was copied from one host. Problem says what could not be read; the rest is what could.
type Host struct {
	At        time.Time            `json:"at"`
	Files     []File               `json:"files,omitempty"`
	Crontab   string               `json:"crontab,omitempty"`
	Databases map[string]*Database `json:"databases,omitempty"` // by name in fleet.yaml
	Problems  []string             `json:"problems,omitempty"`
}

// File is one regular file. Path is absolute on the host, its root included.
type File struct {
	Path    string `json:"path"`
	Mode    uint32 `json:"mode"` // permission bits
	Content []byte `json:"content"`
}

// Database is one schema as it was.
type Database struct {
	Schema string     `json:"schema"`
	Tables []Table    `json:"tables"`
	Domain [][]string `json:"domain,omitempty"` // the domain list: a row of column names, then all rows
}

// Table is one table of a database.
type Table struct {
	Name   string    `json:"name"`
	Create string    `json:"create"` // SHOW CREATE TABLE
	Rows   int64     `json:"rows"`
	Exact  bool      `json:"exact"`           // counted; otherwise the server's estimate
	Newest time.Time `json:"newest,omitzero"` // created_at of the last row, where the table has that
}

// Reader finds what was copied of a host. A nil *Store is a Reader that has nothing.
type Reader interface {
	// Latest is the newest copy of the host that has no older date than the days that are kept; ok is false without one.
	Latest(host string) (h *Host, ok bool)
}

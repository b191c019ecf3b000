// Package load is the bot's helper on a database host: uploaded with the bot's own binary, it checks a dump file that
// lies there and loads it into a scratch schema, telling how far it is in lines of JSON. It never touches a live
// schema but to count its rows.
package load

import (
	"recoverbot/runbook"
	"recoverbot/runbook/dump"
)

// ConfigVariable names the environment variable that holds the path of the Config file (JSON, mode 0600).
const ConfigVariable = "RECOVERBOT_LOAD_CONFIG"

// Config is what the helper is told. It removes the file once read.
type Config struct {
	File    string `json:"file"`
	Gzip    bool   `json:"gzip"`
	SHA256  string `json:"sha256"`
	Trailer bool   `json:"trailer"` // the dump must end with its trailer
	Schema  string `json:"schema"`
	Scratch string `json:"scratch"`
	// NotEmpty is a table that must have rows, where the dump has it.
	NotEmpty string `json:"not_empty,omitempty"`
	// Sessions is how many connections load at a time; 0: as many as there are cores, at most 4.
	Sessions int `json:"sessions,omitempty"`
	// Rehearsal loads only to see that it can be done: see LockName. Live rows are not counted.
	Rehearsal bool   `json:"rehearsal,omitempty"`
	Network   string `json:"network"` // "unix" or "tcp"
	Address   string `json:"address"`
	User      string `json:"user"`
	Password  string `json:"password"`
	// Remove lists files that the helper removes when it ends: its own binary.
	Remove []string `json:"remove,omitempty"`
}

// Line is one line of the helper's output.
type Line struct {
	Progress *Progress    `json:"progress,omitempty"`
	Report   *Report      `json:"report,omitempty"`  // the last line of a load that ended well
	Refused  *runbook.Msg `json:"refused,omitempty"` // the last line otherwise: the scratch schema is gone
	// Changed says, with Refused, that the dump is not the one that was planned.
	Changed bool `json:"changed,omitempty"`
	// Bad says, with Refused, that the dump itself is why: it will be refused again, here and elsewhere.
	Bad bool `json:"bad,omitempty"`
	// Left says, with Refused, that the scratch schema could not be dropped.
	Left bool `json:"left,omitempty"`
}

// Progress is how far the helper is.
type Progress struct {
	Phase string `json:"phase"` // "check", "load", "keys" or "compare"
	Done  int64  `json:"done"`  // bytes of the file (check), of the dump (load); keys; tables (compare)
	Total int64  `json:"total"`
	// Keys of KeysTotal keys that waited for their rows are there, while other tables may still be loading.
	Keys      int64 `json:"keys,omitempty"`
	KeysTotal int64 `json:"keys_total,omitempty"`
}

// Report is what was loaded, beside what is live.
type Report struct {
	Summary  dump.Summary  `json:"summary"`
	Tables   []TableReport `json:"tables"`
	Definers []dump.Object `json:"definers,omitempty"` // objects whose definer has no account here
	Extra    []string      `json:"extra,omitempty"`    // live tables that the dump lacks
	Seconds  float64       `json:"seconds"`
}

// TableReport is one table, loaded and live.
type TableReport struct {
	Name       string `json:"name"`
	Rows       int64  `json:"rows"`
	Newest     string `json:"newest,omitempty"` // created_at, where the table has it
	LiveRows   int64  `json:"live_rows"`        // -1: not there, or not to be read
	LiveNewest string `json:"live_newest,omitempty"`
}

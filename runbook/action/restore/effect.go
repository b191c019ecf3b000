package restore

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"recoverbot/runbook"
)

// effect is exactly what a plan would do.
type effect struct {
	Database       string    `json:"database"`
	Schema         string    `json:"schema"`
	Source         string    `json:"source"` // host
	SourceIdentity string    `json:"source_identity"`
	Path           string    `json:"path"`
	Name           string    `json:"name"`
	Size           int64     `json:"size"`
	SHA256         string    `json:"sha256"`
	Gzip           bool      `json:"gzip,omitempty"`
	Complete       bool      `json:"complete"` // its trailer was there and must be
	Start          time.Time `json:"start,omitzero"`
	End            time.Time `json:"end,omitzero"`
	Bytes          int64     `json:"bytes"` // uncompressed
	Tables         []string  `json:"tables"`
	Scratch        string    `json:"scratch"`
	Old            string    `json:"old"` // pattern of the old schema's name
	NotEmpty       string    `json:"not_empty,omitempty"`
	// An undo puts the kept schema Scratch in the place of the live one, and Out, tables that it lacks, aside; Drop drops it.
	Undo bool     `json:"undo,omitempty"`
	Out  []string `json:"out,omitempty"`
	Drop bool     `json:"drop,omitempty"`
	// Dir is where the helper lies, "" for where it does anywhere.
	Dir string `json:"dir,omitempty"`
	// Stream says that the load runs in this process, since the host will not run a helper.
	Stream bool `json:"stream,omitempty"`
	// A rehearsal drops Scratch again, and Leftover, what earlier ones have left.
	Rehearse bool     `json:"rehearse,omitempty"`
	Leftover []string `json:"leftover,omitempty"`
}

func scratchName(schema, sha string) string { return clip(schema) + "_new_" + sha[:6] }

// clip leaves room for a suffix: names of schemas have at most 64 characters.
func clip(schema string) string { return schema[:min(len(schema), 40)] }

// toEffect makes the effect of a plan, with its rendering.
func toEffect(e effect, host, identity string) (runbook.Effect, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return runbook.Effect{}, fmt.Errorf("encode effect: %w", err)
	}
	return runbook.Effect{Host: host, Identity: identity, Data: data, Exact: exact(e, host)}, nil
}

func fromPlan(p runbook.Plan) (effect, error) {
	var e effect
	if err := json.Unmarshal(p.Effect.Data, &e); err != nil {
		return e, fmt.Errorf("decode effect: %w", err)
	}
	return e, nil
}

// exact renders an effect: what happens, in order.
func exact(e effect, host string) []runbook.Part {
	if e.Drop {
		return []runbook.Part{{Format: "sql", Text: "DROP DATABASE " + quote(e.Scratch) + "; -- " + strings.Join(e.Tables, ", ")}}
	}
	if e.Undo {
		return []runbook.Part{{Format: "sql", Text: "CREATE DATABASE " + quote(e.Old) + ";\n" + renames(e) +
			";\n-- then the views, triggers and routines of " + quote(e.Scratch)}}
	}
	var s strings.Builder
	if e.Source != host && !e.Stream {
		fmt.Fprintf(&s, "copy    %s:%s → %s, sha256 compared at both ends\n", e.Source, e.Path, host)
	}
	fmt.Fprintf(&s, "check   every statement of %s; refuse anything that is not for schema %s\n", e.Name, e.Schema)
	for _, name := range e.Leftover {
		fmt.Fprintf(&s, "drop    %s, left by a rehearsal that was cut off\n", name)
	}
	if e.Dir != "" {
		fmt.Fprintf(&s, "helper  in %s: %s is on a noexec disk\n", e.Dir, stateDir)
	}
	through := ""
	if e.Stream {
		through = ", through the bot: no helper runs there"
	}
	fmt.Fprintf(&s, "load    into scratch schema %s on %s%s\n", e.Scratch, host, through)
	s.WriteString("compare tables, rows, definitions with the dump\n")
	files := fmt.Sprintf("%s:%s\n%d bytes, sha256 %s", e.Source, e.Path, e.Size, e.SHA256)
	if e.Rehearse {
		fmt.Fprintf(&s, "drop    %s; nothing live is touched\n", e.Scratch)
		return []runbook.Part{{Format: "files", Text: files}, {Format: "text", Text: s.String()}}
	}
	s.WriteString("hold    until somebody commits; nothing live has changed by then\n")
	fmt.Fprintf(&s, "commit  create schema %s; then in one statement:", e.Old)
	return []runbook.Part{
		{Format: "files", Text: files},
		{Format: "text", Text: s.String()},
		{Format: "sql", Text: renames(e)},
	}
}

// renames is the one statement of an exchange; a table that is not live has no first half.
func renames(e effect) string {
	var lines []string
	for _, t := range e.Tables {
		lines = append(lines, fmt.Sprintf("  %s.%s TO %s.%s, %s.%s TO %s.%s", quote(e.Schema), quote(t), quote(e.Old), quote(t),
			quote(e.Scratch), quote(t), quote(e.Schema), quote(t)))
	}
	for _, t := range e.Out {
		lines = append(lines, fmt.Sprintf("  %s.%s TO %s.%s", quote(e.Schema), quote(t), quote(e.Old), quote(t)))
	}
	return "RENAME TABLE\n" + strings.Join(lines, ",\n")
}

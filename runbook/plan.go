package runbook

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// Verdict is what planning found.
type Verdict string

// The verdicts of a Plan.
const (
	Ready       Verdict = "ready"
	Satisfied   Verdict = "satisfied"   // already so: done without a click
	Blocked     Verdict = "blocked"     // cannot be done now; Why says why
	Provisional Verdict = "provisional" // shows what is known; waits for Needs, cannot be approved
)

// Plan is what a step would do and what was found while looking. Looking changes nothing.
type Plan struct {
	Verdict  Verdict  `json:"verdict"`
	Why      Msg      `json:"why,omitzero"`       // of satisfied, blocked, provisional
	Needs    []string `json:"needs,omitempty"`    // what a provisional plan waits for: step ids, parameter names
	Summary  Msg      `json:"summary,omitzero"`   // one line: what, where, to what
	Effect   Effect   `json:"effect"`             // exactly what Apply does
	Facts    []Msg    `json:"facts,omitempty"`    // age, estimate, free disk: shown, not in the digest
	Warnings []Msg    `json:"warnings,omitempty"` // approving with a Danger warning needs a reason
	Danger   bool     `json:"danger,omitempty"`   // what was found makes approval need a reason
	Form     []Param  `json:"form,omitempty"`     // fields that a person may (or must) answer: an input plans again
	Tables   []Table  `json:"tables,omitempty"`   // what was found, as tables
	// Values and Open become the Result's where the plan is satisfied, or the step is done by evidence or by a person's
	// word: later steps need them all the same.
	Values map[string]string `json:"values,omitempty"`
	Open   []OpenItem        `json:"open,omitempty"`
	// Hint proposes how a person may want to answer, e.g. Abort where a guard says that the dead machine is back.
	Hint Choice `json:"hint,omitempty"`
	// Absent says of a satisfied plan that there is nothing there that it could be done to.
	Absent bool `json:"absent,omitempty"`
	// Override lets a person approve a blocked plan all the same, with a reason: only a needed step was skipped.
	Override bool `json:"override,omitempty"`
}

// Effect is exactly what Apply will do: canonical, free of secrets and of language. Data is the action's own
// canonical struct, which Apply decodes; Exact is its rendering for people, by a pure function of Data.
type Effect struct {
	Host     string          `json:"host,omitempty"`     // name in the fleet
	Identity string          `json:"identity,omitempty"` // fingerprint of its pinned host key
	Data     json.RawMessage `json:"data,omitempty"`
	Exact    []Part          `json:"exact,omitempty"`
}

// Part is one block of exact text on a card.
type Part struct {
	Format string `json:"format"` // script, sql, diff, rows, files, command, env, text
	Label  string `json:"label,omitempty"`
	Text   string `json:"text"`
}

// Table is rows of a database, of candidates, of findings.
type Table struct {
	Name    string     `json:"name,omitempty"`
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"`
	Marks   []string   `json:"marks,omitempty"` // one a row: "", "match", "changed", "refused", "ok", "bad"
	Count   int        `json:"count"`           // all rows, of which Rows may be the first ones
	Words   bool       `json:"words,omitempty"` // name, columns and states are the bot's words, to be shown in people's language
}

// Digest is the hex SHA-256 that an approval is bound to: step, kind, parameters and the whole effect.
func Digest(stepID, kind string, params map[string]string, e Effect) string {
	b, err := json.Marshal(struct {
		Step, Kind string
		Params     map[string]string
		Effect     Effect
	}{stepID, kind, params, e})
	if err != nil { // only an action that puts invalid JSON into Effect.Data; its plan is never approvable
		b = []byte("unencodable " + stepID)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

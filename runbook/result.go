package runbook

import "strconv"

// Outcome is how an action ended. The zero value is not an outcome.
type Outcome string

// The outcomes of a Result.
const (
	OutcomeDone      Outcome = "done"
	OutcomeUnchanged Outcome = "unchanged"
	OutcomeFailed    Outcome = "failed" // certainly without (further) effect, or with exactly the effect that Text says
	OutcomeUnknown   Outcome = "unknown"
)

// Result is what came of applying a plan.
type Result struct {
	Outcome Outcome `json:"outcome"`
	Text    Msg     `json:"text,omitzero"`
	// Values are facts for later steps (env.Value("step.name")); never secrets.
	Values map[string]string `json:"values,omitempty"`
	// Open lists what remains to be done by people after the run.
	Open   []OpenItem `json:"open,omitempty"`
	Tables []Table    `json:"tables,omitempty"`
	// Output is what the action printed, capped and redacted; the engine fills it.
	Output string `json:"output,omitempty"`
}

// OpenItem is something that a run leaves to people, listed in the closing message.
type OpenItem struct {
	Text Msg    `json:"text"`
	Step string `json:"step,omitempty"` // a step whose reopening settles it
}

// Evidence answers whether an effect took place.
type Evidence struct {
	Took string `json:"took"` // "yes", "no" or "unclear"
	Text Msg    `json:"text"`
}

// The answers of Evidence.
const (
	TookYes     = "yes"
	TookNo      = "no"
	TookUnclear = "unclear"
)

// Progress is how far an action is; the latest one counts.
type Progress struct {
	Done  int64  `json:"done"`
	Total int64  `json:"total"` // 0: not known
	Unit  string `json:"unit"`  // "bytes", "files", "" …
	Text  Msg    `json:"text,omitzero"`
	Warn  Msg    `json:"warn,omitzero"` // e.g. that nothing moves: nothing ends by it
}

// Job identifies one attempt of one step of one run: the run-once key of every effect.
type Job struct {
	Run     string
	Step    string
	Attempt int
}

// ID is the job's name on the hosts: run-step-attempt, of [a-z0-9._-] only.
func (j Job) ID() string { return j.Run + "-" + j.Step + "-" + strconv.Itoa(j.Attempt) }

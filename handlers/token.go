package handlers

import (
	"encoding/json"

	"recoverbot/runbook"
)

// press is what a button's opaque Action says: a decision bound to what was shown, or an answer to an alert.
type press struct {
	Run     string         `json:"r,omitempty"`
	Step    string         `json:"s,omitempty"`
	Group   string         `json:"g,omitempty"`
	Attempt int            `json:"a,omitempty"`
	Digest  string         `json:"d,omitempty"`
	Choice  runbook.Choice `json:"c"`
	Alone   bool           `json:"o,omitempty"`
	Alert   string         `json:"f,omitempty"` // fingerprint
	Command string         `json:"t,omitempty"` // the text that this button types
}

func (p press) encode() string {
	b, _ := json.Marshal(p) // strings and numbers only
	return string(b)
}

func decodePress(s string) (press, error) {
	var p press
	if err := json.Unmarshal([]byte(s), &p); err != nil {
		return p, &runbook.Error{Code: runbook.Invalid, Msg: runbook.T("cmd.bad_button"), Err: err}
	}
	return p, nil
}

func (p press) decision() runbook.Decision {
	return runbook.Decision{
		RunID: p.Run, Step: p.Step, Group: p.Group, Attempt: p.Attempt, Digest: p.Digest, Choice: p.Choice, Alone: p.Alone,
	}
}

package runbook

import "time"

// RunSummary is a run in a list: no steps, no plans.
type RunSummary struct {
	ID        string            `json:"id"`
	Scenario  string            `json:"scenario"`
	Title     Text              `json:"title,omitzero"`
	State     RunState          `json:"state"`
	StartedBy Actor             `json:"started_by"`
	StartedAt time.Time         `json:"started_at"`
	EndedAt   time.Time         `json:"ended_at,omitzero"`
	DryRun    bool              `json:"dry_run,omitempty"`
	Beside    bool              `json:"beside,omitempty"` // it holds nothing of the fleet: see Run.Beside
	Params    map[string]string `json:"params,omitempty"`
	Steps     int               `json:"steps"`
	Settled   int               `json:"settled"` // steps that are done, skipped or deferred
}

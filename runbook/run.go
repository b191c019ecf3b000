package runbook

import "time"

// Run is one execution of a scenario, as the journal holds it.
type Run struct {
	ID        string            `json:"id"` // lower-case letters and digits
	Scenario  Scenario          `json:"scenario"`
	State     RunState          `json:"state"`
	StartedBy Actor             `json:"started_by"`
	StartedAt time.Time         `json:"started_at"`
	DownSince time.Time         `json:"down_since,omitzero"` // when service stopped, as far as known
	EndedAt   time.Time         `json:"ended_at,omitzero"`
	EndedBy   Actor             `json:"ended_by,omitzero"`
	Aborting  *Approval         `json:"aborting,omitempty"` // while what is under way is rolled back or cancelled; nothing else counts then
	Params    map[string]string `json:"params"`
	// Bindings fixes at the start which hosts the scenario's names and the fleet's roles mean during this run.
	Bindings map[string][]string `json:"bindings"`
	Alert    string              `json:"alert,omitempty"` // fingerprint of the alert that started it
	Rules    Rules               `json:"rules,omitzero"`
	Resumed  []Approval          `json:"resumed,omitempty"` // who opened it again, each time
	DryRun   bool                `json:"dry_run,omitempty"`
	Owner    string              `json:"owner,omitempty"` // bot process that drives it
	Version  int                 `json:"version"`
	Steps    []StepRun           `json:"steps"`
}

// Rules are what the company's policy asks of approvals, fixed when a run starts. How many people a step needs stands in
// Step.Approvals.
type Rules struct {
	// TwoPerson says that who started or resumed the run cannot alone approve what is dangerous.
	TwoPerson bool `json:"two_person,omitempty"`
	// BreakGlass is how long nobody else must have answered before one person alone may approve; 0: never.
	BreakGlass Duration `json:"break_glass,omitzero"`
}

// StepRun is one step of a run: a Step of the scenario, or one member of a group.
type StepRun struct {
	RunID     string            `json:"run_id"`
	ID        string            `json:"id"` // Step.ID, or Step.ID.member for a member of a group
	Index     int               `json:"index"`
	Group     string            `json:"group,omitempty"` // Step.ID of a group; empty otherwise
	Member    string            `json:"member,omitempty"`
	Def       Step              `json:"def"`
	Host      string            `json:"host,omitempty"` // name in the fleet, where the step has one
	State     State             `json:"state"`
	Attempt   int               `json:"attempt"` // rises at each planning
	Plan      *Plan             `json:"plan,omitempty"`
	Digest    string            `json:"digest,omitempty"`
	Inputs    map[string]string `json:"inputs,omitempty"`
	Approvals []Approval        `json:"approvals,omitempty"` // of this attempt and digest
	Alone     []Approval        `json:"alone,omitempty"`     // what one person alone approved although more were needed, in any attempt
	Progress  *Progress         `json:"progress,omitempty"`
	Hold      *HoldInfo         `json:"hold,omitempty"`
	Result    *Result           `json:"result,omitempty"`
	Evidence  *Evidence         `json:"evidence,omitempty"`
	Note      Msg               `json:"note,omitzero"` // why it is in this state, where the result does not say
	Findings  []Finding         `json:"findings,omitempty"`
	DecidedBy *Approval         `json:"decided_by,omitempty"` // the last decision that moved it
	StartedAt time.Time         `json:"started_at,omitzero"`  // of the execution
	ChangedAt time.Time         `json:"changed_at"`
	Version   int               `json:"version"`
}

// HoldInfo is what a person looks at while a change is held.
type HoldInfo struct {
	Deadline time.Time `json:"deadline,omitzero"` // zero: durable, no deadline
	Durable  bool      `json:"durable,omitempty"`
	Before   Table     `json:"before"`
	After    Table     `json:"after"`
	Notes    []Msg     `json:"notes,omitempty"`
	Warning  Msg       `json:"warning,omitzero"` // why committing needs a reason now: the guard no longer holds
}

// Approval is one person's recorded decision on a step.
type Approval struct {
	By     Actor     `json:"by"`
	Seats  []string  `json:"seats,omitempty"` // others from which the same person approved again
	Choice Choice    `json:"choice"`
	Reason string    `json:"reason,omitempty"`
	At     time.Time `json:"at"`
	// Alone says that this one approval stood for those that were missing; Missing are the people who had not answered.
	Alone   bool     `json:"alone,omitempty"`
	Missing []string `json:"missing,omitempty"`
	// Of what one person alone approved: the attempt, and once it is planned anew what that attempt came to.
	Attempt int `json:"attempt,omitempty"`
	Came    Msg `json:"came,omitzero"`
}

// Actor is who did something, where.
type Actor struct {
	Name     string `json:"name"`     // of a person in fleet.yaml, or the bot's own parts: "watcher"
	Platform string `json:"platform"` // "web", "terminal", …
	// Seat is the account or device that was used: two approvals from one seat count as one person's.
	Seat string `json:"seat,omitempty"`
}

// Decision is what a person answered, bound to what was shown.
type Decision struct {
	RunID   string
	Step    string // or Group
	Group   string
	Attempt int    // ignored for a group, whose Digest says it all
	Digest  string // StepRun.Digest, or GroupDigest
	Choice  Choice
	Reason  string
	Fields  map[string]string // of an Input
	By      Actor
	// Alone asks that this approval alone be enough, since nobody else answers; Missing are those who could have.
	Alone   bool     `json:",omitempty"`
	Missing []string `json:",omitempty"`
}

// Event is one row of the append-only journal.
type Event struct {
	ID     int64             `json:"id"`
	At     time.Time         `json:"at"`
	RunID  string            `json:"run_id,omitempty"`
	StepID string            `json:"step_id,omitempty"`
	Kind   string            `json:"kind"` // "run.started", "step.moved", "decision", "alert", …
	By     Actor             `json:"by,omitzero"`
	Data   map[string]string `json:"data,omitempty"`
	Hash   string            `json:"hash"` // hex SHA-256 over this row and the hash before
}

// Dangerous reports whether approving the step, or committing its change, needs somebody who may do dangerous things.
func (s StepRun) Dangerous() bool {
	return s.Def.Danger || s.Plan != nil && (s.Plan.Danger || s.Plan.Override) || s.Hold != nil && !s.Hold.Warning.IsZero()
}

// Beside reports whether the run holds nothing of the fleet: others may be open at the same time.
func (r Run) Beside() bool { return r.DryRun || r.Scenario.Beside }

// Step returns the step with the given id, or nil.
func (r *Run) Step(id string) *StepRun {
	for i := range r.Steps {
		if r.Steps[i].ID == id {
			return &r.Steps[i]
		}
	}
	return nil
}

// Members returns the steps of a group, in order.
func (r *Run) Members(group string) []*StepRun {
	var out []*StepRun
	for i := range r.Steps {
		if r.Steps[i].Group == group {
			out = append(out, &r.Steps[i])
		}
	}
	return out
}

package handlers

import (
	"time"

	"recoverbot/runbook"
)

// The JSON shapes of the HTTP API. Texts are in the language of the request (Accept-Language, ?lang=, else LANGUAGE).

type apiRun struct {
	ID        string              `json:"id"`
	Scenario  string              `json:"scenario"`
	Title     string              `json:"title"`
	State     runbook.RunState    `json:"state"`
	DryRun    bool                `json:"dry_run,omitempty"`
	StartedBy string              `json:"started_by"`
	StartedAt time.Time           `json:"started_at"`
	DownSince time.Time           `json:"down_since,omitzero"`
	EndedAt   time.Time           `json:"ended_at,omitzero"`
	Params    map[string]string   `json:"params"`
	Bindings  map[string][]string `json:"bindings"`
	Choices   []runbook.Choice    `json:"choices"` // on the run itself
	Steps     []apiStep           `json:"steps"`
	Groups    []apiGroup          `json:"groups,omitempty"`
	Open      []string            `json:"open,omitempty"` // what the run leaves to people
}

// apiGroup is what one click on a group's card decides about.
type apiGroup struct {
	ID          string           `json:"id"`
	Digest      string           `json:"digest"`
	Choices     []runbook.Choice `json:"choices"`
	NeedsReason []runbook.Choice `json:"needs_reason,omitempty"`
}

type apiStep struct {
	ID        string           `json:"id"`
	Number    int              `json:"number"`
	Title     string           `json:"title"`
	DocLine   string           `json:"doc_line,omitempty"`
	Kind      string           `json:"kind"`
	Host      string           `json:"host,omitempty"`
	Group     string           `json:"group,omitempty"`
	Member    string           `json:"member,omitempty"`
	State     runbook.State    `json:"state"`
	Attempt   int              `json:"attempt"`
	Digest    string           `json:"digest,omitempty"`
	Code      string           `json:"code,omitempty"`
	Needs     []string         `json:"needs"`
	Danger    bool             `json:"danger,omitempty"`
	Plan      *apiPlan         `json:"plan,omitempty"`
	Form      []apiField       `json:"form,omitempty"`
	Hold      *apiHold         `json:"hold,omitempty"`
	Approvals apiApprovals     `json:"approvals"`
	Progress  *apiProgress     `json:"progress,omitempty"`
	Choices   []runbook.Choice `json:"choices"`
	// NeedsReason lists those of Choices that are refused without a reason.
	NeedsReason []runbook.Choice `json:"needs_reason,omitempty"`
	Result      *apiResult       `json:"result,omitempty"`
	Note        string           `json:"note,omitempty"`
	Evidence    string           `json:"evidence,omitempty"`
	DecidedBy   string           `json:"decided_by,omitempty"`
	DecidedOn   string           `json:"decided_on,omitempty"` // platform
	DecidedAt   time.Time        `json:"decided_at,omitzero"`
	Reason      string           `json:"reason,omitempty"`
	StartedAt   time.Time        `json:"started_at,omitzero"`
	ChangedAt   time.Time        `json:"changed_at"`
}

type apiPlan struct {
	Summary  string          `json:"summary"`
	Text     string          `json:"text"` // the exact effect, as on the card
	Digest   string          `json:"digest"`
	Verdict  runbook.Verdict `json:"verdict"`
	Why      string          `json:"why,omitempty"`
	Needs    []string        `json:"needs,omitempty"`
	Facts    []string        `json:"facts,omitempty"`
	Warnings []string        `json:"warnings"`
	Danger   bool            `json:"danger,omitempty"`
	Hint     runbook.Choice  `json:"hint,omitempty"`
	Tables   []runbook.Table `json:"tables,omitempty"`
}

type apiField struct {
	Name     string   `json:"name"`
	Type     string   `json:"type"`
	Label    string   `json:"label"`
	Required bool     `json:"required"`
	Default  string   `json:"default"`
	Enum     []string `json:"enum,omitempty"`
	Value    string   `json:"value,omitempty"` // what was answered so far
}

type apiHold struct {
	Deadline time.Time     `json:"deadline,omitzero"`
	Durable  bool          `json:"durable,omitempty"`
	Warning  string        `json:"warning,omitempty"` // why committing needs a reason now
	Before   runbook.Table `json:"before"`
	After    runbook.Table `json:"after"`
}

type apiApprovals struct {
	Need int      `json:"need"` // distinct people
	By   []string `json:"by"`   // whose approvals count
	// Of a step that waits: Missing is how many must still approve, Other says that one of them must not be who started or
	// resumed the run, May who of them may, AloneFrom when one person alone may.
	Missing   int       `json:"missing,omitempty"`
	Other     bool      `json:"other,omitempty"`
	May       []string  `json:"may,omitempty"`
	AloneFrom time.Time `json:"alone_from,omitzero"`
	Alone     string    `json:"alone,omitempty"` // who approved it alone
}

type apiProgress struct {
	Done  int64  `json:"done"`
	Total int64  `json:"total"`
	Unit  string `json:"unit,omitempty"`
	Text  string `json:"text,omitempty"`
}

type apiResult struct {
	Outcome runbook.Outcome   `json:"outcome"`
	Text    string            `json:"text"`
	Values  map[string]string `json:"values,omitempty"`
	Output  string            `json:"output,omitempty"`
	Tables  []runbook.Table   `json:"tables,omitempty"`
}

// apiDecision is the body of POST /api/runs/ID/decisions. Without step and group it is about the run itself.
type apiDecision struct {
	Step    string            `json:"step"`
	Group   string            `json:"group"`
	Attempt int               `json:"attempt"`
	Digest  string            `json:"digest"`
	Choice  runbook.Choice    `json:"choice"`
	Reason  string            `json:"reason"`
	Alone   bool              `json:"alone"` // approve without the others, since nobody else answers
	Fields  map[string]string `json:"fields"`
}

type apiCommand struct {
	Text string `json:"text"`
}

type apiReply struct {
	Reply string  `json:"reply"`
	Run   *string `json:"run"`
}

type apiAlert struct {
	Fingerprint string            `json:"fingerprint"`
	Scenario    string            `json:"scenario"`
	Params      map[string]string `json:"params,omitempty"`
	Host        string            `json:"host"`
	Text        string            `json:"text"`
	Since       time.Time         `json:"since"`
	State       string            `json:"state"` // firing, snoozed, started, replaced, merged, resolved
}

type apiError struct {
	Code     runbook.Code      `json:"code"`
	Message  string            `json:"message"`
	Conflict *runbook.Conflict `json:"conflict,omitempty"`
}

package action

import (
	"errors"

	"recoverbot/runbook"
)

// Cannot turns an error of looking into the plan that says so: provisional where a value is not there yet, blocked
// where the error has a text for people. Any other error stays one: looking failed.
func Cannot(p runbook.Plan, err error) (runbook.Plan, error) {
	if q, ok := Provisional(err); ok {
		p.Verdict, p.Needs, p.Why = q.Verdict, q.Needs, q.Why
		return p, nil
	}
	var e *runbook.Error
	if errors.As(err, &e) {
		p.Verdict, p.Why = runbook.Blocked, e.Msg
		return p, nil
	}
	return p, err
}

// Refuse is the error of an Apply that has changed nothing because of err.
func Refuse(err error) *runbook.Refusal {
	var r *runbook.Refusal
	if errors.As(err, &r) {
		return r
	}
	var e *runbook.Error
	if errors.As(err, &e) {
		return &runbook.Refusal{Text: e.Msg, Err: err}
	}
	return &runbook.Refusal{Text: runbook.T("action.refused"), Err: err}
}

// Stale is the error of an Apply that has changed nothing because the world differs from the plan.
func Stale(id string, pairs ...any) *runbook.Refusal {
	return &runbook.Refusal{Text: runbook.T(id, pairs...), Stale: true}
}

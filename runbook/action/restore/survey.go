package restore

import (
	"context"
	"strings"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/fleet"
)

// survey looks for anything that can be restored, before anything is changed: a recovery that has no data to end with
// must say so first, and not by an empty database in the end.
type survey struct{ r *restore }

var _ runbook.Action = (*survey)(nil)

// Plan searches all hosts. It is satisfied by a complete dump; otherwise it is blocked and cannot be approved.
func (s *survey) Plan(ctx context.Context) (runbook.Plan, error) {
	var p runbook.Plan
	r := s.r
	d, err := r.database()
	if err != nil {
		return action.Cannot(p, err)
	}
	hosts, err := r.env.Hosts(r.spec.From...)
	if err != nil {
		return action.Cannot(p, err)
	}
	p.Summary = runbook.T("restore.survey", "database", d.Schema, "hosts", len(hosts))
	f, err := r.best(ctx, hosts, d.Schema, fleet.Host{})
	if ctx.Err() != nil {
		return p, ctx.Err()
	}
	ranked := rank(f.all, fleet.Host{})
	p.Tables = []runbook.Table{candidates(f.all, ranked, f.chosen)}
	r.unsearched(&p, f.all)
	named := r.env.Run.Params["dump"] != ""
	switch {
	case err != nil:
		p.Facts = append(p.Facts, r.refusals(f.all)...)
		return action.Cannot(p, err)
	case f.chosen == nil || !f.chosen.ends.Complete && !named:
		s.lost(&p, d, f.all, ranked)
	default:
		c := f.chosen
		at := ""
		loss, known := r.loss(c.start)
		if c.dated {
			at = c.start.UTC().Format(time.RFC3339)
		}
		p.Verdict = runbook.Satisfied
		p.Why = runbook.T("restore.survey_found", "file", c.name, "host", c.host.Name, "size", c.size, "at", at, "future", !known, "seconds", loss, "named", named)
		p.Values = map[string]string{"dump": c.name, "dump_host": c.host.Name}
	}
	return p, nil
}

// lost says that the data is lost, as far as can be seen, and what could still be tried.
func (s *survey) lost(p *runbook.Plan, d fleet.Database, all, ranked []candidate) {
	r := s.r
	var silent []string
	var facts []runbook.Msg
	for _, c := range all {
		if c.name == "" {
			silent = append(silent, c.host.Name)
			facts = append(facts, runbook.T("restore.host_left_out", "host", c.host.Name, "why", c.refused))
		}
	}
	files := 0
	for _, c := range all {
		if c.name != "" && !c.usable() && files < shownCandidates {
			files++
			facts = append(facts, runbook.T("restore.file_left_out", "host", c.host.Name, "file", printable(c.name), "why", c.refused))
		}
	}
	for _, c := range ranked { // without its trailer: only a person can know what it is worth
		facts = append(facts, runbook.T("restore.lost_unproven", "file", printable(c.name), "host", c.host.Name, "scenario", r.env.Run.Scenario.Name))
	}
	if len(silent) > 0 {
		facts = append(facts, runbook.T("restore.try_disks", "hosts", strings.Join(silent, ", ")))
	}
	facts = append(facts, runbook.T("restore.try_again", "database", d.Schema))
	if b, ok := r.boxed(d.Name); ok {
		facts = append(facts, b.holds())
	} else {
		facts = append(facts, runbook.T("restore.box_empty", "database", d.Schema))
	}
	p.Facts, p.Warnings, p.Danger = facts, nil, false
	p.Verdict, p.Hint = runbook.Blocked, runbook.Abort
	p.Why = runbook.T("restore.lost", "database", d.Schema, "hosts", len(silent), "silent", strings.Join(silent, ", "))
}

// Apply is never called: a survey is satisfied or blocked.
func (s *survey) Apply(context.Context, runbook.Plan, runbook.Job, runbook.Output) (runbook.Result, error) {
	return runbook.Result{}, &runbook.Refusal{Text: runbook.T("restore.survey_only")}
}

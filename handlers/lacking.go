package handlers

import (
	"slices"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/engine"
	"recoverbot/runbook/fleet"
)

// countOf is where a step stands with its approvals. While it waits only those of people count who still may; cfg nil: nobody
// is asked who may.
func countOf(cfg *fleet.Config, r runbook.Run, s runbook.StepRun) engine.Tally {
	if cfg == nil || s.State != runbook.Waiting {
		return engine.Count(r, s, nil)
	}
	may := approvers(cfg, s)
	return engine.Count(r, s, func(a runbook.Actor) bool { return slices.Contains(may, a.Name) })
}

// lacking are the people whose approval a waiting step still lacks: one of them more, and less is missing.
func lacking(cfg *fleet.Config, r runbook.Run, s runbook.StepRun) []string {
	if cfg == nil || s.State != runbook.Waiting {
		return nil
	}
	t := countOf(cfg, r, s)
	var out []string
	for _, name := range approvers(cfg, s) {
		with := s
		with.Approvals = append(slices.Clone(t.By), runbook.Approval{By: runbook.Actor{Name: name}})
		if !t.Has(name) && countOf(cfg, r, with).Short() < t.Short() {
			out = append(out, name)
		}
	}
	return out
}

// several reports whether one person's approval cannot be enough for a waiting step, whoever gives it first.
func several(r runbook.Run, s runbook.StepRun) bool {
	fresh := s
	fresh.Approvals = nil
	t := engine.Count(r, fresh, nil)
	return s.State == runbook.Waiting && (t.Need > 1 || t.Other)
}

// lackingOf are those whom any of the steps still lacks, but for one person.
func lackingOf(cfg *fleet.Config, r runbook.Run, steps []*runbook.StepRun, but string) []string {
	var out []string
	for _, s := range steps {
		if s != nil {
			out = union(out, lacking(cfg, r, *s))
		}
	}
	return slices.DeleteFunc(out, func(name string) bool { return name == but })
}

// goingBy names who started or resumed a run.
func goingBy(r runbook.Run) string {
	names := []string{r.StartedBy.Name}
	for _, a := range r.Resumed {
		names = union(names, []string{a.By.Name})
	}
	return strings.Join(names, ", ")
}

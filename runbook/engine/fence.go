package engine

import (
	"slices"

	"recoverbot/runbook"
)

// unfenced reports whether a step that fences is done without having acted: its machine was silent then, and may come
// back.
func unfenced(s runbook.StepRun) bool {
	return s.Def.Fence && s.State == runbook.Done && s.Attempt > 0 && s.Result != nil && s.Result.Outcome == runbook.OutcomeUnchanged
}

// FenceStep finds the step of a run that keeps a host from writing and that can be reopened now: it had nothing to do
// while the host was silent, or was skipped or deferred.
func FenceStep(run runbook.Run, host string) (id string, ok bool) {
	for _, s := range run.Steps {
		if s.Def.Fence && s.Host == host && slices.Contains(Choices(run, s), runbook.Reopen) {
			return s.ID, true
		}
	}
	return "", false
}

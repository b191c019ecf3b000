package engine

import "recoverbot/runbook"

// OpenItems lists what a run leaves to people: deferred steps, skipped ones that needed a reason, and what results say.
// Items that name a step which is done by now are settled.
func OpenItems(run runbook.Run) []runbook.OpenItem {
	var out []runbook.OpenItem
	for _, s := range run.Steps {
		if s.State == runbook.Deferred {
			out = append(out, runbook.OpenItem{Text: runbook.T("engine.open_deferred", "title", s.Def.Title, "member", s.Member), Step: s.ID})
		}
		if s.State == runbook.Skipped && s.Def.SkipReason && s.Note.ID != notNeededAnyMore {
			reason := ""
			if s.DecidedBy != nil {
				reason = s.DecidedBy.Reason
			}
			out = append(out, runbook.OpenItem{
				Text: runbook.T("engine.open_skipped", "title", s.Def.Title, "member", s.Member, "reason", reason), Step: s.ID,
			})
		}
		if s.State == runbook.Unknown {
			out = append(out, runbook.OpenItem{Text: runbook.T("engine.open_unknown", "title", s.Def.Title, "member", s.Member), Step: s.ID})
		}
		if s.Result == nil || s.State == runbook.Skipped && s.Result.Outcome != runbook.OutcomeDone {
			continue // what a skipped step did before its checks failed is there all the same
		}
		for _, item := range s.Result.Open {
			if item.Step != "" && item.Step != s.ID {
				if o := run.Step(item.Step); o != nil && o.State == runbook.Done {
					continue
				}
			}
			out = append(out, item)
		}
	}
	return out
}

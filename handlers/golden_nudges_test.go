package handlers

import (
	"time"

	"recoverbot/bot"
	"recoverbot/runbook"
)

// nudgeViews are what buzzes phones.
func nudgeViews() map[string]func(v viewer) bot.Message {
	out := map[string]func(v viewer) bot.Message{}
	add := func(name string, level int, f func(s *runbook.StepRun)) {
		r, s := domainsWait()
		f(s)
		out[name] = func(v viewer) bot.Message {
			return v.nudge(r, v.questions(r, time.Time{}, func(runbook.Run, runbook.StepRun) bool { return false })[0], level)
		}
		if s.State != runbook.Waiting && s.DecidedBy == nil || level > 0 {
			return
		}
		out[name+"-over"] = func(v viewer) bot.Message {
			return v.answered(r, out[name](viewer{say: v.say, now: at("03:14:00")}), nil)
		}
	}
	add("nudge-waiting", 0, func(*runbook.StepRun) {})
	add("nudge-again", 2, func(s *runbook.StepRun) { s.ChangedAt = at("03:05:42") })
	add("nudge-held", 0, func(s *runbook.StepRun) {
		s.State, s.Hold = runbook.Held, &runbook.HoldInfo{Deadline: at("03:17:20")}
		s.DecidedBy = by("ops1", "telegram", "03:15:40", runbook.Rollback)
	})
	add("nudge-durable", 0, func(s *runbook.StepRun) { s.State, s.Hold = runbook.Held, &runbook.HoldInfo{Durable: true} })
	add("nudge-unknown", 0, func(s *runbook.StepRun) { s.State = runbook.Unknown })
	return out
}

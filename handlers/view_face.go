package handlers

import (
	"slices"
	"strconv"
	"strings"

	"recoverbot/locale"
	"recoverbot/runbook"
)

// face is how a card looks in a run: the platforms' word for it, at most one emoji, and the key of its state in words.
// A question that nobody can answer any more is no question, and what did not apply is not done.
func (c card) face(r runbook.Run) (word, emoji, state string) {
	s := c.state()
	word, emoji, state = stepFace(s)
	switch {
	case s == runbook.Done && c.notNeeded():
		return "info", "–", "state.not_needed"
	case r.DryRun && s == runbook.Waiting:
		return "info", "🟡", "state.would_ask"
	case r.State == runbook.Parked && s == runbook.Waiting:
		return "parked", "⏭", "state.parked"
	case r.State != runbook.Open && r.State != runbook.Parked && (s == runbook.Pending || s == runbook.Planning || s == runbook.Waiting):
		return "info", "–", "state.not_done"
	}
	return word, emoji, state
}

// notNeeded is the engine's reason for a step whose conditions do not hold.
const notNeeded = "engine.not_needed"

// notNeeded reports whether every member of the card was found not to apply.
func (c card) notNeeded() bool {
	for _, m := range c.members {
		if m.Plan == nil || m.Plan.Why.ID != notNeeded && !m.Plan.Absent {
			return false
		}
	}
	return true
}

// mixed reports whether the members of a group ended in different ways: no one state is that of all.
func (c card) mixed() bool {
	return c.settled() && !c.notNeeded() && slices.ContainsFunc(c.members, func(m *runbook.StepRun) bool { return m.State != c.members[0].State })
}

// stateText is the state of a card in words: of a group whose members ended in different ways, how many did in each.
func (v viewer) stateText(c card, state string) string {
	if !c.mixed() {
		return v.say.T(state)
	}
	counts := map[runbook.State]int{}
	for _, m := range c.members {
		counts[m.State]++
	}
	var out []string
	for _, s := range slices.Backward(stateOrder) {
		if n := counts[s]; n > 0 {
			out = append(out, v.say.T("view.some", "n", n, "state", v.say.T("state."+string(s))))
		}
	}
	return strings.Join(out, ", ")
}

// decided is who answered the card, one line each; in a group that was not answered as one with the member's name.
func (v viewer) decided(c card) string {
	var out []string
	whole := true
	for _, s := range c.members {
		who := ""
		if d := s.DecidedBy; d != nil {
			who = v.say.T("view.decided", "choice", v.say.T(chosen(d)), "name", d.By.Name, "platform", d.By.Platform, "at", d.At)
			if d.Reason != "" {
				who += " · " + v.say.T("view.reason", "reason", d.Reason)
			}
		}
		out = append(out, who)
		whole = whole && who == out[0]
	}
	if whole {
		return out[0]
	}
	var lines []string
	for i, who := range out {
		if who == "" || slices.Contains(out[:i], who) {
			continue
		}
		var names []string
		for j := range out {
			if out[j] == who {
				names = append(names, c.members[j].Member)
			}
		}
		lines = append(lines, strings.Join(names, ", ")+": "+who)
	}
	return strings.Join(lines, "\n")
}

// chosen is the key of what somebody did.
func chosen(a *runbook.Approval) string {
	if a != nil && a.Alone {
		return "choice.alone"
	}
	if a == nil {
		return "choice." + string(runbook.Approve)
	}
	return "choice." + string(a.Choice)
}

func stepFace(s runbook.State) (word, emoji, state string) {
	state = "state." + string(s)
	switch s {
	case runbook.Waiting:
		return "waiting", "🟡", state
	case runbook.Held:
		return "held", "🔒", state
	case runbook.Failed, runbook.RolledBack, runbook.Unverified:
		return "failed", "❌", state
	case runbook.Unknown:
		return "unknown", "❓", state
	case runbook.Done:
		return "done", "✅", state
	case runbook.Skipped, runbook.Deferred:
		return "skipped", "⏭", state
	case runbook.Pending:
		return "info", "", state
	}
	return "running", "🔵", state
}

// numbered puts the number and title of steps where a message names their ids, since only numbers are on cards.
func numbered(say *locale.Printer, r runbook.Run, m runbook.Msg) runbook.Msg {
	var args map[string]any
	for _, key := range []string{"step", "needs"} {
		ids, ok := m.Args[key].(string)
		if !ok {
			continue
		}
		if args == nil {
			args = make(map[string]any, len(m.Args))
			for k, v := range m.Args {
				args[k] = v
			}
		}
		args[key] = stepNames(say, r, ids)
	}
	if args != nil {
		m.Args = args
	}
	return m
}

func stepNames(say *locale.Printer, r runbook.Run, ids string) string {
	var out []string
	for _, id := range strings.Split(ids, ", ") {
		name := id
		for _, c := range cards(r) {
			for _, s := range c.members {
				if s.ID == id || c.id == id {
					name = strconv.Itoa(c.number) + " (" + say.Text(c.def.Title) + ")"
				}
			}
		}
		out = append(out, name)
	}
	return strings.Join(out, ", ")
}

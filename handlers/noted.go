package handlers

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"recoverbot/bot"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// noted says what became of an answer that the engine took, also where the journal cannot be read any more. before is the
// run as it was when the answer came: the same answer again is success as well, but it did nothing, and whose it was is
// told: also to who gave both, where the second was typed.
func (h *Handlers) noted(ctx context.Context, c caller, before runbook.Run, d runbook.Decision) bot.Reply {
	plain := bot.Reply{Text: c.say.T("cmd.noted", "choice", c.say.T("choice."+string(d.Choice))), RunID: d.RunID, Noted: true}
	r, err := h.Journal.Run(ctx, d.RunID)
	if err != nil {
		return plain
	}
	if d.Choice == runbook.Abort || d.Step == "" && d.Group == "" {
		return notedRun(c, before, r, d)
	}
	var given []runbook.Recorded
	for _, s := range about(r, d) {
		of, err := h.Journal.Decisions(ctx, r.ID, s.ID)
		if err != nil {
			return plain
		}
		given = append(given, of...)
	}
	choice := c.say.T("choice." + string(d.Choice))
	if d.Alone {
		choice = c.say.T(chosen(about(r, d)[0].DecidedBy))
	}
	if d.Choice == runbook.Retry && isPlanned(before, d) {
		choice = c.say.T("choice.look")
	}
	first, mine := firstLike(given, d, c.person.Name)
	now := card{members: about(r, d)}.state()
	told := string(now)
	if d.Choice == runbook.Skip || d.Choice == runbook.Defer {
		told = "" // it is what the answer says
	}
	switch {
	case first != nil && (!mine || !asked(before, d)):
		text := c.say.T("cmd.noted_before", "choice", choice, "name", first.Decision.By.Name, "platform", first.Decision.By.Platform,
			"at", recordedAt(*first), "now", told, "state", runbook.T("engine.state_"+string(now)))
		return bot.Reply{Text: text, RunID: r.ID, Noted: mine && c.pressed}
	case d.Choice == runbook.Approve && now == runbook.Waiting:
		cfg := h.Fleet.Now()
		for _, s := range subjects(r, d) {
			if t := countOf(cfg, r, *s); s.State == runbook.Waiting && len(t.By) > 0 {
				return bot.Reply{Text: c.say.T("cmd.noted_more", "have", len(t.By), "need", len(t.By)+t.Short(),
					"who", strings.Join(lacking(cfg, r, *s), ", ")), RunID: r.ID}
			}
		}
	}
	if left := c.leftEmpty(before.Step(d.Step), d); len(left) > 0 {
		return bot.Reply{Text: c.say.T("cmd.noted_defaults", "fields", strings.Join(left, ", ")), RunID: r.ID}
	}
	begun := []runbook.State{runbook.Executing, runbook.Verifying, runbook.Done} // a short step may have ended by now
	plain.Text = c.say.T("cmd.noted", "choice", choice, "begins", d.Choice == runbook.Approve && slices.Contains(begun, now),
		"n", numberOf(r, about(r, d)[0]), "all", len(cards(r)))
	return plain
}

// leftEmpty are the fields of a form that a person emptied, and what is taken in their place.
func (c caller) leftEmpty(s *runbook.StepRun, d runbook.Decision) []string {
	if d.Choice != runbook.Input || s == nil || s.Plan == nil {
		return nil
	}
	var out []string
	for _, p := range s.Plan.Form {
		if v, given := d.Fields[p.Name]; given && strings.TrimSpace(v) == "" && p.Default != "" {
			out = append(out, cmp.Or(c.say.Text(p.Title), p.Name)+" = "+shorten(p.Default, 40))
		}
	}
	return out
}

// notedRun is noted for what ends, parks or resumes the run.
func notedRun(c caller, before, r runbook.Run, d runbook.Decision) bot.Reply {
	if d.Choice == runbook.Abort && (before.State == runbook.Aborted || before.Aborting != nil) {
		by, at := r.EndedBy, r.EndedAt
		if a := r.Aborting; a != nil {
			by, at = a.By, a.At
		}
		return bot.Reply{Text: c.say.T("cmd.noted_before", "choice", c.say.T("choice.abort"), "name", by.Name, "platform", by.Platform,
			"at", at, "now", "", "state", ""), RunID: r.ID, Noted: by.Name == c.person.Name && c.pressed}
	}
	return bot.Reply{Text: c.say.T("cmd.run_noted_"+string(d.Choice), "run", r.ID), RunID: r.ID, Noted: true}
}

// firstLike is who gave the answer d first, and whether the person did as well.
func firstLike(given []runbook.Recorded, d runbook.Decision, person string) (first *runbook.Recorded, mine bool) {
	for i, g := range given {
		x := g.Decision
		same := x.Group == d.Group && (d.Group != "" || x.Attempt == d.Attempt)
		if !same || x.Choice != d.Choice || x.Digest != d.Digest {
			continue
		}
		if first == nil {
			first = &given[i]
		}
		mine = mine || x.By.Name == person
	}
	return first, mine
}

// about are the steps that d is about: all members of a group.
func about(r runbook.Run, d runbook.Decision) []*runbook.StepRun {
	if d.Group != "" {
		return r.Members(d.Group)
	}
	if s := r.Step(d.Step); s != nil {
		return []*runbook.StepRun{s}
	}
	return nil
}

// asked reports whether the answer d was one to what r asked.
func asked(r runbook.Run, d runbook.Decision) bool {
	if d.Step == "" && (d.Group == "" || d.Choice == runbook.Abort) {
		return slices.Contains(engine.RunChoices(r), d.Choice)
	}
	if d.Group != "" {
		return runbook.GroupDigest(r.Members(d.Group)) == d.Digest && slices.Contains(engine.GroupChoices(r, d.Group), d.Choice)
	}
	s := r.Step(d.Step)
	return s != nil && s.Attempt == d.Attempt && s.Digest == d.Digest && slices.Contains(engine.Choices(r, *s), d.Choice)
}

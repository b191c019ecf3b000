package handlers

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"recoverbot/bot"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
	"recoverbot/runbook/fleet"
)

// decide authorises an answer at this moment and hands it to the engine. One from an old card only finds out what became
// of the question.
func (h *Handlers) decide(ctx context.Context, c caller, d runbook.Decision) (bot.Reply, error) {
	r, err := h.Journal.Run(ctx, d.RunID)
	if err != nil {
		return bot.Reply{}, err
	}
	cfg, about := h.Fleet.Now(), subjects(r, d)
	for _, s := range about {
		if err := mayDecide(cfg, c.person, s, d.Choice); err != nil {
			return bot.Reply{RunID: r.ID}, naming(err, cfg, r, about, d, c.person.Name)
		}
	}
	if c.old && asked(r, d) { // it was asked anew this very moment
		return bot.Reply{RunID: r.ID}, runbook.Errorf(runbook.Conflicting, "engine.stale")
	}
	d.By = c.actor()
	if d.Alone {
		d.Missing = lackingOf(cfg, r, about, c.person.Name)
	}
	if _, err := h.Engine.Decide(ctx, d); err != nil {
		var refused *runbook.Error
		if errors.As(err, &refused) {
			named := *refused
			named.Msg = withArg(numbered(c.say, r, refused.Msg), "who", strings.Join(others(cfg, r, about, c.person.Name), ", "))
			err = &named
		}
		return bot.Reply{RunID: r.ID}, err
	}
	return h.noted(ctx, c, r, d), nil
}

// naming lets a refusal to approve name only those whose approval would do.
func naming(err error, cfg *fleet.Config, r runbook.Run, about []*runbook.StepRun, d runbook.Decision, but string) error {
	var refused *runbook.Error
	if d.Choice != runbook.Approve || about[0] == nil || !errors.As(err, &refused) {
		return err
	}
	named := *refused
	named.Msg = withArg(refused.Msg, "who", cmp.Or(strings.Join(others(cfg, r, about, but), ", "), "–"))
	return &named
}

// others are those who may go on where one person may not.
func others(cfg *fleet.Config, r runbook.Run, about []*runbook.StepRun, but string) []string {
	if out := lackingOf(cfg, r, about, but); len(out) > 0 || about[0] == nil || about[0].State == runbook.Waiting {
		return out
	}
	return slices.DeleteFunc(approvers(cfg, *about[0]), func(name string) bool { return name == but })
}

// withArg is m with one more argument.
func withArg(m runbook.Msg, name string, value any) runbook.Msg {
	m.Args = maps.Clone(m.Args)
	if m.Args == nil {
		m.Args = map[string]any{}
	}
	m.Args[name] = value
	return m
}

// subjects are the steps that a decision is about, of a group those that wait; one nil for the run itself.
func subjects(r runbook.Run, d runbook.Decision) []*runbook.StepRun {
	switch {
	case d.Group != "":
		if m := r.Members(d.Group); len(m) > 0 {
			waits := slices.DeleteFunc(slices.Clone(m), func(s *runbook.StepRun) bool { return s.State != runbook.Waiting })
			if len(waits) > 0 {
				return waits
			}
			return m
		}
	case d.Step != "":
		if s := r.Step(d.Step); s != nil {
			return []*runbook.StepRun{s}
		}
	}
	return []*runbook.StepRun{nil}
}

// typed is the text form of a button: its words and a code, then a reason, or NAME=VALUE pairs for input. Without a code,
// or with one that is not on a card now, the current card is shown and nothing is done. ids are the labels that the words
// stand for, args what follows them.
func (h *Handlers) typed(ctx context.Context, c caller, ids, words, args []string) (bot.Reply, error) {
	choice, given := buttonLabels[ids[0]], len(args)
	r, ok, err := h.openRun(ctx)
	if err != nil {
		return bot.Reply{}, err
	}
	if !ok {
		return bot.Reply{}, h.over(ctx)
	}
	if r.State == runbook.Parked && choice != runbook.Reopen && choice != runbook.Abort {
		return bot.Reply{RunID: r.ID}, runbook.Errorf(runbook.Invalid, "cmd.is_parked", "run", r.ID)
	}
	if len(args) == 0 {
		return h.current(ctx, c, r, "cmd.code_missing")
	}
	code := strings.ToLower(args[0])
	d, found := byCode(r, choice, code)
	if found && len(ids) > 1 {
		choice = meant(r, d, ids)
		d, found = byCode(r, choice, code)
	}
	if found && choice == runbook.Look && isPlanned(r, d) {
		choice, d.Choice = runbook.Retry, runbook.Retry // its button says so
	}
	switch {
	case found:
	case isCode(code):
		return h.current(ctx, c, r, "cmd.code_old")
	default:
		word, best := h.near(words)
		reply, err := h.current(ctx, c, r, "cmd.current")
		if err != nil {
			return bot.Reply{}, err
		}
		return reply, runbook.Errorf(runbook.Invalid, "cmd.wrong_word", "word", shorten(word, 40), "best", best)
	}
	if choice == runbook.Input {
		fields, err := pairs(args[1:])
		if err != nil {
			return bot.Reply{}, err
		}
		d.Fields = fields
	} else {
		d.Alone = ids[0] == aloneLabel
		if rest := args[1:]; choice == runbook.Approve && len(rest) > 0 && h.meansAlone(rest[0]) {
			d.Alone, args = true, append(args[:1:1], rest[1:]...)
		}
		d.Reason = strings.Join(args[1:], " ")
	}
	reply, err := h.decide(ctx, c, d)
	said := strings.Join(words[:len(words)-given], " ")
	if d.Alone {
		said, code = string(runbook.Approve), code+" "+aloneWord
	}
	return reply, inWords(err, said, r, d, code)
}

// over says that no recovery takes answers, and how the last one ended.
func (h *Handlers) over(ctx context.Context) error {
	r, ok, err := h.lastRun(ctx)
	switch {
	case err != nil:
		return err
	case !ok:
		return runbook.Errorf(runbook.NotFound, "cmd.no_run")
	}
	return runbook.Errorf(runbook.NotFound, "cmd.run_over", "run", r.ID, "title", r.Title, "state", runbook.T("run_state."+string(r.State)), "at", r.EndedAt)
}

// lastRun is the newest run that was no dry one.
func (h *Handlers) lastRun(ctx context.Context) (runbook.RunSummary, bool, error) {
	runs, err := h.Journal.Runs(ctx, shownRuns)
	if err != nil {
		return runbook.RunSummary{}, false, err
	}
	i := slices.IndexFunc(runs, func(r runbook.RunSummary) bool { return !r.DryRun })
	if i < 0 {
		return runbook.RunSummary{}, false, nil
	}
	return runs[i], true, nil
}

// isPlanned reports whether what d is about waits with a plan, so that looking again is planning again.
func isPlanned(r runbook.Run, d runbook.Decision) bool {
	return slices.ContainsFunc(about(r, d), func(s *runbook.StepRun) bool { return s.State == runbook.Waiting })
}

// inWords adds to a refusal what to type instead.
func inWords(err error, typed string, r runbook.Run, d runbook.Decision, code string) error {
	var e *runbook.Error
	if !errors.As(err, &e) {
		return err
	}
	how := ""
	switch e.Msg.ID {
	case "engine.reason_needed":
		how = typed + " " + code
	case "engine.not_now", "engine.state_moved":
		how = answersTo(r, d, code)
	default:
		return err
	}
	out := *e
	out.Msg = withArg(e.Msg, "how", how)
	return &out
}

// byCode finds what a code on a card stands for. A code that stands for two things stands for neither.
func byCode(r runbook.Run, choice runbook.Choice, code string) (runbook.Decision, bool) {
	var found []runbook.Decision
	if code == r.ID {
		found = append(found, runbook.Decision{RunID: r.ID, Choice: choice})
	}
	for _, c := range cards(r) {
		if c.group {
			if len(groupChoices(r, c)) > 0 && groupCode(r, c) == code {
				found = append(found, runbook.Decision{RunID: r.ID, Group: c.id, Digest: runbook.GroupDigest(c.members), Choice: choice})
				continue
			}
		}
		for _, s := range c.members {
			if len(engine.Choices(r, *s)) > 0 && stepCode(s) == code {
				found = append(found, runbook.Decision{RunID: r.ID, Step: s.ID, Attempt: s.Attempt, Digest: s.Digest, Choice: choice})
			}
		}
	}
	if len(found) != 1 {
		return runbook.Decision{}, false
	}
	if s := r.Step(found[0].Step); choice == runbook.MarkDone && slices.Contains(engine.RunChoices(r), choice) && (s == nil || s.State == runbook.Waiting) {
		return runbook.Decision{RunID: r.ID, Choice: choice}, true // the card of what its guard blocks has that button of the run's
	}
	return found[0], true
}

// current shows the card that waits for an answer now, with a word why.
func (h *Handlers) current(ctx context.Context, c caller, r runbook.Run, why string) (bot.Reply, error) {
	renew := func(ctx context.Context) *bot.Message {
		if now, err := h.Journal.Run(ctx, r.ID); err == nil {
			return h.currentCard(ctx, c, now)
		}
		return h.currentCard(ctx, c, r)
	}
	return bot.Reply{Text: c.say.T(why), RunID: r.ID, Message: h.currentCard(ctx, c, r), Renew: renew}, nil
}

// currentCard is the first card of a run that is not settled.
func (h *Handlers) currentCard(ctx context.Context, c caller, r runbook.Run) *bot.Message {
	v := h.viewer(ctx, c.say, r)
	for _, x := range cards(r) {
		if x.begun() && !x.settled() {
			m := v.stepCard(r, x)
			return &m
		}
	}
	return nil
}

// openRun is the run that a person means who names none: the open one, else a parked one.
func (h *Handlers) openRun(ctx context.Context) (runbook.Run, bool, error) {
	active, err := h.Journal.Active(ctx)
	if err != nil {
		return runbook.Run{}, false, err
	}
	var found runbook.Run
	best := 0
	for _, r := range active {
		rank := 0
		switch {
		case r.DryRun:
		case r.State == runbook.Open && !r.Beside():
			rank = 3
		case r.State == runbook.Open: // a rehearsal is never meant while a recovery goes on
			rank = 2
		default:
			rank = 1
		}
		if rank > best {
			found, best = r, rank
		}
	}
	return found, found.ID != "", nil
}

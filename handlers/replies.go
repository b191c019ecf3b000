package handlers

import (
	"context"
	"slices"
	"strings"
	"time"

	"recoverbot/bot"
	"recoverbot/locale"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// shownRuns is how many runs the history lists.
const shownRuns = 10

// reportWidth is how wide plain text is set, in columns.
const reportWidth = 100

// list is the scenarios with their parameters, and why one cannot be started now.
func (h *Handlers) list(c caller) (bot.Reply, error) {
	cfg := h.Fleet.Config()
	var b strings.Builder
	for _, name := range h.Scenarios.Names() {
		s := h.Scenarios[name]
		b.WriteString(c.say.T("cmd.list_line", "name", name, "title", c.say.Text(s.Title)) + "\n")
		for _, p := range s.Params {
			what := strings.Join(mayBe(cfg, p), "|")
			if what == "" {
				what = p.Type
			}
			b.WriteString("  " + c.say.T("cmd.list_param", "name", p.Name, "value", what, "required", p.Required && p.Default == "",
				"default", p.Default, "title", c.say.Text(p.Title)) + "\n")
		}
		if err := CanStart(cfg, s); err != nil {
			b.WriteString("  " + c.say.T("cmd.list_cannot", "why", h.explain(c.say, err)) + "\n")
		}
	}
	return bot.Reply{Text: strings.TrimSpace(b.String())}, nil
}

// status is the run that is open now, as its cards.
func (h *Handlers) status(ctx context.Context, c caller) (bot.Reply, error) {
	r, ok, err := h.openRun(ctx)
	if err != nil {
		return bot.Reply{}, err
	}
	if !ok {
		return bot.Reply{Text: c.say.T("cmd.quiet")}, nil
	}
	return h.current(ctx, c, r, "cmd.current")
}

func (h *Handlers) history(ctx context.Context, c caller) (bot.Reply, error) {
	runs, err := h.Journal.Runs(ctx, shownRuns)
	if err != nil {
		return bot.Reply{}, err
	}
	if len(runs) == 0 {
		return bot.Reply{Text: c.say.T("cmd.no_history")}, nil
	}
	var b strings.Builder
	for _, r := range runs {
		b.WriteString(HistoryLine(c.say, r) + "\n")
	}
	return bot.Reply{Text: strings.TrimSpace(b.String())}, nil
}

// report is a run in plain text, every step with its result and who decided.
func (h *Handlers) report(ctx context.Context, c caller, args []string) (bot.Reply, error) {
	if len(args) != 1 {
		return bot.Reply{}, runbook.Errorf(runbook.Invalid, "cmd.report_usage")
	}
	r, err := h.Journal.Run(ctx, strings.ToLower(args[0]))
	if err != nil {
		return bot.Reply{}, err
	}
	return bot.Reply{Text: h.viewer(ctx, c.say, r).plain(r), RunID: r.ID}, nil
}

// HistoryLine is a run in one line.
func HistoryLine(say *locale.Printer, r runbook.RunSummary) string {
	return say.T("cmd.history_line", "run", r.ID, "scenario", r.Scenario, "state", say.T("run_state."+string(r.State)), "dry", r.DryRun,
		"at", r.StartedAt, "name", r.StartedBy.Name)
}

// Report is a run as plain text in a language ("" is the company's own).
func (h *Handlers) Report(ctx context.Context, lang string, r runbook.Run) string {
	return h.viewer(ctx, h.printer(lang), r).plain(r)
}

// PlainRun is a run as plain text, without a bot: head is that of the audit chain.
func PlainRun(say *locale.Printer, r runbook.Run, now time.Time, head string) string {
	return viewer{say: say, now: now, head: head}.plain(r)
}

func (v viewer) plain(r runbook.Run) string {
	var b strings.Builder
	for i, m := range v.messages(r) {
		if i > 0 {
			b.WriteString("\n\n")
		}
		m.Buttons = nil
		b.WriteString(bot.Plain(m, reportWidth))
	}
	return b.String()
}

// runVerb is `resume RUN` and `park [RUN]`.
func (h *Handlers) runVerb(ctx context.Context, c caller, verb string, args []string) (bot.Reply, error) {
	choice := runbook.Defer
	if verb == "resume" {
		choice = runbook.Reopen
	}
	id := ""
	switch len(args) {
	case 0:
		active, err := h.Journal.Active(ctx)
		if err != nil {
			return bot.Reply{}, err
		}
		for _, r := range active { // the newest that this can be said to
			if slices.Contains(engine.RunChoices(r), choice) {
				id = r.ID
			}
		}
		if id == "" {
			return bot.Reply{}, runbook.Errorf(runbook.NotFound, "cmd.no_run_to_"+verb)
		}
	default:
		id = strings.ToLower(args[0])
	}
	return h.decide(ctx, c, runbook.Decision{RunID: id, Choice: choice})
}

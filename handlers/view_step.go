package handlers

import (
	"slices"
	"strconv"
	"strings"

	"recoverbot/bot"
	"recoverbot/runbook"
)

// stepCard is the card of a step or group.
func (v viewer) stepCard(r runbook.Run, c card) bot.Message {
	word, emoji, state := c.face(r)
	m := bot.Message{
		Key: "step/" + r.ID + "/" + c.id, RunID: r.ID, State: word, Emoji: emoji,
		Context:  v.context(r, c),
		Title:    v.cardTitle(r, c),
		Priority: bot.Outcome,
		At:       c.members[0].ChangedAt,
	}
	if where := v.where(c, state); where != "" {
		m.Lines = append(m.Lines, where)
	}
	if !c.settled() { // a card that is done with is not shown anew when service is back
		m.Since = downSince(r)
	}
	switch {
	case c.state().Asks() && live(r):
		m.Priority = bot.Prompt
	case word == "running":
		m.Priority = bot.Ticker
	}
	if c.state() == runbook.Held {
		m.Title = v.heldTitle(r, c)
	}
	for _, s := range c.members {
		v.member(&m, r, c, s)
	}
	v.approvals(&m, r, c)
	m.Footer = v.decided(c)
	if v.cfg != nil && v.cfg.Wrong() != nil && live(r) && c.state().Asks() {
		m.Warn = append(m.Warn, v.say.T("view.fleet_wrong"))
	}
	if c.def.PointOfNoReturn && c.state() == runbook.Waiting {
		m.Warn = append(m.Warn, v.say.T("view.no_return", "hosts", strings.Join(fenced(r), ", ")))
	}
	m.Lines = slices.Compact(m.Lines) // a note and a result may say the same
	if live(r) {
		v.answers(&m, r, c)
	}
	m.Listed = c.state() == runbook.Done && c.notNeeded() && len(m.Buttons) == 0
	return m
}

func (v viewer) cardTitle(r runbook.Run, c card) string {
	return v.say.T("view.step_title", "n", c.number, "all", len(cards(r)), "title", v.say.Text(c.def.Title))
}

// where says on which machine, and which line of the operators' document this is.
func (v viewer) where(c card, state string) string {
	var parts []string
	if h := c.members[0].Host; h != "" && (!c.group || c.def.Host != "") {
		parts = append(parts, v.say.T("view.on_host", "host", h))
	}
	if c.def.DocLine != "" {
		parts = append(parts, v.say.T("view.doc_line", "line", c.def.DocLine))
	}
	if c.state() != runbook.Held { // the title says so
		parts = append(parts, v.stateText(c, state))
	}
	return strings.Join(parts, " · ")
}

// member adds what one step says to its card; in a group each line and block is marked with the member's name.
func (v viewer) member(m *bot.Message, r runbook.Run, c card, s *runbook.StepRun) {
	mark := func(text string) string { return text }
	if c.group {
		name := s.Member
		mark = func(text string) string { return name + ": " + text }
		if c.mixed() || s.State != c.state() {
			m.Lines = append(m.Lines, mark(v.say.T("state."+string(s.State))))
		}
	}
	line := func(msg runbook.Msg) {
		if text := v.say.Say(numbered(v.say, r, msg)); text != "" && msg.ID != notNeeded { // the state says so already
			m.Lines = append(m.Lines, mark(text))
		}
	}
	if s.Note.ID != "engine.marked_done" || s.DecidedBy == nil { // the footer says so, and why
		line(s.Note)
	}
	switch s.State {
	case runbook.Waiting, runbook.Planning, runbook.Deferred, runbook.Pending:
		v.plan(m, s, line, mark)
	case runbook.Executing, runbook.Committing, runbook.Verifying:
		if s.Plan != nil {
			line(s.Plan.Summary)
		}
		v.progress(m, s)
	case runbook.Held:
		v.hold(m, c, s, mark)
	default:
		v.outcome(m, s, line, mark)
	}
}

func (v viewer) plan(m *bot.Message, s *runbook.StepRun, line func(runbook.Msg), mark func(string) string) {
	p := s.Plan
	if p == nil {
		return
	}
	line(p.Summary)
	if p.Verdict != runbook.Ready {
		line(p.Why)
	}
	for _, f := range p.Facts {
		line(f)
	}
	for _, w := range p.Warnings {
		m.Warn = append(m.Warn, mark(v.say.Say(w)))
	}
	label := ""
	if s.Group != "" {
		label = s.Member
	}
	m.Blocks = append(m.Blocks, exactBlocks(p.Effect.Exact, label)...)
	m.Blocks = append(m.Blocks, v.tableBlocks(p.Tables, label)...)
	for _, f := range p.Form {
		m.Form = append(m.Form, v.field(f, s.Inputs))
	}
}

func (v viewer) field(p runbook.Param, inputs map[string]string) bot.Field {
	f := bot.Field{Name: p.Name, Label: v.say.Text(p.Title), Type: p.Type, Required: p.Required, Enum: p.Enum, Pattern: p.Pattern, Hint: v.say.Text(p.Hint), Value: p.Default}
	if f.Label == "" {
		f.Label = p.Name
	}
	if x, ok := inputs[p.Name]; ok {
		f.Value = x
	}
	return f
}

func (v viewer) progress(m *bot.Message, s *runbook.StepRun) {
	p := s.Progress
	if p == nil {
		return
	}
	text := v.say.Say(p.Text)
	if s.Group != "" {
		text = s.Member + ": " + text
	}
	if !p.Warn.IsZero() {
		m.Warn = append(m.Warn, v.say.Say(p.Warn))
	}
	if m.Progress == nil {
		m.Progress = &bot.Progress{Done: p.Done, Total: p.Total, Text: text}
		return
	}
	m.Lines = append(m.Lines, text)
}

func (v viewer) hold(m *bot.Message, c card, s *runbook.StepRun, mark func(string) string) {
	h := s.Hold
	if h == nil {
		return
	}
	if h.Durable {
		m.Lines = append(m.Lines, mark(v.say.T("view.held_durable")))
	} else {
		m.Lines = append(m.Lines, mark(v.say.T("view.held")))
		m.Until = h.Deadline
		m.UntilText = v.say.T("view.held_until", "at", h.Deadline)
	}
	if !h.Warning.IsZero() {
		m.Warn = append(m.Warn, mark(v.say.Say(h.Warning)))
	}
	for _, n := range h.Notes {
		m.Warn = append(m.Warn, mark(v.say.Say(n)))
	}
	label := ""
	if c.group {
		label = s.Member
	}
	m.Blocks = append(m.Blocks, v.tableBlocks(v.heldTables(h.Before, h.After), label)...)
}

func (v viewer) outcome(m *bot.Message, s *runbook.StepRun, line func(runbook.Msg), mark func(string) string) {
	if s.State == runbook.Unknown {
		if e := s.Evidence; e != nil {
			text := strings.TrimRight(v.say.Say(e.Text), ".。") // a sentence of its own, or part of one
			m.Lines = append(m.Lines, mark(v.say.T("view.evidence_"+e.Took, "text", text)))
		}
		m.Lines = append(m.Lines, mark(v.say.T("view.unknown")))
	}
	if r := s.Result; r != nil {
		line(r.Text)
		m.Blocks = append(m.Blocks, v.tableBlocks(r.Tables, "")...)
		if r.Output != "" {
			if m.Output != "" {
				m.Output += "\n"
			}
			m.Output += mark(r.Output)
		}
	} else if s.Plan != nil && (s.State == runbook.Done || s.Plan.Verdict != runbook.Ready) {
		line(s.Plan.Why)
	}
	for _, f := range s.Findings {
		if !f.OK {
			line(f.Text)
		}
	}
	if s.State == runbook.Failed || s.State == runbook.RolledBack {
		if s.Plan != nil {
			m.Blocks = append(m.Blocks, v.tableBlocks(s.Plan.Tables, "")...)
		}
	}
}

func exactBlocks(parts []runbook.Part, member string) []bot.Block {
	var out []bot.Block
	for _, p := range parts {
		label := p.Label
		if member != "" {
			label = strings.TrimSpace(member + " " + label)
		}
		out = append(out, bot.Block{Kind: p.Format, Label: label, Text: p.Text, Fold: strings.Count(p.Text, "\n") > 24})
	}
	return out
}

func (v viewer) tableBlocks(tables []runbook.Table, member string) []bot.Block {
	var out []bot.Block
	for _, t := range tables {
		if len(t.Columns) == 0 {
			continue
		}
		t = v.inWords(t)
		label := t.Name
		if member != "" {
			label = strings.TrimSpace(member + " " + label)
		}
		out = append(out, bot.Block{
			Kind: "table", Label: label, Columns: t.Columns, Rows: t.Rows, Marks: t.Marks,
			More: max(0, t.Count-len(t.Rows)), Fold: len(t.Rows) > 12,
		})
	}
	return out
}

// lossSeconds is how much time's worth of data the dump lacks that was restored (lost), or would be, where users go on
// with it: on the way to the point of no return. A later restore only fills a machine that stands by.
func lossSeconds(r runbook.Run) (seconds float64, lost, ok bool) {
	if !moves(r) {
		return 0, false, false
	}
	for _, s := range r.Steps {
		if s.Def.PointOfNoReturn {
			break
		}
		text := ""
		switch {
		case s.State == runbook.Skipped:
		case s.State == runbook.Done && s.Result != nil:
			text = s.Result.Values["loss_seconds"]
		case s.Plan != nil:
			text = s.Plan.Values["loss_seconds"]
		}
		if n, err := strconv.ParseFloat(text, 64); err == nil {
			return n, s.State == runbook.Done, true
		}
	}
	return 0, false, false
}

package handlers

import (
	"strings"
	"time"

	"recoverbot/bot"
	"recoverbot/locale"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
	"recoverbot/runbook/fleet"
)

// viewer turns journaled state into messages: a pure function of the run, the language and the time.
type viewer struct {
	say   *locale.Printer
	now   time.Time
	drill bool
	head  string            // of the audit chain, for the closing message
	back  []string          // hosts that answer although another machine has their place
	fence map[string]string // host that was left behind → command that stops it
	cfg   *fleet.Config     // who may; nil: nobody is asked
}

// messages are all cards of a run, in order: one about the run, then one a step or group that has begun.
func (v viewer) messages(r runbook.Run) []bot.Message {
	out := []bot.Message{v.runCard(r)}
	for _, c := range cards(r) {
		if c.begun() {
			out = append(out, v.stepCard(r, c))
		}
		out = append(out, v.aloneCards(r, c)...)
	}
	return out
}

// card is what is shown as one message: an ordinary step, or the members of a group.
type card struct {
	id      string
	number  int // from 1
	def     runbook.Step
	group   bool
	members []*runbook.StepRun
}

// cards are the steps of a run as people count them: a group counts once.
func cards(r runbook.Run) []card {
	var out []card
	for i := range r.Steps {
		s := &r.Steps[i]
		if s.Group != "" && len(out) > 0 && out[len(out)-1].group && out[len(out)-1].id == s.Group {
			last := &out[len(out)-1]
			last.members = append(last.members, s)
			continue
		}
		c := card{id: s.ID, number: len(out) + 1, def: s.Def, members: []*runbook.StepRun{s}}
		if s.Group != "" {
			c.id, c.group = s.Group, true
		}
		out = append(out, c)
	}
	return out
}

func (c card) begun() bool {
	for _, m := range c.members {
		if m.State != runbook.Pending {
			return true
		}
	}
	return false
}

// stateOrder says which member's state speaks for a group: what needs a person first.
var stateOrder = []runbook.State{
	runbook.Unknown, runbook.Held, runbook.Failed, runbook.RolledBack, runbook.Unverified, runbook.Waiting,
	runbook.Committing, runbook.Executing, runbook.Verifying, runbook.Planning, runbook.Pending,
	runbook.Deferred, runbook.Skipped, runbook.Done,
}

func (c card) state() runbook.State {
	for _, s := range stateOrder {
		for _, m := range c.members {
			if m.State == s {
				return s
			}
		}
	}
	return runbook.Pending
}

func (c card) settled() bool { return c.state().Settled() }

// runCard is the overview while a run goes on, and the closing message after it.
func (v viewer) runCard(r runbook.Run) bot.Message {
	m := bot.Message{
		Key: "run/" + r.ID, RunID: r.ID, At: r.StartedAt,
		Title:    v.say.T("view.run_title", "title", v.say.Text(r.Scenario.Title), "run", r.ID),
		Context:  v.context(r, card{}),
		Since:    downSince(r),
		State:    "running",
		Emoji:    "🔵",
		Priority: bot.Outcome,
	}
	for _, host := range v.back {
		m.Warn = append(m.Warn, v.say.T("watch.is_back", "host", host))
	}
	by := v.say.T("view.started_by", "name", r.StartedBy.Name, "platform", r.StartedBy.Platform, "at", r.StartedAt)
	switch r.State {
	case runbook.Open:
		if a := r.Aborting; a != nil {
			m.Lines = append(m.Lines, v.say.T("view.aborting", "name", a.By.Name, "platform", a.By.Platform, "at", a.At))
		}
		m.Buttons = v.runButtons(r)
	case runbook.Parked:
		m.State, m.Emoji = "parked", "⏭"
		m.Lines = append(m.Lines, v.summary(r), v.say.T("view.parked", "run", r.ID))
		m.Buttons = v.runButtons(r)
	case runbook.Aborted:
		m.State, m.Emoji = "aborted", "⏭"
		m.Lines = append(m.Lines, v.abortedBy(r), v.summary(r))
	case runbook.RunDone:
		m.State, m.Emoji = "done", "✅"
		m.Lines = append(v.changed(r), v.summary(r))
		if moves(r) { // that service is back comes first
			m.Lines = append(m.Lines[len(m.Lines)-1:], m.Lines[:len(m.Lines)-1]...)
		}
	}
	switch {
	case !r.EndedAt.IsZero():
		m.Ends, m.At = true, r.EndedAt
	case r.State == runbook.Parked:
		m.Ends, m.At = true, lastChange(r)
	}
	if r.State != runbook.Open {
		m.Lines = append(v.verdicts(r), m.Lines...)
		m.Context = strings.Join(v.watermark(r), " · ") // the summary says the rest
		for _, o := range engine.OpenItems(r) {
			m.Lines = append(m.Lines, v.say.T("view.open", "text", v.say.Say(o.Text)))
		}
		for _, host := range v.unstopped(r) {
			m.Lines = append(m.Lines, notStopped(v.say, host))
		}
		m.Lines = append(m.Lines, v.aloneLines(r)...)
		m.Buttons = append(m.Buttons, v.fenceButtons(r)...)
		if v.head != "" {
			m.Footer = v.say.T("view.audit", "head", v.head) + " · "
		}
	}
	m.Blocks = append(m.Blocks, bot.Block{
		Kind: "text", Label: v.say.T("view.steps", "settled", settled(r), "all", len(cards(r))), Text: strings.Join(v.outline(r), "\n"), Fold: true,
	})
	m.Footer += by
	return m
}

func (v viewer) abortedBy(r runbook.Run) string {
	return v.say.T("view.aborted", "name", r.EndedBy.Name, "platform", r.EndedBy.Platform, "at", r.EndedAt)
}

// lastChange is when a step of the run moved last.
func lastChange(r runbook.Run) time.Time {
	last := r.StartedAt
	for _, s := range r.Steps {
		if s.ChangedAt.After(last) {
			last = s.ChangedAt
		}
	}
	return last
}

// summary is the first line of a closing message.
func (v viewer) summary(r runbook.Run) string {
	counts := map[runbook.State]int{}
	for _, c := range cards(r) {
		counts[c.state()]++
	}
	n := len(cards(r))
	line := v.say.T("view.counts", "all", n, "done", counts[runbook.Done], "skipped", counts[runbook.Skipped],
		"deferred", counts[runbook.Deferred])
	if back := backAt(r); !back.IsZero() && !r.DownSince.IsZero() {
		line = sentences(v.say.T("view.back", "seconds", back.Sub(r.DownSince).Seconds()), line)
	}
	if loss, lost, ok := lossSeconds(r); ok && lost {
		line = sentences(line, v.say.T("view.lost", "seconds", loss))
	}
	return line
}

// sentences stand behind each other: with a space, but for Chinese ones.
func sentences(a, b string) string {
	if strings.HasSuffix(a, "。") {
		return a + b
	}
	return a + " " + b
}

// changed is what the machines are now, as the run wrote it down.
func (v viewer) changed(r runbook.Run) []string {
	var out []string
	for _, s := range r.Steps {
		if s.Def.Kind != "roles" || s.State != runbook.Done || s.Plan == nil || s.Result == nil || s.Result.Outcome != runbook.OutcomeDone {
			continue
		}
		for _, f := range s.Plan.Facts {
			out = append(out, v.say.Say(f))
		}
	}
	return out
}

// verdicts are what the steps of a run beside a recovery found: it is for nothing else.
func (v viewer) verdicts(r runbook.Run) []string {
	var out []string
	for _, s := range r.Steps {
		if r.Scenario.Beside && s.Result != nil && !s.Result.Text.IsZero() {
			out = append(out, v.say.Say(s.Result.Text))
		}
	}
	return out
}

// settled counts the cards of a run that need nothing more.
func settled(r runbook.Run) int {
	n := 0
	for _, c := range cards(r) {
		if c.settled() {
			n++
		}
	}
	return n
}

// An outline that is longer stands in part on the card: chats show no more of a text at once.
const (
	outlineLines = 40
	outlineText  = 1800 // characters
)

package handlers

import (
	"slices"
	"strings"

	"recoverbot/bot"
	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// CheckField holds one answer of a form against the rule that the engine will hold it against, for chats that ask for one
// field after the other. It is the answer in its one spelling, or what is wanted instead, in a sentence.
func (h *Handlers) CheckField(lang string, f bot.Field, value string) (spelled, wrong string) {
	both := func(text string) runbook.Text { return runbook.Text{EN: text, ZH: text} }
	p := runbook.Param{Name: f.Name, Title: both(f.Heading()), Type: f.Type, Required: f.Required, Enum: f.Enum, Pattern: f.Pattern, Hint: both(f.Hint)}
	if strings.TrimSpace(value) != "" {
		p.Default = f.Value // an example of what fits; what is empty stays so
	}
	spelled, problem := p.Answer(value)
	if problem.IsZero() && f.Type == "host" && spelled != "" && !known(h.Fleet.Config(), spelled) {
		problem = runbook.T("manual.bad_host", "field", p.Title, "value", shorten(spelled, 40))
	}
	if problem.IsZero() {
		return spelled, ""
	}
	return value, h.printer(lang).Say(problem)
}

// known tells whether a form may name that host, by itself or by its role.
func known(c *fleet.Config, name string) bool {
	return slices.ContainsFunc(c.Hosts, func(h fleet.Host) bool { return h.Name == name || h.HasRole(name) })
}

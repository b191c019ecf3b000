package handlers

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
	"time"

	"recoverbot/bot"
	"recoverbot/handlers/alert"
	"recoverbot/locale"
	"recoverbot/runbook"
)

// How many findings of hosts, and texts of monitoring systems, a card shows.
const (
	shownFindings  = 4
	shownSummaries = 3
)

// callCard is the card of a call. parts are those that it stands for, after those that it lists; title is its scenario's,
// "" where there is no such scenario or it cannot start, for which cannot says why.
type callCard struct {
	*call
	parts, after []*call
	by           *call // where another one stands for it or lists it
	title        string
	cannot       string
	window       time.Duration
	say          *locale.Printer
	drill        bool
}

// alertMessage is the card of a call, by its ID.
func (h *Handlers) alertMessage(id string, say *locale.Printer) (bot.Message, bool) {
	c, ok := h.alerts.get(id)
	if !ok {
		return bot.Message{}, false
	}
	card := callCard{call: c, say: say, drill: h.Fleet.Config().Drill, window: flapWindow(h.Fleet.Config())}
	if s, ok := h.Scenarios[c.Scenario]; ok {
		if err := CanStart(h.Fleet.Config(), s); err != nil {
			card.cannot = h.explain(say, err)
		} else {
			card.title = say.Text(s.Title)
		}
	}
	for _, o := range h.alerts.all() {
		switch {
		case o.ID == c.By:
			card.by = o
		case o.By == c.ID && o.State == replaced:
			card.parts = append(card.parts, o)
		case o.By == c.ID && o.State == merged:
			card.after = append(card.after, o)
		}
	}
	return h.amend(card, card.message()), true
}

func (c callCard) message() bot.Message {
	say := c.say
	m := bot.Message{Key: "alert/" + c.ID, State: "down", Emoji: "🔴", Priority: bot.Outcome, At: c.Since, Title: c.heading(say)}
	if c.drill {
		m.Context = say.T("view.drill")
	}
	switch c.State {
	case resolved:
		m.State, m.Emoji, m.Title = "done", "✅", c.ending()
		if c.Closed != "" {
			m.State, m.Emoji = "info", ""
		}
		return m
	case replaced, merged:
		m.State, m.Emoji = "info", ""
		if c.by != nil {
			m.Lines = []string{say.T("alert."+c.State, "title", c.by.heading(say))}
		}
		return m
	}
	m.Lines = c.lines()
	if c.Level == "" && c.Scenario == "" { // nobody says that anything is down
		m.State, m.Emoji = "waiting", "🟡"
	}
	switch {
	case c.State == started:
		m.Lines = append(m.Lines, say.T("alert.started", "scenario", c.Scenario))
		return m
	case c.State == snoozed:
		m.Lines = append(m.Lines, say.T("alert.snoozed", "at", c.Snoozed))
	default:
		m.Priority = bot.Prompt
		if c.title != "" {
			m.Lines = append(m.Lines, say.T("alert.suggest", "command", commandOf(c.Scenario, c.Params)))
		}
		if c.cannot != "" {
			m.Lines = append(m.Lines, c.cannot, say.T("alert.else"))
		}
	}
	for _, choice := range c.choices() {
		style := ""
		if len(m.Buttons) == 0 {
			style = "primary"
		}
		p := press{Alert: c.ID, Choice: runbook.Choice(choice)}
		if choice == "start" {
			p.Digest = c.suggestion()
		}
		m.Buttons = append(m.Buttons, bot.Button{Label: say.T("alert." + choice), Choice: choice, Action: p.encode(), Style: style})
	}
	return m
}

// suggestion stands for what the card of a call suggests to start, and for which hosts.
func (c *call) suggestion() string {
	words := append([]string{commandOf(c.Scenario, c.Params)}, slices.Sorted(slices.Values(c.Hosts))...)
	sum := sha256.Sum256([]byte(strings.Join(words, "\n")))
	return hex.EncodeToString(sum[:8])
}

// choices are the buttons of a call that waits for people.
func (c callCard) choices() []string {
	var out []string
	if c.title != "" {
		out = append(out, "start")
	}
	if c.State == firing {
		out = append(out, "check")
		if c.Level != returned {
			out = append(out, "snooze")
		}
	}
	return out
}

// heading says what is the matter in a few words.
func (c *call) heading(say *locale.Printer) string {
	hosts := strings.Join(c.Hosts, ", ")
	switch {
	case c.Level == returned:
		return say.T("watch.returned", "host", hosts)
	case hosts != "" && c.Level == "":
		return say.T("alert.title_host", "host", hosts)
	case hosts != "" && len(c.Reached) > 0:
		return say.T("alert.title_said", "host", hosts, "level", say.T("level."+c.Level), "sources", strings.Join(c.sources(), ", "))
	case hosts != "":
		return say.T("alert.title", "host", hosts, "level", say.T("level."+c.Level))
	case c.Scenario != "":
		return say.T("alert.title_scenario", "scenario", commandOf(c.Scenario, c.Params))
	}
	return say.T("alert.title_other")
}

func (c callCard) ending() string {
	host := strings.Join(c.Over, ", ")
	switch {
	case host == "":
		return c.say.T("alert.over", "title", c.heading(c.say))
	case c.Closed == alert.Retired || c.Closed == alert.Moved:
		return c.say.T("watch.closed_"+c.Closed, "host", host)
	case c.Level == returned:
		return c.say.T("watch.silent_again", "host", host)
	case c.Seen:
		return c.say.T("alert.resolved", "host", host)
	}
	return c.say.T("alert.over", "title", c.heading(c.say))
}

// lines are what is known: who says so since when, what does not answer, what else there is.
func (c callCard) lines() []string {
	var sources, findings, texts []string
	count, times := 0, 0
	for _, part := range append([]*call{c.call}, c.parts...) {
		for _, id := range slices.Sorted(maps.Keys(part.Members)) {
			m := part.Members[id]
			if len(findings) <= shownFindings {
				findings = append(findings, found(m, c.say)...)
			}
			if m.Source == "watch" {
				continue
			}
			count++
			sources = union(sources, []string{m.Source})
			if m.Summary != "" && len(texts) <= shownSummaries {
				texts = union(texts, []string{c.say.T("alert.text", "source", m.Source, "text", m.Summary)})
			}
		}
		count, times = count+part.tally.size(), times+part.tally.times()
	}
	out := []string{c.say.T("alert.since", "at", c.Since)}
	if vantage := c.seenFrom(); len(vantage) > 0 {
		out = []string{c.say.T("alert.seen", "at", c.Since, "from", strings.Join(vantage, ", "))}
	}
	if len(sources) > 0 {
		out = append(out, c.say.T("alert.said", "sources", strings.Join(sources, ", "), "count", count, "times", times))
	}
	if len(c.Reached) > 0 {
		out = append(out, c.say.T("alert.reached", "hosts", strings.Join(c.Reached, ", ")))
	}
	if c.Unsteady {
		out = append(out, c.say.T("alert.unsteady", "count", len(c.Changes), "within", c.window))
	}
	out = append(out, some(findings, shownFindings)...)
	out = append(out, some(texts, shownSummaries)...)
	for _, o := range c.after {
		out = append(out, c.say.T("alert.also", "title", o.heading(c.say), "command", commandOf(o.Scenario, o.Params)))
	}
	return out
}

// seenFrom are the places that saw all of the hosts.
func (c callCard) seenFrom() []string {
	var out []string
	for i, host := range c.Hosts {
		var from []string
		for _, part := range append([]*call{c.call}, c.parts...) {
			for _, id := range slices.Sorted(maps.Keys(part.Members)) {
				if m := part.Members[id]; len(m.Hosts) == 0 || slices.Contains(m.Hosts, host) {
					from = union(from, m.Vantage)
				}
			}
		}
		if i == 0 {
			out = from
			continue
		}
		out = slices.DeleteFunc(slices.Clone(out), func(name string) bool { return !slices.Contains(from, name) })
	}
	return out
}

// sources are the monitoring systems that say so.
func (c *call) sources() []string {
	var out []string
	for _, id := range slices.Sorted(maps.Keys(c.Members)) {
		if m := c.Members[id]; m.Source != "watch" {
			out = union(out, []string{m.Source})
		}
	}
	return out
}

func some(lines []string, n int) []string {
	if len(lines) <= n {
		return lines
	}
	return append(slices.Clone(lines[:n]), "…")
}

// found says what does not answer. Of a silent host one line says it all.
func found(m member, say *locale.Printer) []string {
	var out []string
	for _, f := range m.Findings {
		if f.OK || f.Probe.Kind != "silent" && m.Level == "silent" && f.Text.ID != "watch.bot_only" {
			continue
		}
		out = append(out, "✗ "+say.Say(f.Text))
	}
	return out
}

package handlers

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"recoverbot/bot"
	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/probe"
)

// diagnoseWithin bounds what is asked also when hosts hang, so that people have the answer within 3 s.
const diagnoseWithin = 2500 * time.Millisecond

// maxSuggested is how many scenarios a diagnosis offers.
const maxSuggested = 5

// diagnose asks all hosts at once and names the scenarios that the answers call for.
func (h *Handlers) diagnose(ctx context.Context, c caller) (bot.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, diagnoseWithin)
	defer cancel()
	offers := h.offers(h.Fleet.Config())
	reports, ups := h.askFor(ctx, offers)
	m := bot.Message{
		Key: "diagnosis", Title: c.say.T("diagnose.title"), State: "info", At: h.Clock(), Version: h.Clock().UnixNano(),
	}
	table := bot.Block{Kind: "table", Columns: []string{
		c.say.T("diagnose.host"), c.say.T("diagnose.roles"), c.say.T("diagnose.level"), c.say.T("diagnose.found"),
	}}
	var trouble []string
	for _, r := range reports {
		var bad []string
		for _, f := range r.Findings {
			if !f.Up {
				bad = append(bad, strings.TrimSpace(f.Probe.Kind+" "+f.Probe.Service))
			}
		}
		mark := "ok"
		if r.Level != probe.Well && r.Level != probe.Unenrolled {
			mark = "bad"
		}
		if r.Level == probe.Returned {
			m.State = "down"
			m.Warn = append(m.Warn, c.say.T("watch.returned", "host", r.Host.Name))
			if command := h.fenceCommand(r.Host.Name); command != "" {
				m.Buttons = append(m.Buttons, fenceButton(c.say, r.Host.Name, press{Command: command}))
			}
		} else if mark == "bad" && !idle(r.Host) {
			trouble = append(trouble, r.Host.Name)
		}
		table.Rows = append(table.Rows, []string{
			r.Host.Name, strings.Join(r.Host.Roles, " "), c.say.T("level." + string(r.Level)), strings.Join(bad, ", "),
		})
		table.Marks = append(table.Marks, mark)
	}
	if last := len(table.Columns) - 1; !slices.ContainsFunc(table.Rows, func(row []string) bool { return row[last] != "" }) {
		table.Columns = table.Columns[:last] // a column without a word takes the place that others need on a phone
		for i := range table.Rows {
			table.Rows[i] = table.Rows[i][:last]
		}
	}
	m.Blocks = []bot.Block{table}
	h.dangers(c, &m, reports)
	h.suggest(c, &m, calledFor(offers, ups))
	switch {
	case len(m.Lines) > 0:
	case len(trouble) > 0:
		m.Lines = []string{c.say.T("diagnose.no_scenario", "host", strings.Join(trouble, ", "))}
	case len(m.Warn) == 0:
		m.Lines = []string{c.say.T("diagnose.well")}
	}
	m.Lines = append(m.Lines, h.monitored(c)...)
	if h.BlackBox != nil {
		if text, stale := h.BlackBox(); stale {
			m.Warn = append(m.Warn, c.say.Say(text))
		} else {
			m.Lines = append(m.Lines, c.say.Say(text))
		}
	}
	return bot.Reply{Text: strings.Join(append(slices.Clone(m.Warn), m.Lines...), "\n"), Message: &m}, nil
}

// dangers warns of machines that are back although another one has their place: each of them answers well.
func (h *Handlers) dangers(c caller, m *bot.Message, reports []probe.HostReport) {
	for _, k := range h.alerts.all() {
		known := slices.ContainsFunc(reports, func(r probe.HostReport) bool {
			return r.Level == probe.Returned && slices.Contains(k.Hosts, r.Host.Name)
		})
		if k.Level != returned || k.State != firing || known {
			continue
		}
		host := strings.Join(k.Hosts, ", ")
		m.State = "down"
		m.Warn = append(m.Warn, c.say.T("watch.is_back", "host", host))
		m.Buttons = append(m.Buttons, fenceButton(c.say, host, press{Alert: k.ID, Choice: "fence"}))
	}
}

// monitored is what monitoring systems say that the bot does not see itself.
func (h *Handlers) monitored(c caller) []string {
	var out []string
	for _, k := range h.alerts.all() {
		if k.State != resolved && k.Level != returned && !k.Seen {
			out = append(out, c.say.T("diagnose.monitored", "title", k.heading(c.say)))
		}
	}
	return some(out, shownSummaries)
}

// idle is a machine that is deliberately without any service.
func idle(host fleet.Host) bool {
	return len(host.Roles) == 0 || len(host.Roles) == 1 && host.HasRole("spare")
}

// askFor asks every host what its roles call for, and at the same time what else the scenarios want to know; no host is
// asked the same twice.
func (h *Handlers) askFor(ctx context.Context, offers []offer) ([]probe.HostReport, map[string]bool) {
	cfg := h.Fleet.Config()
	known := map[string]bool{}
	for _, host := range cfg.Hosts {
		if !host.Retired {
			for _, p := range probe.Called(cfg, host) {
				known[question(p)] = true
			}
		}
	}
	var more []runbook.Probe
	for _, c := range offers {
		for _, p := range c.when {
			if q := question(p); !known[q] {
				known[q] = true
				more = append(more, p)
			}
		}
	}
	var reports []probe.HostReport
	var wg sync.WaitGroup
	wg.Go(func() { reports = probe.Diagnose(ctx, h.Fleet) })
	findings := probe.Run(ctx, h.Fleet, byName(cfg), more)
	wg.Wait()
	for _, r := range reports {
		findings = append(findings, r.Findings...)
	}
	ups := map[string]bool{}
	for _, f := range findings {
		q := question(f.Probe)
		up, asked := ups[q]
		ups[q] = f.Up && (up || !asked)
	}
	return reports, ups
}

// byName resolves names of hosts and roles of the fleet: those that fleet.yaml itself uses.
func byName(cfg *fleet.Config) probe.Resolver {
	return func(refs ...string) ([]fleet.Host, error) {
		var out []fleet.Host
		for _, ref := range refs {
			if host, ok := cfg.Host(ref); ok {
				out = append(out, host)
				continue
			}
			out = append(out, cfg.WithRole(ref)...)
		}
		return out, nil
	}
}

// suggest offers what is called for, and says of what cannot start why.
func (h *Handlers) suggest(c caller, m *bot.Message, called []offer) {
	for _, x := range called[:min(len(called), maxSuggested)] {
		title, command := c.say.Text(x.scenario.Title), commandOf(x.scenario.Name, x.params)
		if x.why != nil {
			m.Lines = append(m.Lines, c.say.T("diagnose.cannot", "scenario", command, "title", title, "why", h.explain(c.say, x.why)))
			continue
		}
		hosts := slices.Compact(slices.Sorted(slices.Values(x.dead())))
		id, label, style := "diagnose.suggest", c.say.T("alert.start"), "primary"
		if len(m.Buttons) > 0 || len(hosts) == 0 {
			id, style = "diagnose.also", ""
		}
		if len(called) > 1 {
			label = c.say.T("diagnose.start", "command", command)
		}
		m.Lines = append(m.Lines, c.say.T(id, "host", strings.Join(hosts, ", "), "scenario", command, "title", title))
		p := press{Command: command, Choice: runbook.Approve}
		m.Buttons = append(m.Buttons, bot.Button{Label: label, Choice: "start", Action: p.encode(), Style: style})
	}
}

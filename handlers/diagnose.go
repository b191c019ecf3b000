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
	back := &danger{}
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
			id := "watch.returned_other"
			if h.mayWrite(r.Host) {
				id, back.writes = "watch.returned", true
			}
			back.lines = append(back.lines, c.say.T(id, "host", r.Host.Name))
			if command := h.fenceCommand(r.Host.Name); command != "" {
				back.buttons = append(back.buttons, fenceButton(c.say, r.Host.Name, press{Command: command}))
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
	h.dangers(c, back, reports)
	called := calledFor(offers, ups, h.Fleet.Config())
	h.suggest(c, &m, called, trouble)
	switch {
	case len(called) > 0:
	case len(trouble) > 0:
		m.Lines = []string{c.say.T("diagnose.no_scenario", "host", strings.Join(trouble, ", "))}
	case len(back.lines) == 0:
		m.Lines = []string{c.say.T("diagnose.well")}
	}
	back.tell(&m, len(called) == 0)
	if r, ok, err := h.openRun(ctx); err == nil && ok && r.State == runbook.Open {
		m.Lines = append([]string{c.say.T("diagnose.open", "title", c.say.Text(r.Scenario.Title), "run", r.ID)}, m.Lines...)
	}
	m.Lines = append(m.Lines, h.monitored(c)...)
	if h.Fleet.Now().Wrong() != nil {
		m.Warn = append(m.Warn, c.say.T("view.fleet_wrong"))
	}
	if h.BlackBox != nil {
		if text, stale := h.BlackBox(); stale {
			m.Warn = append(m.Warn, c.say.Say(text))
		} else {
			m.Lines = append(m.Lines, c.say.Say(text))
		}
	}
	return bot.Reply{Text: strings.Join(append(slices.Clone(m.Warn), m.Lines...), "\n"), Message: &m}, nil
}

// danger is what is to be said of machines that answer and should not.
type danger struct {
	lines   []string
	buttons []bot.Button
	writes  bool // one of them may write
}

// tell puts what calls for a recovery first: only where nothing does, a machine that may write is the first thing to
// read.
func (d *danger) tell(m *bot.Message, alone bool) {
	if d.writes {
		m.State = "down"
	}
	if d.writes && alone {
		m.Warn = append(m.Warn, d.lines...)
	} else {
		m.Lines = append(m.Lines, d.lines...)
	}
	m.Buttons = append(m.Buttons, d.buttons...)
}

// mayWrite reports whether a retired host may have been one whose data users go on with: where nobody knows, it may.
func (h *Handlers) mayWrite(host fleet.Host) bool {
	if len(host.Roles) > 0 {
		return host.HasRole("primary") || host.HasRole("standby")
	}
	return !h.leavers.harmless(host.Name, h.Clock())
}

// dangers adds machines that are back although another one has their place: each of them answers well.
func (h *Handlers) dangers(c caller, d *danger, reports []probe.HostReport) {
	for _, k := range h.alerts.all() {
		known := slices.ContainsFunc(reports, func(r probe.HostReport) bool {
			return r.Level == probe.Returned && slices.Contains(k.Hosts, r.Host.Name)
		})
		if k.Level != returned || k.State != firing || known {
			continue
		}
		host := strings.Join(k.Hosts, ", ")
		d.writes = true
		d.lines = append(d.lines, c.say.T("watch.is_back", "host", host))
		d.buttons = append(d.buttons, fenceButton(c.say, host, press{Alert: k.ID, Choice: "fence"}))
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
	findings := probe.Run(ctx, h.Fleet, probe.ByName(cfg), more)
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

// suggest offers what is called for, and says of what cannot start why. All machines in trouble are named once, first.
func (h *Handlers) suggest(c caller, m *bot.Message, called []offer, trouble []string) {
	for _, x := range called {
		trouble = union(trouble, x.dead())
	}
	all := strings.Join(trouble, ", ")
	if len(called) > 0 && called[0].why != nil && all != "" {
		m.Lines, all = append(m.Lines, c.say.T("diagnose.trouble", "host", all)), ""
	}
	for _, x := range called[:min(len(called), maxSuggested)] {
		title, command := c.say.Text(x.scenario.Title), commandOf(x.scenario.Name, x.params)
		if x.why != nil {
			m.Lines = append(m.Lines, c.say.T("diagnose.cannot", "scenario", command, "title", title, "why", h.explain(c.say, x.why)))
			continue
		}
		id, host, label, style := "diagnose.also", unsaid(command, x.dead()), c.say.T("alert.start"), ""
		if len(m.Buttons) == 0 {
			style = "primary"
		}
		if all != "" {
			id, host, all = "diagnose.suggest", all, ""
		}
		if len(called) > 1 {
			label = c.say.T("diagnose.start", "command", command)
		}
		m.Lines = append(m.Lines, c.say.T(id, "host", host, "scenario", command, "title", title))
		p := press{Command: command, Choice: runbook.Approve}
		m.Buttons = append(m.Buttons, bot.Button{Label: label, Choice: "start", Action: p.encode(), Style: style})
	}
}

// unsaid are the hosts that a command does not name itself.
func unsaid(command string, hosts []string) string {
	words := strings.FieldsFunc(command, func(r rune) bool { return r == ' ' || r == '=' })
	hosts = slices.DeleteFunc(slices.Clone(hosts), func(host string) bool { return slices.Contains(words, host) })
	return strings.Join(slices.Compact(slices.Sorted(slices.Values(hosts))), ", ")
}

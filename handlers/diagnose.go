package handlers

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"recoverbot/bot"
	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/probe"
)

// diagnoseWithin bounds a diagnosis also when hosts hang.
const diagnoseWithin = 3 * time.Second

// diagnose asks all hosts at once and names the scenario that the answers point to.
func (h *Handlers) diagnose(ctx context.Context, c caller) (bot.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, diagnoseWithin)
	defer cancel()
	reports := probe.Diagnose(ctx, h.Fleet)
	m := bot.Message{
		Key: "diagnosis", Title: c.say.T("diagnose.title"), State: "info", At: h.Clock(), Version: h.Clock().UnixNano(),
	}
	table := bot.Block{Kind: "table", Columns: []string{
		c.say.T("diagnose.host"), c.say.T("diagnose.roles"), c.say.T("diagnose.level"), c.say.T("diagnose.found"),
	}}
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
		}
		table.Rows = append(table.Rows, []string{
			r.Host.Name, strings.Join(r.Host.Roles, " "), c.say.T("level." + string(r.Level)), strings.Join(bad, ", "),
		})
		table.Marks = append(table.Marks, mark)
	}
	m.Blocks = []bot.Block{table}
	text := c.say.T("diagnose.well")
	if len(m.Warn) > 0 {
		text = strings.Join(m.Warn, "\n")
	}
	if name, host := suggest(reports); name != "" {
		s, ok := h.Scenarios[name]
		if role := missing(h.Fleet.Config(), s); ok && role != "" {
			text = c.say.T("watch.no_role_left", "host", host, "role", role)
		} else if ok {
			text = c.say.T("diagnose.suggest", "host", host, "scenario", name, "title", c.say.Text(s.Title))
			p := press{Command: name, Choice: runbook.Approve}
			m.Buttons = []bot.Button{{Label: c.say.T("alert.start"), Choice: "start", Action: p.encode(), Style: "primary"}}
		} else {
			text = c.say.T("diagnose.no_scenario", "host", host)
		}
	}
	if text != strings.Join(m.Warn, "\n") {
		m.Lines = []string{text}
	}
	return bot.Reply{Text: text, Message: &m}, nil
}

// missing is a role that a scenario binds and no machine has; "" where it can start.
func missing(cfg *fleet.Config, s runbook.Scenario) string {
	for _, name := range slices.Sorted(maps.Keys(s.Bind)) {
		b := s.Bind[name]
		for _, role := range b.From {
			if !b.Many && !b.Optional && len(cfg.WithRole(role)) == 0 {
				return role
			}
		}
	}
	return ""
}

// suggest picks the widest scenario that what does not answer calls for. What is deliberately without any service
// (a spare) calls for none.
func suggest(reports []probe.HostReport) (scenario, host string) {
	down := map[string]string{}
	for _, r := range reports {
		if r.Level == probe.Well || r.Level == probe.Returned {
			continue
		}
		for _, role := range r.Host.Roles {
			if down[role] == "" {
				down[role] = r.Host.Name
			}
		}
	}
	switch {
	case down["primary"] != "" && down["standby"] != "" && !standbyReady(reports):
		return "both", down["primary"]
	case down["primary"] != "":
		return "primary", down["primary"]
	case down["standby"] != "":
		return "standby", down["standby"]
	case down["nginx"] != "":
		return "nginx", down["nginx"]
	}
	return "", ""
}

// standbyReady reports whether the standby itself answers: its services cannot be well while the primary is dead.
func standbyReady(reports []probe.HostReport) bool {
	for _, r := range reports {
		if r.Host.HasRole("standby") && (r.Level == probe.Well || r.Level == probe.ServiceDown) {
			return true
		}
	}
	return false
}

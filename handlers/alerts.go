package handlers

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"recoverbot/bot"
	"recoverbot/handlers/alert"
	"recoverbot/runbook"
	"recoverbot/runbook/journal"
)

// snooze is how long an alert's prompt rests after a person asked for it.
const snooze = 30 * time.Minute

// The bounds of what is kept of one call, whatever monitoring systems send.
const (
	keptMembers = 200
	keptOthers  = 10_000
	keptSummary = 200 // characters
)

// lateRuns is how many of the newest runs are looked at for what calls and machines that come back mean; dry runs count.
const lateRuns = 50

// Alerts implements alert.Sink: the batch is journaled in one transaction, then correlated, and people see one card a
// call, edited while it lasts.
func (h *Handlers) Alerts(ctx context.Context, batch []alert.Alert) error {
	if len(batch) == 0 {
		return nil
	}
	return h.change(ctx, runbook.Actor{Name: batch[0].Source, Platform: "alert"}, func(e *edit) bool {
		changed := false
		for _, a := range batch {
			changed = h.take(e, a) || changed
		}
		return changed
	})
}

// change journals what f does to the calls and what follows from it, or nothing. Where f says that nothing changed, only
// the counts on the cards do.
func (h *Handlers) change(ctx context.Context, by runbook.Actor, f func(*edit) bool) error {
	b := h.alerts
	b.write.Lock()
	defer b.write.Unlock()
	if err := h.loadAlerts(ctx); err != nil {
		return err
	}
	defer b.poke()
	e := b.begin(h.Clock().UTC())
	if f != nil && !f(e) {
		return nil
	}
	h.recant(e)
	runs, err := h.Journal.Runs(ctx, lateRuns)
	if err != nil {
		return err
	}
	e.correlate(h.Fleet.Config(), runs, func() int64 { return h.versions.next(ctx, h.Journal, e.now) })
	rows, err := b.rows(e)
	if err != nil {
		return err
	}
	if len(rows) > 0 {
		if err := h.Journal.SaveAlerts(ctx, rows, by); err != nil {
			return err
		}
	}
	b.publish(e, rows)
	return nil
}

// take makes an alert a member of its call, or ends it as one. It reports whether that is news.
func (h *Handlers) take(e *edit, a alert.Alert) bool {
	id := a.Source + "/" + a.Fingerprint
	key, scenario, params := h.identity(a)
	changed := false
	for k, c := range e.calls { // labels or rules may have changed meanwhile: an alert is in one call
		if _, in := c.Members[id]; in && (a.Resolved || k != key) {
			c.drop(id, a.Closed)
			changed = true
		} else if c.tally.drop(id) && c.tally.size() == 0 && len(c.Members) == 0 {
			changed = true
		}
	}
	if a.Resolved || h.outOfService(a) {
		return changed
	}
	c := e.calls[key]
	if c == nil || c.State == resolved && e.now.Sub(c.Ended) >= flapWindow(h.Fleet.Config()) {
		c = newCall(key, scenario, params, a, e.now)
		e.calls[key] = c
	}
	c.tally.told()
	m := h.member(a, e.now)
	old, in := c.Members[id]
	if in && m.Since.After(old.Since) {
		m.Since = old.Since
	}
	switch {
	case in && m.same(old):
		return changed
	case !in && len(c.Members) >= keptMembers:
		c.tally.add(id)
		return changed
	}
	c.set(id, m)
	return true
}

// outOfService reports whether an alert is about a machine that no scenario is for any more.
func (h *Handlers) outOfService(a alert.Alert) bool {
	if a.Level == returned || a.Host == "" {
		return false
	}
	return !slices.ContainsFunc(split(a.Host), func(name string) bool {
		host, ok := h.Fleet.Config().Host(name)
		return ok && !host.Retired
	})
}

// identity is which call an alert belongs to: one for each scenario and its parameters, else one a host and level. What
// the scenario does not know of the parameters is left out; a host that it needs is the alert's.
func (h *Handlers) identity(a alert.Alert) (key, scenario string, params map[string]string) {
	if a.Scenario == "" {
		return fmt.Sprintf("host %s %s", a.Host, a.Level), "", nil
	}
	params = maps.Clone(a.Params)
	if s, ok := h.Scenarios[a.Scenario]; ok {
		params = map[string]string{}
		for _, p := range s.Params {
			if v := a.Params[p.Name]; v != "" {
				params[p.Name] = v
			} else if p.Type == "host" && p.Required && p.Default == "" && paramFits(h.Fleet.Config(), p, a.Host) {
				params[p.Name] = a.Host
			}
		}
	}
	return commandOf(a.Scenario, params), a.Scenario, params
}

// member is what is kept of an alert. Its own text comes from outside: it is cut and made harmless here.
func (h *Handlers) member(a alert.Alert, now time.Time) member {
	m := member{Source: a.Source, Hosts: split(a.Host), Level: a.Level, Since: a.Since.UTC(), Findings: a.Findings, Vantage: a.Vantage}
	if m.Since.IsZero() || m.Since.After(now) && a.Source != "watch" {
		m.Since = now
	}
	if a.Summary != "" {
		text := a.Summary[:min(len(a.Summary), 8*keptSummary)]
		m.Summary = shorten(bot.CleanLine(h.Fleet.Redactor().Redact(text)), keptSummary)
	}
	return m
}

// split gives the hosts of a list with ", " between.
func split(hosts string) []string {
	if hosts == "" {
		return nil
	}
	return strings.Split(hosts, ", ")
}

// startedFromAlert takes the buttons off the alerts that called for a scenario which now runs.
func (h *Handlers) startedFromAlert(ctx context.Context, c caller) {
	if err := h.change(ctx, c.actor(), nil); err != nil {
		h.Log.Error("mark alerts as started", "error", err)
	}
}

// knowAlerts makes sure that the calls of an earlier process are known: people may press a button, or start a recovery,
// before anything else looked at alerts.
func (h *Handlers) knowAlerts(ctx context.Context) error {
	if h.alerts.known() { // whoever pressed a button does not wait for what is being journaled
		return nil
	}
	h.alerts.write.Lock()
	defer h.alerts.write.Unlock()
	return h.loadAlerts(ctx)
}

// loadAlerts reads, once, the calls that fired when the bot stopped.
func (h *Handlers) loadAlerts(ctx context.Context) error {
	b := h.alerts
	if b.loaded {
		return nil
	}
	rows, err := h.Journal.Firing(ctx, h.Clock().Add(-time.Hour))
	if err != nil {
		return err
	}
	b.load(rows)
	return nil
}

// row is a call as the journal keeps it.
func (c *call) row(body []byte, now time.Time) journal.Alert {
	a := journal.Alert{Fingerprint: c.ID, State: c.State, Count: c.tally.times(), Since: c.Since, SeenAt: now,
		SnoozedUntil: c.Snoozed, RunID: c.Run, Body: body}
	if c.State == accepted {
		a.Reason = c.Accepted.Reason
	}
	return a
}

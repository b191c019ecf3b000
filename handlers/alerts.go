package handlers

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"recoverbot/bot"
	"recoverbot/handlers/alert"
	"recoverbot/locale"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
	"recoverbot/runbook/journal"
	"recoverbot/runbook/probe"
)

// snooze is how long an alert's prompt rests after a person asked for it.
const snooze = 30 * time.Minute

// alertBook holds the alerts that fire now, for views; the journal holds them for good.
type alertBook struct {
	mu   sync.Mutex
	list map[string]knownAlert
}

type knownAlert struct {
	alert.Alert
	state   string // firing, snoozed, started, resolved, replaced
	count   int    // times it was told
	run     string // the run that it led to
	snoozed time.Time
}

func newAlertBook() *alertBook { return &alertBook{list: map[string]knownAlert{}} }

func (b *alertBook) get(fingerprint string) (knownAlert, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a, ok := b.list[fingerprint]
	return a, ok
}

func (b *alertBook) put(a knownAlert) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.list[a.Fingerprint] = a
}

func (b *alertBook) all() []knownAlert {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := make([]knownAlert, 0, len(b.list))
	for _, a := range b.list {
		out = append(out, a)
	}
	return out
}

// downSince is since when an alert that fires says that the scenario is called for.
func (b *alertBook) downSince(scenario string) (time.Time, string) {
	for _, a := range b.all() {
		if a.Scenario == scenario && (a.state == "firing" || a.state == "snoozed") {
			return a.Since, a.Fingerprint
		}
	}
	return time.Time{}, ""
}

// Alerts implements alert.Sink: it journals each alert and shows it once, edited while it lasts.
func (h *Handlers) Alerts(ctx context.Context, batch []alert.Alert) error {
	for _, a := range batch {
		if err := h.alert(ctx, a); err != nil {
			return err
		}
	}
	return nil
}

func (h *Handlers) alert(ctx context.Context, a alert.Alert) error {
	k, known := h.alerts.get(a.Fingerprint)
	if a.Resolved && (!known || k.state == "resolved") {
		return nil
	}
	if !known || k.state == "resolved" || k.state == "replaced" {
		k = knownAlert{state: "firing"}
		if r, ok, err := h.openRun(ctx); err == nil && ok && r.State == runbook.Open && r.Scenario.Name == a.Scenario {
			k.state, k.run = "started", r.ID // somebody was faster than the alert
		}
	}
	k.Alert = a
	k.count++
	if a.Resolved {
		k.state = "resolved"
	}
	if k.state == "snoozed" && h.Clock().After(k.snoozed) {
		k.state = "firing"
	}
	if err := h.saveAlert(ctx, k, runbook.Actor{Name: a.Source, Platform: "alert"}); err != nil {
		return err
	}
	for _, f := range a.Replaces {
		if old, ok := h.alerts.get(f); ok && old.state != "resolved" {
			old.state = "replaced"
			if err := h.saveAlert(ctx, old, runbook.Actor{Name: a.Source, Platform: "alert"}); err != nil {
				return err
			}
		}
	}
	return nil
}

func (h *Handlers) saveAlert(ctx context.Context, k knownAlert, by runbook.Actor) error {
	body, err := json.Marshal(k.Alert)
	if err != nil {
		return err
	}
	if err := h.Journal.SaveAlert(ctx, journal.Alert{
		Fingerprint: k.Fingerprint, State: k.state, Count: k.count, Since: k.Since, SeenAt: h.Clock(), SnoozedUntil: k.snoozed,
		RunID: k.run, Body: body,
	}, by); err != nil {
		return err
	}
	h.alerts.put(k)
	m, _ := h.alerts.message(k.Fingerprint, h.say, h.Fleet.Config().Drill)
	m.Version = h.versions.next(ctx, h.Journal, h.Clock())
	if k.state == "firing" && k.run == "" && !h.coolsDown(ctx, k.Scenario) {
		m.Notify = h.Fleet.Config().Policy.OnCall
	}
	return h.Hub.Want(ctx, m)
}

// endSnoozes prompts again for the alerts that were snoozed for long enough and still fire.
func (h *Handlers) endSnoozes(ctx context.Context) {
	for _, k := range h.alerts.all() {
		if k.state != "snoozed" || h.Clock().Before(k.snoozed) {
			continue
		}
		k.state = "firing"
		if err := h.saveAlert(ctx, k, runbook.Actor{Name: k.Source, Platform: "alert"}); err != nil {
			h.Log.Error("end snooze of alert", "error", err)
		}
	}
}

// coolsDown reports whether a run of the scenario ended so shortly before that its alerts disturb nobody: the card is
// there, with its buttons.
func (h *Handlers) coolsDown(ctx context.Context, scenario string) bool {
	runs, err := h.Journal.Runs(ctx, shownRuns)
	if err != nil {
		return false
	}
	since := h.Clock().Add(-time.Duration(h.Fleet.Config().Policy.CoolDown))
	return slices.ContainsFunc(runs, func(r runbook.RunSummary) bool {
		return r.Scenario == scenario && !r.DryRun && r.EndedAt.After(since)
	})
}

// abortedFromAlert gives the buttons back to the alerts that led to a run which was aborted: the trouble is still there.
func (h *Handlers) abortedFromAlert(ctx context.Context, r runbook.Run) {
	for _, k := range h.alerts.all() {
		if k.state != "started" || k.run != r.ID {
			continue
		}
		k.state = "firing"
		if err := h.saveAlert(ctx, k, r.EndedBy); err != nil {
			h.Log.Error("mark alert as firing again", "error", err)
		}
	}
}

// loadAlerts reads the alerts that were firing when the bot stopped.
func (h *Handlers) loadAlerts(ctx context.Context) error {
	rows, err := h.Journal.Firing(ctx)
	if err != nil {
		return err
	}
	for _, row := range rows {
		k := knownAlert{state: row.State, count: row.Count, snoozed: row.SnoozedUntil, run: row.RunID}
		if err := json.Unmarshal(row.Body, &k.Alert); err == nil {
			h.alerts.put(k)
		}
	}
	return nil
}

// message is the card of an alert.
func (b *alertBook) message(fingerprint string, say *locale.Printer, drill bool) (bot.Message, bool) {
	k, ok := b.get(fingerprint)
	if !ok {
		return bot.Message{}, false
	}
	m := bot.Message{
		Key: "alert/" + fingerprint, State: "down", Emoji: "🔴", Priority: bot.Prompt, At: k.Since,
		Title: say.T("alert.title", "host", k.Host, "level", say.T("level."+k.Level)),
		Lines: []string{say.T("alert.since", "at", k.Since, "from", strings.Join(k.Vantage, ", "))},
	}
	if drill {
		m.Context = say.T("view.drill")
	}
	if k.Level == string(probe.Returned) {
		m.Title = say.T("watch.returned", "host", k.Host)
	}
	m.Lines = append(m.Lines, found(k, say)...)
	answer := func(choice, label, style string) {
		p := press{Alert: fingerprint, Choice: runbook.Choice(choice)}
		m.Buttons = append(m.Buttons, bot.Button{Label: say.T(label), Choice: choice, Action: p.encode(), Style: style})
	}
	switch k.state {
	case "resolved":
		m.State, m.Emoji, m.Priority = "done", "✅", bot.Outcome
		m.Title = say.T("alert.resolved", "host", k.Host)
		m.Lines = nil
		switch {
		case k.Closed != "":
			m.State, m.Emoji = "info", ""
			m.Title = say.T("watch.closed_"+k.Closed, "host", k.Host)
		case k.Level == string(probe.Returned):
			m.Title = say.T("watch.silent_again", "host", k.Host)
		}
	case "replaced":
		m.State, m.Emoji, m.Priority = "info", "", bot.Outcome
		m.Title = say.T("alert.replaced", "host", k.Host)
		m.Lines = nil
	case "started":
		m.Priority = bot.Outcome
		m.Lines = append(m.Lines, say.T("alert.started", "scenario", k.Scenario))
	case "snoozed":
		m.Priority = bot.Outcome
		m.Lines = append(m.Lines, say.T("alert.snoozed", "at", k.snoozed))
		answer("start", "alert.start", "primary")
	case "firing":
		if k.Scenario == "" {
			answer("check", "alert.check", "primary")
			break
		}
		m.Lines = append(m.Lines, say.T("alert.suggest", "scenario", k.Scenario))
		answer("start", "alert.start", "primary")
		answer("check", "alert.check", "")
		answer("snooze", "alert.snooze", "")
	}
	return m, true
}

// shownFindings is how many answers of a host an alert shows.
const shownFindings = 4

// found says what does not answer. Of a silent host one line says it all.
func found(k knownAlert, say *locale.Printer) []string {
	var out []string
	for _, f := range k.Findings {
		if f.OK || f.Probe.Kind != "silent" && k.Level == "silent" {
			continue
		}
		if len(out) == shownFindings {
			return append(out, "…")
		}
		out = append(out, "✗ "+say.Say(f.Text))
	}
	return out
}

// answerAlert is a press on an alert's card.
func (h *Handlers) answerAlert(ctx context.Context, c caller, p press) (bot.Reply, error) {
	k, ok := h.alerts.get(p.Alert)
	if !ok || k.state == "resolved" || k.state == "replaced" || (k.state == "started" && p.Choice == "snooze") {
		return bot.Reply{}, runbook.Errorf(runbook.NotFound, "alert.gone")
	}
	switch p.Choice {
	case "check":
		return h.diagnose(ctx, c)
	case "snooze":
		if !mayStart(c.person) {
			return bot.Reply{}, refusal("cmd.not_approver", "who", allowed(h.Fleet.Config(), roleApprover, roleDanger))
		}
		k.state, k.snoozed = "snoozed", h.Clock().Add(snooze)
		return bot.Reply{Text: c.say.T("alert.snoozed", "at", k.snoozed)}, h.saveAlert(ctx, k, c.actor())
	case "start":
		s, ok := h.Scenarios[k.Scenario]
		if !ok {
			return bot.Reply{}, h.unknown(k.Scenario)
		}
		return h.start(ctx, c, engine.StartRequest{
			Scenario: s, Params: k.Params, By: c.actor(), Alert: k.Fingerprint, DownSince: k.Since,
		})
	}
	return bot.Reply{}, runbook.Errorf(runbook.Invalid, "cmd.bad_button")
}

// startedFromAlert takes the buttons off the alerts that called for a scenario which now runs.
func (h *Handlers) startedFromAlert(ctx context.Context, c caller, scenario, run string) {
	for _, k := range h.alerts.all() {
		if k.Scenario != scenario || (k.state != "firing" && k.state != "snoozed") {
			continue
		}
		k.state, k.run = "started", run
		if err := h.saveAlert(ctx, k, c.actor()); err != nil {
			h.Log.Error("mark alert as started", "error", err)
		}
	}
}

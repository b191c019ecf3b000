package handlers

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/handlers/alert"
	"recoverbot/locale"
	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/journal"
	"recoverbot/runbook/journal/journaltest/blank"
	"recoverbot/runbook/scenario"
)

// alertFleet is a fleet in which everything is watched, and outside alerts mean something.
const alertFleet = fleetFile + `
policy: {on_call: [ops1]}
watch:
  roles: [{role: primary, scenario: primary}, {role: standby, scenario: standby}, {role: nginx, scenario: nginx}]
  together: [{roles: [primary, standby], scenario: both}]
alerts:
  rules:
    - {match: {alertname: HostDown}, host_label: instance, scenario: auto, level: silent}
    - {match: {alertname: AllDown}, scenario: both}
    - {match: {alertname: /Disk.*/}, host_label: instance}
    - {match: {alertname: Anything}}
    - {source: zabbix, host_label: host, scenario: auto}
  sources:
    zabbix: {fingerprint: [event_id], status: value, resolved: ["0"], since: since, summary: trigger, labels: {host: host}}
`

// book is handlers over a real journal without an engine, at a time of its own.
type book struct {
	*Handlers
	t     *testing.T
	dsn   string
	now   time.Time
	runs  []runbook.RunSummary
	full  bool // the journal cannot store now
	hub   *posts
	saves int
}

// posts is a hub that keeps every wanted version.
type posts struct {
	mu     sync.Mutex
	last   map[string]bot.Message
	prompt int // posts that notify people: an edit buzzes nobody
	wants  int
}

func (p *posts) Want(_ context.Context, m bot.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wants++
	old, ok := p.last[m.Key]
	if ok && old.Version >= m.Version {
		return nil
	}
	p.last[m.Key] = m
	if !ok && len(m.Notify) > 0 {
		p.prompt++
	}
	return nil
}

// bookJournal is the journal of a book: what runs there are is the test's business.
type bookJournal struct {
	*journal.Journal
	b *book
}

func (j bookJournal) Runs(context.Context, int) ([]runbook.RunSummary, error) { return j.b.runs, nil }

func (j bookJournal) NewestVersion(context.Context) (newest int64, err error) {
	for _, m := range j.b.hub.last {
		newest = max(newest, m.Version)
	}
	return newest, nil
}

func (j bookJournal) Wanted(context.Context) ([]journal.Message, error) { return j.b.hub.stored() }

func (j bookJournal) SaveAlerts(ctx context.Context, batch []journal.Alert, by runbook.Actor) error {
	if j.b.full {
		return &runbook.Error{Code: runbook.Unavailable, Msg: runbook.T("journal.unavailable", "cause", "disk full"), Err: errors.New("disk full")}
	}
	j.b.saves++
	return j.Journal.SaveAlerts(ctx, batch, by)
}

func newBook(t *testing.T) *book { return newBookOf(t, alertFleet) }

func newBookOf(t *testing.T, text string) *book {
	t.Helper()
	b := &book{t: t, dsn: blank.DSN(t, filepath.Join(t.TempDir(), "journal.db")), now: time.Date(2026, 11, 23, 3, 12, 0, 0, time.UTC),
		hub: &posts{last: map[string]bot.Message{}}}
	f := openFleet(t, text)
	b.open(f)
	return b
}

func (b *book) open(f *fleet.Fleet) {
	j, err := journal.Open(b.t.Context(), b.dsn, func() time.Time { return b.now }, f.Redactor().Redact)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = j.Close() }) // a restart has closed it
	bundle, err := locale.Load()
	if err != nil {
		b.t.Fatal(err)
	}
	named := func(name string, params ...runbook.Param) runbook.Scenario {
		return runbook.Scenario{Name: name, Title: runbook.Text{EN: name, ZH: name}, Params: params}
	}
	b.Handlers = New(Config{Journal: bookJournal{j, b}, Fleet: f, Hub: b.hub, Bundle: bundle, Language: "en", Zone: time.UTC,
		Log: slog.New(slog.DiscardHandler), Clock: func() time.Time { return b.now },
		Scenarios: scenario.Set{"primary": named("primary"), "standby": named("standby"), "both": named("both"),
			"nginx": named("nginx", runbook.Param{Name: "which", Type: "host", Required: true})}})
}

// restart is a bot that is killed and started again.
func (b *book) restart() {
	_ = b.Handlers.Journal.(bookJournal).Close()
	b.open(b.Fleet)
	b.wait(0)
}

// wait lets time pass, and the bot look at the clock.
func (b *book) wait(d time.Duration) {
	b.t.Helper()
	b.now = b.now.Add(d)
	b.reviewAlerts(b.t.Context())
	b.showAlerts(b.t.Context())
}

func (b *book) tell(batch ...alert.Alert) {
	b.t.Helper()
	if err := b.Alerts(b.t.Context(), batch); err != nil {
		b.t.Fatal(err)
	}
	b.showAlerts(b.t.Context())
}

// states are the calls in short: "nginx which=nginx1 merged".
func (b *book) states() string {
	var out []string
	for _, c := range b.alerts.all() {
		name := commandOf(c.Scenario, c.Params)
		if c.Scenario == "" {
			name = strings.TrimSpace(strings.Join(c.Hosts, ",") + " " + c.Level)
		}
		if c.Unsteady {
			name += " unsteady"
		}
		out = append(out, name+" "+c.State)
	}
	slices.Sort(out)
	return strings.Join(out, "; ")
}

// want compares states, and how often people were disturbed so far.
func (b *book) want(states string, prompts int) {
	b.t.Helper()
	if got := b.states(); got != states {
		b.t.Errorf("calls are %q, want %q", got, states)
	}
	if b.hub.prompt != prompts {
		b.t.Errorf("%d prompts, want %d", b.hub.prompt, prompts)
	}
}

// card is the newest card of the one call of a scenario.
func (b *book) card(scenario string) bot.Message {
	b.t.Helper()
	for _, c := range b.alerts.all() {
		if c.Scenario == scenario {
			return b.hub.last["alert/"+c.ID]
		}
	}
	b.t.Fatalf("no call for %q", scenario)
	return bot.Message{}
}

// text is everything that a card says.
func text(m bot.Message) string { return m.Title + "\n" + strings.Join(m.Lines, "\n") }

func (b *book) rows() int {
	b.t.Helper()
	rows, err := b.Handlers.Journal.Firing(b.t.Context(), time.Time{})
	if err != nil {
		b.t.Fatal(err)
	}
	return len(rows)
}

func silent(scenario, host string) alert.Alert {
	return alert.Alert{Source: "watch", Fingerprint: "watch-" + scenario + "-" + host, Scenario: scenario, Host: host, Level: "silent",
		Since: time.Date(2026, 11, 23, 3, 11, 40, 0, time.UTC), Vantage: []string{"bot"}}
}

func outside(source, fingerprint, scenario, host string) alert.Alert {
	return alert.Alert{Source: source, Fingerprint: fingerprint, Scenario: scenario, Host: host, Level: "silent", Summary: host + " is down"}
}

func ended(a alert.Alert) alert.Alert { a.Resolved = true; return a }

// shownKeys are the cards, without what calls people to them.
func shownKeys(p *posts) []string {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(p.last)), func(key string) bool { return p.last[key].Nudge })
}

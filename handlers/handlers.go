package handlers

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/door"
	"recoverbot/locale"
	"recoverbot/runbook"
	"recoverbot/runbook/engine"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/journal"
	"recoverbot/runbook/scenario"
)

// Engine is what handlers ask of package engine.
type Engine interface {
	Start(ctx context.Context, r engine.StartRequest) (run runbook.Run, joined bool, err error)
	Decide(ctx context.Context, d runbook.Decision) (runbook.Run, error)
}

// Journal is what handlers read.
type Journal interface {
	Run(ctx context.Context, id string) (runbook.Run, error)
	Active(ctx context.Context) ([]runbook.Run, error)
	Runs(ctx context.Context, limit int) ([]runbook.RunSummary, error)
	Events(ctx context.Context, after int64, limit int) ([]runbook.Event, error)
	Subscribe() (ids <-chan int64, cancel func())
	Head(ctx context.Context, run string) (string, error)
	NewestVersion(ctx context.Context) (int64, error)
	Wanted(ctx context.Context) ([]journal.Message, error)
	Decisions(ctx context.Context, run, step string) ([]runbook.Recorded, error)
	Note(ctx context.Context, run string, by runbook.Actor, data map[string]string) error
	SaveAlerts(ctx context.Context, batch []journal.Alert, by runbook.Actor) error
	Firing(ctx context.Context, since time.Time) ([]journal.Alert, error)
}

// Wanter takes messages that people should see.
type Wanter interface {
	Want(ctx context.Context, m bot.Message) error
}

// Config is what New wires together.
type Config struct {
	Engine    Engine
	Journal   Journal
	Fleet     *fleet.Fleet
	Scenarios scenario.Set
	Hub       Wanter
	Bundle    *locale.Bundle
	Language  string // of messages to everybody: en or zh
	Zone      *time.Location
	Clock     func() time.Time
	// BlackBox says for a diagnosis how old the newest copies are; nil says nothing.
	BlackBox func() (text runbook.Msg, stale bool)
	// Health is how each platform fares; nil where nobody knows. What changes is told to PlatformHealth.
	Health func() []bot.Health
	// Guesses slows down wrong tokens, together with those at the console; nil: alone.
	Guesses *door.Guesses
	Log     *slog.Logger
}

// Handlers gives meaning to what people and alerts say. It implements bot.Handler, engine.Notifier and the alert sink.
type Handlers struct {
	Config
	say       *locale.Printer
	view      *notifier
	alerts    *alertBook
	versions  versions
	leavers   leavers
	platforms *platforms
	streams   door.Streams
	refusals  refusals
	approving atomic.Bool // the standing approval of a rehearsal is under way
}

// New wires the handlers; nothing runs before Run.
func New(c Config) *Handlers {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Guesses == nil {
		c.Guesses = door.NewGuesses(c.Log, c.Clock)
	}
	h := &Handlers{Config: c, say: c.Bundle.Printer(c.Language, c.Zone)}
	h.view = newNotifier(h)
	h.alerts = newAlertBook()
	h.platforms = newPlatforms()
	return h
}

// SetEngine closes the circle of construction: the engine needs its notifier, the handlers need the engine.
func (h *Handlers) SetEngine(e Engine) { h.Engine = e }

// Run delivers views of runs until ctx ends.
func (h *Handlers) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { h.runAlerts(ctx) })
	wg.Go(func() { h.runHealth(ctx) })
	return h.view.run(ctx)
}

// Changed implements engine.Notifier.
func (h *Handlers) Changed(r runbook.Run, _ string) {
	h.view.changed(r)
	h.alerts.runChanged(r)
}

// RulesChanged shows anew what asks: who may answer it may be others by now.
func (h *Handlers) RulesChanged(ctx context.Context) {
	active, err := h.Journal.Active(ctx)
	if err != nil {
		h.Log.Error("list runs", "error", err)
	}
	for _, r := range active {
		h.view.changed(r)
	}
}

// printer returns the renderer for a language; "" is the company's own.
func (h *Handlers) printer(lang string) *locale.Printer {
	if lang == "" || lang == h.say.Lang() {
		return h.say
	}
	return h.Bundle.Printer(lang, h.Zone)
}

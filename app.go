package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"recoverbot/bot"
	"recoverbot/bot/door"
	"recoverbot/bot/terminal"
	"recoverbot/bot/web"
	"recoverbot/handlers"
	"recoverbot/handlers/alert/watch"
	"recoverbot/locale"
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/builtin"
	"recoverbot/runbook/blackbox"
	"recoverbot/runbook/engine"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/journal"
	"recoverbot/runbook/scenario"
)

// app is the bot put together: the same for serve, for the break-glass terminal and for a dry run.
type app struct {
	set       settings
	log       *slog.Logger
	bundle    *locale.Bundle
	fleet     *fleet.Fleet
	box       *blackbox.Store
	journal   *journal.Journal
	scenarios scenario.Set
	actions   *action.Builder
	engine    *engine.Engine
	handlers  *handlers.Handlers
	hub       *bot.Hub
	console   *web.Console
	terminal  *terminal.Terminal
	chats     []chat
	guesses   *door.Guesses
}

// newApp wires everything; nothing runs before run. dsn names the journal. Chats are only for the bot that stands by.
func newApp(ctx context.Context, set settings, dsn string, chats ...func(*app) (chat, error)) (a *app, err error) {
	a = &app{set: set}
	defer func() {
		if err != nil {
			a.close()
		}
	}()
	if a.bundle, err = locale.Load(); err != nil {
		return a, err
	}
	if a.fleet, err = set.openFleet(); err != nil {
		return a, set.localised(a.bundle, err)
	}
	a.log = newLog(a.fleet.Redactor())
	a.guesses = door.NewGuesses(a.log, time.Now)
	if a.box, err = set.openBlackBox(a.fleet); err != nil {
		return a, set.localised(a.bundle, err)
	}
	actions, err := action.NewBuilder(a.fleet, builtin.Kinds(), a.box, time.Now)
	if err != nil {
		return a, err
	}
	a.actions = actions
	if a.scenarios, err = scenario.Load(set.RunbookDir, actions); err != nil {
		return a, set.localised(a.bundle, err)
	}
	host, _ := os.Hostname()
	a.fleet.Redactor().Spare(append(a.scenarios.Known(), host, "recoverbot")...)
	if err = os.MkdirAll(filepath.Dir(journalPath(dsn)), 0o700); err != nil {
		return a, fmt.Errorf("make directory of the journal: %w", err)
	}
	if a.journal, err = journal.Open(ctx, dsn, time.Now, a.fleet.Redactor().Hide); err != nil {
		a.log.Error("open journal", "error", err)
		return a, set.localised(a.bundle, err)
	}
	actions.SetPast(past(a.journal, a.log))
	if a.console, err = a.newConsole(); err != nil {
		return a, err
	}
	a.terminal = a.newTerminal()
	platforms := []bot.Platform{a.console, a.terminal}
	for _, open := range chats {
		c, err := open(a)
		if err != nil {
			return a, err
		}
		if c.platform != nil {
			a.chats, platforms = append(a.chats, c), append(platforms, c.platform)
		}
	}
	if a.hub, err = bot.NewHub(bot.Config{
		Platforms: platforms, Store: handlers.HubStore(a.journal), Log: a.log,
		OnHealth: func(x bot.Health) { a.handlers.PlatformHealth(x) }, // set below, before anything runs
	}); err != nil {
		return a, err
	}
	a.handlers = handlers.New(handlers.Config{
		Journal: a.journal, Fleet: a.fleet, Scenarios: a.scenarios, Hub: a.hub, Bundle: a.bundle,
		Language: set.Language, Zone: set.zone, Log: a.log, BlackBox: a.blackBoxState, Health: a.hub.Health, Guesses: a.guesses,
	})
	a.engine = engine.New(engine.Config{
		Journal: a.journal, Notifier: a.handlers, People: a.handlers, Actions: actions, ID: newID,
		Owner: fmt.Sprintf("%s-%d", host, os.Getpid()), Log: a.log,
	})
	a.handlers.SetEngine(a.engine)
	return a, nil
}

// run blocks until ctx ends or a part fails; extra parts run beside the bot's own.
func (a *app) run(ctx context.Context, extra ...func(context.Context) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.hub.Run(ctx, a.handlers) })
	g.Go(func() error { return a.handlers.Run(ctx) })
	g.Go(func() error { return a.engine.Run(ctx) })
	for _, f := range extra {
		g.Go(func() error { return f(ctx) })
	}
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// watch probes the fleet by the bot's own eyes.
func (a *app) watch(ctx context.Context) error {
	watch.New(a.fleet, a.handlers, a.log).Run(ctx)
	return nil
}

// close releases what newApp took, last in first out.
func (a *app) close() {
	if a.journal != nil {
		if err := a.journal.Close(); err != nil && a.log != nil {
			a.log.Error("close journal", "error", err)
		}
	}
	if a.fleet != nil {
		_ = a.fleet.Close() // connections that break while they are closed are closed
	}
}

func journalPath(dsn string) string { return strings.TrimPrefix(dsn, "sqlite://") }

// socketPath is where a running bot takes terminals of the same user of this machine.
func (s settings) socketPath() string { return journalPath(s.DatabaseURL) + ".sock" }

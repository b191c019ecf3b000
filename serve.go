package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"

	"recoverbot/bot/door"
)

// shutdownWithin bounds how long open requests may keep the bot from ending.
const shutdownWithin = 3 * time.Second

// idleGC keeps the memory of a bot that stands by for months low; it has CPU to spare.
const idleGC = 25

func serveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Stand by: watch, take commands in the console and the chats, recover", Args: arguments(0, 0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			debug.SetGCPercent(idleGC) // first: what is read at the start would leave a large heap behind
			set, err := loadSettings(cmd)
			if err != nil {
				return err
			}
			a, err := newApp(cmd.Context(), set, set.DatabaseURL, chats...) // first: a bot that runs here already has the journal
			if err != nil {
				return err
			}
			defer a.close()
			listener, err := net.Listen("tcp", set.HTTPAddr)
			if err != nil {
				return fmt.Errorf("HTTP_ADDR %s: %w", set.HTTPAddr, err)
			}
			defer listener.Close()
			begun := a.began(cmd.Context()) // not before: where the address is taken, it begins each second
			say := a.bundle.Printer(set.Language, set.zone)
			for _, w := range set.warnings(a.fleet.Config(), a.scenarios) {
				a.log.Warn(say.Say(checked(w)))
			}
			ready := []any{"http_addr", listener.Addr().String(), "version", version, "journal", journalPath(set.DatabaseURL), "new_journal", a.journal.Fresh()}
			if begun == nil {
				a.log.Info("ready", ready...)
			} else {
				a.log.Error("not ready: the journal cannot be written", ready...)
			}
			return a.run(cmd.Context(), a.watch, a.watchJournal, a.keepBlackBox, a.handlers.RunRehearsals, a.followRules, giveBack,
				func(ctx context.Context) error { return a.terminal.Listen(ctx, set.socketPath()) },
				func(ctx context.Context) error { return serveHTTP(ctx, door.Listen(listener), a.routes()) },
			)
		},
	}
}

// giveBack returns the memory that only the start needed; what is pooled goes at the second collection.
func giveBack(context.Context) error {
	runtime.GC()
	debug.FreeOSMemory()
	return nil
}

// routes are all that the bot answers over HTTP.
func (a *app) routes() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", a.console.Handler())
	mux.Handle("/api/", a.handlers.API())
	alerts := prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "recoverbot_alerts_total", Help: "Alerts of monitoring systems: stored, ignored (no rule is for them), or refused.",
	}, []string{"source", "result"})
	mux.Handle("/alerts/", a.handlers.AlertsAPI(a.set.AlertToken, func(source, result string, n int) {
		alerts.WithLabelValues(source, result).Add(float64(n))
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", a.readyz)
	for _, c := range a.chats {
		if c.handler != nil {
			mux.Handle(c.path, c.handler)
		}
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), alerts)
	registry.MustRegister(a.blackBoxAge(), a.platformsUp())
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	return door.Headers(mux)
}

func serveHTTP(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		WriteTimeout: 2 * time.Minute,                                   // event streams have limits of their own
		BaseContext:  func(net.Listener) context.Context { return ctx }, // ends event streams when the bot ends
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve HTTP: %w", err)
	case <-ctx.Done():
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownWithin)
	defer cancel()
	if err := server.Shutdown(bounded); err != nil {
		_ = server.Close()
	}
	if err := <-failed; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve HTTP: %w", err)
	}
	return nil
}

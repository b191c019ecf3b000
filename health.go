package main

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus"

	"recoverbot/bot"
)

// readyz answers 503 where a person must mend something, and always names each chat that does not work.
func (a *app) readyz(w http.ResponseWriter, r *http.Request) {
	if err := a.journal.Healthy(r.Context()); err != nil {
		http.Error(w, "the journal cannot be written", http.StatusServiceUnavailable)
		return
	}
	status, lines := http.StatusOK, []string{"ready"}
	for _, x := range a.hub.Health() {
		if fault := (*bot.Fault)(nil); errors.As(x.Err, &fault) {
			status, lines[0] = http.StatusServiceUnavailable, "not ready"
			lines = append(lines, a.label(a.set.Language, "platform.broken", "platform", x.Platform, "text", a.fleet.Redactor().Redact(fault.Text)))
		} else if x.Err != nil {
			lines = append(lines, a.label(a.set.Language, "platform.unreachable", "platform", x.Platform, "at", x.Since))
		}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	fmt.Fprintln(w, strings.Join(lines, "\n"))
}

// platformsUp is for monitoring: whether each platform receives and delivers.
func (a *app) platformsUp() prometheus.Collector {
	return platformsUp{a.hub, prometheus.NewDesc("recoverbot_platform_up", "1 where the platform works, 0 where it does not.", []string{"platform"}, nil)}
}

type platformsUp struct {
	hub  *bot.Hub
	desc *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (p platformsUp) Describe(out chan<- *prometheus.Desc) { out <- p.desc }

// Collect implements prometheus.Collector.
func (p platformsUp) Collect(out chan<- prometheus.Metric) {
	for _, x := range p.hub.Health() {
		up := 1.0
		if x.Err != nil {
			up = 0
		}
		out <- prometheus.MustNewConstMetric(p.desc, prometheus.GaugeValue, up, x.Platform)
	}
}

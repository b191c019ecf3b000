// Package alert is what tells the bot that something is down: the shape of an alert, whatever its source. It decides
// nothing; package handlers does.
package alert

import (
	"context"
	"time"

	"recoverbot/runbook"
)

// Alert says that a scenario may be called for, or that it no longer is.
type Alert struct {
	Source      string // "watch", "alertmanager", …
	Fingerprint string // stable identity: the same trouble again has the same one; of [a-z0-9-] only
	Scenario    string
	Params      map[string]string
	Host        string // name in the fleet, where it is about one
	Level       string // silent, ssh, service_down
	Since       time.Time
	Findings    []runbook.Finding // what was seen
	// Vantage names the places that it was seen from: "bot", then hosts of the fleet.
	Vantage  []string
	Resolved bool
	Replaces []string // fingerprints of narrower alerts that this one makes void
}

// Sink takes alerts. An error means that the alert could not be stored and should be sent again.
type Sink interface {
	Alert(ctx context.Context, a Alert) error
}

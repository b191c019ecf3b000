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
	Scenario    string // "": none is called for, people act by hand
	Params      map[string]string
	Host        string // name in the fleet, where it is about one
	Level       string // silent, ssh, service_down, returned
	Since       time.Time
	Findings    []runbook.Finding // what was seen
	// Vantage names the places that it was seen from: "bot", then hosts of the fleet.
	Vantage  []string
	Resolved bool
	// Closed says why a resolved alert is over, where not because the host answers: Retired or Moved.
	Closed   string
	Replaces []string // fingerprints of narrower alerts that this one makes void
}

// Why an alert is closed that nothing has mended.
const (
	Retired = "retired" // the host is out of service
	Moved   = "moved"   // the host is not watched for that any more
)

// Sink takes alerts. An error means that the alert could not be stored and should be sent again.
type Sink interface {
	Alert(ctx context.Context, a Alert) error
}

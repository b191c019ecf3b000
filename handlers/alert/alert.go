// Package alert is what tells the bot that something is down: the shape of an alert, whatever its source, and the rules
// of fleet.yaml that make one of what a monitoring system says. It starts nothing; package handlers decides.
package alert

import (
	"context"
	"io"
	"time"

	"recoverbot/runbook"
)

// Alert says that a scenario may be called for, or that it no longer is.
type Alert struct {
	Source      string // "watch", "alertmanager", …
	Fingerprint string // stable identity within the source: the same trouble again has the same one; of [a-z0-9-] only
	Scenario    string // "": none is called for, people act by hand
	Params      map[string]string
	Host        string // name in the fleet, where it is about one
	Level       string // silent, ssh, service_down, returned, …
	Since       time.Time
	Findings    []runbook.Finding // what was seen
	// Vantage names the places that it was seen from: "bot", then hosts of the fleet.
	Vantage  []string
	Resolved bool
	// Closed says why a resolved alert is over, where not because the host answers: Retired or Moved.
	Closed  string
	Summary string // what an outside source says, of its own text
}

// Why an alert is closed that nothing has mended.
const (
	Retired = "retired" // the host is out of service
	Moved   = "moved"   // the host is not watched for that any more
)

// Sink takes alerts. An error means that nothing of the batch could be stored: it should be sent again.
type Sink interface {
	Alerts(ctx context.Context, batch []Alert) error
}

// Event is what a monitoring system says of one trouble, before it is known what that means here. All of its text comes
// from outside.
type Event struct {
	Fingerprint string            // the system's own identity of the trouble
	Labels      map[string]string // they only select
	Summary     string            // for people; shown shortened
	Since       time.Time         // zero where unknown
	Resolved    bool
}

// Source reads the bodies of one kind of monitoring system.
type Source interface {
	Name() string // in /alerts/NAME
	// Parse reads a body, an alert at a time. After an error nothing of the body counts; it is Invalid and says what is
	// wrong, but for a body that is too large.
	Parse(body io.Reader, each func(Event)) error
}

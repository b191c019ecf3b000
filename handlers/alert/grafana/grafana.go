// Package grafana reads the webhook bodies of Grafana's unified alerting.
package grafana

import (
	"io"

	"recoverbot/handlers/alert"
)

// Source is alert.Source for Grafana.
type Source struct{}

// Name implements alert.Source.
func (Source) Name() string { return "grafana" }

// Parse implements alert.Source. The body is Alertmanager's with more keys, under a version of its own.
func (Source) Parse(body io.Reader, each func(alert.Event)) error {
	return alert.ParseWebhook(body, each, "1")
}

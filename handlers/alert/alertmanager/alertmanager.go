// Package alertmanager reads the webhook bodies of Prometheus Alertmanager, version 4.
package alertmanager

import (
	"io"

	"recoverbot/handlers/alert"
)

// Source is alert.Source for Alertmanager.
type Source struct{}

// Name implements alert.Source.
func (Source) Name() string { return "alertmanager" }

// Parse implements alert.Source. The fingerprint is Alertmanager's own: a hash of the alert's labels.
func (Source) Parse(body io.Reader, each func(alert.Event)) error {
	return alert.ParseWebhook(body, each, "4")
}

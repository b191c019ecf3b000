package alert

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// webhookAlert is an alert in the body that Alertmanager and Grafana share. Status and labels are read of each alert: a
// group that fires can hold alerts that are resolved, and the labels that all have in common shrink.
type webhookAlert struct {
	Status      string            `json:"status"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	Fingerprint string            `json:"fingerprint"`
}

// ParseWebhook reads a body of Alertmanager's shape and of one of the versions.
func ParseWebhook(r io.Reader, each func(Event), versions ...string) error {
	b := NewBody(r)
	version, listed := "", false
	err := b.Walk("the body", Object, func(key string) error {
		switch key {
		case "version":
			return b.Value(key, &version)
		case "alerts":
			listed = true
			return b.Walk(key, List, func(i string) error {
				name := "alerts[" + i + "]"
				var a webhookAlert
				if err := b.Value(name, &a); err != nil {
					return err
				}
				e, err := a.event(name)
				if err == nil {
					each(e)
				}
				return err
			})
		}
		return b.Skip()
	})
	switch {
	case err != nil:
		return err
	case !slices.Contains(versions, version):
		return Unreadable(fmt.Sprintf("version is %.20q, not %s", version, strings.Join(versions, " or ")))
	case !listed:
		return Unreadable("it has no alerts")
	}
	return b.End()
}

func (a webhookAlert) event(name string) (Event, error) {
	if a.Status != "firing" && a.Status != "resolved" {
		return Event{}, Unreadable(fmt.Sprintf("%s.status is %.20q, not firing or resolved", name, a.Status))
	}
	e := Event{Fingerprint: a.Fingerprint, Labels: a.Labels, Since: a.StartsAt, Resolved: a.Status == "resolved"}
	for _, key := range []string{"summary", "description", "message"} {
		if e.Summary == "" {
			e.Summary = a.Annotations[key]
		}
	}
	if e.Summary == "" {
		e.Summary = a.Labels["alertname"]
	}
	if e.Fingerprint == "" {
		for _, name := range slices.Sorted(maps.Keys(a.Labels)) {
			e.Fingerprint += fmt.Sprintf("%q=%q,", name, a.Labels[name])
		}
	}
	if e.Fingerprint == "" {
		return Event{}, Unreadable(name + " has neither fingerprint nor labels")
	}
	return e, nil
}

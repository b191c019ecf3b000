package alert

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// webhook is the body that Alertmanager and Grafana share. Status and labels are read of each alert: a group that fires
// can hold alerts that are resolved, and the labels that all have in common shrink.
type webhook struct {
	Version string `json:"version"`
	Alerts  []struct {
		Status      string            `json:"status"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
		StartsAt    time.Time         `json:"startsAt"`
		Fingerprint string            `json:"fingerprint"`
	} `json:"alerts"`
}

// ParseWebhook reads a body of Alertmanager's shape and of one of the versions.
func ParseWebhook(body []byte, versions ...string) ([]Event, error) {
	var w webhook
	if err := Decode(body, &w); err != nil {
		return nil, err
	}
	if !slices.Contains(versions, w.Version) {
		return nil, Unreadable(fmt.Sprintf("version is %.20q, not %s", w.Version, strings.Join(versions, " or ")))
	}
	if w.Alerts == nil {
		return nil, Unreadable("it has no alerts")
	}
	out := make([]Event, 0, len(w.Alerts))
	for i, a := range w.Alerts {
		if a.Status != "firing" && a.Status != "resolved" {
			return nil, Unreadable(fmt.Sprintf("alerts[%d].status is %.20q, not firing or resolved", i, a.Status))
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
			return nil, Unreadable(fmt.Sprintf("alerts[%d] has neither fingerprint nor labels", i))
		}
		out = append(out, e)
	}
	return out, nil
}

package restore

import (
	"context"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
)

// Taken where nothing was measured: a dump loads at 27 MB/s on two idle cores, and at 3 MB/s at low priority on busy ones;
// between hosts 30 MB/s is modest.
const (
	loadRate = 8e6
	copyRate = 30e6
)

// telling is how much a load must have been for its rate to tell anything, or else a tenth of what is to be loaded: of a
// small one most is the beginning and the end.
const telling = 64e6

// estimate says how long a restore will take, where that is known from, and what came of the last rehearsal.
func (r *restore) estimate(ctx context.Context, p *runbook.Plan, e effect, remote bool) []runbook.Msg {
	seconds, rate := float64(e.Bytes)/loadRate+1, loadRate
	var from action.Measured
	var facts []runbook.Msg
	rehearsed := false
	past, known := r.env.Measured(ctx, e.Database)
	for _, m := range past { // the newest first
		if m.Seconds > 0 && m.Bytes > 0 && m.Bytes >= min(telling, e.Bytes/10) && from.At.IsZero() {
			from, rate = m, float64(m.Bytes)/m.Seconds
			seconds = float64(e.Bytes) / rate
		}
		if !m.Rehearsal || rehearsed {
			continue
		}
		rehearsed = true
		text := runbook.T("restore.fact_rehearsed", "at", m.At.UTC().Format(time.RFC3339), "file", printable(m.File), "host", m.Host,
			"seconds", m.Seconds, "why", m.Failed)
		if m.Failed.IsZero() {
			facts = append(facts, text)
		} else {
			p.Warnings = append(p.Warnings, text)
		}
	}
	if remote {
		seconds += float64(e.Size) / copyRate
	}
	at := ""
	if !from.At.IsZero() {
		at = from.At.UTC().Format(time.RFC3339)
	}
	facts = append([]runbook.Msg{runbook.T("restore.fact_estimate", "seconds", seconds, "rate", int64(rate), "at", at, "host", from.Host,
		"rehearsal", from.Rehearsal, "known", known, "most", from.Rehearsal && !e.Rehearse && !e.Stream)}, facts...)
	if known && !rehearsed {
		facts = append(facts, runbook.T("restore.fact_not_rehearsed"))
	}
	return facts
}

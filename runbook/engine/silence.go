package engine

import (
	"context"
	"encoding/json"
	"time"

	"recoverbot/runbook"
)

const (
	// hangs is how long a probe must have waited in vain for its target to count as hanging.
	hangs = time.Second
	// stillHangs is for how long the target is not asked again. A machine that swallows packets costs every probe its
	// whole timeout: asked at each plan and each click, it would cost the people who wait a minute in a recovery.
	stillHangs = 5 * time.Second
)

// silence is an answer that did not come, and when it had not.
type silence struct {
	finding runbook.Finding
	at      time.Time
}

// probeSparing is probe for guards and conditions, which are asked again and again: a single probe that has just waited in
// vain is not repeated at once. An answer, be it good or bad, is never reused.
func (e *Engine) probeSparing(ctx context.Context, run runbook.Run, s runbook.StepRun, probes []runbook.Probe) []runbook.Finding {
	probes = ofMember(s, probes)
	if len(probes) != 1 {
		return e.probe(ctx, run, s, probes)
	}
	text, err := json.Marshal(probes[0])
	if err != nil {
		return e.probe(ctx, run, s, probes)
	}
	key, known := string(text), &e.live(run.ID).silence
	if v, ok := known.Load(key); ok {
		if since := e.now().Sub(v.(silence).at); since >= 0 && since < stillHangs {
			return []runbook.Finding{v.(silence).finding}
		}
	}
	found := e.probe(ctx, run, s, probes)
	if len(found) == 1 && !found[0].Up && found[0].Took >= hangs && ctx.Err() == nil {
		known.Store(key, silence{found[0], e.now()})
	}
	return found
}

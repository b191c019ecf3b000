package engine

import (
	"context"
	"errors"
	"fmt"

	"recoverbot/runbook"
)

// verify asks the step's own checks after its effect; probes with `within` keep trying.
func (e *Engine) verify(ctx context.Context, s runbook.StepRun) {
	run, step, err := e.read(ctx, s.RunID, s.ID)
	if err != nil || step.State != runbook.Verifying || step.Attempt != s.Attempt {
		return
	}
	var findings []runbook.Finding
	if len(step.Def.Verify) > 0 {
		vctx, cancel := context.WithTimeoutCause(ctx, e.cfg.VerifyTimeout, fmt.Errorf("verifying step %s took over %s", step.ID, e.cfg.VerifyTimeout))
		findings = e.probe(vctx, run, step, step.Def.Verify)
		cancel()
		if ctx.Err() != nil && !errors.Is(context.Cause(ctx), errAborted) {
			return // verified again at the next start
		}
	}
	bad := 0
	for _, f := range findings {
		if !f.OK {
			bad++
		}
	}
	_ = e.record(ctx, s.RunID, s.ID, nil, func(_ *runbook.Run, s *runbook.StepRun) bool {
		if s.State != runbook.Verifying || s.Attempt != step.Attempt {
			return false
		}
		s.State, s.Findings, s.Note = runbook.Done, findings, runbook.Msg{}
		switch {
		case ctx.Err() != nil:
			s.State, s.Note = runbook.Unverified, runbook.T("engine.verify_broken_off")
		case bad > 0:
			s.State, s.Note = runbook.Unverified, runbook.T("engine.unverified", "bad", bad, "of", len(findings))
		}
		return true
	})
}

package restore

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path"
	"time"

	"github.com/pkg/sftp"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/dump/load"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/transfer"
)

const stateDir = "/var/lib/recoverbot/load"

// helperScript is all that runs on the host: the paths are in variables.
const helperScript = `chmod 700 "$RB_HELPER" && exec "$RB_HELPER" load-dump
`

// Apply is never called by the engine, since Holds is true.
func (r *restore) Apply(context.Context, runbook.Plan, runbook.Job, runbook.Output) (runbook.Result, error) {
	return runbook.Result{}, &runbook.Refusal{Text: runbook.T("restore.needs_hold")}
}

// Hold loads the planned dump into the scratch schema on the target and compares it. Whatever fails here has left the
// live schema as it was.
func (r *restore) Hold(ctx context.Context, p runbook.Plan, job runbook.Job, out runbook.Output) (runbook.HeldChange, error) {
	lctx, a, end := r.attempts.begin(ctx, job, false)
	defer end()
	e, h, d, err := r.planned(p)
	if err != nil {
		return nil, action.Refuse(err)
	}
	c, err := r.env.Connect(ctx, h, p.Effect.Identity)
	if err != nil {
		return nil, err
	}
	if state, err := c.Job(ctx, job.ID()); err != nil {
		return nil, action.Refuse(err)
	} else if state.Status != fleet.JobNone {
		a.signals(true)
		return r.rehold(ctx, p, job, out)
	}
	m := newMeter(out)
	defer m.close()
	l := &lines{out: out, meter: m}
	ended, _, err := r.carry(lctx, a, p, e, h, d, c, job, l)
	if err != nil {
		r.cleanRefused(ctx, c, e, h, job, err)
		return nil, err
	}
	return r.loaded(ctx, p, e, h, d, job, ended, l)
}

// carry brings the planned dump and loads it, by a helper or through this process. A *runbook.Refusal says that nothing
// was begun, another error that it is not known how it ended.
func (r *restore) carry(ctx context.Context, a *attempt, p runbook.Plan, e effect, h fleet.Host, d fleet.Database, c *fleet.Client,
	job runbook.Job, l *lines) (ended action.Ended, brought time.Duration, err error) {
	if !e.Stream {
		began := time.Now()
		file, err := r.bring(ctx, e, h, c, l.meter)
		if err != nil {
			return ended, 0, a.refuse(err)
		}
		if e.Source != h.Name {
			brought = time.Since(began)
		}
		l.meter.tell(runbook.Progress{}, "restore.uploading", "host", h.Name) // 30 MB over a far link take a while
		spec, err := r.install(ctx, e, h, d, c, file, job)
		if err != nil || a.signals(true) {
			return ended, 0, a.refuse(err)
		}
		ended, err = r.env.Detached(ctx, h, p.Effect.Identity, spec, l)
		if a.signals(false) && l.refused == nil {
			l.refused = &runbook.Msg{ID: "dump.canceled"}
			return ended, brought, err
		}
		if err != nil || !neverRan(ended, l) {
			return ended, brought, err
		}
		r.clean(ctx, c, e, h, job)
	}
	ended, err = r.through(ctx, e, h, d, job, l)
	if err != nil {
		return ended, brought, a.refuse(err)
	}
	if err := ctx.Err(); err != nil && !a.wasCancelled() { // the bot stops: nothing goes on without it
		return ended, brought, err
	}
	return ended, brought, nil
}

// cleanRefused removes what was uploaded for a helper that was not started: its configuration holds a password.
func (r *restore) cleanRefused(ctx context.Context, c *fleet.Client, e effect, h fleet.Host, job runbook.Job, err error) {
	var never *runbook.Refusal
	if errors.As(err, &never) {
		r.clean(ctx, c, e, h, job)
	}
}

func (r *restore) planned(p runbook.Plan) (effect, fleet.Host, fleet.Database, error) {
	e, err := fromPlan(p)
	if err != nil {
		return e, fleet.Host{}, fleet.Database{}, err
	}
	h, err := r.env.Target()
	if err != nil {
		return e, h, fleet.Database{}, err
	}
	d, err := r.database()
	if err == nil && (h.Name != p.Effect.Host || d.Schema != e.Schema) {
		err = action.Stale("restore.plan_of_other", "host", p.Effect.Host)
	}
	return e, h, d, err
}

// refuse keeps what says that the dump changed as stale.
func refuse(err error) *runbook.Refusal {
	r := action.Refuse(err)
	if runbook.CodeOf(err) == runbook.Conflicting {
		r.Stale = true
	}
	return r
}

// bring sees to it that the planned dump lies on the target, and returns its path there.
func (r *restore) bring(ctx context.Context, e effect, h fleet.Host, c *fleet.Client, meter *meter) (string, error) {
	r.sweep(ctx, e, h, c)
	if e.Source == h.Name {
		return e.Path, nil // the helper compares its hash
	}
	source, ok := r.env.Fleet.Config().Host(e.Source)
	if !ok {
		return "", runbook.Errorf(runbook.Invalid, "fleet.unknown_host", "ref", e.Source)
	}
	from, err := r.env.Connect(ctx, source, e.SourceIdentity)
	if err != nil {
		return "", err
	}
	target, err := c.Identity(ctx)
	if err != nil {
		return "", err
	}
	file := r.copyPath(e, h)
	err = transfer.Run(ctx, transfer.Job{
		From: from, To: c, FromPath: e.Path, ToPath: file, Size: e.Size, SHA256: e.SHA256, Mode: 0o600,
		Progress: func(done int64) {
			meter.tell(runbook.Progress{Done: done, Total: e.Size, Unit: "bytes"}, "restore.copying", "host", e.Source)
		},
		Redial: func(ctx context.Context) (*fleet.Client, *fleet.Client, error) {
			from, err := r.env.Connect(ctx, source, e.SourceIdentity)
			if err != nil {
				return nil, nil, err
			}
			to, err := r.env.Connect(ctx, h, target)
			return from, to, err
		},
	})
	if err != nil {
		if runbook.CodeOf(err) == runbook.Conflicting || errors.Is(err, os.ErrNotExist) {
			return "", action.Stale("dump.changed")
		}
		return "", &runbook.Error{Code: runbook.Unavailable, Msg: runbook.T("restore.copy_failed", "host", e.Source), Err: err}
	}
	return file, nil
}

func (r *restore) copyPath(e effect, h fleet.Host) string {
	return path.Join(r.copies(h), e.SHA256[:16]+path.Ext(e.Name))
}

// workDir is where the helper of an attempt lies.
func workDir(e effect, h fleet.Host, job runbook.Job) string {
	return path.Join(h.Path(cmp.Or(e.Dir, stateDir)), job.ID())
}

// install uploads this very binary and the helper's configuration into a fresh directory.
func (r *restore) install(ctx context.Context, e effect, h fleet.Host, d fleet.Database, c *fleet.Client, file string, job runbook.Job) (fleet.JobSpec, error) {
	var spec fleet.JobSpec
	s, err := c.SFTP(ctx)
	if err != nil {
		return spec, err
	}
	defer func() { _ = s.Close() }()
	dir := workDir(e, h, job)
	if err := s.MkdirAll(path.Dir(dir)); err != nil {
		return spec, fmt.Errorf("make directory: %w", err)
	}
	if err := s.Mkdir(dir); err != nil {
		return spec, fmt.Errorf("make fresh directory: %w", err)
	}
	if err := s.Chmod(dir, 0o700); err != nil {
		return spec, fmt.Errorf("close directory: %w", err)
	}
	self, sum, err := r.binary()
	if err != nil {
		return spec, err
	}
	defer func() { _ = self.Close() }()
	helper, config := path.Join(dir, "recoverbot"), path.Join(dir, "config.json")
	if err := transfer.Put(ctx, c, helper, 0o700, self); err != nil {
		return spec, err
	}
	got, err := transfer.Hash(ctx, c, helper)
	if err != nil {
		return spec, err
	}
	if got != sum {
		return spec, runbook.Errorf(runbook.Unavailable, "restore.helper_damaged", "host", h.Name)
	}
	cfg := loadConfig(e, h, d)
	cfg.File, cfg.Remove = file, []string{helper}
	script := helperScript
	if e.Rehearse {
		script = gentleScript
	}
	text, err := json.Marshal(cfg)
	if err != nil {
		return spec, fmt.Errorf("encode configuration: %w", err)
	}
	if err := transfer.Put(ctx, c, config, 0o600, bytesReader(text)); err != nil {
		return spec, err
	}
	return fleet.JobSpec{ID: job.ID(), Script: script, Env: map[string]string{"RB_HELPER": helper, load.ConfigVariable: config}}, nil
}

// loaded judges how the helper ended.
func (r *restore) loaded(ctx context.Context, p runbook.Plan, e effect, h fleet.Host, d fleet.Database, job runbook.Job, ended action.Ended, l *lines) (runbook.HeldChange, error) {
	if c, err := r.env.Connect(ctx, h, p.Effect.Identity); err == nil {
		r.clean(ctx, c, e, h, job)
		if l.report != nil || l.bad { // another attempt needs it no more
			r.removeCopy(ctx, e, h, c)
		}
	}
	if l.report != nil && ended.Status == fleet.JobExited && ended.Exit == 0 {
		return &held{r: r, plan: p, e: e, h: h, d: d, job: job, report: *l.report}, nil
	}
	if err := r.dropScratch(ctx, h, d, e); err != nil { // the next attempt's helper drops it before it loads
		l.scratchLeft = true
	}
	refusal := &runbook.Refusal{Text: l.why(e, h, ended), Stale: l.changed}
	if l.scratchLeft {
		refusal.Text = runbook.T("restore.scratch_left", "why", refusal.Text, "scratch", e.Scratch)
	}
	return nil, refusal
}

// Rehold finds the load again after a restart: it waits for a helper that is still at work.
func (r *restore) Rehold(ctx context.Context, p runbook.Plan, job runbook.Job, out runbook.Output) (runbook.HeldChange, error) {
	_, _, end := r.attempts.begin(ctx, job, true)
	defer end()
	return r.rehold(ctx, p, job, out)
}

func (r *restore) rehold(ctx context.Context, p runbook.Plan, job runbook.Job, out runbook.Output) (runbook.HeldChange, error) {
	e, h, d, err := r.planned(p)
	if err != nil {
		return nil, err
	}
	m := newMeter(out)
	defer m.close()
	l := &lines{out: out, meter: m}
	ended, err := r.reattach(ctx, e, h, p.Effect.Identity, job, l)
	if err != nil {
		return nil, err
	}
	if l.report != nil {
		switch at, _, err := r.stageOf(ctx, h, d, e, job); {
		case err != nil:
			return nil, err
		case at == stageSwapped:
			return nil, runbook.Errorf(runbook.Unavailable, "restore.already_swapped", "database", e.Schema)
		case at == stageGone:
			return nil, &runbook.Refusal{Text: runbook.T("restore.scratch_gone", "scratch", e.Scratch)}
		}
	}
	return r.loaded(ctx, p, e, h, d, job, ended, l)
}

// Cancel ends the load, whatever it is at, and drops what it has loaded.
func (r *restore) Cancel(ctx context.Context, p runbook.Plan, job runbook.Job) error {
	done := r.attempts.cancel(job)
	e, h, d, err := r.planned(p)
	if err != nil {
		return err
	}
	c, err := r.env.Connect(ctx, h, p.Effect.Identity)
	if err != nil {
		return err
	}
	again := time.NewTicker(500 * time.Millisecond)
	defer again.Stop()
	for ended := false; !ended; { // the helper may just be starting
		if err := c.CancelJob(ctx, job.ID()); err != nil {
			return err
		}
		select {
		case <-done:
			ended = true
		case <-again.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	r.clean(ctx, c, e, h, job)
	r.removeCopy(ctx, e, h, c)
	remove(ctx, c, r.streamedFile(h, job))
	r.sweep(ctx, e, h, c)
	return r.dropScratch(ctx, h, d, e)
}

// clean removes the helper's directory, best effort: the helper removes its secrets itself.
func (r *restore) clean(ctx context.Context, c *fleet.Client, e effect, h fleet.Host, job runbook.Job) {
	dir := workDir(e, h, job)
	remove(ctx, c, dir+"/recoverbot", dir+"/config.json", dir)
}

func remove(ctx context.Context, c *fleet.Client, paths ...string) {
	onHost(ctx, c, func(s *sftp.Client) {
		for _, p := range paths {
			_ = s.Remove(p) // also removes an empty directory
		}
	})
}

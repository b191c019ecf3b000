package nginx

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
)

const (
	reloadWithin  = 20 * time.Second
	restoreWithin = 30 * time.Second
	pollEvery     = 200 * time.Millisecond
)

// pending is one file between its old and its new text.
type pending struct {
	file
	old, text []byte
}

// Apply backs the files up, puts the new ones in place, has nginx test them, and reloads the master. A configuration
// that nginx refuses is taken back before anything is reloaded.
func (a *nginx) Apply(ctx context.Context, p runbook.Plan, job runbook.Job, out action.Output) (runbook.Result, error) {
	var ch change
	if err := json.Unmarshal(p.Effect.Data, &ch); err != nil {
		return runbook.Result{}, action.Refuse(fmt.Errorf("decode effect: %w", err))
	}
	m, err := a.look(ctx)
	if err != nil {
		return runbook.Result{}, action.Refuse(err)
	}
	defer m.close()
	if m.is != p.Effect.Identity || m.conf != ch.Conf {
		return runbook.Result{}, action.Stale("nginx.other_machine", "host", m.host.Name)
	}
	files, err := m.prepare(ch)
	if err != nil {
		return runbook.Result{}, action.Refuse(err)
	}
	var kept []string
	var drops []func()
	forget := func() {
		for _, drop := range drops {
			drop()
		}
	}
	for _, f := range files {
		to, drop, err := action.BackUp(m.sftp, m.host, job, f.Path, f.old)
		if err != nil {
			forget()
			return runbook.Result{}, action.Refuse(err)
		}
		kept, drops = append(kept, to), append(drops, drop)
	}
	for i, f := range files {
		if err := m.replace(f.Path, f.text); err != nil {
			return a.takeBack(ctx, m, files[:i+1], forget, "nginx.write_failed", err.Error())
		}
	}
	refusal, err := m.test(ctx)
	if err != nil {
		return a.takeBack(ctx, m, files, forget, "nginx.untested", err.Error())
	}
	if refusal != "" {
		return a.takeBack(ctx, m, files, forget, "nginx.refused", refusal)
	}
	if m.master == nil {
		return m.done(ch, kept, nil)
	}
	return m.reload(ctx, ch, kept, out)
}

// prepare works out every file's new text again, from what is on the host now; nothing is written yet.
func (m *machine) prepare(ch change) ([]pending, error) {
	var files []pending
	for _, f := range ch.Files {
		old, err := m.read(f.Path)
		if err != nil {
			return nil, err
		}
		if hash(old) != f.Before {
			return nil, action.Stale("nginx.changed", "host", m.host.Name, "path", f.Path)
		}
		text, err := splice(old, f.Ops)
		if err != nil || hash(text) != f.After {
			return nil, action.Stale("nginx.changed", "host", m.host.Name, "path", f.Path)
		}
		files = append(files, pending{f, old, text})
	}
	return files, nil
}

// takeBack puts the old files back, also where ctx has ended, and says why. Where that fails too the outcome is unknown.
func (a *nginx) takeBack(ctx context.Context, m *machine, files []pending, forget func(), id, why string) (runbook.Result, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), restoreWithin)
	defer cancel()
	again, err := m.ssh.SFTP(ctx)
	if err != nil {
		return runbook.Result{}, fmt.Errorf("restore configuration after %s: %w", id, err)
	}
	_ = m.sftp.Close() // where its context has ended it is of no use any more
	m.sftp = again
	var errs []error
	for _, f := range files {
		if now, err := m.read(f.Path); err == nil && hash(now) == f.Before {
			continue
		}
		errs = append(errs, m.replace(f.Path, f.old))
	}
	if err := errors.Join(errs...); err != nil {
		return runbook.Result{}, fmt.Errorf("restore configuration after %s (%s): %w", id, why, err)
	}
	if ctx.Err() != nil {
		return runbook.Result{}, ctx.Err()
	}
	forget()
	return runbook.Result{Outcome: runbook.OutcomeFailed,
		Text: runbook.T(id, "host", m.host.Name, "why", a.env.Fleet.Redactor().Redact(why))}, nil
}

// reload signals the master and waits until a new worker takes requests.
func (m *machine) reload(ctx context.Context, ch change, kept []string, out action.Output) (runbook.Result, error) {
	before := m.master.workers
	ran, err := m.ssh.Run(ctx, reloadCommand(m.master))
	if err != nil {
		return runbook.Result{}, err
	}
	if ran.Exit != 0 {
		return runbook.Result{Outcome: runbook.OutcomeUnknown, Text: runbook.T("nginx.master_gone", "host", m.host.Name)}, nil
	}
	out.Progress(runbook.Progress{Text: runbook.T("nginx.reloading", "host", m.host.Name)})
	ctx, cancel := context.WithTimeout(ctx, reloadWithin)
	defer cancel()
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	for {
		now, err := findMaster(ctx, m.ssh, m.conf, fmt.Sprint(m.master.pid))
		if err == nil && renewed(before, now.workers) {
			return m.done(ch, kept, now)
		}
		select {
		case <-ctx.Done():
			return runbook.Result{Outcome: runbook.OutcomeUnknown, Text: runbook.T("nginx.no_new_workers", "host", m.host.Name)}, nil
		case <-tick.C:
		}
	}
}

// renewed reports whether there are workers, and none of them is of the time before.
func renewed(before, now map[int]float64) bool {
	for pid := range now {
		if _, old := before[pid]; old {
			return false
		}
	}
	return len(now) > 0
}

func (m *machine) done(ch change, kept []string, now *master) (runbook.Result, error) {
	values, err := json.Marshal(ch.Removed)
	if err != nil {
		return runbook.Result{}, fmt.Errorf("encode removed lines: %w", err)
	}
	r := runbook.Result{Outcome: runbook.OutcomeDone, Open: openItems(ch, m.host.Name)}
	if now == nil {
		r.Text = runbook.T("nginx.done_stopped", "host", m.host.Name, "files", len(ch.Files), "backup", strings.Join(kept, ", "))
	} else {
		r.Text = runbook.T("nginx.done_"+ch.Do, "machine", ch.Machine, "host", m.host.Name, "files", len(ch.Files),
			"workers", len(now.workers), "backup", strings.Join(kept, ", "))
	}
	if len(ch.Removed) > 0 {
		r.Values = map[string]string{"removed": string(values)}
	}
	return r, nil
}

package action

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/cenkalti/backoff/v5"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// Connect logs in to a host and compares its identity with the plan's; identity "" takes whatever is pinned.
// Its error has changed nothing and is a *runbook.Refusal.
func (e Env) Connect(ctx context.Context, h fleet.Host, identity string) (*fleet.Client, error) {
	c, other, err := e.planned(ctx, h, identity)
	switch {
	case err != nil:
		return nil, Refuse(err)
	case !other.IsZero():
		return nil, &runbook.Refusal{Text: other, Stale: true}
	}
	return c, nil
}

// planned logs in to a host; other says that it is another machine than the plan's, where it is.
func (e Env) planned(ctx context.Context, h fleet.Host, identity string) (c *fleet.Client, other runbook.Msg, err error) {
	if c, err = e.Fleet.SSH(ctx, h); err != nil || identity == "" {
		return c, other, err
	}
	now, err := c.Identity(ctx)
	if err == nil && now != identity {
		other = runbook.T("action.other_identity", "host", h.Name, "planned", identity, "now", now)
	}
	return c, other, err
}

// began is planned for a job that may have begun: where the host has it under the same key, it is the plan's machine also
// with another name, which the job itself may have given it.
func (e Env) began(ctx context.Context, h fleet.Host, identity, id string) (c *fleet.Client, other runbook.Msg, err error) {
	c, other, err = e.planned(ctx, h, identity)
	if key, _, _ := strings.Cut(identity, " "); err != nil || other.IsZero() || c.Fingerprint() != key {
		return c, other, err
	}
	state, err := c.Job(ctx, id)
	if err == nil && state.Status != fleet.JobNone {
		other = runbook.Msg{}
	}
	return c, other, err
}

// Ended is how a detached job ended, with the last lines that it printed, sanitised and without known secrets.
type Ended struct {
	fleet.JobState
	Tail string
}

// Detached starts a job on a host and follows it to its end, across lost connections. The job runs at most once per
// ID, whatever happens here. A *runbook.Refusal means that it was certainly not started; another error, that its end is not known.
func (e Env) Detached(ctx context.Context, h fleet.Host, identity string, spec fleet.JobSpec, out Output) (Ended, error) {
	c, err := e.Connect(ctx, h, identity)
	if err != nil {
		return Ended{}, err
	}
	if _, err := c.StartJob(ctx, spec); err != nil {
		return Ended{}, fmt.Errorf("start job %s on %s: %w", spec.ID, h.Name, err)
	}
	return e.Follow(ctx, h, spec.ID, out)
}

// Reattach follows a job that was started earlier; it never starts it. A job that is not there is a *runbook.Refusal, and
// nothing starts it any more.
func (e Env) Reattach(ctx context.Context, h fleet.Host, identity, id string, out Output) (Ended, error) {
	c, other, err := e.began(ctx, h, identity, id)
	switch {
	case err != nil:
		return Ended{}, err
	case !other.IsZero():
		return Ended{}, &runbook.Error{Code: runbook.Forbidden, Msg: other}
	}
	state, err := c.SettleJob(ctx, id)
	if err != nil {
		return Ended{}, fmt.Errorf("look at job %s on %s: %w", id, h.Name, err)
	}
	if state.Status == "none" {
		return Ended{}, &runbook.Refusal{Text: runbook.T("action.job_never_ran", "host", h.Name)}
	}
	return e.Follow(ctx, h, id, out)
}

// Follow copies a job's output until it ends, and connects again as often as the connection breaks, until ctx ends.
func (e Env) Follow(ctx context.Context, h fleet.Host, id string, out Output) (Ended, error) {
	t := &tail{w: out}
	state, err := backoff.Retry(ctx, func() (fleet.JobState, error) {
		c, err := e.Fleet.SSH(ctx, h)
		if err != nil {
			return fleet.JobState{}, err
		}
		return c.FollowJob(ctx, id, t.n, t)
	}, backoff.WithBackOff(&backoff.ExponentialBackOff{
		InitialInterval: 200 * time.Millisecond, Multiplier: 2, RandomizationFactor: 0.2, MaxInterval: 5 * time.Second,
	}), backoff.WithMaxElapsedTime(0))
	ended := Ended{JobState: state, Tail: t.lines(8, e.Fleet.Redactor().Redact)}
	if err != nil {
		return ended, fmt.Errorf("follow job %s on %s: %w", id, h.Name, err)
	}
	return ended, nil
}

// Result says how a job ended: exit 0 done, another one failed. One that never ran is a *runbook.Refusal; died is a plain
// error, since its outcome is not known.
func (j Ended) Result(host string) (runbook.Result, error) {
	switch {
	case j.Status == fleet.JobNone: // somebody was told so before it could begin
		return runbook.Result{}, &runbook.Refusal{Text: runbook.T("action.job_never_ran", "host", host)}
	case j.Status != fleet.JobExited:
		return runbook.Result{}, runbook.Errorf(runbook.Internal, "action.job_died", "host", host) // following it again finds no more
	case j.Exit == cancelled:
		return runbook.Result{Outcome: runbook.OutcomeFailed, Text: runbook.T("action.job_cancelled", "host", host, "output", j.Tail)}, nil
	case j.Exit != 0:
		return runbook.Result{Outcome: runbook.OutcomeFailed, Text: runbook.T("action.job_failed", "host", host, "exit", j.Exit, "output", j.Tail)}, nil
	}
	return runbook.Result{Outcome: runbook.OutcomeDone, Text: runbook.T("action.job_done", "host", host)}, nil
}

const cancelled = 143

// JobEvidence looks at a job for a Looker. Another machine than the plan's cannot tell.
func (e Env) JobEvidence(ctx context.Context, h fleet.Host, identity, id string) (runbook.Evidence, error) {
	c, other, err := e.began(ctx, h, identity, id)
	switch {
	case err != nil:
		return runbook.Evidence{}, err
	case !other.IsZero():
		return runbook.Evidence{Took: runbook.TookUnclear, Text: other}, nil
	}
	state, err := c.SettleJob(ctx, id)
	if err != nil {
		return runbook.Evidence{}, fmt.Errorf("look at job %s on %s: %w", id, h.Name, err)
	}
	ev := runbook.Evidence{Took: runbook.TookUnclear}
	switch {
	case state.Status == "none":
		ev = runbook.Evidence{Took: runbook.TookNo, Text: runbook.T("action.job_never_ran", "host", h.Name)}
	case state.Status == "running":
		ev.Text = runbook.T("action.job_running", "host", h.Name)
	case state.Status == "exited" && state.Exit == 0:
		ev = runbook.Evidence{Took: runbook.TookYes, Text: runbook.T("action.job_done", "host", h.Name)}
	case state.Status == "exited":
		ev.Text = runbook.T("action.job_exit", "host", h.Name, "exit", state.Exit)
	default:
		ev.Text = runbook.T("action.job_died", "host", h.Name)
	}
	return ev, nil
}

// tail passes output on, counts it for a later attempt, and keeps its end.
type tail struct {
	w   io.Writer
	n   int64
	end []byte
	cut bool
}

// tailBytes is how much is shown; as much again is kept until secrets are hidden, so that none is cut in two.
const tailBytes = 2048

func (t *tail) Write(p []byte) (int, error) {
	t.n += int64(len(p))
	t.end = append(t.end, p...)
	if len(t.end) > 4*tailBytes {
		t.end, t.cut = append([]byte(nil), t.end[len(t.end)-2*tailBytes:]...), true
	}
	if t.w != nil {
		_, _ = t.w.Write(p) // an Output never fails
	}
	return len(p), nil
}

// Skip counts what was left out for a later attempt, too.
func (t *tail) Skip(n int64) {
	t.n += n
	if t.w != nil {
		_, _ = fmt.Fprintf(t.w, "\n… (%d bytes)\n", n)
	}
}

func (t *tail) lines(n int, redact func(string) string) string {
	text := redact(strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsPrint(r) {
			return r
		}
		return -1
	}, strings.ToValidUTF8(string(t.end), "")))
	if i := strings.IndexAny(text, " \n"); t.cut && i >= 0 { // perhaps the end of a secret
		text = text[i:]
	}
	text = strings.ToValidUTF8(text[max(0, len(text)-tailBytes):], "")
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

package restore

import (
	"context"
	"sync"

	"recoverbot/runbook"
)

// attempts are the loads of this process, by the id of their job, so that each can be cancelled whatever it is at. No id
// is used twice.
type attempts struct {
	mu    sync.Mutex
	byJob map[string]*attempt
}

// attempt is one load. Until its helper is started, and where it goes through this process, its context ends it; a helper
// is ended by a signal, and then the load ends by itself.
type attempt struct {
	of        *attempts
	stop      context.CancelFunc
	done      chan struct{}
	helper    bool
	cancelled bool
}

func newAttempts() *attempts { return &attempts{byJob: map[string]*attempt{}} }

// begin notes a load that lasts until the returned function is called. One that was cancelled before is so already.
func (s *attempts) begin(ctx context.Context, job runbook.Job, helper bool) (context.Context, *attempt, func()) {
	ctx, stop := context.WithCancel(ctx)
	a := &attempt{of: s, stop: stop, done: make(chan struct{}), helper: helper}
	s.mu.Lock()
	defer s.mu.Unlock()
	if was := s.byJob[job.ID()]; was != nil && was.cancelled {
		a.cancelled = true
		a.end()
	}
	s.byJob[job.ID()] = a
	return ctx, a, func() {
		stop()
		close(a.done)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.byJob[job.ID()] == a && !a.cancelled {
			delete(s.byJob, job.ID())
		}
	}
}

// cancel ends a load of this process as far as its context does, and returns what is closed once it has ended.
func (s *attempts) cancel(job runbook.Job) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.byJob[job.ID()]
	if a == nil { // it has not begun yet, or an earlier process had it
		a = &attempt{of: s, stop: func() {}, done: make(chan struct{})}
		close(a.done)
		s.byJob[job.ID()] = a
	}
	a.cancelled = true
	a.end()
	return a.done
}

// end ends the context, where no helper is at work; the caller has the lock.
func (a *attempt) end() {
	if !a.helper {
		a.stop()
	}
}

// signals says whether a helper ends the load from now on. It reports whether the load was cancelled before.
func (a *attempt) signals(helper bool) (cancelled bool) {
	a.of.mu.Lock()
	defer a.of.mu.Unlock()
	a.helper = helper
	if a.cancelled {
		a.end()
	}
	return a.cancelled
}

// refuse is why a load did not begin.
func (a *attempt) refuse(err error) *runbook.Refusal {
	if a.wasCancelled() {
		return &runbook.Refusal{Text: runbook.T("dump.canceled"), Err: err}
	}
	return refuse(err)
}

func (a *attempt) wasCancelled() bool {
	a.of.mu.Lock()
	defer a.of.mu.Unlock()
	return a.cancelled
}

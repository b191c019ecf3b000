package restore

import (
	"sync"
	"time"

	"recoverbot/runbook"
)

const (
	tellEvery  = 3 * time.Second  // an edit of a card costs a call to a chat
	rateOver   = 20 * time.Second // the rate is that of the last so many seconds
	stalledFor = time.Minute      // without movement: a warning, never a reason to stop
)

// meter tells an Output how far a restore is: at what rate, how long it will take, and whether anything moves at all.
type meter struct {
	out  runbook.Output
	stop chan struct{}
	done sync.WaitGroup

	mu          sync.Mutex
	phase       string
	last        runbook.Progress
	moved, told time.Time
	still       time.Duration // for how long nothing has moved, as was told
	seen        []sample
}

type sample struct {
	at   time.Time
	done int64
}

// newMeter watches until close; out may be nil.
func newMeter(out runbook.Output) *meter {
	m := &meter{out: out, stop: make(chan struct{}), moved: time.Now()}
	m.done.Go(m.watch)
	return m
}

func (m *meter) close() {
	close(m.stop)
	m.done.Wait()
}

// tell says how far the phase named by a text is.
func (m *meter) tell(p runbook.Progress, id string, pairs ...any) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	fresh := m.phase != id
	if fresh {
		m.phase, m.seen, m.told = id, nil, time.Time{}
	}
	stalled := !m.last.Warn.IsZero()
	if fresh || p.Done != m.last.Done {
		m.moved, m.still, stalled = now, 0, false
	} else if stalled {
		return // watch tells of it
	}
	m.seen = append(m.seen, sample{now, p.Done})
	for len(m.seen) > 2 && now.Sub(m.seen[0].at) > rateOver {
		m.seen = m.seen[1:]
	}
	p.Text = m.text(p, runbook.T(id, pairs...))
	ends := p.Total > 0 && p.Done >= p.Total && m.last.Done < m.last.Total
	back := !m.last.Warn.IsZero()
	m.last = p
	if fresh || ends || back || now.Sub(m.told) >= tellEvery {
		m.emit(now)
	}
}

// text is what is done, how much of it, at what rate, and the time that is left.
func (m *meter) text(p runbook.Progress, what runbook.Msg) runbook.Msg {
	switch {
	case p.Total <= 0:
		return what
	case p.Unit != "bytes":
		return runbook.T("restore.progress_count", "what", what, "done", p.Done, "total", p.Total)
	}
	first, rate, left := m.seen[0], 0.0, 0.0
	if d := time.Since(first.at).Seconds(); d >= 1 && p.Done > first.done {
		rate = float64(p.Done-first.done) / d
		left = float64(max(p.Total-p.Done, 0)) / rate
	}
	return runbook.T("restore.progress_bytes", "what", what, "done", p.Done, "total", p.Total, "rate", int64(rate), "left", left)
}

func (m *meter) emit(now time.Time) {
	m.told = now
	if m.out != nil {
		m.out.Progress(m.last)
	}
}

func (m *meter) watch() {
	tick := time.NewTicker(stalledFor / 6)
	defer tick.Stop()
	for {
		select {
		case <-m.stop:
			return
		case <-tick.C:
		}
		m.mu.Lock()
		now := time.Now()
		if still := now.Sub(m.moved).Truncate(stalledFor); still != m.still { // once, and then how long it has lasted
			m.still, m.last.Warn = still, runbook.T("restore.stalled", "seconds", still.Seconds())
			m.emit(now)
		}
		m.mu.Unlock()
	}
}

package load

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// status is how far a load is. It is told every second, also while the server works on one long statement.
type status struct {
	mu      sync.Mutex
	name    string // of the phase
	total   int64
	done    atomic.Int64 // bytes; tables while comparing
	keys    atomic.Int64 // that are there
	keysAll atomic.Int64
}

func (s *status) phase(name string, total int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.name, s.total = name, total
	s.done.Store(0)
}

func (s *status) progress() Progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := Progress{Phase: s.name, Done: s.done.Load(), Total: s.total, Keys: s.keys.Load(), KeysTotal: s.keysAll.Load()}
	if p.Phase == "load" && p.KeysTotal > 0 && p.Done >= p.Total { // rows are in, keys are not
		p.Phase, p.Done, p.Total = "keys", p.Keys, p.KeysTotal
	}
	return p
}

// tell says how far it is, at once and every second, until the returned function is called, which waits for the last line.
func (s *status) tell(ctx context.Context, say func(Line)) func() {
	ctx, cancel := context.WithCancel(ctx)
	p := s.progress()
	say(Line{Progress: &p}) // who hears nothing takes the helper for one that cannot run
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				p := s.progress()
				say(Line{Progress: &p})
			}
		}
	})
	return func() { cancel(); done.Wait() }
}

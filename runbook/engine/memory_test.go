package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/engine"
)

// memory is a journal without a disk. It refuses moves that the table does not know, and remembers all of them.
type memory struct {
	mu        sync.Mutex
	order     []string
	runs      map[string]runbook.Run // as they are after JSON
	decisions map[string][]engine.Recorded
	moves     []move
}

type move struct {
	step     string
	from, to runbook.State
	attempt  int
	digest   string
	decision *runbook.Decision
}

func newMemory() *memory {
	return &memory{runs: map[string]runbook.Run{}, decisions: map[string][]engine.Recorded{}}
}

func (m *memory) load(id string) (runbook.Run, error) {
	r, ok := m.runs[id]
	if !ok {
		return runbook.Run{}, runbook.Errorf(runbook.NotFound, "journal.no_run")
	}
	r.Aborting, r.Params, r.Bindings, r.Steps = copied(r.Aborting), maps.Clone(r.Params), maps.Clone(r.Bindings), slices.Clone(r.Steps)
	for i := range r.Steps {
		s := &r.Steps[i]
		s.Plan, s.Progress, s.Hold, s.Result, s.Evidence = copied(s.Plan), copied(s.Progress), copied(s.Hold), copied(s.Result), copied(s.Evidence)
		s.DecidedBy, s.Inputs, s.Approvals, s.Findings = copied(s.DecidedBy), maps.Clone(s.Inputs), slices.Clone(s.Approvals), slices.Clone(s.Findings)
	}
	return r, nil
}

// copied lets a reader change what it got; decoding JSON for each of them took half of the package's time.
func copied[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

func (m *memory) store(r runbook.Run) error {
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	var kept runbook.Run
	err = json.Unmarshal(b, &kept)
	m.runs[r.ID] = kept
	return err
}

func (m *memory) CreateRun(_ context.Context, r runbook.Run) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range m.order {
		if o, err := m.load(id); err != nil || (o.State == runbook.Open && !o.Beside() && !r.Beside()) {
			return errors.Join(err, runbook.Errorf(runbook.Conflicting, "journal.run_open"))
		}
	}
	m.order = append(m.order, r.ID)
	return m.store(r)
}

func (m *memory) Run(_ context.Context, id string) (runbook.Run, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.load(id)
}

func (m *memory) Active(context.Context) ([]runbook.Run, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []runbook.Run
	for _, id := range m.order {
		r, err := m.load(id)
		if err != nil {
			return nil, err
		}
		if r.State == runbook.Open || r.State == runbook.Parked {
			out = append(out, r)
		}
	}
	return out, nil
}

func (m *memory) record(key string, d *runbook.Decision) {
	if d != nil {
		m.decisions[key] = append(m.decisions[key], engine.Recorded{Decision: *d, At: time.Now().UTC().Format(time.RFC3339)})
	}
}

func (m *memory) MoveStep(_ context.Context, from engine.State, next runbook.StepRun, d *runbook.Decision) (runbook.StepRun, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, err := m.load(next.RunID)
	if err != nil {
		return next, err
	}
	cur := r.Step(next.ID)
	if cur.State != from.State || cur.Version != from.Version {
		return next, engine.ErrMoved
	}
	if !runbook.CanMove(from.State, next.State) {
		return next, fmt.Errorf("bad move of %s: %s to %s", next.ID, from.State, next.State)
	}
	next.Version = from.Version + 1
	*cur = next
	m.record(next.RunID+"/"+next.ID, d)
	m.moves = append(m.moves, move{next.ID, from.State, next.State, next.Attempt, next.Digest, d})
	return next, m.store(r)
}

func (m *memory) MoveRun(_ context.Context, from engine.RunState, next runbook.Run, d *runbook.Decision) (runbook.Run, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, err := m.load(next.ID)
	if err != nil {
		return next, err
	}
	if r.State != from.State || r.Version != from.Version {
		return next, engine.ErrMoved
	}
	next.Steps, next.Version = r.Steps, from.Version+1
	m.record(next.ID+"/", d)
	return next, m.store(next)
}

func (m *memory) Decisions(_ context.Context, run, step string) ([]engine.Recorded, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]engine.Recorded(nil), m.decisions[run+"/"+step]...), nil
}

func (m *memory) Healthy(context.Context) error { return nil }

// breaking is a journal that dies at its n-th write: before it is stored, or after it (the answer is lost). Everything
// fails from then on, as it does for a process that is being killed.
type breaking struct {
	engine.Journal
	mu    sync.Mutex
	left  int
	after bool
	died  chan struct{}
}

var errDead = errors.New("journal is dead")

func dying(j engine.Journal, n int, after bool) *breaking {
	return &breaking{Journal: j, left: n, after: after, died: make(chan struct{})}
}

func (b *breaking) dead() bool {
	select {
	case <-b.died:
		return true
	default:
		return false
	}
}

func (b *breaking) write(do func() error) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.dead() {
		return errDead
	}
	b.left--
	if b.left > 0 {
		return do()
	}
	if b.after {
		_ = do() // stored, but nobody is told
	}
	close(b.died)
	return errDead
}

func (b *breaking) CreateRun(ctx context.Context, r runbook.Run) error {
	return b.write(func() error { return b.Journal.CreateRun(ctx, r) })
}

func (b *breaking) MoveStep(ctx context.Context, from engine.State, next runbook.StepRun, d *runbook.Decision) (s runbook.StepRun, err error) {
	err = b.write(func() error { s, err = b.Journal.MoveStep(ctx, from, next, d); return err })
	return s, err
}

func (b *breaking) MoveRun(ctx context.Context, from engine.RunState, next runbook.Run, d *runbook.Decision) (r runbook.Run, err error) {
	err = b.write(func() error { r, err = b.Journal.MoveRun(ctx, from, next, d); return err })
	return r, err
}

func (b *breaking) Run(ctx context.Context, id string) (runbook.Run, error) {
	if b.dead() {
		return runbook.Run{}, errDead
	}
	return b.Journal.Run(ctx, id)
}

func (b *breaking) Healthy(ctx context.Context) error {
	if b.dead() {
		return errDead
	}
	return b.Journal.Healthy(ctx)
}

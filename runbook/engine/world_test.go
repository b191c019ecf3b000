package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"

	"recoverbot/runbook"
)

// world is what the fake actions look at and change. It outlives every engine, as a fleet outlives the bot.
type world struct {
	mu       sync.Mutex
	value    map[string]string       // by step: what a plan depends on
	plans    map[string]runbook.Plan // by step: what planning says, instead of ready
	effects  map[string]int          // by job: how often the effect took place
	rolled   map[string]int          // by job: how often a hold was rolled back
	holds    map[string]*held        // by job: durable holds that wait
	down     map[string]bool         // by name or host of a probe: does not hold
	gate     map[string]chan error   // by step: Apply, Hold, Commit wait here, and fail with what comes
	entered  chan string             // "apply STEP", "commit STEP" …, where somebody listens
	deadline map[string]float64      // by step, of a hold
	result   map[string]runbook.Result
	jobs     map[string]bool  // by job: detached, ended
	unseen   map[string]bool  // by step: Look cannot tell
	lost     map[string]bool  // by job: holds that the server gave up
	took     func(job string) // hears of each effect at its moment, where somebody listens
	resumes  int
}

func newWorld() *world {
	return &world{
		value: map[string]string{}, plans: map[string]runbook.Plan{}, effects: map[string]int{}, rolled: map[string]int{},
		holds: map[string]*held{}, down: map[string]bool{}, gate: map[string]chan error{}, entered: make(chan string, 1000),
		deadline: map[string]float64{}, result: map[string]runbook.Result{}, jobs: map[string]bool{}, unseen: map[string]bool{}, lost: map[string]bool{},
	}
}

func (w *world) do(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// effect counts one, at the moment at which it takes place.
func (w *world) effect(job string) {
	w.mu.Lock()
	w.effects[job]++
	took := w.took
	w.mu.Unlock()
	if took != nil {
		took(job)
	}
}

// count is how often the effect of a step took place, in all its attempts.
func (w *world) count(step string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for job, times := range w.effects {
		if strings.Contains(job, "-"+step+"-") {
			n += times
		}
	}
	return n
}

func (w *world) New(_ runbook.Run, s runbook.StepRun) (runbook.Action, error) {
	f := &fake{w: w, step: s}
	switch s.Def.Kind {
	case "apply":
		return f, nil
	case "hold":
		return &volatile{f}, nil
	case "durable":
		return &durable{volatile{f}}, nil
	case "detached":
		return &detached{f}, nil
	case "broken":
		return nil, errors.New("no such kind")
	}
	panic("kind " + s.Def.Kind)
}

func (w *world) Probe(ctx context.Context, _ runbook.Run, probes []runbook.Probe) []runbook.Finding {
	for _, p := range probes {
		f := fake{w: w, step: runbook.StepRun{ID: p.Name}}
		_ = f.pass(ctx, "probe")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []runbook.Finding
	for _, p := range probes {
		out = append(out, runbook.Finding{Probe: p, OK: !w.down[p.Name] && !w.down[p.Host]})
	}
	return out
}

func (w *world) Redact(s string) string { return strings.ReplaceAll(s, "hunter2", "<redacted>") }

type fake struct {
	w    *world
	step runbook.StepRun
}

func (f *fake) Plan(ctx context.Context) (runbook.Plan, error) {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	p, ok := f.w.plans[f.step.ID]
	if !ok {
		p.Verdict = runbook.Ready
	}
	if len(p.Form) > 0 && f.step.Inputs["name"] == "fail" {
		return p, runbook.Errorf(runbook.Invalid, "test.fail")
	}
	p.Effect.Data, _ = json.Marshal(f.w.value[f.step.ID])
	return p, ctx.Err()
}

func (f *fake) fresh(p runbook.Plan) error {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	now, _ := json.Marshal(f.w.value[f.step.ID])
	if string(now) != string(p.Effect.Data) {
		return &runbook.Refusal{Text: runbook.T("test.stale"), Stale: true}
	}
	return nil
}

// pass waits at the step's gate, where it has one.
func (f *fake) pass(ctx context.Context, what string) error {
	f.w.mu.Lock()
	gate := f.w.gate[what+" "+f.step.ID]
	f.w.mu.Unlock()
	select {
	case f.w.entered <- what + " " + f.step.ID:
	default:
	}
	if gate == nil {
		return nil
	}
	select {
	case err := <-gate:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *fake) Apply(ctx context.Context, p runbook.Plan, job runbook.Job, out runbook.Output) (runbook.Result, error) {
	if err := f.fresh(p); err != nil {
		return runbook.Result{}, err
	}
	_, _ = out.Write([]byte("\x1b[31mpassword hunter2\x1b[0m\n"))
	f.w.effect(job.ID())
	if err := f.pass(ctx, "apply"); err != nil {
		return runbook.Result{}, err
	}
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	if r, ok := f.w.result[f.step.ID]; ok {
		return r, nil
	}
	return runbook.Result{Outcome: runbook.OutcomeDone, Values: map[string]string{"job": job.ID()}}, nil
}

func (f *fake) Look(_ context.Context, _ runbook.Plan, job runbook.Job) (runbook.Evidence, error) {
	f.w.mu.Lock()
	defer f.w.mu.Unlock()
	switch {
	case f.w.unseen[f.step.ID]:
		return runbook.Evidence{}, errors.New("cannot see")
	case f.w.effects[job.ID()] > 0:
		return runbook.Evidence{Took: runbook.TookYes, Text: runbook.T("test.took")}, nil
	}
	return runbook.Evidence{Took: runbook.TookNo, Text: runbook.T("test.not")}, nil
}

// volatile holds until its process dies.
type volatile struct{ *fake }

func (v *volatile) Holds() bool { return true }

func (v *volatile) Hold(ctx context.Context, p runbook.Plan, job runbook.Job, _ runbook.Output) (runbook.HeldChange, error) {
	return v.hold(ctx, p, job, 60)
}

func (v *volatile) hold(ctx context.Context, p runbook.Plan, job runbook.Job, deadline float64) (runbook.HeldChange, error) {
	if err := v.fresh(p); err != nil {
		return nil, err
	}
	if err := v.pass(ctx, "hold"); err != nil {
		return nil, err
	}
	h := &held{f: v.fake, job: job.ID(), deadline: deadline, lost: make(chan error, 1)}
	v.w.mu.Lock()
	defer v.w.mu.Unlock()
	if d, ok := v.w.deadline[v.step.ID]; ok && deadline > 0 {
		h.deadline = d
	}
	v.w.holds[h.job] = h
	return h, nil
}

type durable struct{ volatile }

func (d *durable) Hold(ctx context.Context, p runbook.Plan, job runbook.Job, _ runbook.Output) (runbook.HeldChange, error) {
	return d.hold(ctx, p, job, 0)
}

func (d *durable) Rehold(_ context.Context, _ runbook.Plan, job runbook.Job, _ runbook.Output) (runbook.HeldChange, error) {
	d.w.mu.Lock()
	defer d.w.mu.Unlock()
	if h := d.w.holds[job.ID()]; h != nil {
		return h, nil
	}
	return nil, &runbook.Refusal{Text: runbook.T("test.no_hold")}
}

type held struct {
	f        *fake
	job      string
	deadline float64
	lost     chan error
}

func (h *held) Before() runbook.Table { return runbook.Table{Columns: []string{"v"}} }
func (h *held) After() runbook.Table  { return runbook.Table{Columns: []string{"v"}} }
func (h *held) Deadline() float64     { return h.deadline }
func (h *held) Lost() <-chan error    { return h.lost }

func (h *held) Commit(ctx context.Context) (runbook.Result, error) {
	gone := false
	h.f.w.do(func() { gone = h.f.w.lost[h.job]; delete(h.f.w.holds, h.job) })
	if gone {
		return runbook.Result{}, &runbook.Refusal{Text: runbook.T("test.no_hold")}
	}
	h.f.w.effect(h.job)
	if err := h.f.pass(ctx, "commit"); err != nil {
		return runbook.Result{}, err
	}
	return runbook.Result{Outcome: runbook.OutcomeDone}, nil
}

func (h *held) Rollback(context.Context) error {
	h.f.w.do(func() { h.f.w.rolled[h.job]++; delete(h.f.w.holds, h.job) })
	return nil
}

// detached goes on without the bot; whoever waits for it can come back.
type detached struct{ *fake }

func (d *detached) Apply(ctx context.Context, p runbook.Plan, job runbook.Job, out runbook.Output) (runbook.Result, error) {
	if err := d.fresh(p); err != nil {
		return runbook.Result{}, err
	}
	d.w.effect(job.ID())
	return d.await(ctx, "apply")
}

func (d *detached) Resume(ctx context.Context, _ runbook.Plan, job runbook.Job, _ runbook.Output) (runbook.Result, error) {
	d.w.mu.Lock()
	d.w.resumes++
	began := d.w.effects[job.ID()] > 0
	d.w.mu.Unlock()
	if !began {
		return runbook.Result{}, &runbook.Refusal{Text: runbook.T("test.not_begun")}
	}
	return d.await(ctx, "resume")
}

func (d *detached) await(ctx context.Context, what string) (runbook.Result, error) {
	if err := d.pass(ctx, what); err != nil {
		return runbook.Result{}, err
	}
	return runbook.Result{Outcome: runbook.OutcomeDone}, nil
}

func (d *detached) Cancel(context.Context, runbook.Plan, runbook.Job) error { return nil }

package runbook

import "context"

// Action is one kind of doing, built for one step of one run. Package action lists the kinds; package engine drives them.
type Action interface {
	// Plan looks and changes nothing. An error means that looking failed; what cannot be done is a Blocked plan.
	Plan(ctx context.Context) (Plan, error)
	// Apply does what the plan says, once. A plain error means that the outcome is unknown.
	Apply(ctx context.Context, p Plan, job Job, out Output) (Result, error)
}

// Output takes what an action tells while it works. It never fails and never blocks for long.
type Output interface {
	Progress(Progress)
	// Write takes raw output of commands; the sink caps, sanitises and redacts it.
	Write(p []byte) (int, error)
}

// Holder is an Action that can change something and keep the change back until a person has looked.
// Where Holds reports true the engine calls Hold and never Apply.
type Holder interface {
	Holds() bool
	// Hold makes the change without committing it. A *Refusal error means certainly nothing is changed or held.
	Hold(ctx context.Context, p Plan, job Job, out Output) (HeldChange, error)
}

// HeldChange is a change that is made but not committed.
type HeldChange interface {
	Before() Table
	After() Table
	// Deadline is how many seconds after Hold returned the change rolls itself back; 0: durable, never.
	Deadline() float64
	// Lost delivers at most one error: the held change is gone, rolled back by the server.
	Lost() <-chan error
	// Commit makes the change last. Outcome failed means it was certainly rolled back.
	Commit(ctx context.Context) (Result, error)
	Rollback(ctx context.Context) error
}

// Noter is a HeldChange that has more to say to whoever commits than its tables do.
type Noter interface{ Notes() []Msg }

// Reholder finds a durable hold again after a restart of the bot. It is also called for a Hold that the restart cut
// off: it may wait for the detached job that prepares the hold. A *Refusal means that certainly nothing is held or changed.
type Reholder interface {
	Rehold(ctx context.Context, p Plan, job Job, out Output) (HeldChange, error)
}

// Resumer re-attaches to a detached job after a lost connection or a restart; it never starts it anew. An *Error with
// code Unavailable means that the host cannot be reached now: the engine tries again, with backoff.
type Resumer interface {
	Resume(ctx context.Context, p Plan, job Job, out Output) (Result, error)
}

// Looker looks for evidence of an effect whose outcome is not known.
type Looker interface {
	Look(ctx context.Context, p Plan, job Job) (Evidence, error)
}

// Canceler stops an Apply or Hold that is under way on a host, beyond cancelling its context.
type Canceler interface {
	Cancel(ctx context.Context, p Plan, job Job) error
}

// Refusal is the error of an Apply or Hold that certainly changed nothing: the step fails instead of becoming unknown.
type Refusal struct {
	Text Msg
	// Stale says that the world changed since the plan: the engine plans again and asks again.
	Stale bool
	Err   error
}

func (r *Refusal) Error() string {
	if r.Err != nil {
		return r.Text.ID + ": " + r.Err.Error()
	}
	return r.Text.ID
}

func (r *Refusal) Unwrap() error { return r.Err }

package bot

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// Platform is one way to reach people. Send and Edit are called by the hub only, one at a time per platform.
type Platform interface {
	Name() string
	// Run receives until ctx ends, handing everything that people say to in.
	Run(ctx context.Context, in Inbox) error
	// Send posts a new message; Edit changes one. Errors: *Later says when to try again; any other is retried with backoff.
	Send(ctx context.Context, m Message) (Ref, error)
	Edit(ctx context.Context, ref Ref, m Message) error
}

// Finder is implemented by platforms that can look for a message that may have been posted although Send failed.
type Finder interface {
	Find(ctx context.Context, key string, since time.Time) (Ref, bool, error)
}

// Limiter is implemented by platforms with a budget: at least so much time between two calls.
type Limiter interface{ Every() time.Duration }

// Volatile is implemented by platforms that forget what they showed when the bot ends: they get the newest messages
// again at each start, in their order, and no delivery to them is journaled.
type Volatile interface{ Volatile() bool }

// Mentioner is implemented by platforms on which an edit buzzes nobody: a message with Notify is followed by a short new
// one (key + ".ping.VERSION") that mentions these people.
type Mentioner interface{ Mentions() bool }

// ErrGone is wrapped by an Edit whose message no longer exists: the hub posts it anew.
var ErrGone = errors.New("message is gone")

// Later is the error of a platform that asks to wait.
type Later struct {
	After time.Duration
	Err   error
}

func (l *Later) Error() string { return "try again later: " + l.Err.Error() }
func (l *Later) Unwrap() error { return l.Err }

// Inbox takes what people say. Handle returns what only this person is answered; it has been journaled when it returns.
type Inbox interface {
	Handle(ctx context.Context, in Inbound) Reply
}

// Inbound is one utterance of one person: either Text or a pressed button.
type Inbound struct {
	Platform string
	UserID   string // the platform's own id of the person; handlers map it to a person of the fleet
	Text     string // "/recover primary", "approve 3f2a"
	Action   string // Button.Action of the pressed button
	Reason   string
	Fields   map[string]string
	Language string // what the person's client speaks, "" unknown
	ID       string // the platform's id of this event, for deduplication
}

// Reply is said to that person alone; Message, where set, is shown to that person as a card of its own.
type Reply struct {
	Text    string
	Refused bool
	RunID   string
	Message *Message
}

// Aside is the text, but for what Message says anyway: a person with a small screen reads it once.
func (r Reply) Aside() string {
	if m := r.Message; m != nil && r.Text == strings.Join(append(slices.Clone(m.Warn), m.Lines...), "\n") {
		return ""
	}
	return r.Text
}

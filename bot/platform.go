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

// Limiter is implemented by platforms that want at least so much time between two calls.
type Limiter interface{ Every() time.Duration }

// Budgeter is implemented, in the place of Limiter, by platforms that also count the calls of a minute, or that send by
// themselves what counts: they own the budget, and it is always the same.
type Budgeter interface{ Budget() *Budget }

// Volatile is implemented by platforms that forget what they showed when the bot ends: they get the newest messages
// again at each start, in their order, and no delivery to them is journaled.
type Volatile interface{ Volatile() bool }

// Mentioner is implemented by platforms on which an edit buzzes nobody: they alone get messages that are a Nudge.
type Mentioner interface{ Mentions() bool }

// Flat is implemented by platforms on which what belongs below a card is posted below everything else in the chat.
type Flat interface{ Flat() bool }

// Divider is implemented by platforms on which one post cannot hold everything of a card. Divide is pure: it returns the
// rest as messages of their own with Of and Thread set. What they show is part of their Key, so that a part that is out
// already is not posted again, and a changed one is new.
type Divider interface{ Divide(m Message) []Message }

// Answerer is implemented by platforms that can answer a person later: what was kept before a crash and is handled after
// it. Run answers everything else itself.
type Answerer interface {
	Answer(ctx context.Context, in Inbound, r Reply) error
}

// Mover is implemented by platforms whose chat may become another one. Strayed reports, without asking anybody, whether a
// message stands where people do not look any more: an Edit of it is ErrGone, and the hub posts at once anew what waits for
// people. While a platform is not sure nothing has strayed. It is asked again after each Report, Send and Edit.
type Mover interface{ Strayed(ref Ref) bool }

// ErrGone is wrapped by an Edit whose message no longer exists: the hub posts it anew.
var ErrGone = errors.New("message is gone")

// Later is the error of a platform that asks to wait.
type Later struct {
	After time.Duration
	Err   error
}

func (l *Later) Error() string { return "try again later: " + l.Err.Error() }
func (l *Later) Unwrap() error { return l.Err }

// Fault is the error of a platform that does not work until a person mends something: a token, a permission.
type Fault struct {
	Text string // what is wrong and how to mend it, in the company's language, safe to show
	Err  error
}

func (f *Fault) Error() string { return f.Text + ": " + f.Err.Error() }
func (f *Fault) Unwrap() error { return f.Err }

// Handler gives meaning to what people say. What Handle decided is journaled when it returns; the reply is for that
// person alone.
type Handler interface {
	Handle(ctx context.Context, in Inbound) Reply
}

// Inbox takes what people say on one platform. A platform that must confirm what it receives calls Keep, confirms, and
// then calls Handle if it was fresh; one that answers at once calls Handle alone. Handle may be called by several
// goroutines, with the context of Run, which ends after them: what was cut off by it is handled again.
type Inbox interface {
	Handler
	// Keep journals in under its ID, so that a crash between confirming and handling loses nothing. It is not fresh when
	// that ID was kept before: a redelivery. The error is the Store's; nothing was kept.
	Keep(ctx context.Context, in Inbound) (fresh bool, err error)
	// Report says that the connection works (nil) or why it does not (a *Fault where a person must mend it). The end of Run
	// needs no Report.
	Report(err error)
}

// Inbound is one utterance of one person: either Text or a pressed button.
type Inbound struct {
	Platform string
	UserID   string // the platform's own id of the person; handlers map it to a person of the fleet
	// Seat is what the person sits at, where one person could speak as several: the browser, the terminals of this machine. It
	// is no secret. "": the platform's account says it.
	Seat     string `json:",omitempty"`
	Text     string // "/recover primary", "approve 3f2a"
	Action   string // Button.Action of the pressed button
	Reason   string
	Fields   map[string]string
	Language string // in which the person is answered; "": in their own, else in LANGUAGE
	ID       string // the platform's id of this event, for deduplication
	Origin   string `json:",omitempty"` // where the platform answers; opaque to everybody else; kept, so no secret
	// Casual is what people said near the bot but not to it, such as a reply below a card: only what can be nothing but an
	// answer to a card is one.
	Casual bool `json:",omitempty"`
	// Replied is that what is Casual replies to a post of the bot itself: what begins like an answer to a card is one.
	Replied bool `json:",omitempty"`
	// Old is that the pressed button stands on the newest version of its card no more. Nobody was asked for a reason, or
	// whether they are sure: it decides nothing, and is answered with what became of the question.
	Old bool `json:",omitempty"`
	// Called is how people speak to the bot where Text was said, for its help; "" where its usual name does.
	Called string `json:",omitempty"`
	// At is when it was received; zero: now.
	At time.Time `json:",omitzero"`
}

// Reply is said to that person alone; Message, where set, is shown to that person as a card of its own. Where the platform
// shows that card anyway, the hub fills in its OfRef: where everybody would see a copy, which nobody edits, people are better
// led to it.
type Reply struct {
	Text     string
	Refused  bool
	Stranger bool // refused since nobody of the fleet said it: a platform need not say that again and again
	RunID    string
	Message  *Message
	// Renew, where set, gives Message as it is later: a platform on which answers wait for their turn asks when it comes.
	Renew func(ctx context.Context) *Message `json:"-"`
	// Noted says that Text tells no more than that the answer was taken. Where the card that was pressed changes before the
	// person's eyes, that is said already: a platform may leave it out, or show it in passing.
	Noted bool
}

// Aside is the text, but for what Message says anyway: a person with a small screen reads it once.
func (r Reply) Aside() string {
	if m := r.Message; m != nil && r.Text == strings.Join(append(slices.Clone(m.Warn), m.Lines...), "\n") {
		return ""
	}
	return r.Text
}

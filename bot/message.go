// Package bot speaks with people: the port that every chat platform implements, the messages that all of them render,
// and the hub that keeps each platform at the newest version of each message. It knows nothing of runbooks: a button
// carries an opaque Action.
package bot

import (
	"cmp"
	"slices"
	"time"
)

// Message is one card as a person sees it, already in one language. It is a pure view of journaled state.
type Message struct {
	Key       string    `json:"key"`     // identity: the same key is edited in place
	Version   int64     `json:"version"` // rises; a platform shows the newest only
	RunID     string    `json:"run_id,omitempty"`
	State     string    `json:"state"`             // down, waiting, running, done, skipped, failed, unknown, held, info: never colour alone
	Emoji     string    `json:"emoji,omitempty"`   // at most one, for State
	Context   string    `json:"context,omitempty"` // what counts: "down 07:12 · would lose 6 h 40 min · step 5 of 10"
	Title     string    `json:"title"`
	Lines     []string  `json:"lines,omitempty"`  // short text, most important first
	Blocks    []Block   `json:"blocks,omitempty"` // exact text and tables
	Warn      []string  `json:"warn,omitempty"`   // dangers
	Progress  *Progress `json:"progress,omitempty"`
	Form      []Field   `json:"form,omitempty"`
	Buttons   []Button  `json:"buttons,omitempty"`
	Code      string    `json:"code,omitempty"`       // what people type to answer in text
	Since     time.Time `json:"since,omitzero"`       // since when it is down: platforms that can tick count up the first mm:ss of Context from it
	Until     time.Time `json:"until,omitzero"`       // a deadline that platforms may count down
	UntilText string    `json:"until_text,omitempty"` // "Rolls back by itself at 03:17:20"
	Footer    string    `json:"footer,omitempty"`     // who decided, when, where
	Output    string    `json:"output,omitempty"`     // long output: a thread, a file, a fold
	Notify    []string  `json:"notify,omitempty"`     // people to mention where the message is new; an edit buzzes nobody
	Nudge     bool      `json:"nudge,omitempty"`      // exists only to buzz the people of Notify: for a Mentioner alone
	Covered   bool      `json:"covered,omitempty"`    // a Nudge that goes out only where something else stands below its card
	Of        string    `json:"of,omitempty"`         // key of the card that this message is about: it goes out after that one
	Thread    bool      `json:"thread,omitempty"`     // stands below its card (a thread, a reply) instead of beside it
	Except    string    `json:"except,omitempty"`     // the platform that does not get it, since it is about that one
	OfRef     Ref       `json:"-"`                    // the platform's name of that card, filled in by the hub; "" where it shows none
	Ends      bool      `json:"ends,omitempty"`       // the run of RunID is over, or put aside, with this message
	Listed    bool      `json:"listed,omitempty"`     // another card says it in a line: where calls of a minute are few it gets no post of its own
	Priority  Priority  `json:"priority"`
	At        time.Time `json:"at"`
}

// NudgeOver is the State of a Nudge that calls nobody any more: where it was posted it is edited, else it is dropped.
const NudgeOver = "info"

// Priority orders delivery where a platform allows only so many calls: prompts first, then results, then progress.
type Priority int

// The priorities of a Message.
const (
	Prompt Priority = iota
	Outcome
	Ticker
)

// Block is text that is shown exactly, or a table.
type Block struct {
	Kind    string     `json:"kind"` // script, sql, diff, command, env, files, text, table
	Label   string     `json:"label,omitempty"`
	Text    string     `json:"text,omitempty"`
	Columns []string   `json:"columns,omitempty"`
	Rows    [][]string `json:"rows,omitempty"`
	Marks   []string   `json:"marks,omitempty"`
	More    int        `json:"more,omitempty"` // rows that are not shown
	Fold    bool       `json:"fold,omitempty"` // may be shown folded
}

// Progress is a bar.
type Progress struct {
	Done, Total int64
	Text        string
}

// Field is one field of a form.
type Field struct {
	Name     string   `json:"name"`
	Label    string   `json:"label"`
	Type     string   `json:"type"` // string, text, bool, enum, host, address, port
	Required bool     `json:"required"`
	Value    string   `json:"value,omitempty"`
	Enum     []string `json:"enum,omitempty"`
	Pattern  string   `json:"pattern,omitempty"`
	Hint     string   `json:"hint,omitempty"` // what is wanted, with an example: shown instead of the pattern
}

// Button is one answer. Action is opaque to platforms, at most 1 KiB.
type Button struct {
	Label       string `json:"label"`
	Choice      string `json:"choice"`         // the word that people type: approve, skip, …
	For         string `json:"for,omitempty"`  // the member of a group that it answers
	Code        string `json:"code,omitempty"` // what people type behind Choice, where it is not the message's
	Action      string `json:"action"`
	Style       string `json:"style,omitempty"`   // primary, danger, ""
	Confirm     string `json:"confirm,omitempty"` // ask this before
	NeedsReason bool   `json:"needs_reason,omitempty"`
	WithForm    bool   `json:"with_form,omitempty"` // sends the message's form
}

// Answer is what people type for buttons that have a code in common.
type Answer struct {
	For   string
	Words []string
	Code  string
}

// Answers is what people may type to answer m, no word twice for one code.
func (m Message) Answers() []Answer {
	var out []Answer
	for _, b := range m.Buttons {
		code := cmp.Or(b.Code, m.Code)
		if b.Choice == "" {
			continue
		}
		i := slices.IndexFunc(out, func(a Answer) bool { return a.For == b.For && a.Code == code })
		if i < 0 {
			i, out = len(out), append(out, Answer{For: b.For, Code: code})
		}
		if !slices.Contains(out[i].Words, b.Choice) {
			out[i].Words = append(out[i].Words, b.Choice)
		}
	}
	return out
}

// Ref is a platform's own name of a posted message.
type Ref string

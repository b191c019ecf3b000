package telegram

import (
	"slices"
	"sync"
	"time"

	"recoverbot/bot"
)

// maxForms is how many people may be asked at once.
const maxForms = 200

// form is a row of questions to one person. A decision is made of it at its end, so nothing of it is kept: after a restart
// the person presses the button again.
type form struct {
	user, chat int64
	m          bot.Message
	b          bot.Button
	lang       string
	until      time.Time

	fields []bot.Field // what is asked for, with what was answered so far
	done   []bool      // whether it was answered
	field  int         // what is asked now
	turn   int         // changes with each answer: what was begun before it is not asked any more

	posts    []asked   // oldest first
	question int       // the post that asks; 0: it is on its way
	since    time.Time // when it was asked
	live     closed    // the post whose buttons are to go when it is answered, if there is one
}

// asked is a post that asked for a field.
type asked struct{ message, field int }

// closed is a question with buttons that is asked no more.
type closed struct {
	at   ref
	html string // of the question, without how to answer it
	lang string
}

// askedBy is the field that a post asked for.
func (f *form) askedBy(message int) (field int, ok bool) {
	i := slices.IndexFunc(f.posts, func(a asked) bool { return a.message == message })
	if i < 0 {
		return 0, false
	}
	return f.posts[i].field, true
}

// last tells whether everything is answered with that field.
func (f *form) last(field int) bool {
	for i, done := range f.done {
		if !done && i != field {
			return false
		}
	}
	return true
}

// moveOn forgets the question that is asked, and says which buttons are to go.
func (f *form) moveOn() (live closed) {
	live = f.live
	f.turn, f.question, f.live = f.turn+1, 0, closed{}
	return live
}

// forms are those that people fill in now, one a person and chat. What is in a form is changed under mu.
type forms struct {
	mu  sync.Mutex
	all []*form // oldest first
}

// begin asks f from its first field on, in the place of what that person was asked before. Returned are posts whose buttons
// are to go.
func (x *forms) begin(f *form, within time.Duration) (live []closed) {
	x.mu.Lock()
	defer x.mu.Unlock()
	f.until = time.Now().Add(within)
	f.done, f.field = make([]bool, len(f.fields)), 0
	over := func(o *form) bool { return o.user == f.user && o.chat == f.chat || time.Now().After(o.until) }
	for i, o := range x.all {
		if over(o) || i == 0 && len(x.all) >= maxForms {
			live = append(live, o.moveOn())
		}
	}
	x.all = slices.DeleteFunc(x.all, over)
	if len(x.all) >= maxForms {
		x.all = x.all[1:]
	}
	x.all = append(x.all, f)
	return live
}

// asked is the field of f that a post asked for.
func (x *forms) asked(f *form, message int) (field int, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return f.askedBy(message)
}

// at is the form of which that message asks, or asked, for a field.
func (x *forms) at(chat int64, message int) (*form, bool) {
	return x.find(func(f *form) bool {
		_, ok := f.askedBy(message)
		return f.chat == chat && ok
	})
}

// of is the form that a person fills in in a chat, and the post that asks; 0: it is on its way.
func (x *forms) of(user, chat int64) (f *form, question int, ok bool) {
	f, ok = x.find(func(f *form) bool {
		question = f.question
		return f.chat == chat && f.user == user
	})
	return f, question, ok
}

// same is the form that asks already what f would ask, and the post that asks; 0: it is on its way. late: it was asked so
// long ago that it may be out of sight.
func (x *forms) same(f *form, sight time.Duration) (open *form, question int, late, ok bool) {
	open, ok = x.find(func(o *form) bool {
		question, late = o.question, time.Since(o.since) > sight
		return o.user == f.user && o.chat == f.chat && o.m.Key == f.m.Key && o.b.Action == f.b.Action
	})
	return open, question, late, ok
}

func (x *forms) find(is func(*form) bool) (*form, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	i := slices.IndexFunc(x.all, func(f *form) bool { return is(f) && time.Now().Before(f.until) })
	if i < 0 {
		return nil, false
	}
	return x.all[i], true
}

// end forgets f, and says which buttons are to go.
func (x *forms) end(f *form) (live closed) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.all = slices.DeleteFunc(x.all, func(o *form) bool { return o == f })
	return f.moveOn()
}

// put notes an answer of f, or a correction. What is asked next is the first that was not answered.
func (x *forms) put(f *form, field int, value string) (live closed) {
	x.mu.Lock()
	defer x.mu.Unlock()
	f.fields[field].Value, f.done[field] = value, true
	f.field = max(slices.Index(f.done, false), 0)
	return f.moveOn()
}

// reopen asks for a field of f once more.
func (x *forms) reopen(f *form, field int) (live closed) {
	x.mu.Lock()
	defer x.mu.Unlock()
	f.done[field], f.field = false, field
	return f.moveOn()
}

// again asks once more for what f asks for.
func (x *forms) again(f *form) (live closed) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return f.moveOn()
}

// still tells whether f has not moved on since that turn.
func (x *forms) still(f *form, turn int) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return f.turn == turn
}

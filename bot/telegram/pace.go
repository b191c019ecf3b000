package telegram

import "time"

// pace is how long things may take; tests shorten it.
type pace struct {
	every  time.Duration // between two posts or edits: a little more than the second that Telegram counts in
	group  int           // posts and edits in a group in a minute
	call   time.Duration // one call of the Bot API
	upload time.Duration // one with a file
	poll   time.Duration // how long Telegram holds a getUpdates, in whole seconds
	idle   time.Duration // after a poll that ended at once with nothing
	keep   time.Duration // journaling what was received
	toast  time.Duration // handling a press before it is answered: its spinner turns
	sure   time.Duration // within which a dangerous button is to be pressed again
	form   time.Duration // within which a form is to be filled in
	self   time.Duration // between two looks at the webhook and the token
	ailing time.Duration // how long a chat that has moved counts as broken
	retry  time.Duration // the first pause before connecting again
	retry9 time.Duration // the longest
	rate   time.Duration // to wait after a 429 that does not say how long
}

var usual = pace{
	every: 1100 * time.Millisecond, group: 20, call: 10 * time.Second, upload: 18 * time.Second, poll: 50 * time.Second, idle: 200 * time.Millisecond, keep: 1500 * time.Millisecond,
	toast: 2500 * time.Millisecond, sure: time.Minute, form: 15 * time.Minute, self: 5 * time.Minute, ailing: time.Minute,
	retry: time.Second, retry9: 30 * time.Second, rate: 5 * time.Second,
}

package handlers

import (
	"context"
	"strconv"
	"time"

	"recoverbot/bot"
	"recoverbot/runbook/journal"
)

const (
	// journalEvery is how often the journal is asked whether it can be written.
	journalEvery = 10 * time.Second
	// journalWell is how many good answers in a row end an outage: on a full disk some writes succeed.
	journalWell = 3
)

// Pulse is what tells whether the journal can be written.
type Pulse interface {
	Healthy(ctx context.Context) error
	Failed() <-chan error // writes that failed
}

// WatchJournal tells everybody once that the journal cannot be written, and once that it can be again, until ctx ends. A
// write that failed is told at once, a failed look at the second time. It says so by alarm, past the journal.
func (h *Handlers) WatchJournal(ctx context.Context, j Pulse, alarm func(context.Context, bot.Message)) error {
	tick := time.NewTicker(journalEvery)
	defer tick.Stop()
	var since time.Time // zero: it is well
	for bad, good := 0, 0; ; {
		var err error
		select {
		case <-ctx.Done():
		case err = <-j.Failed():
			bad++
		case <-tick.C:
			err = j.Healthy(ctx)
		}
		if ctx.Err() != nil {
			return nil
		}
		if err != nil {
			bad, good = bad+1, 0
		} else {
			bad, good = 0, good+1
		}
		switch {
		case since.IsZero() && bad > 1:
			since = h.Clock()
			h.Log.Error("the journal cannot be written: nothing new begins", "cause", h.say.Say(journal.Cause(err)), "error", err)
			alarm(ctx, h.journalDown(err, since))
		case !since.IsZero() && good >= journalWell:
			h.Log.Info("the journal can be written again")
			alarm(ctx, h.journalDown(nil, since))
			since = time.Time{}
		}
	}
}

// journalDown is the message of an outage of the journal; err nil: it is over.
func (h *Handlers) journalDown(err error, since time.Time) bot.Message {
	m := bot.Message{Key: "journal/" + strconv.FormatInt(since.Unix(), 10), At: since, Version: 1}
	if err == nil {
		m.Version, m.State, m.Emoji, m.Priority = 2, "done", "✅", bot.Outcome
		m.Title = h.say.T("journal.well", "seconds", h.Clock().Sub(since).Truncate(time.Second).Seconds())
		m.Lines = []string{h.say.T("journal.well_do")}
		return m
	}
	m.State, m.Emoji, m.Priority, m.Notify = "failed", "❌", bot.Prompt, onCall(h.Fleet.Now())
	m.Title = h.say.T("journal.down", "cause", journal.Cause(err))
	m.Lines = []string{h.say.T("journal.down_new"), h.say.T("journal.down_do")}
	return m
}

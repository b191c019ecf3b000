package runbook

import "time"

// Chain is a journal's chain of events that was found whole.
type Chain struct {
	Events      int64
	First, Last time.Time // of the first and the last event; zero where there is none
	Head        string    // hash of the last event, "" where there is none
	At          int64     // number of the event that the given head belongs to, 0 where none was given
}

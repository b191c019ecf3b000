package runbook

import (
	"errors"
	"time"
)

// Code classifies an Error for the caller, and is what the HTTP API answers in error.code.
type Code string

// The codes of Error.
const (
	Invalid     Code = "invalid"
	NotFound    Code = "not_found"
	Conflicting Code = "conflict"
	Forbidden   Code = "forbidden"
	Unavailable Code = "unavailable"
	Internal    Code = "internal"
)

// Error is an error whose Msg is safe for people to read. Err is the cause for the log only; it never reaches a chat.
type Error struct {
	Code     Code
	Msg      Msg
	Conflict *Conflict // set where Code is Conflicting and a decision lost
	Err      error
}

// Conflict says why a decision did nothing: another one came first (decided), or what was decided on is gone (stale).
type Conflict struct {
	Kind    string    `json:"kind"` // "decided" or "stale"
	By      string    `json:"by,omitempty"`
	On      string    `json:"on,omitempty"` // platform of the decision that won
	At      time.Time `json:"at,omitzero"`
	Choice  Choice    `json:"choice,omitempty"`
	State   State     `json:"state"`
	Attempt int       `json:"attempt"`
	Digest  string    `json:"digest"`
}

// Error gives the code and key of the message; people are shown the rendered Msg instead.
func (e *Error) Error() string {
	s := string(e.Code) + ": " + e.Msg.ID
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// Errorf is the short way to an Error: code, catalogue key, argument pairs.
func Errorf(code Code, id string, pairs ...any) *Error {
	return &Error{Code: code, Msg: T(id, pairs...)}
}

// CodeOf returns the code of err: Internal for any error that is not an *Error, "" for nil.
func CodeOf(err error) Code {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

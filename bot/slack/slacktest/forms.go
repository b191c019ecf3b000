package slacktest

import "encoding/json"

// View is the modal on top of what a user has open.
type View struct {
	ID, CallbackID, Hash  string
	Title, Submit, Cancel string
	PrivateMetadata       string
	Blocks                json.RawMessage
}

// Open is the modal that the user has open.
func (s *Server) Open(user string) (View, bool) { panic("declared") }

// Submit fills in and submits the modal that the user has open, and waits for the app's answer. A value is named by the
// action_id, block_id or label of its input: a string (text, or the value or text of an option), a list of strings, or a
// bool for one checkbox. Inputs that are not named keep their initial values. The errors are by block_id; with any, the
// modal stays open.
func (s *Server) Submit(user string, values map[string]any) (errors map[string]string, err error) {
	panic("declared")
}

// Dismiss closes the modal that the user has open.
func (s *Server) Dismiss(user string) error { panic("declared") }

// Press presses a button of the modal that the user has open, as Click does in a message.
func (s *Server) Press(user, what string) error { panic("declared") }

package runbook

// Paper is an Action that can say what a person would type to do its plan by hand: for the paper runbook of
// `recoverbot plan --as-shell`, for the night when the bot itself is dead.
type Paper interface {
	// Paper is a pure function of the plan. It holds no secret and no text from outside that is not quoted.
	Paper(p Plan) []Typed
}

// Typed is one thing that a person does: a script on a host, or words to follow.
type Typed struct {
	Host   string // name in the fleet; "" is the person's own machine
	Script string // POSIX sh; "" where only Note says what to do
	Note   Msg
}

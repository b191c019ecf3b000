package runbook

// Paper is an Action that can say what a person would type to do its step by hand: for the paper runbook of
// `recoverbot plan --as-shell`, for the night when the bot itself is dead.
type Paper interface {
	// Paper contacts no host. Where the plan could not be made, or nothing was to be done, it says what the step and the
	// fleet's configuration say. It holds no secret, and no text from outside that is not quoted.
	Paper(p Plan) Sheet
}

// Sheet is one step on paper.
type Sheet struct {
	Typed []Typed
	// Values are what the step would leave to later steps (Result.Values), as far as that can be foreseen.
	Values map[string]string
	// Machine is the name under which later steps know a machine that nobody has yet; Blanks are what people fill in at
	// the top of the paper.
	Machine string
	Blanks  []Blank
	Head    []Msg // what also belongs at the top of the paper
}

// Typed is one thing that a person does: a script on a host, or words to follow.
type Typed struct {
	Host   string // name in the fleet, or of a machine that the run enrols; "" is the person's own machine
	Script string // POSIX sh; "" where only Note says what to do
	Note   Msg    // said before the script
	// Ask keeps the script back until the person has looked and answered yes.
	Ask bool
	// Session is a single command that the person speaks to in a terminal.
	Session bool
}

// Blank is a variable that nobody knows yet.
type Blank struct {
	Name  string // of the shell variable
	Value string // proposed
	Note  Msg
}

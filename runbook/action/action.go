// Package action is what steps can do: the port every kind of action implements, what an action is given (Env), and
// the explicit list of kinds. A kind lives in its own folder and knows no other kind.
package action

import "recoverbot/runbook"

// The port's interfaces, declared in package runbook so that the engine need not know this package.
type (
	Action   = runbook.Action
	Output   = runbook.Output
	Holder   = runbook.Holder
	Held     = runbook.HeldChange
	Reholder = runbook.Reholder
	Resumer  = runbook.Resumer
	Looker   = runbook.Looker
)

// Kind is one entry of the list of actions.
type Kind struct {
	Name string
	// Spec returns a pointer to an empty configuration struct (yaml tags): what a step may say under `with:`. Where it
	// has a method Validate() error, that is called after strict decoding, when a scenario is loaded and when an action is built.
	Spec func() any
	// New builds the action from a decoded configuration, as Spec returned it.
	New func(spec any, env Env) (Action, error)
}

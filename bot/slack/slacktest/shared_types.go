package slacktest

import "net/http"

type (
	wire    struct{}
	limiter struct{}
	view    struct{}
	trigger struct{}
	answer  struct{}
	refusal struct{ code string }
)

func (wire) fill(Options)                            {}
func (refusal) fields() map[string]any               { return nil }
func answerJSON(http.ResponseWriter, map[string]any) {}
func (s *Server) routes()                            {}

// AllScopes are the scopes that Options.Scopes default to.
func AllScopes() []string { return nil }

package telegramtest

import (
	"slices"
	"time"
)

// Call is one call of the Bot API as it came, without its token.
type Call struct {
	Method string
	At     time.Time
	Args   map[string]string // lists and objects as JSON; a file as its name
	Error  string            // how it was refused; "" is ok, "lost" when a Fault stood in for the answer
}

// Calls are the calls of a method in order, once they are answered; "" or "*": of every method.
func (s *Server) Calls(method string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.calls), func(c Call) bool { return method != "" && method != "*" && c.Method != method })
}

func (s *Server) record(c Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, c)
	s.change()
}

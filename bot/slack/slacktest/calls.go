package slacktest

import "time"

// Call is one call of the Web API as it came, without its token.
type Call struct {
	Method string
	At     time.Time
	Args   map[string]string // lists and objects as JSON
	Error  string            // how it was answered; "" is ok, "lost" when a Fault stood in for the answer
}

// Calls are the calls of a method in order; "" or "*": of every method.
func (s *Server) Calls(method string) []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Call
	for _, c := range s.calls {
		if method == "" || method == "*" || c.Method == method {
			all = append(all, c)
		}
	}
	return all
}

func (s *Server) record(c Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.At = s.opts.Clock()
	s.calls = append(s.calls, c)
	s.change()
}

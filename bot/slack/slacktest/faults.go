package slacktest

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Fault is one way to fail. Without Status and Code, after Hang, a call is handled as if nothing had happened, unless the
// client has given up before.
type Fault struct {
	Method        string        // such as chat.update; "*" is every method; "upload" the bytes of a file, "response_url" answers
	Status        int           // 429, 500, …: answered with that status, without JSON
	RetryAfter    int           // seconds, of a 429; 0 leaves the header out
	Code          string        // answered as {"ok": false, "error": Code}
	Hang          time.Duration // how long nothing is answered
	StoredButLost bool          // the call takes effect, and then Status, Code or a cut connection stands in for its answer
	Times         int           // how many calls; 0: until Heal
	healed        bool
}

// Fail breaks calls from now on. The first Fault that matches a call counts.
func (s *Server) Fail(f Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Times == 0 {
		f.Times = -1
	}
	s.faults = append(s.faults, &f)
}

// Heal ends all Faults, calls that hang among them, and takes revoked tokens again.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		f.healed = true
	}
	s.faults, s.gone = nil, false
	s.change()
}

// Revoke uninstalls the app: tokens are no longer taken and the connections end, as with link_disabled.
func (s *Server) Revoke() {
	s.mu.Lock()
	s.gone = true
	s.mu.Unlock()
	s.Disconnect("link_disabled")
}

// Stop is an outage: every connection ends and nothing listens until Resume.
func (s *Server) Stop() {
	s.mu.Lock()
	h := s.http
	s.http = nil
	s.change()
	s.mu.Unlock()
	if h != nil {
		_ = h.Close()
	}
	s.Drop()
}

// Resume listens again, on the same port. What hung while it stopped has ended.
func (s *Server) Resume() error {
	s.mu.Lock()
	listening := s.http != nil
	s.mu.Unlock()
	if listening || s.ctx.Err() != nil {
		return nil
	}
	return s.listen(s.Addr())
}

// fault takes one fault for a call of method, nil if none is due.
func (s *Server) fault(method string) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.faults, func(f *Fault) bool { return f.Method == method || f.Method == "*" })
	if i < 0 {
		return nil
	}
	f := s.faults[i]
	if f.Times > 0 {
		if f.Times--; f.Times == 0 {
			s.faults = slices.Delete(s.faults, i, i+1)
		}
	}
	return f
}

// failable handles a call under the faults of its method and records it. handle returns the code of a refusal.
func (s *Server) failable(c Call, w http.ResponseWriter, r *http.Request, handle func(http.ResponseWriter) string) {
	defer func() { s.record(c) }() // also when the connection is cut
	f := s.fault(c.Method)
	if f != nil {
		c.Error = "lost"
	}
	if !s.failing(f, w, r, func(w http.ResponseWriter) { handle(w) }) {
		c.Error = handle(w)
	}
}

// failing does to a call what f says; it is false where the call is to be handled as if nothing had happened.
func (s *Server) failing(f *Fault, w http.ResponseWriter, r *http.Request, handle func(http.ResponseWriter)) bool {
	if f == nil {
		return false
	}
	if f.StoredButLost {
		handle(lost{})
	}
	if f.Hang > 0 {
		ctx, cancel := context.WithTimeout(r.Context(), f.Hang)
		defer cancel()
		healed := func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.ctx.Err() != nil || f.healed
		}
		_ = s.Until(ctx, healed) // its end is what we wait for
		if r.Context().Err() != nil || s.ctx.Err() != nil {
			panic(http.ErrAbortHandler)
		}
	}
	switch {
	case f.Status != 0:
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
		}
		w.WriteHeader(f.Status)
	case f.Code != "":
		answerJSON(w, refusal{code: f.Code}.fields())
	case f.StoredButLost:
		panic(http.ErrAbortHandler)
	default:
		return false
	}
	return true
}

// lost is an answer that nobody gets.
type lost struct{}

func (lost) Header() http.Header         { return http.Header{} }
func (lost) Write(b []byte) (int, error) { return len(b), nil }
func (lost) WriteHeader(int)             {}

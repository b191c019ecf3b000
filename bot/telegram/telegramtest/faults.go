package telegramtest

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Fault is one way to fail. Without Status, Code, RetryAfter and HTML, after Hang, a call is handled as if nothing had
// happened, unless the client has given up before.
type Fault struct {
	Method        string        // such as editMessageText; "*" is every method; "file" a download
	Status        int           // error_code and HTTP status; default 400 with Code, 429 with RetryAfter, 502 with HTML
	Code          string        // description, such as "Bad Request: chat not found"
	RetryAfter    int           // seconds, in parameters
	HTML          bool          // the page of a proxy stands in for JSON
	Hang          time.Duration // how long nothing is answered
	StoredButLost bool          // the call takes effect, and then the error or a cut connection stands in for its answer
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

// Heal ends all Faults, calls that hang among them, and takes a revoked token again.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range s.faults {
		f.healed = true
	}
	s.faults, s.gone = nil, false
	s.change()
}

// Revoke makes the token void, as BotFather's /revoke does: calls are Unauthorized, and a poll that waits ends so.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gone = true
	s.interrupt(refuse(http.StatusUnauthorized, "Unauthorized"))
	s.change()
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

// failing does to a call what f says; it is false where the call is to be handled as if nothing had happened.
func (s *Server) failing(f *Fault, w http.ResponseWriter, r *http.Request, handle func()) bool {
	if f.StoredButLost {
		handle()
	}
	if f.Hang > 0 {
		ctx, cancel := context.WithTimeout(r.Context(), f.Hang)
		defer cancel()
		_ = s.Until(ctx, func() bool { // its end is what we wait for
			s.mu.Lock()
			defer s.mu.Unlock()
			return s.ctx.Err() != nil || f.healed
		})
		if r.Context().Err() != nil || s.ctx.Err() != nil {
			panic(http.ErrAbortHandler)
		}
	}
	no := refusal{status: f.Status, text: f.Code, retryAfter: f.RetryAfter}
	switch {
	case f.HTML:
		orElse(&no.status, http.StatusBadGateway)
		w.Header().Set("Content-Type", "text/html")
		w.WriteHeader(no.status)
		_, _ = fmt.Fprintf(w, "<html>\n<head><title>%d %[2]s</title></head>\n<body><center><h1>%[1]d %[2]s</h1></center><hr><center>nginx</center></body>\n</html>\n", no.status, http.StatusText(no.status))
	case f.RetryAfter > 0 || f.Status == http.StatusTooManyRequests:
		orElse(&no.text, fmt.Sprintf("Too Many Requests: retry after %d", f.RetryAfter))
		orElse(&no.status, http.StatusTooManyRequests)
		no.answer(w)
	case f.Code != "":
		orElse(&no.status, http.StatusBadRequest)
		no.answer(w)
	case f.Status != 0:
		no.text = http.StatusText(f.Status)
		no.answer(w)
	case f.StoredButLost:
		panic(http.ErrAbortHandler)
	default:
		return false
	}
	return true
}

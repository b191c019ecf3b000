package door

import (
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// How fast wrong tokens may come: from one address, and from all together.
const (
	burst      = 10
	burstOfAll = 50
	perSecond  = 1
	ofAll      = 10
	// remembered is how many addresses are told apart; more of them share what all may together.
	remembered = 1000
	// RetryAfter is what whoever guesses is asked to wait, in seconds.
	RetryAfter = 5
)

// Guesses counts wrong tokens, of all doors together. Only what is wrong is slowed: a right token is let in also while
// others guess from the same address, which behind a reverse proxy is everybody's.
type Guesses struct {
	log   *slog.Logger
	clock func() time.Time

	mu    sync.Mutex
	from  map[netip.Prefix]*rate.Limiter
	all   *rate.Limiter
	noted *rate.Limiter // lines in the log about those who are slowed
}

// NewGuesses returns Guesses that log to log, at the time of clock. nil stands for no log, and for time.Now.
func NewGuesses(log *slog.Logger, clock func() time.Time) *Guesses {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if clock == nil {
		clock = time.Now
	}
	return &Guesses{log: log, clock: clock, from: map[netip.Prefix]*rate.Limiter{}, all: rate.NewLimiter(ofAll, burstOfAll),
		noted: rate.NewLimiter(rate.Every(time.Minute), 1)}
}

// Wrong counts a wrong token that was tried at what. Where there were too many, it is true, and the answer carries
// Retry-After: it should be 429.
func (g *Guesses) Wrong(w http.ResponseWriter, r *http.Request, what string) (slow bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock()
	if g.of(r.RemoteAddr, now).AllowN(now, 1) && g.all.AllowN(now, 1) {
		g.log.Warn("wrong token refused", "at", what, "remote", r.RemoteAddr)
		return false
	}
	w.Header().Set("Retry-After", strconv.Itoa(RetryAfter))
	if g.noted.AllowN(now, 1) {
		g.log.Warn("wrong tokens come too fast: they are answered 429, and not logged one by one", "at", what, "remote", r.RemoteAddr)
	}
	return true
}

// of is the limit of an address: of a whole network of IPv6, of which anybody has one.
func (g *Guesses) of(remote string, now time.Time) *rate.Limiter {
	host, _, err := net.SplitHostPort(remote)
	if err != nil {
		host = remote
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return g.all
	}
	bits := 64
	if a = a.Unmap().WithZone(""); a.Is4() {
		bits = 32
	}
	p, _ := a.Prefix(bits) // of a length that the address has
	if l, ok := g.from[p]; ok {
		return l
	}
	if len(g.from) >= remembered {
		for k, old := range g.from { // a full bucket remembers nothing worth keeping
			if old.TokensAt(now) >= burst {
				delete(g.from, k)
			}
		}
	}
	if len(g.from) >= remembered {
		return g.all
	}
	l := rate.NewLimiter(perSecond, burst)
	g.from[p] = l
	return l
}

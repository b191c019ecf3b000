package door

import (
	"context"
	"sync"
)

// perPerson is how many event streams a person may have open: pages in several windows, and those of a telephone that lost its
// connection, of which the bot learns late.
const perPerson = 16

// Streams counts event streams by person. The zero value is ready.
type Streams struct {
	mu   sync.Mutex
	open map[string][]*stream
}

type stream struct{ end context.CancelFunc }

// Enter is called when a stream of somebody begins; its context ends with ctx, or when that person has begun too many
// others: the oldest one goes. leave must be called at its end.
func (s *Streams) Enter(ctx context.Context, who string) (_ context.Context, leave func()) {
	ctx, cancel := context.WithCancel(ctx)
	one := &stream{end: cancel}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.open == nil {
		s.open = map[string][]*stream{}
	}
	all := append(s.open[who], one)
	if len(all) > perPerson {
		all[0].end()
		all = all[1:]
	}
	s.open[who] = all
	return ctx, func() {
		cancel()
		s.mu.Lock()
		defer s.mu.Unlock()
		var rest []*stream
		for _, x := range s.open[who] {
			if x != one {
				rest = append(rest, x)
			}
		}
		if s.open[who] = rest; len(rest) == 0 {
			delete(s.open, who)
		}
	}
}

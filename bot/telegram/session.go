package telegram

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"recoverbot/bot"
)

const (
	maxWork   = 64  // updates that are worked on at once
	maxBeside = 256 // answers on their way at once
)

// session is one Run as it is seen by what comes in.
type session struct {
	in     bot.Inbox
	log    *slog.Logger
	slots  chan struct{} // taken by enter
	extra  chan struct{} // taken by beside
	over   <-chan struct{}
	launch func(f func(context.Context)) // in a goroutine that the end of the session waits for

	mu     sync.Mutex
	queues map[int64][]func(context.Context) // of each person for whom somebody works
	ended  bool
	work   sync.WaitGroup
}

// newSession makes a session and the function that ends it: it waits for what was started.
func newSession(ctx context.Context, in bot.Inbox, log *slog.Logger) (*session, func()) {
	s := &session{in: in, log: log, slots: make(chan struct{}, maxWork), extra: make(chan struct{}, maxBeside), over: ctx.Done(),
		queues: map[int64][]func(context.Context){}}
	s.launch = func(f func(context.Context)) { s.work.Go(func() { f(ctx) }) }
	return s, func() {
		s.mu.Lock()
		s.ended = true
		s.mu.Unlock()
		s.work.Wait()
	}
}

// enter takes a slot, which start or leave gives back. False: ctx or the session ended before one was free.
func (s *session) enter(ctx context.Context) bool {
	select {
	case <-s.over:
		return false
	case <-ctx.Done():
		return false
	case s.slots <- struct{}{}:
		return true
	}
}

func (s *session) leave() { <-s.slots }

// start works on f: beside what others said, and after what the same person said before. What is not begun when the session
// ends was kept, and is handled in the next one.
func (s *session) start(person int64, f func(context.Context)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		s.leave()
		return
	}
	queue, busy := s.queues[person]
	s.queues[person] = append(queue, f)
	if !busy {
		s.launch(func(ctx context.Context) { s.serve(ctx, person) })
	}
}

func (s *session) serve(ctx context.Context, person int64) {
	for {
		s.mu.Lock()
		queue := s.queues[person]
		if len(queue) == 0 {
			delete(s.queues, person)
			s.mu.Unlock()
			return
		}
		s.queues[person] = queue[1:]
		s.mu.Unlock()
		if ctx.Err() == nil {
			s.guard(ctx, queue[0])
		}
		s.leave()
	}
}

// beside runs f for itself: an answer, which waits for nobody. Too many of them are dropped.
func (s *session) beside(f func(context.Context)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	select {
	case s.extra <- struct{}{}:
	default:
		s.log.Warn("too many answers are on their way to Telegram: one was dropped")
		return
	}
	s.launch(func(ctx context.Context) {
		defer func() { <-s.extra }()
		s.guard(ctx, f)
	})
}

func (s *session) guard(ctx context.Context, f func(context.Context)) {
	defer func() {
		if r := recover(); r != nil {
			s.log.Error("handling what came from Telegram panicked", "panic", fmt.Sprint(r))
		}
	}()
	f(ctx)
}

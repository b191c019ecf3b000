package telegram

import (
	"context"
	"fmt"
	"log/slog"
	"sync"

	"recoverbot/bot"
)

const (
	maxWork   = 64   // updates that are worked on at once
	maxOwn    = 8    // of these that wait for one person: others need room as well
	maxQueue  = 1000 // that wait for one person
	maxBeside = 256  // answers on their way at once
	maxTidy   = 64   // posts that wait to lose their buttons
)

// session is one Run as it is seen by what comes in.
type session struct {
	in     bot.Inbox
	log    *slog.Logger
	slots  chan struct{} // taken by enter
	extra  chan struct{} // taken by beside
	spare  chan struct{} // taken by tidy
	over   <-chan struct{}
	launch func(f func(context.Context)) // in a goroutine that the end of the session waits for

	mu     sync.Mutex
	queues map[int64][]job // of each person for whom somebody works
	ended  bool
	work   sync.WaitGroup
}

// job is what is left to do about an update.
type job struct {
	f    func(context.Context)
	slot bool // it holds one
}

// newSession makes a session and the function that ends it: it waits for what was started.
func newSession(ctx context.Context, in bot.Inbox, log *slog.Logger) (*session, func()) {
	s := &session{in: in, log: log, slots: make(chan struct{}, maxWork), extra: make(chan struct{}, maxBeside),
		spare: make(chan struct{}, maxTidy), over: ctx.Done(), queues: map[int64][]job{}}
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
// ends was kept, and is handled in the next one. Who said much waits longer, and nobody else does.
func (s *session) start(person int64, f func(context.Context)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		s.leave()
		return
	}
	queue, busy := s.queues[person]
	if len(queue) >= maxQueue {
		s.leave()
		s.log.Error("somebody says more than is handled: it waits for the next start", "person", person)
		return
	}
	slot := len(queue) < maxOwn
	if !slot {
		s.leave()
	}
	s.queues[person] = append(queue, job{f, slot})
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
			s.guard(ctx, queue[0].f)
		}
		if queue[0].slot {
			s.leave()
		}
	}
}

// beside runs f for itself: an answer, which waits for nobody. Too many of them are dropped.
func (s *session) beside(f func(context.Context)) {
	if !s.aside(s.extra, f) {
		s.log.Warn("too many answers are on their way to Telegram: one was dropped")
	}
}

// tidy runs f for itself: what may wait long, and takes no room from answers.
func (s *session) tidy(f func(context.Context)) {
	if !s.aside(s.spare, f) {
		s.log.Info("too many posts wait to lose their buttons: one keeps them")
	}
}

// aside runs f unless all of room is taken.
func (s *session) aside(room chan struct{}, f func(context.Context)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return true
	}
	select {
	case room <- struct{}{}:
	default:
		return false
	}
	s.launch(func(ctx context.Context) {
		defer func() { <-room }()
		s.guard(ctx, f)
	})
	return true
}

func (s *session) guard(ctx context.Context, f func(context.Context)) {
	defer func() {
		if r := recover(); r != nil {
			s.log.Error("handling what came from Telegram panicked", "panic", fmt.Sprint(r))
		}
	}()
	f(ctx)
}

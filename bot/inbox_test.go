package bot_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

// journal is a store that counts what is settled and can be broken.
type journal struct {
	bottest.Memory
	mu      sync.Mutex
	settled []string
	err     error
	unread  int // how often OpenInbound fails from now on
}

func (s *journal) OpenInbound(ctx context.Context, platform string) ([][]byte, error) {
	if s.unread > 0 {
		s.unread--
		return nil, errors.New("busy")
	}
	return s.Memory.OpenInbound(ctx, platform)
}

func (s *journal) SaveInbound(ctx context.Context, platform, id string, body []byte) (bool, error) {
	if s.err != nil {
		return false, s.err
	}
	return s.Memory.SaveInbound(ctx, platform, id, body)
}

func (s *journal) SettleInbound(ctx context.Context, platform, id string) error {
	s.mu.Lock()
	s.settled = append(s.settled, id)
	s.mu.Unlock()
	return s.Memory.SettleInbound(ctx, platform, id)
}

func (s *journal) open(t *testing.T) int {
	t.Helper()
	bodies, err := s.OpenInbound(t.Context(), "a")
	if err != nil {
		t.Error(err)
	}
	return len(bodies)
}

func event(id string) bot.Inbound {
	return bot.Inbound{Platform: "a", UserID: "U1", Action: "opaque", ID: id, Origin: "C1"}
}

// answering is a fake that answers people later.
type answering struct {
	*fake
	answers []string
}

func (a *answering) Answer(_ context.Context, in bot.Inbound, r bot.Reply) error {
	a.answers = append(a.answers, in.ID+" at "+in.Origin+": "+r.Text)
	return nil
}

// receives runs f as the receiving part of a platform, once, over s.
func receives(t *testing.T, s bot.Store, p bot.Platform, f *fake, to bot.Handler, do func(ctx context.Context, in bot.Inbox)) {
	t.Helper()
	done := make(chan struct{})
	f.runs = func(ctx context.Context, in bot.Inbox) error {
		do(ctx, in)
		close(done)
		<-ctx.Done()
		return nil
	}
	configured(t, bot.Config{Platforms: []bot.Platform{p}, Store: s}, to, func(*bot.Hub) { <-done; synctest.Wait() })
}

func keep(t *testing.T, in bot.Inbox, id string, fresh bool) {
	t.Helper()
	if got, err := in.Keep(t.Context(), event(id)); err != nil || got != fresh {
		t.Errorf("keep %s: %v, %v", id, got, err)
	}
}

func ids(said []bot.Inbound) []string {
	var out []string
	for _, in := range said {
		out = append(out, in.ID)
	}
	return out
}

// TestWhatWasKeptIsHandledOnce: fault 28.
func TestWhatWasKeptIsHandledOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, to := &journal{}, &bottest.Inbox{Answer: func(bot.Inbound) bot.Reply { return bot.Reply{Text: "approved"} }}
		f := &fake{name: "a"}
		p := &answering{fake: f}
		receives(t, s, p, f, to, func(ctx context.Context, in bot.Inbox) {
			keep(t, in, "e1", true)
			keep(t, in, "e1", false)
			in.Handle(ctx, event("e1"))
			keep(t, in, "e1", false)
			in.Handle(ctx, event("unkept"))
			keep(t, in, "e2", true) // and a crash
			keep(t, in, "e3", true)
		})
		if !slices.Equal(s.settled, []string{"e1"}) || s.open(t) != 2 {
			t.Errorf("settled %q, %d are open", s.settled, s.open(t))
		}
		time.Sleep(time.Hour)
		receives(t, s, p, f, to, func(_ context.Context, in bot.Inbox) { keep(t, in, "e2", false) })
		receives(t, s, p, f, to, func(_ context.Context, in bot.Inbox) { keep(t, in, "e3", false) })
		if got := ids(to.Said()); !slices.Equal(got, []string{"e1", "unkept", "e2", "e3"}) || s.open(t) != 0 {
			t.Errorf("handled %q, %d are open", got, s.open(t))
		}
		if at := to.Said()[2].At; time.Since(at) != time.Hour {
			t.Errorf("e2 was received at %v, %v ago", at, time.Since(at))
		}
		same(t, p.answers, "e2 at C1: approved", "e3 at C1: approved")
	})
}

func TestCatchingUpHoldsNobodyUp(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, f := &journal{}, &fake{name: "a"}
		receives(t, s, f, f, &bottest.Inbox{}, func(_ context.Context, in bot.Inbox) { keep(t, in, "old", true) })
		release := make(chan struct{})
		to := &bottest.Inbox{Answer: func(in bot.Inbound) bot.Reply {
			if in.ID != "new" {
				<-release
			}
			return bot.Reply{Text: in.ID}
		}}
		receives(t, s, f, f, to, func(ctx context.Context, in bot.Inbox) {
			go func() { keep(t, in, "slow", true); in.Handle(ctx, event("slow")) }()
			synctest.Wait()
			keep(t, in, "new", true)
			if r := in.Handle(ctx, event("new")); r.Text != "new" {
				t.Errorf("reply %+v", r)
			}
			close(release)
		})
		if s.open(t) != 0 || len(to.Said()) != 3 {
			t.Errorf("handled %q, %d are open", ids(to.Said()), s.open(t))
		}
	})
}

func TestWhatWasCutOffIsHandledAgain(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, f := &journal{}, &fake{name: "a"}
		to := &stalling{}
		runs := 0
		f.runs = func(ctx context.Context, in bot.Inbox) error {
			if runs++; runs > 1 {
				<-ctx.Done()
				return nil
			}
			keep(t, in, "e1", true)
			ctx, cancel := context.WithTimeout(ctx, time.Second)
			defer cancel()
			in.Handle(ctx, event("e1"))
			return errors.New("connection lost")
		}
		configured(t, bot.Config{Platforms: []bot.Platform{f}, Store: s}, to, func(*bot.Hub) { time.Sleep(time.Minute) })
		if to.cut != 1 || !slices.Equal(ids(to.Said()), []string{"e1"}) || s.open(t) != 0 {
			t.Errorf("cut off %d times, handled %q, %d are open", to.cut, ids(to.Said()), s.open(t))
		}
	})
}

// stalling handles nothing at first, and then everything.
type stalling struct {
	bottest.Inbox
	cut int
}

func (h *stalling) Handle(ctx context.Context, in bot.Inbound) bot.Reply {
	if h.cut == 0 {
		<-ctx.Done()
		h.cut++
		return bot.Reply{Refused: true}
	}
	return h.Inbox.Handle(ctx, in)
}

func TestWhatMakesTheBotPanicIsNotTriedAtEachStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, f := &journal{}, &fake{name: "a"}
		receives(t, s, f, f, &bottest.Inbox{}, func(_ context.Context, in bot.Inbox) { keep(t, in, "bad", true); keep(t, in, "good", true) })
		for range 2 {
			to := &bottest.Inbox{Answer: func(in bot.Inbound) bot.Reply {
				if in.ID == "bad" {
					panic("what is this")
				}
				return bot.Reply{}
			}}
			receives(t, s, f, f, to, func(context.Context, bot.Inbox) {})
		}
		if !slices.Equal(s.settled, []string{"bad", "good"}) || s.open(t) != 0 {
			t.Errorf("settled %q, %d are open", s.settled, s.open(t))
		}
	})
}

func TestWhatCannotBeKeptIsNotConfirmed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, f := &journal{err: errors.New("disk full")}, &fake{name: "a"}
		receives(t, s, f, f, &bottest.Inbox{}, func(ctx context.Context, in bot.Inbox) {
			if fresh, err := in.Keep(ctx, event("e1")); fresh || !errors.Is(err, s.err) {
				t.Errorf("kept: %v, %v", fresh, err)
			}
			s.err = nil
			if fresh, err := in.Keep(ctx, event("")); fresh || err == nil {
				t.Errorf("kept without an id: %v, %v", fresh, err)
			}
			keep(t, in, "e1", true) // redelivered
		})
		if s.open(t) != 1 {
			t.Errorf("%d are open", s.open(t))
		}
	})
}

func TestAJournalThatIsBusyAtTheStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, to, f := &journal{}, &bottest.Inbox{}, &fake{name: "a"}
		receives(t, s, f, f, to, func(_ context.Context, in bot.Inbox) {
			keep(t, in, "e1", true) // and a crash
			keep(t, in, "e2", true)
		})
		s.unread = 3
		receives(t, s, f, f, to, func(ctx context.Context, in bot.Inbox) {
			keep(t, in, "e2", false) // delivered again
			keep(t, in, "new", true)
			keep(t, in, "new", false)
			time.Sleep(time.Minute) // it is under way when what was left is read
			in.Handle(ctx, event("new"))
		})
		if got := ids(to.Said()); !slices.Equal(got, []string{"e1", "e2", "new"}) || s.open(t) != 0 {
			t.Errorf("handled %q, %d are open", got, s.open(t))
		}
	})
}

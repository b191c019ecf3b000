package bot_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
)

// told notes what OnHealth is told, with the second in which it is.
type told struct {
	start time.Time
	mu    sync.Mutex
	said  []string
}

func (o *told) onHealth(h bot.Health) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.said = append(o.said, fmt.Sprintf("%d s: %v", int(time.Since(o.start).Seconds()), h.Err))
}

func broken(text string) error { return &bot.Fault{Text: text, Err: errors.New("revoked")} }

func TestHealth(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		reports map[int]error // second → what the connection reports
		fails   func(second int, call string) error
		wants   map[int]bot.Message
		told    []string
	}{
		"all well": {
			reports: map[int]error{0: nil, 10: nil},
			wants:   map[int]bot.Message{0: card("k", 1, bot.Prompt)},
		},
		"a short break of the connection": {reports: map[int]error{0: nil, 10: errRefused, 40: errors.New("other"), 69: nil}},
		"a long break of the connection": {
			reports: map[int]error{10: errRefused, 40: errors.New("other"), 65: errRefused, 100: nil},
			told:    []string{"70 s: 400", "100 s: <nil>"},
		},
		"a fault stays through other errors": {
			reports: map[int]error{10: broken("token"), 20: errRefused, 30: broken("token"), 40: broken("scope"), 130: nil},
			told:    []string{"10 s: token: revoked", "40 s: scope: revoked", "130 s: <nil>"},
		},
		"what lasted turns out to be a fault": {
			reports: map[int]error{10: errRefused, 80: broken("token"), 90: nil},
			told:    []string{"70 s: 400", "80 s: token: revoked", "90 s: <nil>"},
		},
		"nothing can be posted": {
			fails: func(second int, _ string) error {
				if second < 100 {
					return errRefused
				}
				return nil
			},
			wants: map[int]bot.Message{5: card("k", 1, bot.Prompt), 100: card("l", 1, bot.Prompt)},
			told:  []string{"65 s: post message k: 400", "100 s: <nil>"},
		},
		"one message is refused, others are not": {
			fails: func(_ int, call string) error {
				if call == "send k v1" {
					return errRefused
				}
				return nil
			},
			wants: map[int]bot.Message{5: card("k", 1, bot.Prompt), 30: card("l", 1, bot.Prompt), 400: card("m", 1, bot.Prompt)},
		},
		"one message is refused for ever, alone": {
			fails: func(_ int, call string) error {
				if call == "send k v1" {
					return errRefused
				}
				return nil
			},
			wants: map[int]bot.Message{5: card("k", 1, bot.Prompt), 200: card("l", 1, bot.Prompt), 400: card("m", 1, bot.Prompt)},
			told:  []string{"65 s: post message k: 400", "200 s: <nil>"},
		},
		"a permission lacks for some": {
			fails: func(_ int, call string) error {
				if call == "send k v1" {
					return broken("files:write")
				}
				return nil
			},
			wants: map[int]bot.Message{5: card("k", 1, bot.Prompt), 30: card("l", 1, bot.Prompt), 100: card("m", 1, bot.Prompt), 300: card("k", 2, bot.Prompt)},
			told:  []string{"5 s: post message k: files:write: revoked", "300 s: <nil>"},
		},
		"the platform asks to wait for too long": {
			fails: func(second int, _ string) error {
				if second < 90 {
					return &bot.Later{After: 45 * time.Second, Err: errors.New("429")}
				}
				return nil
			},
			wants: map[int]bot.Message{0: card("k", 1, bot.Prompt)},
			told:  []string{"60 s: post message k: try again later: 429", "90 s: <nil>"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				o := &told{start: time.Now()}
				second := func() int { return int(time.Since(o.start).Seconds()) }
				f := &fake{name: "a"}
				if c.fails != nil {
					f.fail = func(call string) error { return c.fails(second(), call) }
				}
				reports := make(chan error)
				f.runs = func(ctx context.Context, in bot.Inbox) error {
					for {
						select {
						case <-ctx.Done():
							return nil
						case err := <-reports:
							in.Report(err)
						}
					}
				}
				configured(t, bot.Config{Platforms: []bot.Platform{f}, Store: &bottest.Memory{}, OnHealth: o.onHealth}, &bottest.Inbox{}, func(h *bot.Hub) {
					for s := range 600 {
						if err, ok := c.reports[s]; ok {
							reports <- err
						}
						if m, ok := c.wants[s]; ok {
							want(t, h, m)
						}
						time.Sleep(time.Second)
					}
					if now := h.Health(); len(now) != 1 || now[0].Platform != "a" || now[0].Err != nil || now[0].Since.After(time.Now()) {
						t.Errorf("at the end: %+v", now)
					}
				})
				if !about(o.said, c.told) {
					t.Errorf("told:\n got %q\nwant %q", o.said, c.told)
				}
			})
		})
	}
}

// about is equality, but for retries that come later than what they wait for, by a random pause.
func about(got, want []string) bool {
	return slices.EqualFunc(got, want, func(a, b string) bool {
		var at, from int
		_, _ = fmt.Sscan(a, &at)
		_, _ = fmt.Sscan(b, &from)
		return a[len(fmt.Sprint(at)):] == b[len(fmt.Sprint(from)):] && at >= from && at <= from+45
	})
}

func TestHealthOfAPlatformWhoseRunEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := &told{start: time.Now()}
		runs := 0
		shaky := &fake{name: "shaky", runs: func(ctx context.Context, _ bot.Inbox) error { // and never reports
			if runs++; runs == 1 {
				panic("once")
			}
			<-ctx.Done()
			return nil
		}}
		gone := &fake{name: "gone", runs: func(context.Context, bot.Inbox) error { return nil }}
		slow := make(chan struct{})
		c := bot.Config{Platforms: []bot.Platform{shaky, gone}, Store: &bottest.Memory{}, OnHealth: func(h bot.Health) {
			<-slow // delays nobody
			o.onHealth(h)
		}}
		configured(t, c, &bottest.Inbox{}, func(h *bot.Hub) {
			time.Sleep(5 * time.Minute)
			want(t, h, card("k", 1, bot.Prompt))
			if err := h.Settle(t.Context()); err != nil {
				t.Error(err)
			}
			if now := h.Health(); now[0].Err != nil || now[1].Err == nil || time.Since(now[1].Since) < 4*time.Minute {
				t.Errorf("health: %+v", now)
			}
			close(slow)
			synctest.Wait()
		})
		if want := []string{"300 s: platform stopped receiving"}; !slices.Equal(o.said, want) {
			t.Errorf("told %q", o.said)
		}
	})
}

// A fault that ended Run is not over because the next Run runs, while that one reports that it has no connection yet.
func TestHealthWhileTheNextRunStillFails(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o, runs := &told{start: time.Now()}, 0
		f := &fake{name: "a", runs: func(ctx context.Context, in bot.Inbox) error {
			if runs++; runs == 1 {
				return broken("token")
			}
			for time.Since(o.start) < 200*time.Second {
				in.Report(errRefused)
				time.Sleep(10 * time.Second)
			}
			in.Report(nil)
			<-ctx.Done()
			return nil
		}}
		c := bot.Config{Platforms: []bot.Platform{f}, Store: &bottest.Memory{}, OnHealth: o.onHealth}
		configured(t, c, &bottest.Inbox{}, func(*bot.Hub) { time.Sleep(5 * time.Minute) })
		if want := []string{"0 s: token: revoked", "200 s: <nil>"}; !about(o.said, want) {
			t.Errorf("told %q", o.said)
		}
	})
}

package terminal

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"recoverbot/bot"
)

// SessionOptions is who sits at a session and what their screen can do.
type SessionOptions struct {
	UserID  string
	Width   int    // columns; 0: 80, on a pipe 100
	TTY     bool   // progress is rewritten in place; else a line every 5 s
	Color   bool   // the first line of a card is coloured by its state
	Lang    string // "en" or "zh"; "" is the terminal's
	Command string // said first, e.g. "/recover primary"
	OneRun  bool   // the session ends with the run that Command started or joined
}

// Ways in which a session ends before its person leaves.
var (
	ErrBotStopped = errors.New("the bot stopped")
	ErrNoInput    = errors.New("input ended while a run was open")
)

// lastWords is how long a session waits, at most, for what became of the steps of a run that is over.
const lastWords = 2 * time.Second

// pipePace is how often progress is printed where it cannot be rewritten.
const pipePace = 5 * time.Second

// session is one person's conversation. Everything but reading happens in one goroutine.
type session struct {
	t     *Terminal
	o     SessionOptions
	out   *bufio.Writer
	lines <-chan string
	inbox bot.Inbox
	ended <-chan struct{}
	id    string
	n     int
	seen  int64
	run   string // of OneRun
	end   string // key of that run's last message, printed below all others: "" while the run goes on
	late  <-chan time.Time
	since time.Time // messages before that are the past
	shown map[string]glimpse
	last  string // key of the card that an answer without a code is for
	bar   int    // columns of the progress line that stands unfinished, 0: none
	barAt time.Time
	// prompted: the idle "> " stands at the end of the screen.
	prompted bool
}

// glimpse is what this person was shown of a card.
type glimpse struct {
	state, code, progress string
	asked                 bool // its blocks were shown
}

// ServeSession holds a conversation until the person leaves, input ends, the bot stops, ctx ends or, with OneRun, the run
// is over; nil means the person left or the run is over. The goroutine that reads in ends with in: a caller that goes on
// living closes it.
func (t *Terminal) ServeSession(ctx context.Context, in io.Reader, out io.Writer, o SessionOptions) error {
	if o.Lang != "en" && o.Lang != "zh" {
		o.Lang = t.c.Language
	}
	if o.Width < 20 {
		o.Width = 80
		if !o.TTY {
			o.Width = 100
		}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	inbox, ended, err := t.running(ctx)
	if err != nil {
		return err
	}
	s := &session{t: t, o: o, out: bufio.NewWriter(out), lines: read(ctx, in), inbox: inbox, ended: ended, id: rand.Text()[:10],
		shown: map[string]glimpse{}, since: time.Now().Add(-time.Minute)}
	s.say("ui.term_hello")
	if o.Command == "" || !o.OneRun {
		s.catchUp()
	} else {
		s.skipOld()
	}
	if o.Command != "" {
		s.command(ctx, o.Command)
	}
	return s.loop(ctx)
}

// read hands over lines until in ends or nobody wants them.
func read(ctx context.Context, in io.Reader) <-chan string {
	lines := make(chan string)
	go func() {
		defer close(lines)
		scan := bufio.NewScanner(in)
		scan.Buffer(nil, 1<<20)
		for scan.Scan() {
			select {
			case lines <- strings.TrimRight(scan.Text(), "\r"):
			case <-ctx.Done():
				return
			}
		}
	}()
	return lines
}

func (s *session) loop(ctx context.Context) error {
	pace := time.NewTicker(pipePace)
	defer pace.Stop()
	for {
		changed := s.news()
		if s.end != "" && s.told() {
			return s.over()
		}
		s.prompt()
		if err := s.out.Flush(); err != nil {
			return fmt.Errorf("write to the terminal: %w", err)
		}
		select {
		case <-changed:
		case <-pace.C: // progress that was held back
		case <-s.late:
			return s.over()
		case <-ctx.Done():
			return ctx.Err()
		case <-s.ended:
			if s.news(); s.end != "" {
				return s.over()
			}
			s.say("ui.term_bot_gone")
			_ = s.out.Flush() // the error that counts is that the bot is gone
			return ErrBotStopped
		case line, ok := <-s.lines:
			s.bar, s.prompted = 0, false // the person's Enter ended the line
			if !ok {
				s.say("ui.term_detached")
				_ = s.out.Flush()
				if s.o.OneRun {
					return ErrNoInput
				}
				return nil
			}
			if word := strings.TrimSpace(line); word == "quit" || word == "exit" {
				s.say("ui.term_detached")
				return s.out.Flush()
			}
			s.answer(ctx, strings.TrimSpace(line))
		}
	}
}

// catchUp prints what is open and the newest few, so that a person who attaches in the middle sees where things stand.
func (s *session) catchUp() {
	posts, _ := s.t.board.Since(0)
	for i, p := range posts {
		s.seen = p.Seq
		if open(p.Message) || i >= len(posts)-3 {
			s.card(s.t.in(s.o.Lang, p.Message))
		}
	}
}

func (s *session) skipOld() {
	posts, _ := s.t.board.Since(0)
	for _, p := range posts {
		s.seen = p.Seq
	}
}

// open tells what a person may have to do with, or watch.
func open(m bot.Message) bool { return len(m.Buttons) > 0 || m.State == "running" }

// news prints what changed and returns a channel that is closed at the next change.
func (s *session) news() <-chan struct{} {
	posts, changed := s.t.board.Since(s.seen)
	for _, p := range posts {
		s.seen = p.Seq
		if s.run != "" && p.RunID == s.run && p.Ends {
			s.ends(p.Key)
		} else if s.concerns(p.Message) {
			s.card(s.t.in(s.o.Lang, p.Message))
		}
	}
	s.progress()
	return changed
}

// ends takes note that the run is over. Its last message may come before the last ones of its steps.
func (s *session) ends(key string) {
	if s.end == "" {
		s.end, s.late, s.lines = key, time.After(lastWords), nil // nobody is asked any more
	}
}

// told reports whether each card of the run says what became of it.
func (s *session) told() bool {
	posts, _ := s.t.board.Since(0)
	return !slices.ContainsFunc(posts, func(p bot.Posted) bool {
		return p.RunID == s.run && (p.Seq > s.seen || p.State == "running" || p.State == "waiting" || p.State == "held")
	})
}

// over prints the last message of the run, and that the session ends with it.
func (s *session) over() error {
	if m, ok := s.t.board.Get(s.end); ok {
		s.card(s.t.in(s.o.Lang, m))
	}
	s.say("ui.term_run_ended")
	return s.out.Flush()
}

// concerns leaves out other runs where this session is for one, and the past: after a start of the bot all messages of
// the last days come again.
func (s *session) concerns(m bot.Message) bool {
	if s.run != "" && m.RunID != "" && m.RunID != s.run {
		return false
	}
	_, known := s.shown[m.Key]
	return known || open(m) || m.At.IsZero() || m.At.After(s.since)
}

// joined begins to follow the run that a command started or joined. Its cards may have been there before: they are shown now.
func (s *session) joined(run string) {
	if s.run != "" || run == "" || !s.o.OneRun {
		return
	}
	s.run = run
	posts, _ := s.t.board.Since(0)
	for _, p := range posts {
		if p.RunID != run || p.Seq > s.seen {
			continue
		}
		if p.Ends {
			s.ends(p.Key)
		} else if open(p.Message) {
			s.card(s.t.in(s.o.Lang, p.Message))
		}
	}
}

// hear passes an utterance on and prints what only this person is answered.
func (s *session) hear(ctx context.Context, in bot.Inbound) {
	s.n++
	in.Platform, in.UserID, in.Language = s.t.Name(), s.o.UserID, s.o.Lang
	in.Seat = s.t.Name() // whoever may use the socket may say any name: all terminals of this machine are one seat
	in.ID = fmt.Sprintf("%s-%d", s.id, s.n)
	reply := s.inbox.Handle(ctx, in)
	if aside := reply.Aside(); aside != "" {
		s.line("\n" + bot.Clean(aside))
	}
	if reply.Message != nil {
		s.full(*reply.Message)
	}
	if in.Text != "" {
		s.joined(reply.RunID)
	}
}

func (s *session) command(ctx context.Context, text string) { s.hear(ctx, bot.Inbound{Text: text}) }

// label and say speak the session's language.
func (s *session) label(id string, pairs ...any) string { return s.t.c.Label(s.o.Lang, id, pairs...) }
func (s *session) say(id string, pairs ...any)          { s.line(s.label(id, pairs...)) }

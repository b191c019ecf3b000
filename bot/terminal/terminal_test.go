package terminal_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rivo/uniseg"
	"go.uber.org/goleak"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/terminal"
	"recoverbot/locale"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// screen is what a session wrote so far.
type screen struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *screen) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// await polls until the screen shows all parts behind from.
func (s *screen) await(t *testing.T, from int, parts ...string) string {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		text := s.String()[from:]
		if !slices.ContainsFunc(parts, func(p string) bool { return !strings.Contains(text, p) }) {
			return text
		}
		if time.Now().After(deadline) {
			t.Fatalf("the screen never shows %q:\n%s", parts, text)
		}
		<-time.After(3 * time.Millisecond)
	}
}

func newTerminal(t *testing.T) *terminal.Terminal {
	t.Helper()
	b, err := locale.Load()
	if err != nil {
		t.Fatal(err)
	}
	return terminal.New(terminal.Config{Language: "en",
		Label: func(lang, id string, pairs ...any) string { return b.Printer(lang, time.UTC).T(id, pairs...) }})
}

// desk is a running terminal with one session.
type desk struct {
	term *terminal.Terminal
	in   *bottest.Inbox
	keys *io.PipeWriter
	out  *screen
	stop func()
	err  chan error
}

func sit(t *testing.T, o terminal.SessionOptions, answer func(bot.Inbound) bot.Reply, before ...bot.Message) *desk {
	t.Helper()
	r, w := io.Pipe()
	d := &desk{term: newTerminal(t), in: &bottest.Inbox{Answer: answer}, keys: w, out: &screen{}, err: make(chan error, 1)}
	for _, m := range before {
		d.show(m)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = d.term.Run(ctx, d.in) })
	if o.UserID == "" {
		o.UserID = "ops1"
	}
	wg.Go(func() { d.err <- d.term.ServeSession(context.Background(), r, d.out, o) })
	d.stop = cancel
	t.Cleanup(func() { cancel(); _ = w.Close(); _ = r.Close(); wg.Wait() })
	d.out.await(t, 0, "recoverbot")
	return d
}

func (d *desk) show(m bot.Message) { _, _ = d.term.Send(context.Background(), m) }

// say types a line and waits for what it brings.
func (d *desk) say(t *testing.T, line string, parts ...string) string {
	t.Helper()
	from := len(d.out.String())
	if _, err := io.WriteString(d.keys, line+"\n"); err != nil {
		t.Fatal(err)
	}
	return d.out.await(t, from, parts...)
}

func heard(t *testing.T, d *desk, n int) []bot.Inbound {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for len(d.in.Said()) < n && time.Now().Before(deadline) {
		<-time.After(3 * time.Millisecond)
	}
	said := d.in.Said()
	if len(said) != n {
		t.Fatalf("the inbox heard %d, want %d: %+v\n%s", len(said), n, said, d.out)
	}
	return said
}

func TestApprovalIsBoundToTheCardThatWasShown(t *testing.T) {
	t.Parallel()
	d := sit(t, terminal.SessionOptions{}, nil)
	d.show(bottest.Card("k", 1))
	d.out.await(t, 0, "approve|skip 3f2a")
	_ = d.say(t, "") // Enter alone is nothing
	d.say(t, "a", "Type the code 3f2a")
	d.say(t, "", "Nothing was done")
	d.say(t, "approve", "Type the code 3f2a")
	d.say(t, "y", "Nothing was done")
	d.say(t, "approve 0000", "code 0000 is not on the card")
	d.say(t, "x", "approve|skip 3f2a")
	heard(t, d, 0)

	// The card changes while the person is asked to confirm: the answer is for the old one and does nothing.
	d.say(t, "a", "Type the code 3f2a")
	m := bottest.Card("k", 2)
	m.Code, m.Buttons[0].Action = "91bc", "opaque-approve-2"
	d.show(m)
	d.say(t, "3f2a", "changed since it was shown", "91bc")
	d.say(t, "approve 3f2a", "code 3f2a is not on the card")
	heard(t, d, 0)

	d.say(t, "approve 91BC")
	if said := heard(t, d, 1); said[0].Action != "opaque-approve-2" || said[0].UserID != "ops1" {
		t.Errorf("heard %+v", said)
	}
	d.say(t, "a", "Type the code 91bc")
	d.say(t, "91bc")
	d.say(t, "/recover primary dump=x")
	if said := heard(t, d, 3); said[1].Action != "opaque-approve-2" || said[2].Text != "/recover primary dump=x" || said[1].ID == said[0].ID {
		t.Errorf("heard %+v", said)
	}
}

func TestFormReasonAndConfirmation(t *testing.T) {
	t.Parallel()
	d := sit(t, terminal.SessionOptions{}, nil)
	m := bottest.Card("k", 1)
	m.Form = []bot.Field{{Name: "address", Label: "Address", Required: true}, {Name: "port", Label: "SSH port", Value: "22"},
		{Name: "row_3", Label: "3 a.example.com", Type: "bool", Value: "true"}, {Name: "dump", Label: "Dump", Type: "enum", Enum: []string{"x", "y"}},
		{Name: "script", Label: "Script", Type: "text"}}
	m.Buttons = []bot.Button{{Label: "Use", Choice: "input", Action: "use", WithForm: true},
		{Label: "Abort", Choice: "abort", Action: "abort", Confirm: "Stop everything?", NeedsReason: true}}
	d.show(m)
	d.out.await(t, 0, "input|abort 3f2a")
	d.say(t, "input 3f2a", "Address (needed)")
	d.say(t, "", "Address (needed)")
	d.say(t, "192.0.2.24", "SSH port [22]")
	d.say(t, "", "3 a.example.com (yes/no) [yes]")
	d.say(t, "perhaps", "cannot be perhaps", "(yes/no)")
	d.say(t, "no", "Dump (x | y)")
	d.say(t, "z", "cannot be z")
	d.say(t, "y", "Script")
	d.say(t, "#!/bin/sh\necho 1\n.")
	got := heard(t, d, 1)[0].Fields
	for name, want := range map[string]string{"address": "192.0.2.24", "port": "22", "row_3": "false", "dump": "y", "script": "#!/bin/sh\necho 1\n"} {
		if got[name] != want {
			t.Errorf("%s = %q, want %q", name, got[name], want)
		}
	}
	d.say(t, "ab", "Stop everything?", "Type the code 3f2a")
	d.say(t, "3f2a", "Reason")
	d.say(t, "", "Nothing was done")
	heard(t, d, 1)
	d.say(t, "abort 3f2a", "Stop everything?")
	d.say(t, "3f2a", "Reason")
	d.say(t, "wrong machine")
	if said := heard(t, d, 2)[1]; said.Reason != "wrong machine" || said.Action != "abort" {
		t.Errorf("heard %+v", said)
	}
}

func TestProgress(t *testing.T) {
	t.Parallel()
	for name, tty := range map[string]bool{"terminal": true, "pipe": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := sit(t, terminal.SessionOptions{TTY: tty, Width: 60}, nil)
			for i := range int64(40) {
				d.show(bot.Message{Key: "k", Version: i + 1, State: "running", Emoji: "🔵", Title: "Restoring", Priority: bot.Ticker,
					Progress: &bot.Progress{Done: i, Total: 40, Text: "of 40 MB"}})
				if i == 20 {
					d.out.await(t, 0, "Restoring: [")
				}
			}
			d.show(bot.Message{Key: "k", Version: 50, State: "done", Emoji: "✅", Title: "Restored"})
			text := d.out.await(t, 0, "✅ Restored")
			if n := strings.Count(text, "🔵 Restoring"); n != 1 {
				t.Errorf("the card was printed %d times:\n%s", n, text)
			}
			if rewrites := strings.Count(text, "\r"); (rewrites > 0) != tty {
				t.Errorf("%d carriage returns:\n%q", rewrites, text)
			}
			if lines := strings.Count(text, "\nRestoring: ["); !tty && lines > 2 {
				t.Errorf("%d lines of progress at once:\n%s", lines, text)
			}
			if strings.Contains(text, "\x1b") {
				t.Error("escape codes without colour")
			}
		})
	}
}

// Rate and time left are on the line that is rewritten, however long the title is and however narrow the screen.
func TestProgressFits(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		width int
		title string
		want  string
	}{
		"whole":   {120, "3/12 Restore the newest backup", "3/12 Restore the newest backup: [##########----------]  51%  Loading: 612 MB of 1.2 GB, 31 MB/s, 19 s left"},
		"shorter": {100, "3/12 Restore the newest backup on the standby", "3/12 Restore the newes…: [##########----------]  51%  Loading: 612 MB of 1.2 GB, 31 MB/s, 19 s left"},
		"number":  {82, "3/12 Restore the newest backup on the standby", "3/12…: [##########----------]  51%  Loading: 612 MB of 1.2 GB, 31 MB/s, 19 s left"},
		"no bar":  {80, "3/12 Restore the newest backup on the standby", "3/12 Restore the newest ba…: 51%  Loading: 612 MB of 1.2 GB, 31 MB/s, 19 s left"},
		"wide":    {72, "3/12 在备机上恢复最新的备份", "3/12 在备机上恢复…: 51%  Loading: 612 MB of 1.2 GB, 31 MB/s, 19 s left"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := sit(t, terminal.SessionOptions{TTY: true, Width: c.width}, nil)
			d.show(bot.Message{Key: "k", Version: 1, State: "running", Title: c.title, Progress: &bot.Progress{Done: 612, Total: 1204, Text: "Loading: 612 MB of 1.2 GB, 31 MB/s, 19 s left"}})
			text := d.out.await(t, 0, "19 s left")
			_, line, _ := strings.Cut(text[strings.LastIndex(text, "\n")+1:], "\r")
			if line != c.want || uniseg.StringWidth(line) >= c.width {
				t.Errorf("%d columns: %q", uniseg.StringWidth(line), line)
			}
		})
	}
}

func TestOneRunEndsWithItsRun(t *testing.T) {
	t.Parallel()
	d := sit(t, terminal.SessionOptions{Command: "/recover primary", OneRun: true}, func(in bot.Inbound) bot.Reply {
		return bot.Reply{Text: "Joined run r1.", RunID: "r1"}
	}, bot.Message{Key: "old", Version: 1, RunID: "r0", State: "waiting", Title: "an old run", Buttons: []bot.Button{{Label: "x", Choice: "x"}}}, bottest.Card("r1.a", 1))
	d.out.await(t, 0, "Joined run r1.", "3f2a")
	d.show(bot.Message{Key: "r0.end", Version: 1, RunID: "r0", Title: "another run is over", Ends: true})
	d.show(bot.Message{Key: "r1.end", Version: 1, RunID: "r1", State: "done", Title: "Service is back", Ends: true})
	d.show(bot.Message{Key: "watch", Version: 1, State: "info", Title: "the end was read"})
	d.out.await(t, 0, "the end was read")
	m := bottest.Card("r1.a", 2) // what became of the last step comes after the end
	m.State, m.Title, m.Lines, m.Buttons, m.Code = "done", "Restored", []string{"5 tables."}, nil, ""
	d.show(m)
	if err := <-d.err; err != nil {
		t.Error(err)
	}
	text := d.out.String()
	if !regexp.MustCompile(`(?s)Restored.*5 tables\..*Service is back.*The run has ended\.`).MatchString(text) || strings.Contains(text, "an old run") {
		t.Errorf("screen:\n%s", text)
	}
}

// A run whose steps say nothing more ends all the same.
func TestOneRunEndsWithoutLastWords(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		term, out := newTerminal(t), &screen{}
		in := &bottest.Inbox{Answer: func(bot.Inbound) bot.Reply { return bot.Reply{RunID: "r1"} }}
		ctx, stop := context.WithCancel(context.Background())
		var wg sync.WaitGroup
		wg.Go(func() { _ = term.Run(ctx, in) })
		r, w := io.Pipe()
		for _, m := range []bot.Message{bottest.Card("r1.a", 1), {Key: "r1.end", Version: 1, RunID: "r1", State: "done", Title: "Service is back", Ends: true}} {
			m.RunID = "r1"
			_, _ = term.Send(ctx, m)
		}
		if err := term.ServeSession(ctx, r, out, terminal.SessionOptions{UserID: "ops1", Command: "/recover primary", OneRun: true}); err != nil {
			t.Error(err)
		}
		if text := out.String(); !strings.Contains(text, "Service is back") || !strings.Contains(text, "The run has ended.") {
			t.Errorf("screen:\n%s", text)
		}
		_ = w.Close()
		stop()
		wg.Wait()
	})
}

func TestEndings(t *testing.T) {
	t.Parallel()
	d := sit(t, terminal.SessionOptions{Lang: "zh"}, nil)
	d.stop()
	if err := <-d.err; !errors.Is(err, terminal.ErrBotStopped) || !strings.Contains(d.out.String(), "机器人已停止") {
		t.Errorf("bot stopped: %v\n%s", err, d.out)
	}
	d = sit(t, terminal.SessionOptions{OneRun: true}, nil)
	_ = d.keys.Close()
	if err := <-d.err; !errors.Is(err, terminal.ErrNoInput) {
		t.Errorf("input ended: %v", err)
	}
	d = sit(t, terminal.SessionOptions{}, nil)
	d.say(t, "quit", "Detached")
	if err := <-d.err; err != nil {
		t.Errorf("left: %v", err)
	}
}

func TestLongTextIsCutUntilAskedFor(t *testing.T) {
	t.Parallel()
	m := bottest.Card("k", 1)
	m.Blocks[0].Text = strings.Repeat("line\n", 300) + "last line"
	d := sit(t, terminal.SessionOptions{Color: true}, nil, m)
	if text := d.out.await(t, 0, "more lines", "3f2a"); strings.Contains(text, "last line") || !strings.Contains(text, "\x1b[1;33m🟡") {
		t.Errorf("screen:\n%s", text)
	}
	d.say(t, "show", "last line")
}

func TestSocket(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "rb")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "sock")
	if _, err := terminal.Dial(t.Context(), path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no bot: %v", err)
	}
	if err := os.WriteFile(path, nil, 0o600); err != nil { // left by a dead process
		t.Fatal(err)
	}
	term, in := newTerminal(t), &bottest.Inbox{Answer: func(in bot.Inbound) bot.Reply { return bot.Reply{Text: "hello " + in.UserID} }}
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { _ = term.Run(ctx, in) })
	wg.Go(func() {
		if err := term.Listen(ctx, path); err != nil {
			t.Error(err)
		}
	})
	defer wg.Wait()
	defer cancel()
	var attach = func(keys io.Reader, out io.Writer) error {
		deadline := time.Now().Add(10 * time.Second)
		for {
			conn, err := terminal.Dial(t.Context(), path)
			if err == nil {
				return terminal.Attach(t.Context(), conn, terminal.Hello{As: "ops2", Width: 90}, keys, out)
			}
			if time.Now().After(deadline) {
				return err
			}
			<-time.After(5 * time.Millisecond)
		}
	}
	var out screen
	if err := attach(strings.NewReader("status\nquit\n"), &out); err != nil {
		t.Error(err)
	}
	if !strings.Contains(out.String(), "hello ops2") || !strings.Contains(out.String(), "Detached") {
		t.Errorf("screen:\n%s", out.String())
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("socket: %v %v", info, err)
	}
	if err := term.Listen(ctx, path); err == nil {
		t.Error("two processes listen on one socket")
	}
	var left screen
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() { done <- attach(r, &left) }()
	left.await(t, 0, "recoverbot")
	cancel()
	if err := <-done; !errors.Is(err, terminal.ErrBotStopped) {
		t.Errorf("the bot went away: %v", err)
	}
	_ = w.Close()
	wg.Wait()
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Error("the socket stayed behind")
	}
}

// Whether one person alone may approve is the bot's to say; all terminals of the machine are one seat.
func TestApprovalOfOneAlone(t *testing.T) {
	t.Parallel()
	d := sit(t, terminal.SessionOptions{}, nil)
	d.show(bottest.Card("k", 1))
	d.out.await(t, 0, "approve|skip 3f2a")
	d.say(t, "approve 3f2a alone nobody answers")
	d.say(t, "approve 3f2a 独自 无人回答")
	d.say(t, "approve 3f2a nobody else answers")
	said := heard(t, d, 3)
	if said[0].Text != "approve 3f2a alone nobody answers" || !strings.Contains(said[1].Text, "独自") || said[2].Action != "opaque-approve" {
		t.Errorf("heard %+v", said)
	}
	for _, in := range said {
		if in.Seat != "terminal" {
			t.Errorf("seat %q", in.Seat)
		}
	}
}

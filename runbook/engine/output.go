package engine

import (
	"context"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"recoverbot/runbook"
)

const (
	// maxOutput is how much of what a step prints is kept: its end.
	maxOutput = 64 << 10
	// slack is kept beyond maxOutput until the secrets are hidden, so that none is cut in two.
	slack = 4 << 10
)

// output is the sink of one execution: it keeps the end of what is printed, and journals progress now and then.
type output struct {
	mu    sync.Mutex
	tail  []byte
	cut   bool
	last  *runbook.Progress
	dirty bool
	stop  context.CancelFunc
	ended chan struct{}
}

// newOutput begins to journal the progress of a step until close.
func (e *Engine) newOutput(ctx context.Context, runID, stepID string, attempt int) *output {
	ctx, cancel := context.WithCancel(ctx)
	o := &output{stop: cancel, ended: make(chan struct{})}
	go func() {
		defer close(o.ended)
		tick := time.NewTicker(e.cfg.Progress)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			p := o.take()
			if p == nil {
				continue
			}
			p.Text, p.Warn = e.redact(p.Text), e.redact(p.Warn)
			// One try: the next progress follows.
			_ = e.update(ctx, runID, stepID, nil, func(_ *runbook.Run, s *runbook.StepRun) bool {
				if s.State != runbook.Executing || s.Attempt != attempt {
					return false
				}
				s.Progress = p
				return true
			})
		}
	}()
	return o
}

func (o *output) close() {
	o.stop()
	<-o.ended
}

func (o *output) take() *runbook.Progress {
	o.mu.Lock()
	defer o.mu.Unlock()
	if !o.dirty {
		return nil
	}
	o.dirty = false
	p := *o.last
	return &p
}

// Progress keeps the latest.
func (o *output) Progress(p runbook.Progress) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.last, o.dirty = &p, true
}

// Write keeps the end of what is printed; it never fails.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := len(p)
	if len(p) > maxOutput+slack {
		p, o.cut = p[len(p)-maxOutput-slack:], true
	}
	o.tail = append(o.tail, p...)
	if over := len(o.tail) - maxOutput - slack; over > slack {
		o.tail = append(o.tail[:0], o.tail[over:]...)
		o.cut = true
	}
	return n, nil
}

// text is the output as it may be journaled.
func (o *output) text(redact func(string) string) string {
	o.mu.Lock()
	raw, cut := string(o.tail), o.cut
	o.mu.Unlock()
	s := redact(clean(raw))
	if len(s) > maxOutput {
		s, cut = s[len(s)-maxOutput:], true
	}
	s = strings.ToValidUTF8(s, "")
	if cut {
		if i := strings.IndexByte(s, '\n'); i >= 0 && i < 1024 {
			s = s[i+1:]
		}
		s = "…\n" + s
	}
	return s
}

// clean makes foreign text safe to show: no escape sequences, control or direction characters, no invalid UTF-8. A
// carriage return begins the line anew, as on a terminal.
func clean(s string) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(stripEscapes(s), "\uFFFD"), "\r\n", "\n")
	b := make([]byte, 0, len(s))
	line := 0 // where the current line begins in b
	for _, r := range s {
		switch {
		case r == '\n':
			b = append(b, '\n')
			line = len(b)
		case r == '\r':
			b = b[:line]
		case r == '\t':
			b = append(b, '\t')
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == '\uFEFF', r >= 0xE0000 && r <= 0xE007F, unicode.Is(unicode.Co, r):
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return string(b)
}

// redact hides secrets in the texts of a message.
func (e *Engine) redact(m runbook.Msg) runbook.Msg {
	if len(m.Args) == 0 {
		return m
	}
	args := make(map[string]any, len(m.Args))
	for k, v := range m.Args {
		switch x := v.(type) {
		case string:
			v = e.cfg.Actions.Redact(clean(x))
		case runbook.Msg:
			v = e.redact(x)
		}
		args[k] = v
	}
	return runbook.Msg{ID: m.ID, Args: args}
}

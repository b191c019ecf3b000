package terminal

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rivo/uniseg"

	"recoverbot/bot"
)

// maxLines is how much of one block or output a card prints; show prints all.
const maxLines = 40

var colors = map[string]string{"down": "31", "failed": "31", "waiting": "33", "held": "33", "running": "34", "done": "32", "unknown": "35", "unverified": "35"}

// urgent are the states that wait for a person.
var urgent = []string{"down", "waiting", "held", "failed", "unknown", "unverified"}

// card prints a changed message, unless nothing but its progress moved.
func (s *session) card(m bot.Message) {
	was, known := s.shown[m.Key]
	now := glimpse{state: m.State, code: m.Code, asked: was.asked, progress: was.progress}
	if known && m.State == "running" && was.state == m.State && was.code == m.Code {
		return // progress prints it
	}
	short := m
	if waits := slices.Contains(urgent, m.State); waits {
		now.asked = true
	} else if was.asked { // the person has read the plan; now the result counts
		short.Blocks = nil
	}
	if m.State == "running" { // one line: what comes is progress, then the result
		short = bot.Message{State: m.State, Emoji: m.Emoji, Title: m.Title, Buttons: m.Buttons, Code: m.Code}
	}
	s.shown[m.Key] = now
	if len(m.Buttons) > 0 && (m.State != "running" || s.last == "" || s.last == m.Key) {
		s.last = m.Key
	} else if s.last == m.Key && len(m.Buttons) == 0 {
		s.last = ""
	}
	s.full(s.cut(short))
}

// full prints a message as it is.
func (s *session) full(m bot.Message) {
	text := strings.TrimRight(bot.Plain(m, s.o.Width), "\n")
	if color, ok := colors[m.State]; ok && s.o.Color {
		first, rest, more := strings.Cut(text, "\n")
		text = "\x1b[1;" + color + "m" + first + "\x1b[0m"
		if more {
			text += "\n" + rest
		}
	}
	s.endBar()
	s.out.WriteString("\n" + text + "\n")
}

// cut shortens long blocks and keeps the end of a long output.
func (s *session) cut(m bot.Message) bot.Message {
	m.Blocks = slices.Clone(m.Blocks)
	for i := range m.Blocks {
		lines := strings.Split(strings.TrimRight(m.Blocks[i].Text, "\n"), "\n")
		limit := maxLines
		if m.Blocks[i].Fold {
			limit = 5
		}
		if len(lines) > limit+5 {
			m.Blocks[i].Text = strings.Join(lines[:limit], "\n") + "\n" + s.label("ui.term_more", "n", len(lines)-limit)
		}
	}
	if lines := strings.Split(strings.TrimRight(m.Output, "\n"), "\n"); len(lines) > maxLines/2 {
		m.Output = s.label("ui.term_more", "n", len(lines)-maxLines/2) + "\n" + strings.Join(lines[len(lines)-maxLines/2:], "\n")
	}
	return m
}

// moving is how far a running card is.
type moving struct {
	title    string
	progress bot.Progress
}

func (m moving) String() string { return m.title + ": " + bot.PlainProgress(m.progress) }

// fit is m in width columns: rate and time left count more than the end of the title, and than the bar.
func (m moving) fit(width int) string {
	number, _, _ := strings.Cut(m.title, " ")
	least := uniseg.StringWidth(number + "…")
	progress := ": " + bot.PlainProgress(m.progress)
	if _, percent := m.progress.Bar(0, "", ""); m.progress.Total > 0 && least+uniseg.StringWidth(progress) > width {
		progress = fmt.Sprintf(": %d%%  %s", percent, m.progress.Text)
	}
	return clip(clip(m.title, max(least, width-uniseg.StringWidth(progress)))+progress, width)
}

// progress prints how far running cards are: one line rewritten on a terminal, a line now and then on a pipe.
func (s *session) progress() {
	var parts []moving
	for key, p := range s.shown {
		if p.state != "running" {
			continue
		}
		m, ok := s.t.board.Get(key)
		if !ok || m.State != "running" || m.Progress == nil {
			continue
		}
		m = s.t.in(s.o.Lang, m)
		part := moving{m.Title, *m.Progress}
		if text := part.String(); text != p.progress {
			p.progress = text
			s.shown[key] = p
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 || (!s.o.TTY && time.Since(s.barAt) < pipePace) {
		for key, p := range s.shown { // held back: it is news again next time
			if slices.ContainsFunc(parts, func(m moving) bool { return m.String() == p.progress }) {
				p.progress = ""
				s.shown[key] = p
			}
		}
		return
	}
	slices.SortFunc(parts, func(a, b moving) int { return strings.Compare(a.String(), b.String()) })
	s.barAt = time.Now()
	if !s.o.TTY {
		for _, part := range parts {
			s.line(part.String())
		}
		return
	}
	lines := make([]string, len(parts))
	for i, part := range parts {
		lines[i] = part.fit((s.o.Width+2)/len(parts) - 3) // of " · " between them
	}
	text := strings.Join(lines, " · ")
	width := uniseg.StringWidth(text)
	fmt.Fprintf(s.out, "\r%s%s", text, strings.Repeat(" ", max(0, s.bar-width)))
	s.bar, s.prompted = max(width, 1), false
}

// clip shortens a line to width columns.
func clip(text string, width int) string {
	if uniseg.StringWidth(text) <= width {
		return text
	}
	var b strings.Builder
	used := 0
	for g := uniseg.NewGraphemes(text); g.Next() && used+g.Width() < width; used += g.Width() {
		b.WriteString(g.Str())
	}
	return b.String() + "…"
}

// line prints text on lines of its own.
func (s *session) line(text string) {
	s.endBar()
	s.out.WriteString(text + "\n")
}

// endBar makes room for a new line: a progress line stays, an idle prompt is wiped.
func (s *session) endBar() {
	if s.bar > 0 {
		s.out.WriteString("\n")
	} else if s.prompted {
		s.out.WriteString("\r  \r")
	}
	s.bar, s.prompted = 0, false
}

// prompt shows that the session listens; a rewritten progress line is prompt enough.
func (s *session) prompt() {
	if s.o.TTY && s.bar == 0 && !s.prompted {
		s.out.WriteString("> ")
		s.prompted = true
	}
}

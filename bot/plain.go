package bot

import (
	"fmt"
	"math"
	"strings"

	"github.com/rivo/uniseg"
)

// Plain renders m as text for a terminal, a log or a platform without markup. Prose is wrapped at width columns (a CJK
// character takes two); exact blocks are never wrapped, since people copy them. A width below 20 means 80. Nothing in
// the result can move a cursor or reorder text.
func Plain(m Message, width int) string {
	if width < 20 {
		width = 80
	}
	m = Cleaned(m)
	var b strings.Builder
	head := strings.TrimSpace(m.Emoji + " " + m.Title)
	if gap := width - uniseg.StringWidth(head) - uniseg.StringWidth(m.Context); m.Context != "" && gap >= 2 {
		b.WriteString(head + strings.Repeat(" ", gap) + m.Context + "\n")
	} else {
		wrap(&b, head, "", width)
		wrap(&b, m.Context, "", width)
	}
	for _, w := range m.Warn {
		wrap(&b, "⚠ "+w, "", width)
	}
	for _, l := range m.Lines {
		wrap(&b, l, "", width)
	}
	for _, bl := range m.Blocks {
		plainBlock(&b, bl)
	}
	if m.Progress != nil {
		wrap(&b, PlainProgress(*m.Progress), "", width)
	}
	for _, f := range m.Form {
		wrap(&b, PlainField(f), "  ", width)
	}
	wrap(&b, m.UntilText, "", width)
	if len(m.Buttons) > 0 {
		wrap(&b, plainButtons(m), "", width)
	}
	wrap(&b, m.Footer, "", width)
	if m.Output != "" {
		indent(&b, m.Output, "  | ")
	}
	return b.String()
}

// PlainProgress is a bar in one line: "[#####-----] 51%  612 of 1204 MB". Without a Total it is the text alone.
func PlainProgress(p Progress) string {
	if p.Total <= 0 {
		return p.Text
	}
	bar, percent := p.Bar(20, "#", "-")
	return strings.TrimSpace(fmt.Sprintf("[%s] %3d%%  %s", bar, percent, p.Text))
}

// Bar is a bar of so many cells, done ones and others, and the percentage that it shows. Without a Total it is empty.
func (p Progress) Bar(cells int, full, empty string) (bar string, percent int) {
	if p.Total <= 0 {
		return "", 0
	}
	share := float64(min(max(p.Done, 0), p.Total)) / float64(p.Total)
	n := int(share * float64(cells))
	return strings.Repeat(full, n) + strings.Repeat(empty, cells-n), int(math.Round(share * 100))
}

func plainButtons(m Message) string {
	labels := make([]string, len(m.Buttons))
	for i, bt := range m.Buttons {
		labels[i] = "[" + bt.Label + "]"
	}
	line := strings.Join(labels, " ")
	if m.Code != "" {
		line += "   " + PlainAnswers(m)
	}
	return strings.TrimRight(line, " ")
}

// PlainAnswers is what people may type in one line: "approve|skip 3f2a", of a group "nginx1: retry 56b0 · nginx2: retry 91aa".
func PlainAnswers(m Message) string {
	var out []string
	for _, a := range m.Answers() {
		text := strings.TrimSpace(strings.Join(a.Words, "|") + " " + a.Code)
		if a.For != "" {
			text = a.For + ": " + text
		}
		out = append(out, text)
	}
	return strings.Join(out, " · ")
}

// PlainField is a field of a form in one line: "Address *: 192.0.2.21".
func PlainField(f Field) string {
	label := f.Label
	if label == "" {
		label = f.Name
	}
	if f.Type == "bool" {
		if f.Value == "true" {
			return "[x] " + label
		}
		return "[ ] " + label
	}
	if f.Required {
		label += " *"
	}
	if len(f.Enum) > 0 {
		label += " (" + strings.Join(f.Enum, " | ") + ")"
	}
	return strings.TrimRight(label+": "+f.Value, " ")
}

func plainBlock(b *strings.Builder, bl Block) {
	if bl.Label != "" {
		b.WriteString(bl.Label + "\n")
	}
	if bl.Text != "" {
		indent(b, bl.Text, "  ")
	}
	b.WriteString(PlainTable(bl))
	if bl.More > 0 {
		fmt.Fprintf(b, "  … +%d\n", bl.More)
	}
}

func oneLine(s string) string { return strings.NewReplacer("\n", " ", "\t", " ").Replace(s) }

func indent(b *strings.Builder, text, by string) {
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		b.WriteString(strings.TrimRight(by+line, " ") + "\n")
	}
}

// wrap writes text at width, each line behind prefix; it breaks where Unicode allows, so also between CJK characters.
func wrap(b *strings.Builder, text, prefix string, width int) {
	if text == "" {
		return
	}
	limit := width - uniseg.StringWidth(prefix)
	for line := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		var out strings.Builder
		used, state := 0, -1
		for line != "" {
			var segment string
			segment, line, _, state = uniseg.FirstLineSegmentInString(line, state)
			w := uniseg.StringWidth(strings.TrimRight(segment, " "))
			if used > 0 && used+w > limit {
				b.WriteString(prefix + strings.TrimRight(out.String(), " ") + "\n")
				out.Reset()
				used = 0
			}
			out.WriteString(segment)
			used += uniseg.StringWidth(segment)
		}
		b.WriteString(strings.TrimRight(prefix+out.String(), " ") + "\n")
	}
}

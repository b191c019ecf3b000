package bot

import (
	"fmt"
	"slices"
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
	const cells = 20
	done := min(max(p.Done, 0), p.Total)
	full := int(float64(done) / float64(p.Total) * cells)
	return strings.TrimSpace(fmt.Sprintf("[%s%s] %3.0f%%  %s", strings.Repeat("#", full), strings.Repeat("-", cells-full),
		float64(done)/float64(p.Total)*100, p.Text))
}

func plainButtons(m Message) string {
	labels, words := make([]string, len(m.Buttons)), make([]string, 0, len(m.Buttons))
	for i, bt := range m.Buttons {
		labels[i] = "[" + bt.Label + "]"
		if bt.Choice != "" && !slices.Contains(words, bt.Choice) {
			words = append(words, bt.Choice)
		}
	}
	line := strings.Join(labels, " ")
	if m.Code != "" && len(words) > 0 {
		line += "   " + strings.Join(words, "|") + " " + m.Code
	}
	return line
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

// marks are the words of a table's row marks as one character in front of the row.
var marks = map[string]string{"match": ">", "changed": "*", "refused": "x", "bad": "x", "ok": "+"}

// PlainTable is the table of a block in aligned columns, with its marks as signs in front of the rows.
func PlainTable(bl Block) string {
	rows, signs := tableRows(bl)
	var widths []int
	for _, r := range rows {
		for i, c := range r {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], uniseg.StringWidth(c))
		}
	}
	var b strings.Builder
	for i, r := range rows {
		line := signs[i] + " "
		for k, c := range r {
			line += c + strings.Repeat(" ", widths[k]-uniseg.StringWidth(c)+2)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
	return b.String()
}

// NarrowTable is PlainTable where that is at most width columns wide; else the cells of a row stand behind each other. It
// leaves no room for marks where there are none.
func NarrowTable(bl Block, width int) string {
	aligned := strings.TrimSuffix(PlainTable(bl), "\n")
	rows, signs := tableRows(bl)
	lines := strings.Split(aligned, "\n")
	if slices.ContainsFunc(lines, func(l string) bool { return uniseg.StringWidth(l) > width }) {
		for i, r := range rows {
			lines[i] = signs[i] + " " + strings.Join(r, " · ")
		}
	}
	for i := range lines {
		if !slices.ContainsFunc(signs, func(s string) bool { return s != " " }) {
			lines[i] = strings.TrimPrefix(lines[i], "  ")
		}
	}
	return strings.Join(lines, "\n")
}

// tableRows are the rows of a table, the names of its columns first, and the sign in front of each.
func tableRows(bl Block) (rows [][]string, signs []string) {
	if len(bl.Columns) > 0 {
		rows, signs = append(rows, bl.Columns), append(signs, " ")
	}
	for i, r := range bl.Rows {
		rows, signs = append(rows, r), append(signs, " ")
		if i < len(bl.Marks) && marks[bl.Marks[i]] != "" {
			signs[len(signs)-1] = marks[bl.Marks[i]]
		}
	}
	for i, r := range rows {
		rows[i] = make([]string, len(r))
		for k, c := range r {
			rows[i][k] = oneLine(c)
		}
	}
	return rows, signs
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

package bot

import (
	"cmp"
	"slices"
	"strings"
)

// Heading is what people call the field.
func (f Field) Heading() string { return cmp.Or(f.Label, f.Name, "…") }

// Help says what may be filled in, with an example where there is one: a pattern is for machines, and the last resort.
func (f Field) Help(label func(id string, pairs ...any) string) string {
	switch {
	case len(f.Enum) > 0:
		return label("ui.hint_values", "values", strings.Join(f.Enum, ", "))
	case f.Hint != "":
		return f.Hint
	case f.Type == "host", f.Type == "address", f.Type == "port", f.Type == "ip":
		return label("ui.hint_" + f.Type)
	case f.Pattern != "" && f.Value == "":
		return label("ui.hint_pattern", "pattern", f.Pattern)
	}
	return ""
}

// OpenForm is what people must know of the form of m before they press a button: what they must fill in, and what is
// ticked. The rest stands in the form that its button opens, and what comes of it above; without that button everything is
// here.
func OpenForm(m Message, label func(id string, pairs ...any) string) string {
	opens := slices.ContainsFunc(m.Buttons, func(b Button) bool { return b.WithForm })
	var missing, out []string
	for _, f := range m.Form {
		switch {
		case f.Type == "bool" && f.Value == "true":
			out = append(out, "✓ "+f.Heading())
		case f.Required && f.Value == "":
			missing = append(missing, f.Heading())
		case !opens:
			out = append(out, PlainField(f))
		}
	}
	if len(missing) > 0 {
		out = append([]string{label("ui.field_needed", "what", strings.Join(missing, ", "))}, out...)
	}
	return strings.Join(out, "\n")
}

// Asks tells that the button opens a form.
func (b Button) Asks() bool { return b.NeedsReason || b.WithForm }

// Sure is the question before the button counts; empty where it needs none, or its form asks.
func (b Button) Sure(label func(id string, pairs ...any) string) string {
	question := strings.TrimSpace(b.Confirm)
	if b.Asks() {
		return ""
	}
	if question == "" && b.Style == "danger" {
		return label("ui.really", "what", cmp.Or(b.Label, b.Choice, "…"))
	}
	return question
}

// unbroken keeps an answer on one line.
const unbroken = "\u00a0"

// Typed are the words with their code, each on one line, as people copy them.
func (a Answer) Typed() []string {
	var out []string
	for _, word := range a.Words {
		out = append(out, strings.ReplaceAll(word+" "+a.Code, " ", unbroken))
	}
	return out
}

// Lead is what stands before the words: for whom they are, and a gap where there are more before them.
func (a Answer) Lead(more bool) string {
	lead := ""
	switch {
	case more && a.For != "":
		lead = " · "
	case more:
		lead = "  "
	}
	if a.For != "" {
		lead += a.For + ": "
	}
	return lead
}

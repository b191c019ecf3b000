package slack

import (
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"recoverbot/bot"
)

// Slack's limits. The whole of a message may weigh about 13 200 with 100 or so for each block; every block and element is
// counted as containerWeight here.
const (
	maxMessage      = 12000
	containerWeight = 125
	pieceWeight     = 3 * containerWeight
	maxBlocks       = 50
	maxHeader       = 150
	maxText         = 2800 // of one block; the documented limit of a section is 3000
	maxContext      = 600
	maxLine         = 250 // progress, deadline
	maxForm         = 1000
	maxFooter       = 500
	barCells        = 15
	minPiece        = 150 // what each of these keeps of its text
	maxNotification = 250
	maxMentions     = 10
	minButtons      = 4000
	minBody         = 2000 // what buttons and warnings leave to lines and blocks
	tailWeight      = 3000 // what may stand below the body, without buttons
)

// place is where people find what a card cannot hold.
type place int

const (
	inThread place = iota
	below
	inConsole
)

// layout is one card being filled, the most important things first.
type layout struct {
	r          renderer
	m          bot.Message
	place      place
	left       int      // weight
	slots      int      // blocks
	short      []string // the full texts of what was shortened, but for lines and blocks
	head, body []slack.Block
	tail       []slack.Block
	parts      bot.Parts
}

// lay fills a card. Title, warnings and buttons come first, then lines, then tables, then exact blocks; what does not fit
// is announced on the card and whole in its parts.
func (r renderer) lay(m bot.Message, where place) *layout { return r.layUnder("", m, where) }

// layUnder fills a card with lead above it, which is short.
func (r renderer) layUnder(lead string, m bot.Message, where place) *layout {
	l := &layout{r: r, m: bot.Cleaned(m), place: where, left: maxMessage, slots: maxBlocks}
	l.parts = bot.Parts{Of: l.m, Show: r.content, Label: r.label}
	l.reserve(containerWeight + 200) // to say that something was shortened
	if lead != "" {
		l.head = append(l.head, prose("", text(lead)))
		l.reserve(2*containerWeight + weight(lead))
	}
	buttons := l.buttonList()
	l.top(buttons)
	l.bottom(buttons)
	l.fill()
	if len(l.short) > 0 {
		l.left += containerWeight + 200
		l.slots++
		full := l.parts.Add("card", bot.Block{Kind: "text", Text: strings.Join(l.short, "\n")})
		l.tail = append(l.tail, prose("", text(r.label("ui.shortened", "where", l.where(full)))))
	}
	return l
}

func (l *layout) post() post {
	blocks := append(append(l.head, l.body...), l.tail...)
	return post{blocks: blocks, text: l.r.notification(l.m)}
}

// reserve takes room for one block of this weight.
func (l *layout) reserve(weight int) {
	l.left -= weight
	l.slots--
}

// fit shortens s to limit and remembers the whole if it had to.
func (l *layout) fit(s string, limit int) string {
	short := cut(s, limit)
	if short != s {
		l.short = append(l.short, s)
	}
	return short
}

// top is what counts: title, numbers, dangers.
func (l *layout) top(buttons []button) {
	name := l.fit(bot.Headline(l.m), maxHeader)
	l.head = append(l.head, slack.NewHeaderBlock(plain(name), slack.HeaderBlockOptionBlockID(keyBlock(l.m.Key))))
	l.reserve(containerWeight + weight(name))
	if c := l.fit(l.r.context(l.m), maxContext); c != "" {
		l.head = append(l.head, slack.NewContextBlock("", plain(c)))
		l.reserve(2*containerWeight + weight(c))
	}
	warn := l.warnings()
	need := 0
	for _, b := range buttons {
		need += b.weight
	}
	warn = l.fit(warn, max(maxText, min(2*maxText, l.left-tailWeight-minBody-need)))
	for warn != "" {
		var some string
		if some, warn = split(warn, maxText); strings.TrimSpace(some) != "" {
			l.head = append(l.head, prose("", bold(strings.TrimRight(some, "\n"))))
			l.reserve(2*containerWeight + weight(some))
		}
	}
}

// warnings are the dangers of the card and of buttons that ask too long a question for a dialog.
func (l *layout) warnings() string {
	var out []string
	for _, w := range l.m.Warn {
		out = append(out, "⚠ "+w)
	}
	for _, b := range l.m.Buttons {
		if weight(b.Confirm) > maxConfirmText {
			out = append(out, "⚠ "+b.Label+": "+b.Confirm)
		}
	}
	return strings.Join(out, "\n")
}

// piece is a short text below the body.
type piece struct {
	text  string
	limit int
	show  func(string) slack.Block
}

// bottom is what stands below the body: progress, deadline, form, output, buttons, code, who decided.
func (l *layout) bottom(buttons []button) {
	said := func(s string) slack.Block { return prose("", text(s)) }
	strong := func(s string) slack.Block { return prose("", bold(s)) }
	printed := func(s string) slack.Block { return exact("", "", s) }
	var pieces []piece
	if p := l.m.Progress; p != nil {
		if bar, percent := p.Bar(barCells, "█", "░"); bar != "" {
			pieces = append(pieces, piece{fmt.Sprintf("%s %d%%", bar, percent), maxLine, strong})
		}
		pieces = append(pieces, piece{p.Text, maxLine, said})
	}
	where, last := l.output()
	pieces = append(pieces, piece{l.m.UntilText, maxLine, strong}, piece{bot.OpenForm(l.m, l.r.label), maxForm, said},
		piece{where, maxLine, said}, piece{last, maxLine, printed},
		piece{l.m.Footer, maxFooter, func(s string) slack.Block { return slack.NewContextBlock("", plain(s)) }})
	want := 0
	for _, p := range pieces {
		if p.text != "" {
			want += pieceWeight + min(weight(p.text), p.limit)
		}
	}
	words := l.answer()
	rows := l.buttons(buttons, want)
	for _, p := range pieces[:len(pieces)-1] {
		l.put(p)
	}
	l.tail = append(append(l.tail, rows...), words...)
	l.put(pieces[len(pieces)-1])
}

// put adds a piece, if it says something.
func (l *layout) put(p piece) {
	if s := l.fit(strings.TrimSpace(p.text), min(p.limit, max(minPiece, l.left-minBody/2))); s != "" {
		l.tail = append(l.tail, p.show(s))
		l.reserve(pieceWeight + weight(s))
	}
}

// output stands below the card; its last line, which mostly says why, also on it.
func (l *layout) output() (where, last string) {
	if l.m.Output == "" {
		return "", ""
	}
	part := l.parts.AddOutput(l.r.label("ui.output"))
	all := strings.Split(strings.TrimSpace(l.m.Output), "\n")
	return l.r.label("ui.output_where", "where", l.where(part)), cut(strings.TrimSpace(all[len(all)-1]), minPiece)
}

// where says where people find a part.
func (l *layout) where(part bot.Message) string {
	switch l.place {
	case below:
		return l.r.label("ui.below")
	case inConsole:
		return l.r.label("ui.in_console")
	}
	if weight(l.r.whole(part)) > maxText {
		return l.r.label("ui.slack_in_file", "file", bot.FileName(part))
	}
	return l.r.label("ui.slack_in_thread")
}

func plain(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, s, false, false)
}

func text(s string) *slack.RichTextSectionTextElement {
	return slack.NewRichTextSectionTextElement(s, nil)
}

func bold(s string) *slack.RichTextSectionTextElement {
	return slack.NewRichTextSectionTextElement(s, &slack.RichTextSectionTextStyle{Bold: true})
}

func code(s string) *slack.RichTextSectionTextElement {
	return slack.NewRichTextSectionTextElement(s, &slack.RichTextSectionTextStyle{Code: true})
}

func prose(id string, parts ...slack.RichTextSectionElement) *slack.RichTextBlock {
	return slack.NewRichTextBlock(id, slack.NewRichTextSection(parts...))
}

// exact is text that people copy, under its label.
func exact(id, label, body string, more ...slack.RichTextElement) *slack.RichTextBlock {
	var parts []slack.RichTextElement
	if label != "" {
		parts = append(parts, slack.NewRichTextSection(bold(label)))
	}
	if body != "" {
		parts = append(parts, &slack.RichTextPreformatted{Type: slack.RTEPreformatted, Elements: []slack.RichTextSectionElement{text(body)}})
	}
	return slack.NewRichTextBlock(id, append(parts, more...)...)
}

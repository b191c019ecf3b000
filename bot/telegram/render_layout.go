package telegram

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"

	"recoverbot/bot"
)

// Telegram's limits. It counts the text without tags; here they count too.
const (
	maxMessage   = 4096 // UTF-16 units
	maxInline    = 40   // of 100 entities: hosts and the like within prose
	inlineWeight = 13   // of the tags of each of them
	maxItems     = 18   // of the body, two entities each
	tagWeight    = 16   // of a line with its tags
	maxTitle     = 200
	maxContext   = 300
	maxLine      = 200 // progress, deadline
	warning      = "⚠️ "
	maxForm      = 300
	maxFooter    = 600 // with the reason of who decided
	barCells     = 15
	minPiece     = 120 // what each of these keeps of its text
	minWarn      = 500
	minBody      = 500 // what warnings leave to lines and blocks
	maxWords     = 300 // how to answer in text
	maxChoices   = 8
	maxMentions  = 10
	maxName      = 16
	shortWeight  = 150 // of the line that says that something was shortened
)

// place is where people find what a card cannot hold.
type place int

const (
	below place = iota
	inConsole
)

// layout is one card being filled, the most important things first.
type layout struct {
	r                renderer
	m                bot.Message
	place            place
	left             int      // weight
	inline           int      // entities
	short            []string // the full texts of what was shortened, but for lines and blocks
	head, body, tail []string // in HTML
	keyboard         *tgbotapi.InlineKeyboardMarkup
	parts            bot.Parts
}

// lay fills a card. Title, warnings and buttons come first, then lines, then tables, then exact blocks; what does not fit
// is announced on the card and whole in its parts.
func (r renderer) lay(m bot.Message, where place) *layout { return r.layUnder("", m, where) }

// layUnder fills a card with lead above it, which is short.
func (r renderer) layUnder(lead string, m bot.Message, where place) *layout {
	l := &layout{r: r, m: bot.Cleaned(m), place: where, inline: maxInline}
	l.left = maxMessage - maxInline*inlineWeight - shortWeight
	l.parts = bot.Parts{Of: l.m, Show: r.content, Label: r.label, Rest: func(whole bot.Message) bool { return where == below && !r.filed(whole) }}
	if lead != "" {
		l.head = append(l.head, l.say(lead))
		l.left -= tagWeight + weight(lead)
	}
	buttons := l.buttons()
	l.bottom(buttons, l.top())
	l.fill()
	if len(l.short) > 0 {
		full := l.parts.Add("card", bot.Block{Kind: "text", Text: strings.Join(l.short, "\n")})
		l.tail = append(l.tail, l.say(r.label("ui.shortened", "where", l.where(full))))
	}
	return l
}

func (l *layout) post() post {
	var sections []string
	for _, s := range [][]string{l.head, l.body, l.tail} {
		if len(s) > 0 {
			sections = append(sections, strings.Join(s, "\n"))
		}
	}
	return post{html: strings.Join(sections, "\n\n"), keyboard: l.keyboard}
}

func (l *layout) say(s string) string    { return prose(s, "", &l.inline) }
func (l *layout) strong(s string) string { return prose(s, "b", &l.inline) }
func (l *layout) soft(s string) string   { return prose(s, "i", &l.inline) }
func code(s string) string               { return "<code>" + escape(s) + "</code>" }

// units is how long s is for Telegram.
func units(s string) int { return len(utf16.Encode([]rune(s))) }

// fit shortens s to limit and remembers the whole if it had to.
func (l *layout) fit(s string, limit int) string {
	short := cut(s, limit)
	if short != s {
		l.short = append(l.short, s)
	}
	return short
}

// top is what counts, title and numbers, and returns the dangers, which get what everything else leaves.
func (l *layout) top() (warn string) {
	name := l.fit(bot.Headline(l.m), maxTitle)
	l.head = append(l.head, l.strong(name))
	l.left -= tagWeight + weight(name)
	if c := l.fit(bot.StillContext(l.m, l.r.label), maxContext); c != "" {
		l.head = append(l.head, l.say(c))
		l.left -= tagWeight + weight(c)
	}
	if until := l.fit(l.m.UntilText, maxLine); until != "" { // what happens if nobody answers
		l.head = append(l.head, l.strong(until))
		l.left -= tagWeight + weight(until)
	}
	var out []string
	for _, w := range l.m.Warn {
		out = append(out, warning+w)
	}
	for _, b := range l.m.Buttons {
		switch n := units(b.Confirm); {
		case n > maxConfirm && !b.Asks() || n > maxQuestion:
			out = append(out, warning+b.Label+": "+b.Confirm)
		case b.Style == "danger" && n > 0 && b.Choice != "abort": // Telegram's buttons have no colour that says so
			out = append(out, warning+l.r.label("telegram.danger", "what", b.Label))
		}
	}
	return strings.Join(slices.Compact(out), "\n")
}

// piece is a short text below the body.
type piece struct {
	text  string
	limit int
	show  func(string) string
}

// bottom is the dangers, and what stands below the body: progress, deadline, form, output, code, who is called, who
// decided.
func (l *layout) bottom(words []string, warn string) {
	var pieces []piece
	if p := l.m.Progress; p != nil {
		if bar, percent := p.Bar(barCells, "█", "░"); bar != "" {
			pieces = append(pieces, piece{fmt.Sprintf("%s %d%%", bar, percent), maxLine, l.strong})
		}
		pieces = append(pieces, piece{p.Text, maxLine, l.say})
	}
	where, last := l.output()
	pieces = append(pieces, piece{bot.OpenForm(l.m, l.r.label), maxForm, l.say},
		piece{where, maxLine, l.say}, piece{last, maxLine, code}, piece{l.m.Footer, maxFooter, l.soft})
	want := 0
	for _, p := range pieces {
		if p.text != "" {
			want += tagWeight + min(weight(p.text), p.limit)
		}
	}
	if warn = strings.TrimSpace(l.fit(warn, max(minWarn, l.left-want-minBody))); warn != "" {
		l.head = append(l.head, l.strong(warn))
		l.left -= tagWeight + weight(warn)
	}
	for _, p := range pieces[:len(pieces)-1] {
		l.put(p)
	}
	l.tail = append(l.tail, words...)
	l.put(pieces[len(pieces)-1])
}

// put adds a piece, if it says something.
func (l *layout) put(p piece) {
	if s := l.fit(strings.TrimSpace(p.text), min(p.limit, max(minPiece, l.left-minBody/2))); s != "" {
		l.tail = append(l.tail, p.show(s))
		l.left -= tagWeight + weight(s)
	}
}

// output that is long stands below the card; its last line, which mostly says why, also on it.
func (l *layout) output() (where, last string) {
	if l.m.Output == "" || shortOutput(l.m.Output) {
		return "", ""
	}
	part := l.parts.AddOutput(l.r.label("ui.output"))
	all := strings.Split(strings.TrimSpace(l.m.Output), "\n")
	return l.r.label("ui.output_where", "where", l.where(part)), cut(strings.TrimSpace(all[len(all)-1]), minPiece)
}

// where says where people find a part.
func (l *layout) where(part bot.Message) string {
	switch {
	case l.place == inConsole:
		return l.r.label("ui.in_console")
	case l.r.filed(part):
		return l.r.label("telegram.in_file", "file", fileName(part))
	}
	return l.r.label("telegram.below")
}

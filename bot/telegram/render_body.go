package telegram

import (
	"strings"

	"recoverbot/bot"
)

// How much text an item of the body keeps in any case, if it is there at all, and how much it shows.
const (
	minLines    = 400
	minBlock    = 100
	maxLabel    = 120
	maxOutput   = 6   // lines of output that need no part
	moreWeight  = 100 // the line that says how much is missing
	frameWeight = 40  // tags and line breaks of an item
	maxNames    = 120 // the names of what is missing
)

// fill puts lines and blocks into what is left of the card.
func (l *layout) fill() {
	items := l.items()
	missing, where := l.parts.Fill(items, l.left-moreWeight-maxNames, maxItems, l.where) // what is missing is said in words
	for _, it := range items {
		if it.Got > 0 {
			l.body = append(l.body, l.show(it)...)
		}
	}
	if len(missing) > 0 {
		names := cut(strings.Join(missing, ", "), maxNames)
		l.body = append(l.body, l.say(l.r.label("ui.more_blocks", "n", len(missing), "names", names, "where", where)))
	}
}

func (l *layout) items() []*bot.Item {
	var out []*bot.Item
	add := func(b bot.Block, body string, rank, least int) {
		b.Label = l.fit(b.Label, maxLabel)
		it := &bot.Item{Block: b, Body: strings.Trim(tabs.Replace(body), "\n"), Rank: rank}
		it.Measure(frameWeight+weight(b.Label), weight(it.Opening()), least, moreWeight, weigh)
		if it.Body != "" || b.Label != "" {
			out = append(out, it)
		}
	}
	if lines := strings.Join(l.m.Lines, "\n"); lines != "" {
		add(bot.Block{Kind: "text", Text: lines}, lines, 0, minLines)
	}
	if l.m.Output != "" && shortOutput(l.m.Output) { // a post of its own costs more room, and one of few calls
		add(bot.Block{Kind: "output", Label: l.r.label("ui.output"), Text: l.m.Output}, l.m.Output, 0, minLines)
	}
	for _, b := range l.m.Blocks {
		rank := 2
		if b.Kind == "table" {
			rank = 1
		}
		add(b, l.r.content(b), rank, minBlock)
	}
	return out
}

func shortOutput(s string) bool { return weight(s) <= minLines && bot.CountLines(s) <= maxOutput }

// content is the text of a block, narrow.
func (r renderer) content(b bot.Block) string {
	return bot.Content(b, bot.NarrowTable(b, bot.PhoneWidth), r.label)
}

// filedContent is the text of a block for a file, where lines may be long.
func (r renderer) filedContent(b bot.Block) string {
	return bot.Content(b, bot.PlainTable(b), r.label)
}

// show is the item within what it got: text for reading, or exact text.
func (l *layout) show(it *bot.Item) []string {
	body, missing := it.Head()
	var out []string
	if strings.TrimSpace(it.Label) != "" {
		out = append(out, l.strong(it.Label))
	}
	if strings.TrimSpace(body) != "" {
		show := exact
		if it.Kind == "text" {
			show = l.say
		}
		out = append(out, show(body))
	}
	if it.Where != "" {
		out = append(out, l.say(l.r.label("ui.more_lines", "n", missing, "where", it.Where)))
	}
	return out
}

// exact is text that people copy.
func exact(s string) string { return "<pre>" + escape(s) + "</pre>" }

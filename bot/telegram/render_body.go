package telegram

import (
	"strings"

	"recoverbot/bot"
)

// How much text an item of the body keeps in any case, if it is there at all, and how much it shows.
const (
	minLines    = 400
	minBlock    = 100
	maxLines    = 30 // what people scroll past to reach the buttons
	maxLabel    = 120
	maxOutput   = 6   // lines of output that need no part
	moreWeight  = 100 // the line that says how much is missing
	frameWeight = 40  // tags and line breaks of an item
	phoneWidth  = 42  // columns of exact text that a phone shows
)

// item is the lines of a card, or one of its blocks.
type item struct {
	bot.Block
	bot.Share
	text  string
	prose bool // for reading, not for copying
	most  int
	where string // the whole of it is, if it was shortened
}

// fill puts lines and blocks into what is left of the card.
func (l *layout) fill() {
	items := l.items()
	l.allot(items)
	var shortened []*item
	for _, it := range items {
		if it.Got < it.Need || it.long() {
			shortened = append(shortened, it)
		}
	}
	l.divide(shortened)
	missing, where := 0, ""
	for _, it := range items {
		if it.Got == 0 {
			missing, where = missing+1, it.where
			continue
		}
		l.body = append(l.body, l.show(it)...)
	}
	if missing > 0 {
		l.body = append(l.body, l.say(l.r.label("ui.more_blocks", "n", missing, "where", where)))
	}
}

func (l *layout) items() []*item {
	var out []*item
	add := func(b bot.Block, text string, rank int) {
		it := &item{Block: b, text: strings.Trim(tabs.Replace(text), "\n"), prose: b.Kind == "text"}
		it.Rank, it.Label = rank, l.fit(b.Label, maxLabel)
		it.most = weight(bot.FirstLines(it.text, maxLines))
		if it.Need = it.frame() + weight(it.text); it.long() {
			it.Need = it.frame() + it.most + moreWeight
		}
		if it.text != "" || it.Label != "" {
			out = append(out, it)
		}
	}
	if lines := strings.Join(l.m.Lines, "\n"); lines != "" {
		add(bot.Block{Kind: "text", Text: lines}, lines, 0)
	}
	if l.m.Output != "" && shortOutput(l.m.Output) { // a post of its own costs more room, and one of few calls
		b := bot.Block{Kind: "output", Label: l.r.label("ui.output"), Text: l.m.Output}
		add(b, b.Text, 0)
	}
	for _, b := range l.m.Blocks {
		rank := 2
		if b.Kind == "table" {
			rank = 1
		}
		add(b, l.r.content(b), rank)
	}
	return out
}

func shortOutput(s string) bool { return weight(s) <= minLines && bot.CountLines(s) <= maxOutput }

// content is the text of a block, narrow.
func (r renderer) content(b bot.Block) string {
	return bot.Content(b, bot.NarrowTable(b, phoneWidth), r.moreRows)
}

// filedContent is the text of a block for a file, where lines may be long.
func (r renderer) filedContent(b bot.Block) string {
	return bot.Content(b, bot.PlainTable(b), r.moreRows)
}

func (r renderer) moreRows(n int) string { return r.label("ui.rows_more", "n", n) }

// frame is what the item weighs without its text.
func (it *item) frame() int { return frameWeight + weight(it.Label) }

func (it *item) long() bool { return weight(it.text) > it.most }

// allot gives each item what it keeps in any case, then the most important ones the rest.
func (l *layout) allot(items []*item) {
	var shares []*bot.Share
	for _, it := range items {
		least := minBlock
		if it.Rank == 0 {
			least = minLines
		}
		it.Least = min(it.Need, it.frame()+moreWeight+least)
		shares = append(shares, &it.Share)
	}
	bot.Allot(shares, l.left-moreWeight, maxItems) // what is missing is said in words
}

// divide makes the parts of what was shortened.
func (l *layout) divide(items []*item) {
	var blocks []bot.Block
	missing := 0
	for _, it := range items {
		blocks = append(blocks, it.Block)
		if it.Got == 0 {
			missing++
		}
	}
	where := map[string]string{} // many may be in one part
	for i, part := range l.parts.AddShortened(blocks, missing) {
		if where[part.Key] == "" {
			where[part.Key] = l.where(part)
		}
		items[i].where = where[part.Key]
	}
}

// show is the item within what it got.
func (l *layout) show(it *item) []string {
	body, notice := it.text, ""
	if it.where != "" {
		head, tail := split(it.text, min(it.Got-it.frame()-moreWeight, it.most))
		body, notice = strings.TrimRight(head, "\n"), l.r.label("ui.more_lines", "n", bot.CountLines(tail), "where", it.where)
		if !strings.HasSuffix(head, "\n") {
			body += "…"
		}
	}
	var out []string
	if strings.TrimSpace(it.Label) != "" {
		out = append(out, l.strong(it.Label))
	}
	if strings.TrimSpace(body) != "" {
		show := exact
		if it.prose {
			show = l.say
		}
		out = append(out, show(body))
	}
	if notice != "" {
		out = append(out, l.say(notice))
	}
	return out
}

// exact is text that people copy.
func exact(s string) string { return "<pre>" + escape(s) + "</pre>" }

package slack

import (
	"strings"

	"github.com/slack-go/slack"

	"recoverbot/bot"
)

// How much text an item of the body keeps in any case, if it is there at all.
const (
	minLines   = 600
	minBlock   = 150
	maxLines   = 40
	moreWeight = containerWeight + 125 // the line that says how much is missing
)

// item is the lines of a card, or one of its blocks.
type item struct {
	bot.Block
	bot.Share
	text  string
	prose bool
	most  int    // of its text: what one block holds, and what people scroll past to reach the buttons
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
		l.body = append(l.body, l.show(it))
	}
	if missing > 0 {
		l.body = append(l.body, prose("", text(l.r.label("ui.more_blocks", "n", missing, "where", where))))
	}
}

func (l *layout) items() []*item {
	var out []*item
	if len(l.m.Lines) > 0 {
		out = append(out, &item{Block: bot.Block{Kind: "text"}, text: strings.Join(l.m.Lines, "\n"), prose: true})
	}
	for _, b := range l.m.Blocks {
		out = append(out, &item{Block: b, text: l.r.content(b)})
	}
	kept := out[:0]
	for _, it := range out {
		if it.prose {
			it.Text = it.text
		}
		it.Label = l.fit(it.Label, maxHeader)
		it.text = strings.Trim(it.text, "\n")
		it.most = min(maxText, weight(bot.FirstLines(it.text, maxLines)))
		if it.Need = it.frame() + weight(it.text); it.long() {
			it.Need = it.frame() + it.most + moreWeight
		}
		if it.text != "" || it.Label != "" {
			kept = append(kept, it)
		}
	}
	return kept
}

// content is the text of a block as people copy it.
func (r renderer) content(b bot.Block) string {
	return bot.Content(b, bot.PlainTable(b), func(rows int) string { return r.label("ui.rows_more", "n", rows) })
}

// frame is what the item weighs without its text.
func (it *item) frame() int { return 3*containerWeight + weight(it.Label) }

func (it *item) long() bool { return weight(it.text) > it.most }

func (it *item) rank() int {
	switch {
	case it.prose:
		return 0
	case it.Kind == "table":
		return 1
	}
	return 2
}

// allot gives each item what it keeps in any case, then the most important ones the rest.
func (l *layout) allot(items []*item) {
	var shares []*bot.Share
	for _, it := range items {
		least := minBlock
		if it.prose {
			least = minLines
		}
		it.Rank, it.Least = it.rank(), min(it.Need, it.frame()+moreWeight+least)
		shares = append(shares, &it.Share)
	}
	bot.Allot(shares, l.left-containerWeight-moreWeight, l.slots-1) // what is missing is said in words
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
func (l *layout) show(it *item) slack.Block {
	body, notice := it.text, ""
	if it.where != "" {
		head, tail := split(it.text, min(it.Got-it.frame()-moreWeight, it.most))
		body, notice = strings.TrimRight(head, "\n"), l.r.label("ui.more_lines", "n", bot.CountLines(tail), "where", it.where)
		if !strings.HasSuffix(head, "\n") {
			body += "…"
		}
	}
	if it.prose {
		return prose("", text(strings.Trim(body+"\n"+notice, "\n")))
	}
	if notice != "" {
		return exact("", it.Label, body, slack.NewRichTextSection(text(notice)))
	}
	return exact("", it.Label, body)
}

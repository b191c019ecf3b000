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
	moreWeight = containerWeight + 125 // the line that says how much is missing
	maxNames   = 150                   // the names of what is missing
)

// fill puts lines and blocks into what is left of the card.
func (l *layout) fill() {
	items := l.items()
	room := l.left - containerWeight - moreWeight - maxNames // what is missing is said in words
	missing, where := l.parts.Fill(items, room, l.slots-1, l.where)
	for _, it := range items {
		if it.Got > 0 {
			l.body = append(l.body, l.show(it))
		}
	}
	if len(missing) > 0 {
		names := cut(strings.Join(missing, ", "), maxNames)
		l.body = append(l.body, prose("", text(l.r.label("ui.more_blocks", "n", len(missing), "names", names, "where", where))))
	}
}

func (l *layout) items() []*bot.Item {
	var out []*bot.Item
	add := func(b bot.Block, body string, rank, least int) {
		b.Label = l.fit(b.Label, maxHeader)
		it := &bot.Item{Block: b, Body: strings.Trim(body, "\n"), Rank: rank}
		head := it.Opening()
		if l.place == below { // the rest would stand right under it, in whole
			head = it.Body
		}
		it.Measure(3*containerWeight+weight(b.Label), min(maxText, weight(head)), least, moreWeight, weigh)
		if it.Body != "" || b.Label != "" {
			out = append(out, it)
		}
	}
	if lines := strings.Join(l.m.Lines, "\n"); lines != "" {
		add(bot.Block{Kind: "text", Text: lines}, lines, 0, minLines)
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

// content is the text of a block as people copy it.
func (r renderer) content(b bot.Block) string {
	return bot.Content(b, bot.NarrowTable(b, bot.PhoneWidth), r.label)
}

// show is the item within what it got.
func (l *layout) show(it *bot.Item) slack.Block {
	body, missing := it.Head()
	notice := ""
	if it.Where != "" {
		notice = l.r.label("ui.more_lines", "n", missing, "where", it.Where)
	}
	if it.Rank == 0 {
		return prose("", text(strings.Trim(body+"\n"+notice, "\n")))
	}
	if notice != "" {
		return exact("", it.Label, body, slack.NewRichTextSection(text(notice)))
	}
	return exact("", it.Label, body)
}

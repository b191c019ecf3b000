package slack

import (
	"slices"
	"strings"

	"github.com/rivo/uniseg"
	"github.com/slack-go/slack"

	"recoverbot/bot"
)

// How much text an item of the body keeps in any case, if it is there at all.
const (
	minLines   = 600
	minBlock   = 150
	maxLines   = 40                    // of what changes data, since it is read on the card
	maxScreen  = 20                    // of everything else, as a phone breaks them
	moreWeight = containerWeight + 125 // the line that says how much is missing
	maxNames   = 150                   // the names of what is missing
	manyParts  = 4                     // more than so many shortened blocks make one part
)

// item is the lines of a card, or one of its blocks.
type item struct {
	bot.Block
	text      string
	prose     bool
	most      int // of its text: what one block holds, and what people scroll past to reach the buttons
	need, got int
	where     string // the whole of it is, if it was shortened
}

// fill puts lines and blocks into what is left of the card.
func (l *layout) fill() {
	items := l.items()
	l.allot(items)
	var shortened []*item
	for _, it := range items {
		if it.got < it.need || it.long() {
			shortened = append(shortened, it)
		}
	}
	l.divide(shortened)
	var missing []string
	where := ""
	for _, it := range items {
		if it.got == 0 {
			missing, where = append(missing, l.r.name(it.Block)), it.where
			continue
		}
		l.body = append(l.body, l.show(it))
	}
	if len(missing) > 0 {
		names := cut(strings.Join(missing, ", "), maxNames)
		l.body = append(l.body, prose("", text(l.r.label("ui.slack_more_blocks", "n", len(missing), "names", names, "where", where))))
	}
}

// name is what people call a block.
func (r renderer) name(b bot.Block) string {
	if b.Label != "" {
		return b.Label
	}
	return r.label("ui.kind_" + kind(b.Kind))
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
		it.most = min(maxText, weight(it.head()))
		if l.place == below { // the rest would stand right under it, in whole
			it.most = min(maxText, weight(it.text))
		}
		if it.need = it.frame() + weight(it.text); it.long() {
			it.need = it.frame() + it.most + moreWeight
		}
		if it.text != "" || it.Label != "" {
			kept = append(kept, it)
		}
	}
	return kept
}

// content is the text of a block as people copy it.
func (r renderer) content(b bot.Block) string {
	out := strings.TrimRight(b.Text, "\n")
	if table := strings.TrimRight(bot.NarrowTable(b, bot.PhoneWidth), "\n"); table != "" {
		out = strings.TrimLeft(out+"\n"+table, "\n")
	}
	if len(b.Columns) > 0 && len(b.Rows) == 0 && b.More == 0 {
		out = strings.TrimLeft(b.Text+"\n"+r.label("ui.slack_no_rows"), "\n")
	}
	if b.More > 0 {
		out += "\n… " + r.label("ui.rows_more", "n", b.More)
	}
	if legend := bot.Legend(b, r.label); legend != "" {
		out += "\n" + legend
	}
	return out
}

// frame is what the item weighs without its text.
func (it *item) frame() int { return 3*containerWeight + weight(it.Label) }

func (it *item) long() bool { return weight(it.text) > it.most }

// head is what of the text stands on the card. Statements and changes count one by one, as do the rows of a table that
// are marked, which stand first; of a script the steps follow from each other. Other text is of the card's own making.
func (it *item) head() string {
	if !slices.Contains([]string{"script", "command", "files", "table"}, it.Kind) {
		return firstLines(it.text, maxLines)
	}
	shown, n := 0, 0
	for line := range strings.Lines(it.text) {
		shown += 1 + uniseg.StringWidth(strings.TrimRight(line, "\n"))/(bot.PhoneWidth+1)
		if n++; shown > maxScreen && n > it.marked() {
			return firstLines(it.text, max(1, n-1))
		}
	}
	return it.text
}

// marked is how many lines of a table the rows take that need a look, as far as they are read on the card.
func (it *item) marked() int {
	n := 0
	for _, mark := range it.Marks {
		if mark != "" && mark != "ok" {
			n++
		}
	}
	return min(maxLines, n*lines(it.text)/max(1, len(it.Rows)))
}

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
	room, slots := l.left-containerWeight-moreWeight-maxNames, l.slots-1 // what is missing is said in words
	for rank := range 3 {
		for _, it := range items {
			least := min(it.need, it.frame()+moreWeight+minBlock)
			if it.prose {
				least = min(it.need, it.frame()+moreWeight+minLines)
			}
			if it.rank() == rank && slots > 0 && least <= room {
				it.got, room, slots = least, room-least, slots-1
			}
		}
	}
	for rank := range 3 {
		for _, it := range items {
			if more := min(it.need-it.got, room); it.rank() == rank && it.got > 0 {
				it.got, room = it.got+more, room-more
			}
		}
	}
}

// divide makes the parts of what was shortened: one each, or one of all where they are many or missing.
func (l *layout) divide(items []*item) {
	missing := 0
	for _, it := range items {
		if it.got == 0 {
			missing++
		}
	}
	if len(items) > manyParts || missing > 1 {
		var all []bot.Block
		for _, it := range items {
			all = append(all, it.Block)
		}
		where := l.where(l.aside("blocks", all...))
		for _, it := range items {
			it.where = where
		}
		return
	}
	for _, it := range items {
		it.where = l.where(l.aside(kind(it.Kind), it.Block))
	}
}

// show is the item within what it got.
func (l *layout) show(it *item) slack.Block {
	body, notice := it.text, ""
	if it.where != "" {
		head, tail := split(it.text, min(it.got-it.frame()-moreWeight, it.most))
		body, notice = strings.TrimRight(head, "\n"), l.r.label("ui.slack_more", "n", lines(tail), "where", it.where)
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

package bot

import (
	"slices"
	"strings"

	"github.com/rivo/uniseg"
)

// How much of a text people scroll past to reach the buttons.
const (
	maxLines  = 40 // of what changes data, since it is read on the card
	maxScreen = 20 // of everything else, as a phone breaks them
	fewLines  = 10 // are shown all the same: they stand below else, which is as long
)

// Item is the lines of a card, or one of its blocks, with the room that it needs and gets there.
type Item struct {
	Block                // as its part has it
	Body          string // its text on the card
	Rank          int    // 0, 1 or 2; the lowest gets room first
	Got           int    // 0: it is missing
	Where         string // the whole of it is, if it was shortened
	least, need   int
	frame, notice int
	most          int
	long          bool
	weigh         func(rune) int
}

// Measure says what the item needs: frame without its text; at most most of its text, and least of it where it is there
// at all; notice for the line that says how much is missing.
func (it *Item) Measure(frame, most, least, notice int, weigh func(rune) int) {
	it.frame, it.most, it.notice, it.weigh = frame, most, notice, weigh
	weight := 0
	for _, r := range it.Body {
		weight += weigh(r)
	}
	it.need = frame + weight
	if it.long = weight > most; it.long {
		it.need = frame + most + notice
	}
	it.least = min(it.need, frame+notice+least)
}

// Opening is what of Body a card is meant to show. Statements and changes count one by one, as do the rows of a table that
// are marked, which stand first; of a script the steps follow from each other. Other text is of the card's own making.
func (it *Item) Opening() string {
	if !slices.Contains([]string{"script", "command", "files", "table"}, it.Kind) {
		return it.opening(maxLines)
	}
	shown, n := 0, 0
	for line := range strings.Lines(it.Body) {
		shown += screen(line)
		if n++; shown > maxScreen && n > it.marked() {
			return it.opening(max(1, n-1))
		}
	}
	return it.Body
}

// opening is the first n lines of Body, or all of it where few are missing.
func (it *Item) opening(n int) string {
	head, missing := firstLines(it.Body, n), 0
	for line := range strings.Lines(it.Body[len(head):]) {
		if missing += screen(line); missing > fewLines {
			return head
		}
	}
	return it.Body
}

// screen is how many lines a phone makes of line.
func screen(line string) int {
	return 1 + uniseg.StringWidth(strings.TrimRight(line, "\n"))/(PhoneWidth+1)
}

// marked is how many lines of a table the rows take that need a look, as far as they are read on the card.
func (it *Item) marked() int {
	n := 0
	for _, mark := range it.Marks {
		if mark != "" && mark != "ok" {
			n++
		}
	}
	return min(maxLines, n*CountLines(it.Body)/max(1, len(it.Rows)))
}

// Head is what the item shows of its text, and how many lines that leaves out.
func (it *Item) Head() (head string, missing int) {
	if it.Where == "" {
		return it.Body, 0
	}
	some, tail := it.split()
	if head = strings.TrimRight(some, "\n"); !strings.HasSuffix(some, "\n") {
		head += "…"
	}
	return head, CountLines(tail)
}

func (it *Item) split() (some, tail string) {
	return Split(it.Body, min(it.Got-it.frame-it.notice, it.most), it.weigh)
}

// tail is the lines that the item does not show in whole, a table's below its columns.
func (it *Item) tail() string {
	some, _ := it.split()
	tail := it.Body[strings.LastIndexByte(some, '\n')+1:]
	columns := firstLines(PlainTable(it.Block), 1)
	if it.Kind == "table" && len(it.Columns) > 0 && some != "" && strings.HasPrefix(some, columns) {
		return columns + tail
	}
	return tail
}

// Fill gives items room, the most important ones first, and makes parts of those that are shortened. It names those that
// are missing, and says where they are.
func (p *Parts) Fill(items []*Item, room, slots int, where func(part Message) string) (missing []string, at string) {
	allot(items, room, slots)
	var shortened []*Item
	for _, it := range items {
		if it.Got < it.need || it.long {
			shortened = append(shortened, it)
		}
		if it.Got == 0 {
			missing = append(missing, p.name(it.Block))
		}
	}
	known := map[string]string{} // one part may hold many
	for i, part := range p.addShortened(shortened, len(missing)) {
		if known[part.Key] == "" {
			known[part.Key] = where(part)
		}
		if shortened[i].Where = known[part.Key]; shortened[i].Got == 0 {
			at = shortened[i].Where
		}
	}
	return missing, at
}

// allot gives each item the least that it can do with, where there is a slot and room for it, and then each of those the
// rest of what it needs.
func allot(items []*Item, room, slots int) {
	const ranks = 3
	for rank := range ranks {
		for _, it := range items {
			if it.Rank == rank && slots > 0 && it.least <= room {
				it.Got, room, slots = it.least, room-it.least, slots-1
			}
		}
	}
	for rank := range ranks {
		for _, it := range items {
			if more := min(it.need-it.Got, room); it.Rank == rank && it.Got > 0 {
				it.Got, room = it.Got+more, room-more
			}
		}
	}
}

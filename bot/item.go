package bot

import "strings"

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

// Head is what the item shows of its text, and how many lines that leaves out.
func (it *Item) Head() (head string, missing int) {
	if it.Where == "" {
		return it.Body, 0
	}
	some, tail := Split(it.Body, min(it.Got-it.frame-it.notice, it.most), it.weigh)
	if head = strings.TrimRight(some, "\n"); !strings.HasSuffix(some, "\n") {
		head += "…"
	}
	return head, CountLines(tail)
}

// Fill gives items room, the most important ones first, and makes parts of those that are shortened. It says how many are
// missing, and where they are.
func (p *Parts) Fill(items []*Item, room, slots int, where func(part Message) string) (missing int, at string) {
	allot(items, room, slots)
	var shortened []*Item
	var blocks []Block
	for _, it := range items {
		if it.Got < it.need || it.long {
			shortened, blocks = append(shortened, it), append(blocks, it.Block)
		}
		if it.Got == 0 {
			missing++
		}
	}
	known := map[string]string{} // one part may hold many
	for i, part := range p.addShortened(blocks, missing) {
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

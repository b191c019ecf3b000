package bot

import (
	"cmp"
	"slices"
	"sync"
)

// Board holds the newest version of the newest messages in memory, for platforms that show them to whoever is looking.
// A reader asks again and again what changed after the sequence number that it saw last, so no reader needs a queue and a
// slow one gets the newest only. The zero value is not usable; see NewBoard.
type Board struct {
	mu      sync.Mutex
	keep    int
	seq     int64
	orders  int64
	posts   map[string]*Posted
	changed chan struct{}
}

// Posted is a message on a Board. Seq rises with each change of any message, Order with each new one.
type Posted struct {
	Message
	Seq, Order int64
}

// NewBoard makes a board for at most keep messages; of more it forgets the oldest that asks nothing.
func NewBoard(keep int) *Board {
	return &Board{keep: keep, posts: map[string]*Posted{}, changed: make(chan struct{})}
}

// Put shows m, cleaned, instead of an older version of its key.
func (b *Board) Put(m Message) {
	m = Cleaned(m)
	b.mu.Lock()
	defer b.mu.Unlock()
	p, ok := b.posts[m.Key]
	if ok && p.Version > m.Version {
		return
	}
	if !ok {
		b.orders++
		p = &Posted{Order: b.orders}
		b.posts[m.Key] = p
		b.evict()
	}
	if ok && m.Ends && !p.Ends { // the closing message belongs at the end, where people look
		b.orders++
		p.Order = b.orders
	}
	b.seq++
	p.Message, p.Seq = m, b.seq
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *Board) evict() {
	if len(b.posts) <= b.keep {
		return
	}
	oldest := func(answered bool) (key string) {
		first := b.orders
		for k, p := range b.posts {
			if p.Order < first && (!answered || len(p.Buttons) == 0) {
				key, first = k, p.Order
			}
		}
		return key
	}
	key := oldest(true)
	if key == "" {
		key = oldest(false)
	}
	delete(b.posts, key)
}

// Since returns what changed after seq, oldest change first, and a channel that is closed at the next change.
func (b *Board) Since(seq int64) ([]Posted, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var out []Posted
	for _, p := range b.posts {
		if p.Seq > seq {
			out = append(out, *p)
		}
	}
	slices.SortFunc(out, func(a, b Posted) int { return cmp.Compare(a.Seq, b.Seq) })
	return out, b.changed
}

// Get returns the newest version of key.
func (b *Board) Get(key string) (Message, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, ok := b.posts[key]
	if !ok {
		return Message{}, false
	}
	return p.Message, true
}

package handlers

import (
	"hash/fnv"
	"sync"
)

// tally counts what is not kept. All copies of a call share it.
type tally struct {
	mu     sync.Mutex
	count  int
	others map[uint64]bool // members beyond those that are kept; forgotten at a restart, when their source tells them again
}

func hash64(id string) uint64 {
	f := fnv.New64a()
	_, _ = f.Write([]byte(id)) // never fails
	return f.Sum64()
}

func (t *tally) told() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.count++
}

func (t *tally) times() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.count
}

func (t *tally) add(id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.others == nil {
		t.others = map[uint64]bool{}
	}
	if len(t.others) < keptOthers {
		t.others[hash64(id)] = true
	}
}

func (t *tally) drop(id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.others) == 0 {
		return false
	}
	key := hash64(id)
	was := t.others[key]
	delete(t.others, key)
	return was
}

// forget lets go of all members that are not kept.
func (t *tally) forget() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.others = nil
}

func (t *tally) size() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.others)
}

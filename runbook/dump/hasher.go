package dump

import (
	"crypto/sha256"
	"hash"
	"sync"
)

// hasher hashes beside its writer, which has a dump to judge: together they would take a quarter longer.
type hasher struct {
	h      hash.Hash
	filled chan []byte
	empty  chan []byte
	done   chan struct{}
	once   sync.Once
}

func newHasher() *hasher {
	const ahead = 4
	s := &hasher{h: sha256.New(), filled: make(chan []byte, ahead), empty: make(chan []byte, ahead), done: make(chan struct{})}
	for range ahead {
		s.empty <- nil
	}
	go func() {
		defer close(s.done)
		for p := range s.filled {
			_, _ = s.h.Write(p)
			s.empty <- p[:0]
		}
	}()
	return s
}

// Write takes a copy of p.
func (s *hasher) Write(p []byte) (int, error) {
	s.filled <- append(<-s.empty, p...)
	return len(p), nil
}

// end waits until all is hashed. Nothing may be written after it.
func (s *hasher) end() {
	s.once.Do(func() { close(s.filled) })
	<-s.done
}

package load

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"recoverbot/runbook/dump"
)

// keyOfRow is what one key of one row takes, as measured: as much time as so many bytes of rows.
const keyOfRow = 20

// worthHelp is how many bytes of rows must be left of a table before another session takes half of them.
const worthHelp = 8 << 20

// span is a piece of a table's rows that one session loads, from its beginning to its end. Its end comes nearer when
// another session takes the rest.
type span struct {
	t        *table
	next, to int // of t.Runs
}

func (s *span) bytes() (n int64) {
	for _, r := range s.t.Runs[s.next:s.to] {
		n += r.Length
	}
	return n
}

// table is one table on its way.
type table struct {
	*dump.Section
	shape    shape  // as the dump makes it
	made     string // settings in force when it was made
	filled   string // settings in force at its first row
	unloaded int    // runs
	shared   bool   // several sessions may load its rows
	report   TableReport
}

// waiting is about how many keys of a table wait for its rows.
func (t *table) waiting() int64 { return int64(strings.Count(t.Keys, " ADD ")) }

// keyWork is what adding the keys of a table takes, as bytes of rows in the same time.
func (t *table) keyWork() int64 { return t.Rows * t.waiting() * keyOfRow }

// work deals out what is to be done: the largest table first, keys as soon as a table's rows are in. A session that
// finds nothing left takes half of what another one has before it.
type work struct {
	mu     sync.Mutex
	wake   *sync.Cond
	spans  []*span  // that nobody has begun
	active []*span  // that somebody is at
	ready  []*table // whose rows are in
	left   int      // tables that are not finished
	ended  bool     // an error, or canceled
	far    int64    // bytes before which help is not worth what it costs
	others int64    // sessions beside one
}

// deal cuts tables that are larger than a session's fair share into as many spans as they are worth sessions.
func deal(tables []*table, sessions int, inFile bool, worth int64) *work {
	w := &work{left: len(tables), far: worth, others: int64(sessions - 1)}
	w.wake = sync.NewCond(&w.mu)
	var total int64
	for _, t := range tables {
		total += t.Bytes
	}
	order := slices.Clone(tables)
	if !inFile {
		slices.SortStableFunc(order, func(a, b *table) int { return cmp.Compare(b.Bytes, a.Bytes) })
	}
	for _, t := range order {
		t.unloaded = len(t.Runs)
		if len(t.Runs) == 0 {
			w.ready = append(w.ready, t)
			continue
		}
		pieces := 1
		if t.shared && total > 0 {
			pieces = max(1, min(len(t.Runs), int((t.Bytes*int64(sessions)+total/2)/total)))
		}
		for i := range pieces {
			w.spans = append(w.spans, &span{t: t, next: len(t.Runs) * i / pieces, to: len(t.Runs) * (i + 1) / pieces})
		}
	}
	return w
}

// take returns what a session shall do next: a span to load, or a table to finish; neither when all is done.
func (w *work) take() (*span, *table) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		switch {
		case w.ended || w.left == 0:
			return nil, nil
		case len(w.ready) > 0:
			i := 0
			for j, t := range w.ready {
				if t.Bytes > w.ready[i].Bytes {
					i = j
				}
			}
			t := w.ready[i]
			w.ready = slices.Delete(w.ready, i, i+1)
			return nil, t
		case len(w.spans) > 0:
			if s := w.hurry(); s != nil {
				w.active = append(w.active, s)
				return s, nil
			}
			s := w.spans[0]
			w.spans = w.spans[1:]
			w.active = append(w.active, s)
			return s, nil
		}
		if s := w.help(); s != nil {
			w.active = append(w.active, s)
			return s, nil
		}
		w.wake.Wait()
	}
}

// hurry takes the second half of a table whose rows and keys would take one session longer than all that nobody has
// begun takes the others: a table gets its keys from one session, which all would wait for at the end.
func (w *work) hurry() *span {
	if w.others == 0 {
		return nil
	}
	var rest int64
	for _, s := range w.spans {
		rest += s.bytes() + s.t.keyWork()
	}
	most, left := w.most()
	if most == nil || left+most.t.keyWork() <= rest/w.others {
		return nil
	}
	return most.cut()
}

// help takes the second half of what most is left of.
func (w *work) help() *span {
	most, _ := w.most()
	if most == nil {
		return nil
	}
	return most.cut()
}

// most is the piece at work that most bytes are left of, where it is worth to be shared; nil: there is none.
func (w *work) most() (most *span, left int64) {
	for _, s := range w.active {
		if n := s.bytes(); s.t.shared && s.to-s.next > 1 && n > max(left, w.far) {
			most, left = s, n
		}
	}
	return most, left
}

// cut takes the second half of a piece away.
func (s *span) cut() *span {
	middle := s.next + (s.to-s.next+1)/2
	rest := &span{t: s.t, next: middle, to: s.to}
	s.to = middle
	return rest
}

// run returns the next run of a span; ok is false at its end.
func (w *work) run(s *span) (r dump.Run, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended || s.next >= s.to {
		w.active = slices.DeleteFunc(w.active, func(x *span) bool { return x == s })
		return r, false
	}
	r = s.t.Runs[s.next]
	s.next++
	return r, true
}

// loaded says that a run of the table is in.
func (w *work) loaded(t *table) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if t.unloaded--; t.unloaded == 0 {
		w.ready = append(w.ready, t)
		w.wake.Broadcast()
	}
}

func (w *work) finished() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.left--; w.left == 0 {
		w.wake.Broadcast()
	}
}

// end makes every session stop.
func (w *work) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended = true
	w.wake.Broadcast()
}

// session works until nothing is left.
func (w *work) session(ctx context.Context, l *loader, s *session) error {
	in := l.text()
	defer in.close()
	for {
		piece, t := w.take()
		switch {
		case piece != nil:
			if err := l.fill(ctx, w, s, in, piece); err != nil {
				return err
			}
		case t != nil:
			if err := l.finish(ctx, s, t); err != nil {
				return err
			}
			w.finished()
		default:
			return ctx.Err()
		}
	}
}

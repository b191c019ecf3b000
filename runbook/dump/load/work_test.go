package load

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"recoverbot/runbook/dump"
)

// Sessions that share the work end at about the same time, though a table's keys are added by one of them.
func TestSharedWork(t *testing.T) {
	t.Parallel()
	const megabyte = 1 << 20
	for name, c := range map[string]struct {
		sessions int
		megs     []int // of rows in each table
		bare     bool  // without keys that wait
		most     float64
	}{
		"one table":              {2, []int{500}, true, 1.01},
		"one table with keys":    {2, []int{600}, false, 1.26}, // 600/2+200 of 800/2
		"half in one":            {2, []int{500, 120, 100, 100, 80, 80, 10, 10}, false, 1.03},
		"more than half in one":  {2, []int{600, 100, 100, 80, 80, 30, 10}, false, 1.04},
		"most in one":            {2, []int{900, 30, 20, 20, 20, 10}, false, 1.30},
		"alike":                  {2, []int{100, 100, 100, 100, 100, 100, 100}, false, 1.05},
		"four sessions":          {4, []int{500, 120, 100, 100, 80, 80, 10, 10}, false, 1.12},
		"one session":            {1, []int{300, 200}, false, 1},
		"many small ones at end": {2, []int{400, 50, 50, 50, 50, 50, 50, 50, 50}, false, 1.03},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var tables []*table
				var all int64
				for _, n := range c.megs {
					x := &table{Section: &dump.Section{Bytes: int64(n) * megabyte, Rows: int64(n) * megabyte / 120}, shared: true}
					if !c.bare {
						x.Keys = "ALTER TABLE `t` ADD KEY `a` (`a`), ADD KEY `b` (`b`)"
					}
					for i := range n {
						x.Runs = append(x.Runs, dump.Run{Offset: int64(i) * megabyte, Length: megabyte})
					}
					all += x.Bytes + x.keyWork()
					tables = append(tables, x)
				}
				w := deal(tables, c.sessions, false, worthHelp)
				began := time.Now()
				var group sync.WaitGroup
				for range c.sessions {
					group.Go(func() { idle(w) })
				}
				group.Wait()
				for _, x := range tables {
					if x.unloaded != 0 {
						t.Errorf("%d runs are not loaded", x.unloaded)
					}
				}
				if ratio := time.Since(began).Seconds() * float64(c.sessions) / (float64(all) / megabyte); ratio > c.most {
					t.Errorf("took %.3f of what it takes at best", ratio)
				}
			})
		})
	}
}

// idle takes a second for each megabyte.
func idle(w *work) {
	took := func(bytes int64) { time.Sleep(time.Duration(bytes) * time.Second / (1 << 20)) }
	for {
		piece, t := w.take()
		switch {
		case piece != nil:
			for r, ok := w.run(piece); ok; r, ok = w.run(piece) {
				took(r.Length)
				w.loaded(piece.t)
			}
		case t != nil:
			took(t.keyWork())
			w.finished()
		default:
			return
		}
	}
}

// Once all rows are in, what is told of a load is how many keys are there, not of how many tables.
func TestKeysAreCounted(t *testing.T) {
	t.Parallel()
	one := &table{Section: &dump.Section{Keys: "ALTER TABLE `t` ADD KEY `a` (`a`), ADD UNIQUE KEY `b` (`b`)"}}
	var s status
	s.phase("load", 100)
	s.keysAll.Add(one.waiting() * 5)
	s.keys.Add(one.waiting())
	for done, want := range map[int64]Progress{
		99:  {Phase: "load", Done: 99, Total: 100, Keys: 2, KeysTotal: 10},
		100: {Phase: "keys", Done: 2, Total: 10, Keys: 2, KeysTotal: 10},
	} {
		s.done.Store(done)
		if got := s.progress(); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
}

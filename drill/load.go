package drill

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"
)

// users asks the company through both nginx, as its customers do, and counts what they lose.
type users struct {
	mu    sync.Mutex
	front map[string]*frontCount
}

type frontCount struct {
	asked, lost int
	lostSince   time.Time     // of the outage that lasts
	down        time.Duration // of the outages that are over
	streak      int           // answered in a row
}

// every is how often each front is asked; every tenth request writes.
const every = 100 * time.Millisecond

// load runs until ctx ends.
func (c *Company) load(ctx context.Context) *users {
	u := &users{front: map[string]*frontCount{}}
	for _, name := range []string{"nginx1", "nginx2"} {
		url := c.frontURL(name)
		count := &frontCount{}
		u.front[name] = count
		c.work.Go(func() {
			var asking sync.WaitGroup
			defer asking.Wait()
			t := time.NewTicker(every)
			defer t.Stop()
			for n := 0; ; n++ {
				select {
				case <-ctx.Done():
					return
				case <-t.C:
				}
				asking.Go(func() {
					began := time.Now()
					ok := ask(ctx, url, n%10 == 9)
					if ctx.Err() == nil {
						u.count(count, ok, began)
					}
				})
			}
		})
	}
	return u
}

func ask(ctx context.Context, url string, write bool) bool {
	if !write {
		return get(ctx, url+"/") == nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/order", strings.NewReader(""))
	if err != nil {
		return false
	}
	res, err := visitor.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusOK
}

// count takes one answer. An outage is over when an answer that was asked for after it began has come.
func (u *users) count(f *frontCount, ok bool, began time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	f.asked++
	if !ok {
		f.lost++
		f.streak = 0
		if f.lostSince.IsZero() {
			f.lostSince = began
		}
		return
	}
	f.streak++
	if !f.lostSince.IsZero() && began.After(f.lostSince) {
		f.down += began.Sub(f.lostSince)
		f.lostSince = time.Time{}
	}
}

// totals are requests asked, requests lost, and the downtime of the front that was down the longest.
func (u *users) totals() (asked, lost int, down time.Duration) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, f := range u.front {
		asked += f.asked
		lost += f.lost
		d := f.down
		if !f.lostSince.IsZero() {
			d += time.Since(f.lostSince)
		}
		down = max(down, d)
	}
	return asked, lost, down
}

// answered reports whether a front's last ten requests were.
func (u *users) answered(front string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.front[front].streak >= 10
}

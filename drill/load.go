package drill

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"recoverbot/runbook/fleet"
)

// users asks the company through every nginx that the domain list sends customers to, and counts what they lose.
type users struct {
	mu    sync.Mutex
	front map[string]*frontCount
}

type frontCount struct {
	leave       context.CancelFunc // nil: nobody is sent there any more
	asked, lost int
	answeredAt  time.Time     // when the newest request that was answered was asked
	lostSince   time.Time     // of the outage that lasts
	down        time.Duration // of the outages that are over
	streak      int           // answered in a row
}

const (
	every     = 100 * time.Millisecond // how often each front is asked; every tenth request writes
	listEvery = 500 * time.Millisecond // how often users learn where to go
)

// load runs until ctx ends.
func (c *Company) load(ctx context.Context) *users {
	u := &users{front: map[string]*frontCount{}}
	u.follow(ctx, c)
	c.work.Go(func() {
		for pause(ctx, listEvery) {
			u.follow(ctx, c)
		}
	})
	return u
}

// follow sends users to the fronts of now, and away from those that are none any more.
func (u *users) follow(ctx context.Context, c *Company) {
	now, err := c.fronts(ctx)
	if err != nil {
		return // fleet.yaml is being written
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	for _, h := range now {
		f := u.front[h.Name]
		if f == nil {
			f = &frontCount{}
			u.front[h.Name] = f
		}
		if f.leave == nil {
			asking, leave := context.WithCancel(ctx)
			f.leave, f.streak = leave, 0
			c.work.Go(func() { u.keepAsking(asking, c.frontURL(h), f) })
		}
	}
	for name, f := range u.front {
		if f.leave != nil && !slices.ContainsFunc(now, func(h *Host) bool { return h.Name == name }) {
			f.leave()
			f.leave = nil
			if !f.lostSince.IsZero() {
				f.down += time.Since(f.lostSince)
				f.lostSince = time.Time{}
			}
		}
	}
}

// fronts are the machines with the role nginx, but for those that the domain list has taken down.
func (c *Company) fronts(ctx context.Context) ([]*Host, error) {
	cfg, err := fleet.LoadConfig(c.fleetFile(), func(string) string { return "unused" })
	if err != nil {
		return nil, err
	}
	hosts := c.withRole(cfg, "nginx")
	primary := c.withRole(cfg, "primary")
	if len(primary) != 1 || !primary[0].Alive() {
		return hosts, nil
	}
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	rows, err := c.domainRows(ctx, primary[0])
	if err != nil {
		return hosts, nil // nobody can learn of it
	}
	return slices.DeleteFunc(hosts, func(h *Host) bool {
		of := func(r domainRow) bool { return r.ip == h.Address }
		up := func(r domainRow) bool { return of(r) && r.status == 1 }
		return slices.ContainsFunc(rows, of) && !slices.ContainsFunc(rows, up)
	}), nil
}

func (u *users) keepAsking(ctx context.Context, url string, f *frontCount) {
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
				u.count(f, ok, began)
			}
		})
	}
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

// count takes one answer. An outage begins with a request that is lost where none that was asked later was answered, and
// is over when an answer that was asked for after that has come.
func (u *users) count(f *frontCount, ok bool, began time.Time) {
	u.mu.Lock()
	defer u.mu.Unlock()
	f.asked++
	if !ok {
		f.lost++
		f.streak = 0
		if f.lostSince.IsZero() && f.leave != nil && began.After(f.answeredAt) {
			f.lostSince = began
		}
		return
	}
	f.streak++
	if began.After(f.answeredAt) {
		f.answeredAt = began
	}
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

// answered reports whether users are sent to a front and its last ten requests were answered.
func (u *users) answered(front string) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	f := u.front[front]
	return f != nil && f.leave != nil && f.streak >= 10
}

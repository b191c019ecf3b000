package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// disaster is what breaks in a round, and what people type then.
type disaster struct {
	breaks  []string
	command string
}

var disasters = []disaster{
	{[]string{"primary"}, "/recover primary"},
	{[]string{"primary"}, "/recover primary"},
	{[]string{"standby"}, "/recover standby"},
	{[]string{"nginx1"}, "/recover nginx which=nginx1"},
	{[]string{"primary", "standby"}, "/recover both"},
}

// calmTime is how long people may take in calm to bring a run to its end.
const calmTime = 8 * time.Minute

// round builds a company, breaks it, lets people recover it while everything goes wrong, then in calm, and checks.
func round(ctx context.Context, o options, n int, rng *rand.Rand, sum *summary) (err error) {
	x := disasters[rng.IntN(len(disasters))]
	how := []string{"kill", "kill", "freeze"}[rng.IntN(3)]
	approvals := 1 + rng.IntN(3)/2
	faults := schedule(rng, o.storm, rng.IntN(3) > 0)
	clicks := []*rand.Rand{rand.New(rand.NewPCG(o.seed, rng.Uint64())), rand.New(rand.NewPCG(o.seed, rng.Uint64()))}
	dir := filepath.Join(o.dir, fmt.Sprint(n))
	c, err := startCompany(ctx, dir, o.binary, approvals)
	if err != nil {
		return err
	}
	defer func() {
		if err = errors.Join(err, c.stop()); err == nil && len(sum.wrong) == 0 {
			err = os.RemoveAll(dir)
		}
	}()
	shims, err := c.countCalls()
	if err != nil {
		return err
	}
	fmt.Printf("%s round %d: %s (%s), approvals %d, %d faults\n", time.Now().Format(time.TimeOnly), n, x.command, how, approvals, len(faults))
	for _, h := range x.breaks {
		if err := c.drill("break", h, "--how", how); err != nil {
			return fmt.Errorf("break %s: %w", h, err)
		}
	}
	p := newPeople(c, x.command, sum)
	if err := p.begin(ctx); err != nil {
		return err
	}
	watching, rest := context.WithCancel(ctx)
	defer rest()
	var work sync.WaitGroup
	work.Go(func() { sum.watch(watching, c) })
	stormy, over := context.WithTimeout(ctx, o.storm)
	defer over()
	for i, rng := range clicks {
		work.Go(func() { p.click(stormy, i, rng) })
	}
	c.storm(ctx, faults, sum)
	over()
	r, err := p.calm(ctx, calmTime)
	for tries := 0; err == nil && r.State == "aborted" && tries < 2; tries++ { // what is broken is broken still
		sum.ended(r)
		if err = p.begin(ctx); err == nil {
			r, err = p.calm(ctx, calmTime)
		}
	}
	rest()
	work.Wait()
	if err != nil {
		return err
	}
	sum.ended(r)
	return c.check(ctx, r, x, approvals, shims, sum)
}

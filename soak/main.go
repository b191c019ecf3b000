// Command soak lets people work with the real bot over the drill's company while everything around them breaks at
// random: the bot is killed, networks and servers misbehave, clicks come twice, late and against each other. After each
// round it holds the world and the audit chain against what people approved. It is a module of its own, so that what it
// needs is no dependency of the bot.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"
)

type options struct {
	binary   string
	duration time.Duration
	storm    time.Duration
	seed     uint64
	dir      string
}

func main() {
	var o options
	flag.StringVar(&o.binary, "binary", "../bin/recoverbot", "the bot")
	flag.DurationVar(&o.duration, "duration", time.Hour, "how long; the round under way is played to its end")
	flag.DurationVar(&o.storm, "storm", 90*time.Second, "how long faults come in each round, before people work in calm")
	flag.Uint64Var(&o.seed, "seed", uint64(time.Now().Unix()), "draws the same faults at the same moments again")
	flag.StringVar(&o.dir, "dir", "", "where the companies are built (default: a temporary directory); it is kept where something is wrong")
	flag.Parse()
	if err := soak(o); err != nil {
		fmt.Fprintf(os.Stderr, "soak: %v\n", err)
		os.Exit(1)
	}
}

func soak(o options) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var err error
	if o.binary, err = filepath.Abs(o.binary); err != nil {
		return fmt.Errorf("find the bot: %w", err)
	}
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "rbsoak"); err != nil {
			return fmt.Errorf("make a directory: %w", err)
		}
	}
	zerolog.SetGlobalLevel(zerolog.Disabled) // the proxies say more than anybody reads
	fmt.Printf("seed %d, %s in %s\n", o.seed, o.duration, o.dir)
	sum := newSummary(o)
	for n := 1; ctx.Err() == nil && (n == 1 || time.Since(sum.began) < o.duration) && len(sum.wrong) == 0; n++ {
		sum.rounds = n
		if err := round(ctx, o, n, rand.New(rand.NewPCG(o.seed, uint64(n))), sum); err != nil && ctx.Err() == nil {
			sum.problem("round %d: %v", n, err)
		}
	}
	sum.print(os.Stdout)
	if len(sum.wrong) > 0 {
		return fmt.Errorf("%d things are wrong; seed %d, kept in %s", len(sum.wrong), o.seed, o.dir)
	}
	if ctx.Err() != nil {
		return errors.Join(errors.New("interrupted"), os.RemoveAll(o.dir))
	}
	return os.RemoveAll(o.dir)
}

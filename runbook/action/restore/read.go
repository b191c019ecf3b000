package restore

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/dump"
	"recoverbot/runbook/fleet"
)

const (
	readDirectly = 128 << 20        // a file up to this size is read while the plan waits
	readPatience = 20 * time.Second // how long a plan waits for a bigger one
	readAgain    = 3                // a reading that died, with its host, is begun anew that often
	readRate     = 100e6            // bytes/s: modest, from a cold disk
)

// read runs a script that reads all of a dump, and returns what it prints. What is big goes on detached on its host,
// so that no plan has to begin anew: one reading serves every plan until the file changes (stat tells).
func (r *restore) read(ctx context.Context, c *fleet.Client, d candidate, stat, script string, env map[string]string, patience time.Duration) (string, error) {
	directly := func() (string, error) {
		ran, err := c.Run(ctx, fleet.Command{Script: script, Env: env, Max: 4 << 20})
		return ran.Stdout, err
	}
	if d.size <= r.directly {
		return directly()
	}
	sum := sha256.Sum256([]byte(d.path + "\x00" + stat + "\x00" + script))
	for n := range readAgain {
		id := fmt.Sprintf("read-%x-%d", sum[:12], n)
		if _, err := c.StartJob(ctx, fleet.JobSpec{ID: id, Script: script, Env: env}); err != nil {
			var refusal *runbook.Refusal
			if errors.As(err, &refusal) { // a full or read-only disk is no reason to pass over a good dump
				return directly()
			}
			return "", err
		}
		var out bytes.Buffer
		wait, cancel := context.WithTimeout(ctx, patience)
		state, err := c.FollowJob(wait, id, 0, &out)
		late := wait.Err() != nil && ctx.Err() == nil
		cancel()
		switch {
		case err != nil && late:
			return "", runbook.Errorf(runbook.Unavailable, "restore.reading", "file", d.name, "host", d.host.Name, "size", d.size, "seconds", readTime(d))
		case err != nil:
			return "", err
		case state.Status == fleet.JobExited && state.Exit == 0:
			return out.String(), nil
		}
	}
	return "", runbook.Errorf(runbook.Unavailable, "dump.unreadable")
}

// readTime is about how many seconds a reading takes.
func readTime(d candidate) float64 {
	n := float64(d.size) / readRate
	if dump.IsGzip(d.name) {
		n *= 4
	}
	return max(10, n)
}

// stillReading tells a dump whose reading goes on from one that is no good.
func stillReading(err error) bool {
	var e *runbook.Error
	return errors.As(err, &e) && e.Msg.ID == "restore.reading"
}

// awaited is the reading that may yet give a better dump than the best of ranked; nil where there is none.
func (r *restore) awaited(all, ranked []candidate) error {
	if r.env.Run.Params["dump"] != "" {
		return nil
	}
	for _, c := range all {
		if c.refused.ID == "restore.reading" && (len(ranked) == 0 || !c.dated || c.start.After(ranked[0].start)) {
			return &runbook.Error{Code: runbook.Unavailable, Msg: c.refused}
		}
	}
	return nil
}

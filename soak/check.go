package main

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"recoverbot/drill"
)

// event is what the checks read of a line of `audit export`.
type event struct{ RunID, StepID, Kind, Person, Data string }

// said is what they read of a decision's and a move's data.
type said struct{ From, To, Attempt, Digest, Choice, Group string }

// check holds what is journaled, what is on the hosts and what users see against what people approved.
func (c *company) check(ctx context.Context, r run, x disaster, approvals int, logs []string, sum *summary) error {
	if out, err := c.recoverbot("audit", "verify"); err != nil {
		sum.problem("audit verify: %s", out)
	}
	out, err := c.recoverbot("audit", "export")
	if err != nil {
		return fmt.Errorf("export the audit chain: %w: %s", err, out)
	}
	approved := judgeEvents(out, approvals, sum)
	sum.effects += once(logs, approved, sum)
	jobs := c.judgeJobs(approved, sum)
	sum.jobs += jobs
	if skipped := slices.ContainsFunc(r.Steps, func(s step) bool { return s.State == "skipped" || s.State == "deferred" }); r.State == "done" && !skipped {
		sum.whole++
		return c.serves(ctx, x, sum)
	}
	return nil
}

// judgeEvents goes through the chain: no attempt begins to execute or to commit twice, or without as many people as it
// takes having said so about exactly that plan. It returns the jobs that were approved.
func judgeEvents(lines string, approvals int, sum *summary) map[string]bool {
	approved, entered := map[string]bool{}, map[string]bool{}
	people := map[string]map[string]bool{} // who gave that answer to that job's plan
	for line := range strings.Lines(lines) {
		var e event
		var m said
		if json.Unmarshal([]byte(line), &e) != nil || json.Unmarshal([]byte(e.Data), &m) != nil {
			continue // the command's own words, or an event without data
		}
		job := e.RunID + "-" + e.StepID + "-" + m.Attempt
		card := func(choice, digest string) string { return job + " " + choice + " " + digest }
		if e.Kind == "decision" {
			digest := m.Digest
			if m.Group != "" {
				digest = "" // its card's own
			}
			if people[card(m.Choice, digest)] == nil {
				people[card(m.Choice, digest)] = map[string]bool{}
			}
			people[card(m.Choice, digest)][e.Person] = true
		}
		if e.Kind != "step.moved" || m.From == m.To {
			continue
		}
		by := func(choice string) int {
			all := maps.Clone(people[card(choice, m.Digest)])
			if all == nil {
				all = map[string]bool{}
			}
			maps.Copy(all, people[card(choice, "")])
			return len(all)
		}
		switch m.To {
		case "executing", "committing":
			if entered[job+m.To] {
				sum.problem("%s became %s twice", job, m.To)
			}
			entered[job+m.To] = true
			if m.To == "executing" && by("approve") < approvals || m.To == "committing" && by("commit") == 0 {
				sum.problem("%s became %s, and too few said so: %s", job, m.To, strings.TrimSpace(line))
			}
			approved[job] = true
			sum.approved++
		case "unknown":
			sum.unknowns++
		}
		if m.From == "unknown" {
			sum.unknownTo(m.To)
		}
	}
	if len(approved) == 0 {
		sum.problem("the audit chain holds no execution")
	}
	return approved
}

// judgeJobs sees that every job directory on a host belongs to an approved attempt, and to one host only.
func (c *company) judgeJobs(approved map[string]bool, sum *summary) int {
	where := map[string]string{}
	for name, h := range c.d.Hosts {
		dirs, _ := filepath.Glob(filepath.Join(h.Root, "var/lib/recoverbot/jobs/*"))
		for _, dir := range dirs {
			job := filepath.Base(dir)
			if !approved[job] {
				sum.problem("%s has a job that nobody approved: %s", name, job)
			}
			if where[job] != "" {
				sum.problem("job %s ran on %s and %s", job, where[job], name)
			}
			where[job] = name
		}
	}
	return len(where)
}

// serves sees that users are served through the nginx that are left, as a run that is done says.
func (c *company) serves(ctx context.Context, x disaster, sum *summary) error {
	for _, name := range []string{"nginx1", "nginx2"} {
		if slices.Contains(x.breaks, name) {
			continue
		}
		url := front(c.d, name)
		if err := eventually(ctx, 10*time.Second, "ask "+url, func() error {
			res, err := client.Get(url)
			if err != nil {
				return err
			}
			defer res.Body.Close()
			if res.StatusCode != http.StatusOK {
				return fmt.Errorf("%s", res.Status)
			}
			return nil
		}); err != nil {
			sum.problem("the run is done, and users are not served: %v", err)
		}
	}
	return nil
}

func front(d drill.Description, name string) string {
	i := slices.IndexFunc(d.Fronts, func(u string) bool { return strings.Contains(u, "//"+d.Hosts[name].Address+":") })
	if i < 0 {
		return ""
	}
	return d.Fronts[i] + "/"
}

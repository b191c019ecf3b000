//go:build faults

package faults

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"recoverbot/bot/slack/slacktest"
)

// companies is how many runs go on at once: they wait more than they work.
const companies = 3

// many is how often a point may be passed in a run for each passing to get a run of its own.
const many = 12

// fault is one run: what it does to which point.
type fault struct{ scenario, verb, point string }

func (f fault) String() string { return f.scenario + " " + f.verb + "=" + f.point }

// reads change nothing: it is enough to fail them.
var reads = regexp.MustCompile(`^sql\.(select|show|set|explain|with)\.`)

// plots are the scenarios of the exhaustive test, with what the operator does other than to go on.
var plots = map[string]map[string]string{
	"turns": {"restore held": "rollback", "held held": "rollback", "held rolled_back": "skip", "blind waiting": "skip", "slow executing": "cancel",
		"copy waiting": "defer"},
	"aborted": {"held held": "abort"},
	"leave":   {"slow executing": "abort"},
}

// faultsOf lists the faults of a scenario by the points that its undisturbed run passes.
func faultsOf(scenario string, passed []string) []fault {
	counts := map[string]int{}
	var names []string
	for _, p := range passed {
		if counts[p]++; counts[p] == 1 {
			names = append(names, p)
		}
	}
	var out []fault
	for _, name := range names {
		if strings.HasPrefix(name, "chat.") != (scenario == "chat") || strings.HasPrefix(name, "chat.") && !strings.Contains(name, ".slack.") {
			continue // the console forgets what it showed anyway
		}
		for n := 1; n <= counts[name]; n++ {
			if counts[name] > many && n > 3 && n < counts[name] && n != counts[name]/2 {
				continue
			}
			at := fmt.Sprintf("%s@%d", name, n)
			if !reads.MatchString(name) {
				out = append(out, fault{scenario, "kill", at})
			}
			out = append(out, fault{scenario, "fail", at})
		}
	}
	return out
}

// with gives the company the chat that the scenario wants, or takes it away.
func (c *company) with(t *testing.T, scenario string) *company {
	if c.chat != nil {
		c.chat.Close()
		c.chat = nil
	}
	if scenario == "chat" {
		var err error
		if c.chat, err = slacktest.Start(slacktest.Options{}); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// TestEveryPoint gives each passing of each point a run of its own in which the bot dies there, and one in which the
// call fails: before it was made, or with its answer lost. RUN is a pattern of faults to run, FROM the number of the
// first (fault 1, fault 2, fault 3, fault 4, fault 5).
func TestEveryPoint(t *testing.T) {
	wanted := regexp.MustCompile(os.Getenv("RUN"))
	from, _ := strconv.Atoi(os.Getenv("FROM"))
	workers := make([]*company, companies)
	for i := range workers {
		workers[i] = newCompany(t)
	}
	var scenarios []string
	for _, k := range tasks {
		scenarios = append(scenarios, "only-"+k.id)
	}
	scenarios = append(scenarios, "turns", "aborted", "leave", "chat")
	after := map[string]map[string]string{}
	var faults []fault
	first := ""
	for _, s := range scenarios {
		out, traces := workers[0].with(t, s).play(s, "", "", nil, plots[s])
		if len(out.problems) > 0 {
			t.Fatalf("undisturbed run of %s: %s", s, strings.Join(out.problems, "\n"))
		}
		after[s] = traces
		for _, f := range faultsOf(s, out.passed) {
			first = cmp.Or(first, f.String())
			if wanted.MatchString(f.String()) {
				faults = append(faults, f)
			}
		}
	}
	// What a step leaves is known from the scenario that does it and nothing else.
	for _, s := range []string{"turns", "aborted", "leave"} {
		for _, k := range tasks {
			if k.trace != nil {
				after[s][k.id] = after["only-"+k.id][k.id]
			}
		}
		after[s][slow.id] = "slow\n"
	}
	var (
		mu                                               sync.Mutex
		next, kills, failed, unknown, marked, missed, ok int
		effects                                          int
		wg                                               sync.WaitGroup
	)
	next = from
	begun := time.Now()
	for _, c := range workers {
		wg.Go(func() {
			for {
				mu.Lock()
				if next >= len(faults) {
					mu.Unlock()
					return
				}
				i := next
				next++
				mu.Unlock()
				f := faults[i]
				out, _ := c.with(t, f.scenario).play(f.scenario, f.verb+"="+f.point, "", after[f.scenario], plots[f.scenario])
				mu.Lock()
				kills, unknown, marked, effects = kills+out.kills, unknown+out.unknown, marked+out.marked, effects+out.effects
				word := "ok"
				switch {
				case len(out.problems) > 0:
					failed++
					word = "WRONG"
					t.Errorf("%s: %s", f, out.problems[0])
					fmt.Println(strings.Join(out.problems, "\n"))
				case len(out.struck) == 0:
					missed++
					word = "not passed"
				default:
					ok++
				}
				fmt.Printf("%4d/%d %5.0fs %s: %s, %d unknown\n", i, len(faults), time.Since(begun).Seconds(), f, word, out.unknown)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for _, c := range workers {
		c.with(t, "")
	}
	names := map[string]bool{}
	for _, f := range faults {
		name, _, _ := strings.Cut(f.point, "@")
		names[name] = true
	}
	fmt.Printf("points %d, runs %d (%d of faults that were not passed again), kills %d, effects %d, wrong %d, outcomes unknown %d (%d told by a person), %s\n",
		len(names), ok+missed+failed, missed, kills, effects, failed, unknown, marked, time.Since(begun).Round(time.Second))
	if len(faults) == 0 || slices.ContainsFunc(scenarios, func(s string) bool { return after[s] == nil }) {
		t.Errorf("no fault is meant by RUN=%s: it is matched with lines such as %q", wanted, first)
	}
}

package e2e

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

type alert struct{ Scenario, Host, Text, State string }

// alerted waits for the watcher's alert of the scenario primary to be in a state.
func (c *company) alerted(state string) {
	c.t.Helper()
	eventually(c.t, 90*time.Second, "an alert that is "+state, func() error {
		var alerts []alert
		if err := c.call("GET", "/api/alerts", nil, &alerts); err != nil {
			return err
		}
		for _, a := range alerts {
			if a.Scenario == "primary" && a.State == state {
				return nil
			}
		}
		return fmt.Errorf("%+v", alerts)
	})
}

// TestHalfDeadAndFrozen: MySQL alone dies, which is mended where it is; then the machine freezes, which holds nothing up
// (fault 9).
func TestHalfDeadAndFrozen(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.drill("break", "primary", "--how", "partial")
	c.alerted("firing")
	id := c.recover("/recover primary")
	r := c.until(id, "restart-primary")
	if s := r.step("restart-primary"); s.Plan.Verdict != "ready" || !strings.Contains(s.Plan.Text, "mariadb") {
		t.Fatalf("the cheaper way: %s\n%s", s.why(), s.Plan.Text)
	}
	c.answer(id, "restart-primary", "approve")
	c.at(id, "restart-primary", "done")
	for _, front := range c.d.Fronts {
		eventually(t, 20*time.Second, "service is back", func() error {
			_, err := answers(front + "/")
			return err
		})
	}
	// What comes next is told that there is nothing left to recover.
	eventually(t, 30*time.Second, "abort is recommended", func() error {
		r, err := c.run(id)
		if err != nil {
			return err
		}
		for _, s := range r.Steps {
			if s.State == "waiting" {
				if s.Plan.Verdict != "blocked" || s.Plan.Hint != "abort" {
					return errors.New(s.why())
				}
				return nil
			}
		}
		return errors.New("nothing waits")
	})
	if err := c.decide(id, decision{Choice: "abort"}); err != nil {
		t.Fatal(err)
	}
	if r, err := c.run(id); err != nil || r.State != "aborted" {
		t.Fatalf("after abort: %s %v", r.State, err)
	}
	c.alerted("resolved")

	c.drill("break", "primary", "--how", "freeze")
	begin := time.Now()
	if reply, _, err := c.say("/recover"); err != nil || !strings.Contains(reply, "primary") || time.Since(begin) > 5*time.Second {
		t.Errorf("diagnosis after %s: %q %v", time.Since(begin), reply, err)
	}
	c.alerted("firing")
	begin = time.Now()
	id = c.recover("/recover primary")
	if r := c.until(id, "new-machine"); r.step("verify").State != "done" {
		t.Errorf("verify: %s", r.step("verify").why())
	}
	took := time.Since(begin).Round(time.Second)
	t.Logf("service back %s after the start", took)
	if took > 100*time.Second {
		t.Errorf("a frozen machine held the recovery up for %s", took)
	}
	for _, front := range c.d.Fronts {
		if host, err := answers(front + "/"); err != nil || host != "standby" {
			t.Errorf("%s is served by %q: %v", front, host, err)
		}
	}
}

// TestNothingOutlivesTheSupervisor kills the drill with the company and the bot below it.
func TestNothingOutlivesTheSupervisor(t *testing.T) {
	t.Parallel()
	c := start(t)
	if err := c.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = c.cmd.Wait() // killed
	c.gone()
}

// TestTheBotIsSmallAndQuick holds the promises of size, memory and start.
func TestTheBotIsSmallAndQuick(t *testing.T) {
	t.Parallel()
	info, err := os.Stat(binary(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("binary: %.1f MB", float64(info.Size())/1e6)
	if info.Size() > 35e6 {
		t.Errorf("the binary has %d bytes", info.Size())
	}
	c := start(t)
	// Its journal exists: the second start migrates nothing.
	best := time.Hour
	for range 16 { // the machine may be busy: the best counts
		if best < 200*time.Millisecond {
			break
		}
		begin := time.Now()
		pid := c.d.Bot.Pid
		c.killBot()
		// The supervisor waits a second; its poll of /readyz is every 50 ms.
		if took := time.Since(begin) - time.Second; c.d.Bot.Pid != pid {
			best = min(best, took)
		}
	}
	t.Logf("start to ready: %s", best)
	if best > 400*time.Millisecond {
		t.Errorf("start to ready took %s", best)
	}
	rss := func() int {
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.d.Bot.Pid))
		if err != nil {
			t.Fatal(err)
		}
		var kb int
		_, rest, _ := strings.Cut(string(b), "VmRSS:")
		if _, err := fmt.Sscan(rest, &kb); err != nil {
			t.Fatal(err)
		}
		return kb
	}
	highest := 0
	deadline := time.Now().Add(5 * time.Second)
	eventually(t, 10*time.Second, "five seconds of standing by", func() error {
		highest = max(highest, rss())
		if time.Now().Before(deadline) {
			return errors.New("not yet")
		}
		return nil
	})
	t.Logf("standing by: %.1f MB", float64(highest)/1024)
	if highest > 42*1024 {
		t.Errorf("standing by takes %d kB", highest)
	}
}

package faults

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
)

// outcome is what came of one run.
type outcome struct {
	passed, struck  []string
	kills           int
	unknown, marked int
	problems        []string
	effects         int // traces that are as after an undisturbed run
}

func (c *company) traces() map[string]string {
	out := map[string]string{}
	for _, t := range append([]task{slow}, tasks...) {
		if t.trace != nil {
			out[t.id] = t.trace(c)
		}
	}
	return out
}

// play runs a scenario in a fresh world with instructions for the bot's first process and for those after it. after are the traces of
// an undisturbed run, nil in that run itself.
func (c *company) play(scenario, first, later string, after map[string]string, turns map[string]string) (outcome, map[string]string) {
	c.t.Helper()
	c.reset()
	o := &operator{c: c, before: c.traces(), after: after, looked: map[string]bool{}, turns: maps.Clone(turns)}
	o.b = c.startBot(first, later)
	r, err := o.goOn(scenario)
	if err == nil && c.chat != nil {
		o.problems = append(o.problems, c.posts()...)
	}
	if stopped := o.b.end(); err == nil {
		err = stopped
	}
	now := c.traces()
	out := outcome{kills: o.b.kills, unknown: o.unknowns, marked: o.marked, problems: o.problems}
	out.passed, out.struck = o.b.points()
	if err == nil && r.State != "done" && turns == nil {
		err = errors.New("the run ended as " + r.State)
	}
	if err == nil {
		err = o.b.verify()
	}
	if err != nil {
		out.problems = append(out.problems, err.Error())
	}
	for _, s := range r.Steps {
		t := taskOf(s.ID)
		if after != nil && t.trace != nil && s.State != "unknown" && member(s, now[t.id]) != member(s, o.expected(s)[t.id]) {
			out.problems = append(out.problems, fmt.Sprintf("%s: the world shows %q, want %q", s.why(), now[t.id], o.expected(s)[t.id]))
		} else if t.trace != nil && s.State == "done" {
			out.effects++
		}
	}
	if left := c.schemas("speed\\_new%"); len(left) > 0 && r.State == "done" {
		out.problems = append(out.problems, "scratch schemas are left: "+strings.Join(left, ", "))
	}
	if len(out.problems) > 0 {
		out.problems = append(out.problems, o.b.tail())
	}
	return out, now
}

// expected are the traces that a step's last word promises.
func (o *operator) expected(s step) map[string]string {
	if s.State == "done" || s.State == "unverified" {
		return o.after
	}
	return o.before
}

// undisturbed runs the scenario without a fault, and returns the traces that it leaves and the points that it passes.
func (c *company) undisturbed(scenario string) (map[string]string, []string) {
	c.t.Helper()
	out, after := c.play(scenario, "", "", nil, nil)
	if len(out.problems) > 0 || out.unknown > 0 {
		c.t.Fatalf("undisturbed run of %s: %d unknown: %s", scenario, out.unknown, strings.Join(out.problems, "\n"))
	}
	return after, out.passed
}

// TestTheBotDiesAtEveryTransition kills it once before and once after each move of a step that is written, and around
// each kind of effect: before the intent is journaled, after it and before the effect, after the effect and before its
// result, and when the import of a dump has just begun on the host (fault 1, fault 2, fault 3, fault 4).
func TestTheBotDiesAtEveryTransition(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	after, passed := c.undisturbed("some")
	each := "each=journal.step.moved.* each=effect.apply.* each=effect.hold.* each=effect.commit.* each=ssh.job.*"
	out, _ := c.play("some", each, each, after, nil)
	for _, p := range out.problems {
		t.Error(p)
	}
	died := map[string]bool{}
	for _, name := range out.struck {
		if died[name] {
			t.Errorf("it died twice at %s", name)
		}
		died[name] = true
	}
	for _, name := range slices.Compact(slices.Sorted(slices.Values(passed))) {
		effect := strings.HasPrefix(name, "effect.") && !strings.HasPrefix(name, "effect.apply.manual.") // that a person has
		if (effect || strings.HasPrefix(name, "journal.step.moved.")) && !died[name] {
			t.Errorf("it did not die at %s", name)
		}
	}
	t.Logf("%d kills at %d points, %d outcomes unknown, %d of them for a person to tell, %d effects", out.kills, len(died), out.unknown, out.marked, out.effects)
}

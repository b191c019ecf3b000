package runbook_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"testing"

	"recoverbot/runbook"
)

func TestStatesAreDrawn(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/states.md")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for from, tos := range runbook.Transitions() {
		for _, to := range tos {
			want = append(want, fmt.Sprintf("%s --> %s", from, to))
		}
	}
	drawn := regexp.MustCompile(`(?m)^    (\w+ --> \w+)$`).FindAllStringSubmatch(string(page), -1)
	var got []string
	for _, m := range drawn {
		got = append(got, m[1])
	}
	rows := regexp.MustCompile(`(?m)^\| (\w+) \| ([\w, –]+) \| `).FindAllStringSubmatch(string(page), -1)
	var listed []string
	for _, r := range rows {
		for _, to := range regexp.MustCompile(`\w+`).FindAllString(r[2], -1) {
			listed = append(listed, r[1]+" --> "+to)
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	slices.Sort(listed)
	if !slices.Equal(want, got) {
		t.Errorf("drawn: %v\ntable of the code: %v", got, want)
	}
	if !slices.Equal(want, slices.DeleteFunc(listed, func(s string) bool { return s == "from --> to" })) {
		t.Errorf("listed: %v\ntable of the code: %v", listed, want)
	}
}

func TestTransitions(t *testing.T) {
	t.Parallel()
	for from, tos := range runbook.Transitions() {
		for _, to := range tos {
			if !runbook.CanMove(from, to) {
				t.Errorf("%s to %s is in the table and not allowed", from, to)
			}
		}
	}
	for _, bad := range [][2]runbook.State{
		{runbook.Waiting, runbook.Done}, {runbook.Pending, runbook.Executing}, {runbook.Unknown, runbook.Executing},
		{runbook.Failed, runbook.Executing}, {runbook.Done, runbook.Executing}, {runbook.Skipped, runbook.Executing},
	} {
		if runbook.CanMove(bad[0], bad[1]) {
			t.Errorf("%s to %s is allowed", bad[0], bad[1])
		}
	}
	runbook.Transitions()[runbook.Done][0] = runbook.Executing
	if runbook.CanMove(runbook.Done, runbook.Executing) {
		t.Error("the table can be changed from outside")
	}
}

func TestGroupDigest(t *testing.T) {
	t.Parallel()
	member := func(state runbook.State, attempt int, digest string) *runbook.StepRun {
		return &runbook.StepRun{ID: "out.nginx1", State: state, Attempt: attempt, Digest: digest}
	}
	base := runbook.GroupDigest([]*runbook.StepRun{member(runbook.Waiting, 1, "d")})
	for name, other := range map[string]*runbook.StepRun{
		"attempt": member(runbook.Waiting, 2, "d"), "digest": member(runbook.Waiting, 1, "e"), "state": member(runbook.Failed, 1, "d"),
	} {
		if runbook.GroupDigest([]*runbook.StepRun{other}) == base {
			t.Errorf("another %s has the same digest", name)
		}
	}
}

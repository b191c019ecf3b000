package drill

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// part is how a drill plays one scenario, and by which facts the result is judged. Its hosts are those of the moment:
// each scenario of a chain finds the roles where the one before it left them.
type part struct {
	// breaks are the machines that break, by what fleet.yaml says before.
	breaks func(sc *scene) ([]*Host, error)
	// command is what the operator types; nil: /recover and the scenario's name.
	command func(sc *scene) string
	// ready makes the company ready before it breaks; nil: nothing is to be done.
	ready func(ctx context.Context, sc *scene) error
	// facts are judged after a run that went through, healed after one that a person ended since what was broken is well.
	facts, healed func(ctx context.Context, sc *scene)
	// aborts is the step at which nothing is left but to abort the run; "" where it must go through.
	aborts string
	// unserved says that this disaster leaves nothing that could serve: the fronts are not judged.
	unserved bool
}

// parts are the scenarios that a drill can play.
var parts = map[string]part{
	"nginx":   nginxPart,
	"standby": standbyPart,
	"primary": primaryPart,
	"both":    bothPart,
	"total":   totalPart,
}

// Scenarios lists what a drill can play.
func Scenarios() []string { return slices.Sorted(maps.Keys(parts)) }

// theOnes finds the hosts that have the roles now; of each role there must be one.
func theOnes(roles ...string) func(sc *scene) ([]*Host, error) {
	return func(sc *scene) ([]*Host, error) {
		var out []*Host
		for _, role := range roles {
			hosts := sc.were(role)
			if len(hosts) != 1 {
				return nil, fmt.Errorf("find the %s: %d hosts have that role", role, len(hosts))
			}
			out = append(out, hosts...)
		}
		return out, nil
	}
}

func names(hosts []*Host) string {
	var out []string
	for _, h := range hosts {
		out = append(out, h.Name)
	}
	return strings.Join(out, ", ")
}

package drill

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"

	"recoverbot/runbook/fleet"
)

// operator answers whatever a run asks, through the bot's API alone. It exists for drills and refuses any fleet that
// has an address outside of loopback.
type operator struct {
	api   client
	user  string              // of the new machines' SSH
	tell  func(step)          // each step that entered a state
	tries map[string]int      // clicks a step
	seen  map[string]string   // last state of each step
	asked map[string]struct{} // attempts that were answered
	quiet time.Time           // since when nothing has moved
	abort string              // the step that must be blocked, where the operator gives up; "" for none
}

// patience is how often a step that did not pass is tried again, and stall how long a run may stand still.
const (
	patience = 5
	stall    = 3 * time.Minute
)

func newOperator(fleetFile string, api client, user string, tell func(step)) (*operator, error) {
	cfg, err := fleet.LoadConfig(fleetFile, func(string) string { return "unused" })
	if err != nil {
		return nil, fmt.Errorf("load the drill's fleet: %w", err)
	}
	loopback := netip.MustParsePrefix("127.0.0.0/8")
	for _, h := range cfg.Hosts {
		for _, name := range h.Names() {
			a, err := netip.ParseAddr(name)
			if err != nil || !loopback.Contains(a) {
				return nil, fmt.Errorf("approve automatically: host %s has the address %s, which is not on loopback", h.Name, name)
			}
		}
	}
	return &operator{api: api, user: user, tell: tell, tries: map[string]int{}, seen: map[string]string{}, asked: map[string]struct{}{}}, nil
}

// drive answers until the run is over. An error means that it did not go as it should.
func (o *operator) drive(ctx context.Context, id string) (run, error) {
	o.quiet = time.Now()
	for {
		r, err := o.api.run(ctx, id)
		if err == nil {
			var over bool
			over, err = o.look(ctx, r)
			if over && err == nil {
				return r, nil
			}
		}
		if err != nil && !errors.Is(err, errLater) {
			return r, err
		}
		if err == nil {
			err = errors.New("nothing moves")
		}
		if time.Since(o.quiet) > stall {
			return r, fmt.Errorf("the run stands still for %s: %w: %s", stall, err, standing(r))
		}
		if !pause(ctx, 250*time.Millisecond) {
			return r, ctx.Err()
		}
	}
}

// standing says where a run stands.
func standing(r run) string {
	for _, s := range r.Steps {
		if s.State != "done" {
			return fmt.Sprintf("%s is %s %s", s.ID, s.State, why(s))
		}
	}
	return r.State
}

// look tells what moved and answers what waits.
func (o *operator) look(ctx context.Context, r run) (over bool, err error) {
	for _, s := range r.Steps {
		if o.seen[s.ID] != s.State {
			o.seen[s.ID], o.quiet = s.State, time.Now()
			if o.tell != nil {
				o.tell(s)
			}
		}
	}
	switch r.State {
	case "done":
		return true, nil
	case "aborted":
		if o.abort != "" {
			return true, nil
		}
		return true, errors.New("the run was aborted")
	}
	if slices.Contains(r.Choices, "done") { // the primary answers again, by what the run did
		return false, o.answer(ctx, r.ID, decision{Choice: "done"})
	}
	for _, g := range r.Groups {
		if slices.Contains(g.Choices, "approve") {
			return false, o.answer(ctx, r.ID, decision{Group: g.ID, Digest: g.Digest, Choice: "approve", Reason: reason(g.NeedsReason, "approve")})
		}
	}
	for _, s := range r.Steps {
		if len(s.Choices) == 0 {
			continue
		}
		d, err := o.choose(s)
		if err != nil {
			return false, err
		}
		if d != nil {
			return false, o.answer(ctx, r.ID, *d)
		}
	}
	return false, nil
}

func (o *operator) answer(ctx context.Context, run string, d decision) error {
	key := fmt.Sprintf("%s%s %s %d %s", d.Step, d.Group, d.Choice, d.Attempt, d.Digest)
	if _, done := o.asked[key]; done {
		return nil // it takes a moment to show
	}
	err := o.api.decide(ctx, run, d)
	if err == nil {
		o.asked[key] = struct{}{}
		o.quiet = time.Now()
	}
	return err
}

func reason(needs []string, choice string) string {
	if slices.Contains(needs, choice) {
		return "drill"
	}
	return ""
}

// choose finds the answer that a calm operator would give; nil: wait.
func (o *operator) choose(s step) (*decision, error) {
	give := func(choice string) *decision {
		return &decision{Step: s.ID, Attempt: s.Attempt, Digest: s.Digest, Choice: choice, Reason: reason(s.NeedsReason, choice)}
	}
	can := func(choice string) bool { return slices.Contains(s.Choices, choice) }
	again := func(choice string) (*decision, error) {
		if !can(choice) || o.tries[s.ID] >= patience {
			return nil, fmt.Errorf("step %s (%s) is %s: %s", s.ID, s.Title, s.State, why(s))
		}
		o.tries[s.ID]++
		return give(choice), nil
	}
	switch s.State {
	case "held":
		if can("commit") {
			return give("commit"), nil
		}
	case "unverified":
		return again("look")
	case "failed", "rolled_back", "unknown":
		return nil, fmt.Errorf("step %s (%s) is %s: %s", s.ID, s.Title, s.State, why(s))
	case "waiting":
		if fields, missing := o.fields(s); missing && can("input") {
			d := give("input")
			d.Fields = fields
			return d, nil
		}
		if s.ID == o.abort && s.Plan != nil && s.Plan.Verdict == "blocked" && !can("approve") && can("abort") {
			return give("abort"), nil
		}
		if s.Kind == "check" || (s.Plan != nil && s.Plan.Verdict == "blocked") {
			if time.Since(s.ChangedAt) < 2*time.Second {
				return nil, nil
			}
			return again("retry")
		}
		if can("approve") {
			return give("approve"), nil
		}
	}
	return nil, nil
}

// fields fills a form with its defaults; missing tells that a required one has no value yet.
func (o *operator) fields(s step) (values map[string]string, missing bool) {
	values = map[string]string{}
	for _, f := range s.Form {
		v := f.Value
		if v == "" {
			v = f.Default
			missing = missing || f.Required
		}
		switch f.Name {
		case "user":
			v = o.user
		case "domain":
			if v == "" && values["name"] != "" {
				v = (&Host{Name: values["name"]}).domain()
			}
		}
		if v != "" {
			values[f.Name] = v
		}
	}
	return values, missing
}

// why is the shortest account of what stands in a step's way.
func why(s step) string {
	var parts []string
	if s.Plan != nil {
		parts = append(parts, s.Plan.Why)
		parts = append(parts, s.Plan.Warnings...)
	}
	if s.Result != nil {
		parts = append(parts, s.Result.Text, tail(s.Result.Output))
	}
	parts = append(parts, s.Note, s.Evidence)
	parts = slices.DeleteFunc(parts, func(p string) bool { return strings.TrimSpace(p) == "" })
	return strings.Join(parts, " · ")
}

func tail(s string) string {
	s = strings.TrimSpace(s)
	if len(s) > 400 {
		return "…" + strings.ToValidUTF8(s[len(s)-400:], "")
	}
	return s
}

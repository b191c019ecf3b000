package drill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"recoverbot/runbook/fleet"
)

// scene is one scenario being played in the company as the one before it left it.
type scene struct {
	*session
	part
	name     string        // of the scenario
	before   *fleet.Config // fleet.yaml before anything broke
	domains  []domainRow   // t_app_dns then
	dead     []*Host
	at       time.Time         // when they broke
	run      run               // as it ended
	files    map[string]string // of all machines before, where nothing may change
	problems []string
}

// scene looks at the company before it breaks.
func (s *session) scene(ctx context.Context, name string) (*scene, error) {
	sc := &scene{session: s, part: parts[name], name: name}
	if s.o.Lost {
		sc.part = lostPart
	}
	var err error
	if sc.before, err = s.fleet(); err != nil {
		return nil, err
	}
	primary, err := theOnes("primary")(sc)
	if err != nil {
		return nil, err
	}
	if sc.domains, err = s.c.domainRows(ctx, primary[0]); err != nil {
		return nil, err
	}
	sc.dead, err = sc.breaks(sc)
	return sc, err
}

// play breaks what the scenario is about, has it recovered, and judges what came of it.
func (s *session) play(ctx context.Context, name string) error {
	sc, err := s.scene(ctx, name)
	if err != nil {
		return err
	}
	if sc.ready != nil {
		if err := sc.ready(ctx, sc); err != nil {
			return err
		}
	}
	if !pause(ctx, 2*time.Second) { // a word of normal life first
		return ctx.Err()
	}
	_, lostBefore, downBefore := s.users.totals()
	sc.at = time.Now()
	s.say("drill.break", "host", names(sc.dead), "how", or(s.o.How, "kill"))
	var g errgroup.Group
	for _, h := range sc.dead { // at once
		g.Go(func() error { return s.c.Break(h.Name, s.o.How) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	if err := s.alerted(ctx, name, sc.at); err != nil {
		return err
	}
	text := "/recover " + name
	if sc.command != nil {
		text = sc.command(sc)
	}
	if s.o.Auto {
		sc.run, err = s.operate(ctx, text, sc.aborts)
	} else {
		sc.run, err = s.handOver(ctx, text, sc.aborts, sc.at)
	}
	if len(sc.run.Steps) > 0 {
		s.table(sc.run)
	}
	if err != nil {
		s.say("drill.failed", "why", err.Error())
		return err
	}
	sc.judge(ctx)
	asked, lost, down := s.users.totals()
	s.say("drill.sum", "down", (down - downBefore), "lost", lost-lostBefore, "asked", asked)
	for _, p := range sc.problems {
		s.say("drill.problem", "text", p)
	}
	if len(sc.problems) > 0 {
		return errors.New(s.o.Printer.T("drill.not_back", "count", len(sc.problems)))
	}
	if sc.aborts != "" {
		s.say("drill.nothing_done")
		return nil
	}
	s.say("drill.back")
	return nil
}

// judge notes what is not as it should be, by facts that the bot did not tell.
func (sc *scene) judge(ctx context.Context) {
	switch {
	case sc.aborts != "":
		sc.facts(ctx, sc)
	case sc.run.endedEarly():
		sc.healed(ctx, sc)
	default:
		for _, st := range sc.run.Steps {
			if st.State != "done" && (sc.o.Auto || (st.State != "skipped" && st.State != "deferred")) {
				sc.bad("drill.bad_step", "step", st.ID, "state", st.State)
			}
		}
		sc.facts(ctx, sc)
	}
	if sc.unserved {
		return
	}
	fronts := sc.are("nginx")
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	_ = until(ctx, func() error { // what they say in the end counts
		if slices.ContainsFunc(fronts, func(h *Host) bool { return !sc.users.answered(h.Name) }) {
			return errors.New("not answered")
		}
		return nil
	})
	for _, h := range fronts {
		if sc.users.answered(h.Name) {
			sc.say("drill.front_ok", "host", h.Name)
		} else {
			sc.bad("drill.front_bad", "host", h.Name)
		}
	}
}

func (sc *scene) bad(id string, pairs ...any) {
	sc.problems = append(sc.problems, sc.o.Printer.T(id, pairs...))
}

// check notes a fact that does not hold.
func (sc *scene) check(what string, err error) {
	if err != nil {
		sc.bad("drill.bad", "what", what, "why", err.Error())
	}
}

// were lists the hosts that had a role before anything broke, are those that have it now.
func (sc *scene) were(role string) []*Host { return sc.c.withRole(sc.before, role) }

func (sc *scene) are(role string) []*Host {
	cfg, err := sc.fleet()
	if err != nil {
		return nil // rolesRight says so
	}
	return sc.c.withRole(cfg, role)
}

// one is the host that has a role now; nil, with a problem noted, where there is none or more.
func (sc *scene) one(role string) *Host {
	hosts := sc.are(role)
	if len(hosts) != 1 {
		sc.check("fleet.yaml", fmt.Errorf("%d hosts have the role %s", len(hosts), role))
		return nil
	}
	return hosts[0]
}

// fresh are the machines that the run took into service.
func (sc *scene) fresh() []*Host {
	var out []*Host
	cfg, err := sc.fleet()
	if err != nil {
		return nil
	}
	for _, h := range cfg.Hosts {
		was, known := sc.before.Host(h.Name)
		if host, ok := sc.c.at(h.Address); ok && !h.Retired && !h.HasRole("spare") && (!known || was.HasRole("spare")) {
			out = append(out, host)
		}
	}
	return out
}

// replaced judges what every replacement leaves behind: the dead are retired and out of every nginx, each new machine has
// these roles and is on the domain list. It gives the primary of now, nil where there is none, and the new machines but that.
func (sc *scene) replaced(ctx context.Context, roles string) (now *Host, fresh []*Host) {
	if now = sc.one("primary"); now == nil {
		return nil, nil
	}
	changed := map[*Host]string{}
	for _, h := range sc.dead {
		changed[h] = "retired"
	}
	all := sc.fresh()
	for _, h := range all {
		changed[h] = roles
		if h == now {
			changed[h] = "primary"
		} else {
			fresh = append(fresh, h)
		}
	}
	sc.check("fleet.yaml", sc.rolesRight(changed))
	sc.check("t_app_dns", sc.domainsRight(ctx, now, all...))
	sc.nginxRight(sc.dead...)
	return now, fresh
}

// rolesRight compares fleet.yaml with what it was: only the hosts of changed differ, and theirs are the roles given
// there (sorted, with a blank between; "retired" for none at all).
func (sc *scene) rolesRight(changed map[*Host]string) error {
	cfg, err := sc.fleet()
	if err != nil {
		return err
	}
	for _, h := range sc.c.hosts {
		want, ok := changed[h]
		if !ok {
			want = rolesOf(sc.before, h)
		}
		if got := rolesOf(cfg, h); got != want {
			return fmt.Errorf("%s is %q, want %q", h.Name, got, want)
		}
	}
	return nil
}

func rolesOf(cfg *fleet.Config, h *Host) string {
	for _, x := range cfg.Hosts {
		if x.Address == h.Address {
			if x.Retired {
				return "retired"
			}
			return strings.Join(slices.Sorted(slices.Values(x.Roles)), " ")
		}
	}
	return ""
}

func (c *Company) withRole(cfg *fleet.Config, role string) []*Host {
	var out []*Host
	for _, h := range cfg.WithRole(role) {
		if host, ok := c.at(h.Address); ok {
			out = append(out, host)
		}
	}
	return out
}

func (c *Company) at(address string) (*Host, bool) {
	for _, h := range c.hosts {
		if h.Address == address {
			return h, true
		}
	}
	return nil, false
}

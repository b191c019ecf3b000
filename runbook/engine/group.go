package engine

import (
	"strings"

	"recoverbot/runbook"
)

// expand turns a scenario's steps into the steps of a run: a step with `on:` becomes its members.
func expand(run runbook.Run) []runbook.StepRun {
	var out []runbook.StepRun
	add := func(s runbook.StepRun) {
		s.RunID, s.Index, s.ChangedAt = run.ID, len(out), run.StartedAt
		out = append(out, s)
	}
	for _, def := range run.Scenario.Steps {
		s := runbook.StepRun{ID: def.ID, Def: def, State: runbook.Pending, Host: soleHost(run, def.Host)}
		if len(def.On) == 0 {
			add(s)
			continue
		}
		ms := members(run, def)
		if len(ms) == 0 {
			s.State = runbook.Done
			s.Note = runbook.T("engine.no_members")
			s.Result = &runbook.Result{Outcome: runbook.OutcomeUnchanged, Text: s.Note}
			add(s)
			continue
		}
		for _, m := range ms {
			one := s
			one.ID, one.Group, one.Member = def.ID+"."+m.name, def.ID, m.name
			if def.Host == "" {
				one.Host = m.host
				if m.host == "" { // not known yet: a machine that a step of this run enrols, or a name of the fleet
					one.Def.Host = m.name
				}
			}
			add(one)
		}
	}
	return out
}

type member struct{ name, host string }

// members lists what `on:` means: services where the step has a host of its own, hosts otherwise. Without doubles.
func members(run runbook.Run, def runbook.Step) []member {
	var out []member
	seen := map[string]bool{}
	add := func(name, host string) {
		if name != "" && !seen[name] {
			seen[name] = true
			out = append(out, member{name, host})
		}
	}
	for _, ref := range def.On {
		name, isName := strings.CutPrefix(ref, "host:")
		hosts, isBound := run.Bindings[ref]
		switch {
		case def.Host != "":
			add(ref, "")
		case isName:
			add(name, name)
		case isBound:
			for _, h := range hosts {
				add(h, h)
			}
		default:
			add(ref, soleHost(run, ref))
		}
	}
	return out
}

// soleHost is the host that a reference means, where that is known at the start and is only one.
func soleHost(run runbook.Run, ref string) string {
	if name, ok := strings.CutPrefix(ref, "host:"); ok {
		return name
	}
	if names := run.Bindings[ref]; len(names) == 1 {
		return names[0]
	}
	for _, names := range run.Bindings {
		for _, n := range names {
			if n == ref && ref != "" {
				return n
			}
		}
	}
	return ""
}

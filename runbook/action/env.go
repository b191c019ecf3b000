package action

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// Env is what an action is given: the fleet as the run sees it, parameters, and results of earlier steps. It is
// rebuilt from the journal after a restart.
type Env struct {
	Fleet   *fleet.Fleet
	Run     runbook.Run     // as journaled when the action was built; Results of earlier steps are in Run.Steps
	Step    runbook.StepRun // the step itself: definition, host, member, inputs, attempt
	Now     func() time.Time
	TempDir string // of the bot, for large intermediate files; mode 0700
}

// NeedsError says that a value is not known yet: the plan is provisional until Needs (step ids, "param:NAME") are there.
type NeedsError struct{ Needs []string }

func (e *NeedsError) Error() string { return "waits for " + strings.Join(e.Needs, ", ") }

// Provisional turns a NeedsError into a provisional plan; ok is false for any other error.
func Provisional(err error) (p runbook.Plan, ok bool) {
	var needs *NeedsError
	if !errors.As(err, &needs) {
		return p, false
	}
	p.Verdict = runbook.Provisional
	p.Needs = needs.Needs
	p.Why = runbook.T("engine.provisional", "needs", strings.Join(needs.Needs, ", "))
	return p, true
}

// Target returns the host that the step is about.
func (e Env) Target() (fleet.Host, error) {
	if e.Step.Host != "" {
		return e.named(e.Step.Host)
	}
	return e.Host(e.Step.Def.Host)
}

// Host resolves a reference to exactly one host: "host:NAME" a name of the fleet; otherwise a name or role bound by
// the run, a machine enrolled by an earlier step of the run ("new"), or a name of the fleet.
func (e Env) Host(ref string) (fleet.Host, error) {
	hs, err := e.Hosts(ref)
	if err != nil {
		return fleet.Host{}, err
	}
	if len(hs) != 1 {
		return fleet.Host{}, runbook.Errorf(runbook.Invalid, "fleet.not_one_host", "ref", ref, "count", len(hs))
	}
	return hs[0], nil
}

// Hosts resolves references, each to any number of hosts; without doubles, in order.
func (e Env) Hosts(refs ...string) ([]fleet.Host, error) {
	var out []fleet.Host
	seen := map[string]bool{}
	for _, ref := range refs {
		names, err := e.names(ref)
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			if seen[name] {
				continue
			}
			seen[name] = true
			h, err := e.named(name)
			if err != nil {
				return nil, err
			}
			out = append(out, h)
		}
	}
	return out, nil
}

func (e Env) names(ref string) ([]string, error) {
	if name, ok := strings.CutPrefix(ref, "host:"); ok {
		return []string{name}, nil
	}
	if names, ok := e.Run.Bindings[ref]; ok {
		return names, nil
	}
	for _, s := range e.Run.Steps {
		if s.Def.Kind == "enrol" && e.binds(s) == ref {
			if s.Result == nil || s.Result.Values["host"] == "" {
				return nil, &NeedsError{Needs: []string{s.ID}}
			}
			return []string{hostOf(s.Result).Name}, nil
		}
	}
	if _, ok := e.Fleet.Config().Host(ref); ok {
		return []string{ref}, nil
	}
	return nil, runbook.Errorf(runbook.Invalid, "fleet.unknown_host", "ref", ref)
}

// binds is the name under which an enrol step's machine is known in its run.
func (e Env) binds(s runbook.StepRun) string {
	if s.Result != nil && s.Result.Values["bind"] != "" {
		return s.Result.Values["bind"]
	}
	return "new"
}

func hostOf(r *runbook.Result) fleet.Host {
	var h fleet.Host
	_ = json.Unmarshal([]byte(r.Values["host"]), &h) // written by the enrol action; a bad one is an unknown host below
	return h
}

// named finds a host of the fleet, or one that an earlier step of this run enrolled.
func (e Env) named(name string) (fleet.Host, error) {
	if h, ok := e.Fleet.Config().Host(name); ok {
		return h, nil
	}
	for _, s := range e.Run.Steps {
		if s.Def.Kind == "enrol" && s.Result != nil {
			if h := hostOf(s.Result); h.Name == name && name != "" {
				return h, nil
			}
		}
	}
	return fleet.Host{}, runbook.Errorf(runbook.Invalid, "fleet.unknown_host", "ref", name)
}

// Value resolves one configured value. Text that does not begin with "$" is itself. References:
//
//	$param.NAME                    parameter of the run
//	$input.NAME                    this step's own form
//	$step.ID.NAME                  Result.Values of an earlier step
//	$host.REF.FIELD                name, address, dns_ip, user, port, loopback
//	$hosts.REF.FIELD               the same for several hosts, joined by a space
//	$path.REF.KEY                  a path on that host: sql_backup, workdir, nginx_conf, backup_script
//	$service.NAME.config|port      of a service; its config path on the step's host
//	$backup.interpreter|schedule|targets   of fleet.yaml's backup_script
//	$spare.FIELD                   of the first machine with the role spare; empty where there is none
//	$database.NAME.schema          the schema's name
func (e Env) Value(ref string) (string, error) {
	if !strings.HasPrefix(ref, "$") {
		return ref, nil
	}
	parts := strings.SplitN(ref[1:], ".", 3)
	bad := runbook.Errorf(runbook.Invalid, "fleet.bad_reference", "ref", ref)
	if len(parts) < 2 {
		return "", bad
	}
	last := ""
	if len(parts) == 3 {
		last = parts[2]
	}
	switch parts[0] {
	case "param":
		v, ok := e.Run.Params[parts[1]]
		if !ok {
			return "", &NeedsError{Needs: []string{"param:" + parts[1]}}
		}
		return v, nil
	case "input":
		return e.Step.Inputs[parts[1]], nil
	case "step":
		return e.stepValue(parts[1], last)
	case "host", "hosts":
		hs, err := e.Hosts(parts[1])
		if err != nil {
			return "", err
		}
		if parts[0] == "host" && len(hs) != 1 {
			return "", runbook.Errorf(runbook.Invalid, "fleet.not_one_host", "ref", parts[1], "count", len(hs))
		}
		var vs []string
		for _, h := range hs {
			v, err := hostField(h, last)
			if err != nil {
				return "", err
			}
			vs = append(vs, v)
		}
		return strings.Join(vs, " "), nil
	case "path":
		h, err := e.Host(parts[1])
		if err != nil {
			return "", err
		}
		p, ok := e.Fleet.Config().PathOn(h, last)
		if !ok {
			return "", bad
		}
		return p, nil
	case "service":
		return e.serviceValue(parts[1], last, bad)
	case "backup":
		switch parts[1] {
		case "interpreter":
			return e.Fleet.Config().BackupScript.Interpreter, nil
		case "schedule":
			return e.Fleet.Config().BackupScript.Schedule, nil
		case "targets":
			return e.Fleet.Config().BackupScript.Targets, nil
		}
	case "spare":
		spares := e.Fleet.Config().WithRole("spare")
		if len(spares) == 0 {
			return "", nil
		}
		return hostField(spares[0], parts[1])
	case "database":
		if d, ok := e.Fleet.Config().Database(parts[1]); ok && last == "schema" {
			return d.Schema, nil
		}
	}
	return "", bad
}

func (e Env) stepValue(id, name string) (string, error) {
	s := e.Run.Step(id)
	if s == nil || s.Result == nil {
		return "", &NeedsError{Needs: []string{id}}
	}
	v, ok := s.Result.Values[name]
	if !ok {
		return "", fmt.Errorf("step %s has no value %s", id, name)
	}
	return v, nil
}

func (e Env) serviceValue(name, field string, bad error) (string, error) {
	if name == "member" {
		name = e.Step.Member
	}
	s, ok := e.Fleet.Config().Service(name)
	if !ok {
		return "", runbook.Errorf(runbook.Invalid, "fleet.unknown_service", "name", name)
	}
	switch field {
	case "config":
		h, err := e.Target()
		if err != nil {
			return "", err
		}
		return h.Path(s.Config), nil
	case "port":
		return strconv.Itoa(s.Health.Port), nil
	}
	return "", bad
}

func hostField(h fleet.Host, field string) (string, error) {
	switch field {
	case "name":
		return h.Name, nil
	case "address":
		return h.Address, nil
	case "dns_ip":
		if !h.DNSIP.IsValid() {
			return "", runbook.Errorf(runbook.Invalid, "fleet.no_dns_ip", "host", h.Name)
		}
		return h.DNSIP.String(), nil
	case "user":
		return h.User, nil
	case "port":
		return strconv.Itoa(h.Port), nil
	case "loopback":
		return h.LoopbackAddress(), nil
	}
	return "", runbook.Errorf(runbook.Invalid, "fleet.bad_reference", "ref", field)
}

package action

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// Value resolves one configured value. Text that does not begin with "$" is itself. References:
//
//	$param.NAME                    parameter of the run; empty where it is optional and was not given
//	$input.NAME                    this step's own form
//	$step.ID.NAME                  Result.Values of an earlier step
//	$host.REF.FIELD                name, address, dns_ip, user, port, loopback
//	$hosts.REF.FIELD               the same for several hosts, joined by a space
//	$path.REF.KEY[/MORE]           a path on that host: sql_backup, workdir, nginx_conf, nginx_dir (its directory), backup_script
//	$service.NAME.config|port      of a service; its config path on the step's host
//	$backup.interpreter|schedule|targets   of fleet.yaml's backup_script
//	$spare.FIELD                   of the first machine with the role spare that the run has not enrolled; empty where there is none
//	$database.NAME.schema          the schema's name
//	$domain_list.admin             the back-end where people edit the domain list; empty where fleet.yaml does not say
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
		if !ok && !slices.ContainsFunc(e.Run.Scenario.Params, func(p runbook.Param) bool { return p.Name == parts[1] && !p.Required }) {
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
		key, more, _ := strings.Cut(last, "/")
		p, ok := e.Fleet.Config().PathOn(h, key)
		if !ok {
			return "", bad
		}
		return path.Join(p, more), nil
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
		for _, spare := range e.Fleet.Config().WithRole("spare") {
			if !e.taken(spare) {
				return hostField(spare, parts[1])
			}
		}
		return "", nil
	case "domain_list":
		if parts[1] == "admin" {
			return e.Fleet.Config().DomainList.Admin, nil
		}
	case "database":
		if d, ok := e.Fleet.Config().Database(parts[1]); ok && last == "schema" {
			return d.Schema, nil
		}
	}
	return "", bad
}

// taken reports whether a step of the run has enrolled that machine, under whatever name.
func (e Env) taken(spare fleet.Host) bool {
	return slices.ContainsFunc(e.Run.Steps, func(s runbook.StepRun) bool {
		if s.Def.Kind != "enrol" || s.Result == nil || s.Result.Values["host"] == "" {
			return false
		}
		h := hostOf(s.Result)
		return h.Name == spare.Name || h.Address == spare.Address && h.Port == spare.Port
	})
}

func (e Env) stepValue(id, name string) (string, error) {
	s := e.Run.Step(id)
	if s == nil || s.Result == nil {
		return "", &NeedsError{Needs: []string{id}}
	}
	v, ok := s.Result.Values[name]
	if !ok {
		return "", runbook.Errorf(runbook.Invalid, "action.no_value", "step", id, "name", name)
	}
	return v, nil
}

func (e Env) serviceValue(name, field string, bad error) (string, error) {
	s, err := e.Service(name)
	if err != nil {
		return "", err
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

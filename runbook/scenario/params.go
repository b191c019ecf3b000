package scenario

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"recoverbot/runbook"
)

func (c *checker) checkParams() {
	for i, p := range c.s.Params {
		where := fmt.Sprintf("$.params[%d]", i)
		if problem := badParam(p); !problem.IsZero() {
			c.wrong(where, "scenario.param", "name", p.Name, "problem", problem)
		}
		if _, twice := c.params[p.Name]; twice {
			c.wrong(where, "scenario.param", "name", p.Name, "problem", runbook.T("scenario.param_twice"))
		}
		c.params[p.Name] = p
		c.known["param:"+p.Name] = true
	}
}

func badParam(p runbook.Param) runbook.Msg {
	switch {
	case !paramPattern.MatchString(p.Name):
		return runbook.T("scenario.bad_name", "name", p.Name, "pattern", paramPattern.String())
	case !slices.Contains(runbook.ParamTypes, p.Type):
		return runbook.T("scenario.param_type", "type", p.Type, "known", strings.Join(runbook.ParamTypes, ", "), "best", runbook.Nearest(p.Type, runbook.ParamTypes))
	case (p.Type == "enum") != (len(p.Enum) > 0):
		return runbook.T("scenario.param_enum")
	case p.Role != "" && (p.Type != "host" || p.Role != "retired" && !slices.Contains(runbook.HostRoles, p.Role)):
		return runbook.T("scenario.param_role", "role", p.Role, "known", strings.Join(append(slices.Clone(runbook.HostRoles), "retired"), ", "))
	}
	if _, err := regexp.Compile(p.Pattern); err != nil {
		return runbook.T("scenario.param_pattern", "problem", err.Error())
	}
	if p.Default != "" && !p.Fits(p.Default) {
		return runbook.T("scenario.param_default", "value", p.Default, "type", p.Type)
	}
	return runbook.Msg{}
}

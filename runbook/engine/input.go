package engine

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"recoverbot/runbook"
)

// maxField is how many bytes one answer in a form may have; a pasted script is the longest of them.
const maxField = 256 << 10

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,252})$`)

// fill checks what a person answered against the form, and gives empty fields their defaults.
func fill(form []runbook.Param, fields map[string]string) (map[string]string, error) {
	out := map[string]string{}
	for name := range fields {
		if !slices.ContainsFunc(form, func(p runbook.Param) bool { return p.Name == name }) {
			return nil, runbook.Errorf(runbook.Invalid, "engine.field_unknown", "field", name)
		}
	}
	for _, p := range form {
		v := fields[p.Name]
		if p.Type != "text" {
			v = strings.TrimSpace(v)
		}
		if v == "" {
			v = p.Default
		}
		if v == "" {
			if p.Required {
				return nil, runbook.Errorf(runbook.Invalid, "engine.field_required", "field", labelOf(p))
			}
			continue
		}
		if p.Type != "text" && strings.ContainsAny(v, "\r\n") {
			return nil, runbook.Errorf(runbook.Invalid, "engine.field_lines", "field", labelOf(p))
		}
		v, ok := normal(p, v)
		if !ok {
			return nil, runbook.Errorf(runbook.Invalid, "engine.field_invalid", "field", labelOf(p), "type", p.Type)
		}
		out[p.Name] = v
	}
	return out, nil
}

// labelOf is what people see beside a field.
func labelOf(p runbook.Param) runbook.Text {
	if p.Title == (runbook.Text{}) {
		return runbook.Text{EN: p.Name, ZH: p.Name}
	}
	return p.Title
}

// normal checks one value against the type of its field and writes it the usual way.
func normal(p runbook.Param, v string) (string, bool) {
	if len(v) > maxField || strings.ContainsRune(v, 0) {
		return v, false
	}
	if p.Pattern != "" {
		re, err := regexp.Compile(`\A(?:` + p.Pattern + `)\z`)
		if err != nil || !re.MatchString(v) {
			return v, false
		}
	}
	switch p.Type {
	case "ip":
		a, err := netip.ParseAddr(v)
		return a.String(), err == nil && a.Zone() == ""
	case "address":
		if a, err := netip.ParseAddr(v); err == nil {
			return a.String(), a.Zone() == ""
		}
		return v, hostName.MatchString(v)
	case "host":
		return v, hostName.MatchString(v)
	case "port":
		n, err := strconv.ParseUint(v, 10, 16)
		return v, err == nil && n > 0
	case "enum":
		return v, slices.Contains(p.Enum, v)
	case "bool":
		switch strings.ToLower(v) {
		case "true", "yes", "on", "1", "y":
			return "true", true
		case "false", "no", "off", "0", "n":
			return "false", true
		}
		return v, false
	}
	return v, true
}

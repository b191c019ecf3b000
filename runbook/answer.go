package runbook

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// maxField is how many bytes one answer in a form may have; a pasted script is the longest of them.
const maxField = 256 << 10

var (
	hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,252})$`)
	dnsName  = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$`)
	// dotted looks like an IPv4 address; one that is not valid is no host name either.
	dotted = regexp.MustCompile(`^[0-9.]+$`)
)

// Heading is what people see beside a field.
func (p Param) Heading() Text {
	if p.Title == (Text{}) {
		return Text{EN: p.Name, ZH: p.Name}
	}
	return p.Title
}

// Answer is what a person answered to p as a field of a form, in its one spelling, with the default where it is empty. The
// Msg says what is wanted instead where it does not fit. Text stays as it is: a pasted script may begin with an indent.
func (p Param) Answer(v string) (string, Msg) {
	if trimmed := strings.TrimSpace(v); p.Type != "text" || trimmed == "" {
		v = trimmed
	}
	if v == "" {
		v = p.Default
	}
	switch {
	case v == "" && p.Required:
		return v, T("engine.field_required", "field", p.Heading())
	case v == "":
		return v, Msg{}
	case p.Type != "text" && strings.ContainsAny(v, "\r\n"):
		return v, T("engine.field_lines", "field", p.Heading())
	}
	if spelled, ok := p.spell(v); ok && p.matches(spelled) {
		return spelled, Msg{}
	}
	example := ""
	if spelled, ok := p.spell(p.Default); ok && p.matches(spelled) {
		example = p.Default
	}
	return v, T("engine.field_invalid", "field", p.Heading(), "type", p.Type, "values", strings.Join(p.Enum, ", "),
		"hint", p.Hint, "example", example, "pattern", p.Pattern)
}

// matches holds a value as it is spelled against the pattern of p.
func (p Param) matches(v string) bool {
	if p.Pattern == "" {
		return true
	}
	re, err := regexp.Compile(`\A(?:` + p.Pattern + `)\z`)
	return err == nil && re.MatchString(v)
}

// spell checks one value against the type of p and writes it the usual way.
func (p Param) spell(v string) (string, bool) {
	if len(v) > maxField || strings.ContainsRune(v, 0) {
		return v, false
	}
	switch p.Type {
	case "ip", "address":
		if a, err := netip.ParseAddr(v); err == nil && a.Zone() == "" {
			return a.Unmap().String(), true
		}
		return v, p.Type == "address" && len(v) <= 253 && dnsName.MatchString(v) && !dotted.MatchString(v)
	case "host":
		return v, hostName.MatchString(v)
	case "port":
		n, err := strconv.ParseUint(v, 10, 16)
		return strconv.FormatUint(n, 10), err == nil && n > 0
	case "enum":
		return v, slices.Contains(p.Enum, v)
	case "bool":
		return truth(v)
	case "string": // what stands there already is not judged
		return v, v == strings.TrimSpace(p.Default) || !strings.ContainsFunc(v, func(r rune) bool { return !unicode.IsPrint(r) })
	}
	return v, true
}

// truth reads yes or no.
func truth(v string) (string, bool) {
	switch strings.ToLower(v) {
	case "true", "yes", "on", "1", "y", "是":
		return "true", true
	case "false", "no", "off", "0", "n", "否":
		return "false", true
	}
	return v, false
}

package manual

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"unicode"

	"recoverbot/runbook"
)

// usable checks a field's own definition.
func usable(f runbook.Param) error {
	switch f.Type {
	case "host", "address", "port", "string", "bool", "text":
	case "enum":
		if len(f.Enum) == 0 {
			return fmt.Errorf("enum has no values")
		}
	default:
		return fmt.Errorf("type %q is not one of host, address, port, enum, string, bool, text", f.Type)
	}
	if _, err := regexp.Compile(f.Pattern); err != nil {
		return fmt.Errorf("pattern: %w", err)
	}
	return nil
}

const maxText = 64 << 10

var hostName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$`)

// canonical checks a value against its field's type and pattern and returns it in its one spelling.
func canonical(f runbook.Param, v string) (string, runbook.Msg) {
	ok := len(v) <= maxText
	switch f.Type {
	case "address":
		if a, err := netip.ParseAddr(v); err == nil && a.Zone() == "" {
			v = a.Unmap().String()
		} else {
			ok = ok && len(v) <= 253 && hostName.MatchString(v) && !dotted.MatchString(v)
		}
	case "port":
		n, err := strconv.Atoi(v)
		ok = err == nil && n >= 1 && n <= 65535
		v = strconv.Itoa(n)
	case "enum":
		ok = slices.Contains(f.Enum, v)
	case "bool":
		b, err := strconv.ParseBool(v)
		ok = err == nil
		v = strconv.FormatBool(b)
	case "string":
		for _, r := range v {
			ok = ok && unicode.IsPrint(r)
		}
	}
	if ok && f.Pattern != "" {
		re, err := regexp.Compile(`^(?:` + f.Pattern + `)$`)
		ok = err == nil && re.MatchString(v)
	}
	if !ok {
		return v, runbook.T("manual.bad_value", "field", f.Name, "type", f.Type)
	}
	return v, runbook.Msg{}
}

// dotted is what looks like an IPv4 address; one that is not valid is no host name either.
var dotted = regexp.MustCompile(`^[0-9.]+$`)

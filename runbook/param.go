package runbook

import (
	"net/netip"
	"regexp"
	"slices"
	"strconv"
)

// ParamTypes are the types of a Param.
var ParamTypes = []string{"host", "address", "port", "enum", "string", "bool", "text"}

// maxParam is the longest value of a parameter, in bytes.
const maxParam = 400

// Fits reports whether a value has the parameter's type and matches its pattern as a whole. Whether there is a host of
// that name, only the fleet knows.
func (p Param) Fits(v string) bool {
	if len(v) > maxParam {
		return false
	}
	if p.Pattern != "" {
		re, err := regexp.Compile(`^(?:` + p.Pattern + `)$`)
		if err != nil || !re.MatchString(v) {
			return false
		}
	}
	switch p.Type {
	case "address":
		a, err := netip.ParseAddr(v)
		return err == nil && a.Zone() == "" // a zone may be any text
	case "port":
		n, err := strconv.Atoi(v)
		return err == nil && n > 0 && n < 65536
	case "enum":
		return slices.Contains(p.Enum, v)
	case "bool":
		_, err := strconv.ParseBool(v)
		return err == nil
	}
	return true
}

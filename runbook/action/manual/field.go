package manual

import (
	"fmt"
	"regexp"

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

package alert

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"recoverbot/runbook"
)

// maxDepth is how deeply a body may be nested; monitoring systems need five.
const maxDepth = 32

// Decode reads one JSON value of bounded depth. Keys that v does not have are left out: monitoring systems add some with
// each version. Numbers in an any become json.Number.
func Decode(body []byte, v any) error {
	if deep(body) {
		return runbook.Errorf(runbook.Invalid, "alert.too_deep", "max", maxDepth)
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	err := d.Decode(v)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("more than one JSON value")
		}
	}
	if err != nil {
		return Unreadable(err.Error())
	}
	return nil
}

// Unreadable is the error of a body that will never be right.
func Unreadable(problem string) error {
	return runbook.Errorf(runbook.Invalid, "alert.bad_body", "problem", problem)
}

// deep reports whether brackets are nested deeper than maxDepth, outside of strings.
func deep(body []byte) bool {
	depth, inString := 0, false
	for i := 0; i < len(body); i++ {
		switch c := body[i]; {
		case inString && c == '\\':
			i++
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			if depth++; depth > maxDepth {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}

package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
)

// encode is JSON with every string but names passed through the redactor. Strings are replaced where they stand: a decoded and
// encoded plan would no longer have the bytes that its digest covers.
func (j *Journal) encode(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encode %T: %w", v, err)
	}
	if j.redact == nil {
		return string(b), nil
	}
	var out strings.Builder
	for i := 0; i < len(b); {
		if b[i] != '"' {
			out.WriteByte(b[i])
			i++
			continue
		}
		end := i + 1
		for ; b[end] != '"'; end++ {
			if b[end] == '\\' {
				end++
			}
		}
		literal := b[i : end+1]
		if end+1 < len(b) && b[end+1] == ':' { // a name: of a field, a parameter, a step
			out.Write(literal)
			i = end + 1
			continue
		}
		var text string
		if err := json.Unmarshal(literal, &text); err != nil {
			return "", fmt.Errorf("redact %T: %w", v, err)
		}
		if clean := j.redact(text); clean != text {
			if literal, err = json.Marshal(clean); err != nil {
				return "", fmt.Errorf("redact %T: %w", v, err)
			}
		}
		out.Write(literal)
		i = end + 1
	}
	return out.String(), nil
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

package runbook

import (
	"strings"
	"testing"
)

func TestAnswer(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		p           Param
		given, want string
		wrong       string
	}{
		"text of blanks":           {Param{Type: "text", Required: true}, " \n\t ", "", "engine.field_required"},
		"text of blanks, optional": {Param{Type: "text"}, " \n", "", ""},
		"text of blanks, default":  {Param{Type: "text", Default: "x"}, "\n", "x", ""},
		"text as it is":            {Param{Type: "text", Required: true}, "  if x\n  then y\n", "  if x\n  then y\n", ""},
		"string is trimmed":        {Param{Type: "string"}, " a b ", "a b", ""},
		"string with a hard blank": {Param{Type: "string"}, "a\u00a0b", "", "engine.field_invalid"},
		"string with a wide blank": {Param{Type: "string"}, "a\u3000b", "", "engine.field_invalid"},
		"string with a tab":        {Param{Type: "string"}, "a\tb", "", "engine.field_invalid"},
		"string with nothing":      {Param{Type: "string"}, "a\u200bb", "", "engine.field_invalid"},
		"string as it was":         {Param{Type: "string", Default: "a\tb"}, "a\tb", "a\tb", ""},
		"string as it was before":  {Param{Type: "string", Default: "a\tb "}, "a\tb ", "a\tb", ""},
		"two lines":                {Param{Type: "string"}, "a\nb", "", "engine.field_lines"},
		"too long":                 {Param{Type: "text"}, strings.Repeat("x", maxField+1), "", "engine.field_invalid"},
		"pattern of the spelling":  {Param{Type: "port", Pattern: "[1-9]+"}, "0080", "", "engine.field_invalid"},
		"spelled as the pattern":   {Param{Type: "address", Pattern: `192\.0\.2\.\d+`}, "::ffff:192.0.2.7", "192.0.2.7", ""},
		"beside the pattern":       {Param{Type: "string", Pattern: "a+"}, "ab", "", "engine.field_invalid"},
		"broken pattern":           {Param{Type: "string", Pattern: "("}, "a", "", "engine.field_invalid"},
	} {
		got, wrong := c.p.Answer(c.given)
		if wrong.ID != c.wrong || c.wrong == "" && got != c.want {
			t.Errorf("%s: %.40q, wrong %q", name, got, wrong.ID)
		}
	}
}

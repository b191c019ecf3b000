package slack

import (
	"encoding/json"
	"fmt"
	"strings"

	"unicode/utf16"
	"unicode/utf8"

	"github.com/slack-go/slack"
	"pgregory.net/rapid"
)

// units is how long s is, however Slack counts.
func units(s string) int { return max(utf8.RuneCountInString(s), len(utf16.Encode([]rune(s)))) }

// asJSON is v as Slack gets it.
func asJSON(t rapid.TB, v any) any {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// object is one JSON object of a post with what Slack says of its limits.
type object map[string]any

func (o object) str(key string) string { s, _ := o[key].(string); return s }

func (o object) obj(key string) object { m, _ := o[key].(map[string]any); return m }

func (o object) list(key string) []object {
	var out []object
	all, _ := o[key].([]any)
	for _, x := range all {
		m, _ := x.(map[string]any)
		out = append(out, m)
	}
	return out
}

// validator finds what Slack would refuse.
type validator struct {
	wrong []string
	ids   map[string]bool
	total int
}

func (v *validator) check(ok bool, format string, args ...any) {
	if !ok {
		v.wrong = append(v.wrong, fmt.Sprintf(format, args...))
	}
}

func (v *validator) length(what, s string, least, most int) {
	v.check(units(s) >= least && units(escape(s)) <= most, "%s has %d characters, not %d to %d: %.40q", what, units(s), least, most, s)
	v.check(utf8.ValidString(s) && (s == "" || strings.TrimSpace(s) != "" || s == " " || s == "  "), "%s is blank or not UTF-8: %.40q", what, s)
	v.total += units(escape(s))
}

func (v *validator) plain(what string, o object, most int) {
	v.check(o.str("type") == "plain_text" && o["emoji"] == false, "%s is not plain text: %v", what, o)
	v.length(what, o.str("text"), 1, most)
}

func (v *validator) unique(what, id string) {
	v.check(len(id) <= 255, "%s %q is longer than 255", what, id)
	v.check(id == "" || !v.ids[what+id], "%s %q stands there twice", what, id)
	v.ids[what+id] = true
}

func (v *validator) block(b object) {
	v.unique("block_id", b.str("block_id"))
	v.total += 100
	switch b.str("type") {
	case "header":
		v.plain("header", b.obj("text"), 150)
		v.check(!strings.Contains(b.obj("text").str("text"), "\n"), "header has two lines")
	case "context":
		v.check(len(b.list("elements")) > 0 && len(b.list("elements")) <= 10, "context has %d elements", len(b.list("elements")))
		for _, e := range b.list("elements") {
			v.plain("context", e, 2000)
		}
	case "actions":
		v.check(len(b.list("elements")) > 0 && len(b.list("elements")) <= 25, "%d buttons in a row", len(b.list("elements")))
		for _, e := range b.list("elements") {
			v.button(e)
		}
	case "rich_text":
		before := v.total
		v.check(len(b.list("elements")) > 0, "rich text without elements")
		for _, e := range b.list("elements") {
			v.rich(e)
		}
		v.check(v.total-before <= 3600, "a rich text block of %d characters", v.total-before)
	case "input":
		v.input(b)
	default:
		v.check(false, "block of type %q", b.str("type"))
	}
}

func (v *validator) rich(e object) {
	v.check(e.str("type") == "rich_text_section" || e.str("type") == "rich_text_preformatted", "rich text element %q", e.str("type"))
	v.check(len(e.list("elements")) > 0, "%s without elements", e.str("type"))
	for _, x := range e.list("elements") {
		switch x.str("type") {
		case "text":
			v.length("rich text", x.str("text"), 1, 3000)
		case "user":
			v.check(personID.MatchString(x.str("user_id")), "person %q", x.str("user_id"))
		case "link":
			v.check(strings.HasPrefix(x.str("url"), "https://") && x.str("text") != "", "link %v", x)
		default:
			v.check(false, "rich text element of type %q", x.str("type"))
		}
	}
}

func (v *validator) button(e object) {
	v.check(e.str("type") == "button", "element %q", e.str("type"))
	v.unique("action_id", e.str("action_id"))
	v.check(e.str("action_id") != "", "button without action_id")
	v.plain("button", e.obj("text"), 75)
	v.length("value", e.str("value"), 0, 2000)
	v.check(strings.Contains("primary danger", e.str("style")), "style %q", e.str("style"))
	c := e.obj("confirm")
	if c != nil {
		v.plain("confirm title", c.obj("title"), 100)
		v.plain("confirm text", c.obj("text"), 300)
		v.plain("confirm", c.obj("confirm"), 30)
		v.plain("deny", c.obj("deny"), 30)
	}
}

func (v *validator) input(b object) {
	v.plain("label", b.obj("label"), 2000)
	if b.obj("hint") != nil {
		v.plain("hint", b.obj("hint"), 2000)
	}
	e := b.obj("element")
	v.check(e.str("action_id") != "", "input without action_id")
	switch e.str("type") {
	case "plain_text_input":
		v.length("initial value", e.str("initial_value"), 0, 3000*6)
		v.check(units(e.str("initial_value")) <= 3000, "initial value too long")
	case "checkboxes":
		v.options(e.list("options"), 10)
	case "static_select":
		groups := e.list("option_groups")
		if len(groups) == 0 {
			v.options(e.list("options"), 100)
		}
		v.check(len(groups) <= 100, "%d groups", len(groups))
		for _, g := range groups {
			v.plain("group", g.obj("label"), 75)
			v.options(g.list("options"), 100)
		}
	default:
		v.check(false, "input element %q", e.str("type"))
	}
}

func (v *validator) options(list []object, most int) {
	v.check(len(list) > 0 && len(list) <= most, "%d options", len(list))
	for _, o := range list {
		v.plain("option", o.obj("text"), 75)
		v.length("option value", o.str("value"), 1, 75)
	}
}

// refused is what Slack would refuse of a post.
func refused(t rapid.TB, p post) []string {
	t.Helper()
	v := &validator{ids: map[string]bool{}}
	v.check(p.text != "", "no text")
	v.check(units(p.text) <= 2400 && len(p.text) <= 4000, "text of %d characters", units(p.text)) // bytes: chat.update
	v.check(!strings.Contains(p.text, "<!"), "text %q", p.text)
	if p.fileName != "" {
		v.check(len(p.blocks) == 0 && p.file != "", "a file with blocks, or an empty one")
		v.check(len(p.fileName) <= 100 && !strings.ContainsAny(p.fileName, "/\\ \n"), "file name %q", p.fileName)
		return v.wrong
	}
	v.check(len(p.blocks) > 0 && len(p.blocks) <= 50, "%d blocks", len(p.blocks))
	all, _ := asJSON(t, p.blocks).([]any)
	for _, b := range all {
		m, _ := b.(map[string]any)
		v.block(m)
	}
	raw, _ := json.Marshal(p.blocks)
	v.check(v.total <= 13000 && units(string(raw)) <= 13000, "the whole has %d characters, %d as JSON", v.total, units(string(raw)))
	return v.wrong
}

func refusedModal(t rapid.TB, m slack.ModalViewRequest) []string {
	t.Helper()
	v := &validator{ids: map[string]bool{}}
	o, _ := asJSON(t, m).(map[string]any)
	view := object(o)
	for _, key := range []string{"title", "submit", "close"} {
		v.plain(key, view.obj(key), 24)
	}
	v.check(len(view.list("blocks")) > 0 && len(view.list("blocks")) <= 100, "%d blocks", len(view.list("blocks")))
	for _, b := range view.list("blocks") {
		v.block(b)
	}
	raw, _ := json.Marshal(m)
	v.check(len(raw) < 250_000, "a modal of %d bytes", len(raw))
	return v.wrong
}

// shown is all text of a post that people read, and its file.
func shown(t rapid.TB, p post) string {
	t.Helper()
	var out strings.Builder
	var walk func(x any)
	walk = func(x any) {
		switch x := x.(type) {
		case []any:
			for _, y := range x {
				walk(y)
			}
		case map[string]any:
			for _, key := range []string{"text", "elements", "label", "hint", "element", "confirm"} {
				if s, ok := x[key].(string); ok {
					out.WriteString(s + "\n")
				} else {
					walk(x[key])
				}
			}
		}
	}
	walk(asJSON(t, p.blocks))
	return out.String() + p.file
}

package slacktest

import (
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"
)

// check collects what is wrong with blocks, in Slack's words.
type check struct {
	wrong   []string
	chars   int // of everything that people read
	tables  int
	blocks  map[string]bool // ids that are taken
	actions map[string]bool // of the block that is looked at
}

func (c *check) bad(at, format string, args ...any) {
	c.wrong = append(c.wrong, fmt.Sprintf(format, args...)+" [json-pointer:"+at+"]")
}

// refusal is the answer to wrong blocks.
func (c *check) refusal(code string) error {
	if len(c.wrong) == 0 {
		return nil
	}
	messages := make([]string, len(c.wrong))
	for i, w := range c.wrong {
		messages[i] = "[ERROR] " + w
	}
	return refusal{code: code, more: fields{"errors": c.wrong, "response_metadata": fields{"messages": messages}}}
}

// rule says what a value has to be.
type rule func(c *check, at string, v any)

// shape is an object: its fields with their rules. A name with a leading ! is required; "" is a rule for all of it.
type shape map[string]rule

func (s shape) check(c *check, at string, o map[string]any) {
	names := make([]string, 0, len(o))
	for name := range o {
		names = append(names, name)
	}
	for name := range s {
		if need, required := strings.CutPrefix(name, "!"); required {
			if _, there := o[need]; !there {
				c.bad(at, "missing required field: %s", need)
			}
		}
	}
	sort.Strings(names) // so that the messages have an order
	for _, name := range names {
		r, known := s["!"+name]
		if !known {
			r, known = s[name]
		}
		switch {
		case name == "type":
		case !known || name == "":
			c.bad(at, "invalid additional property: %s", name)
		default:
			r(c, at+"/"+name, o[name])
		}
	}
	if whole := s[""]; whole != nil {
		whole(c, at, o)
	}
}

// an is an object of one shape.
func an(s shape) rule {
	return func(c *check, at string, v any) {
		if o, ok := v.(map[string]any); ok {
			s.check(c, at, o)
		} else {
			c.bad(at, "must provide an object")
		}
	}
}

// kinds are shapes by type.
type kinds map[string]shape

// oneOf is an object of one of the types. It is a function of a table so that tables can name each other.
func oneOf(table func() kinds) rule {
	return func(c *check, at string, v any) {
		o, ok := v.(map[string]any)
		if !ok {
			c.bad(at, "must provide an object")
			return
		}
		kind, ok := o["type"].(string)
		if !ok {
			c.bad(at, "missing required field: type")
			return
		}
		s, known := table()[kind]
		if !known {
			c.bad(at+"/type", "unsupported type: %s", kind)
			return
		}
		s.check(c, at, o)
	}
}

// text is a string of so many characters.
func text(least, most int) rule {
	return func(c *check, at string, v any) {
		t, ok := v.(string)
		if !ok {
			c.bad(at, "must provide a string")
			return
		}
		switch n := utf8.RuneCountInString(t); {
		case n < least:
			c.bad(at, "must be more than %d characters", least-1)
		case n > most:
			c.bad(at, "must be less than %d characters", most+1)
		}
	}
}

// shown is text that counts for the size of a message.
func shown(least, most int) rule {
	size := text(least, most)
	return func(c *check, at string, v any) {
		if t, ok := v.(string); ok {
			c.chars += utf8.RuneCountInString(t)
		}
		size(c, at, v)
	}
}

func word(words ...string) rule {
	return func(c *check, at string, v any) {
		if t, ok := v.(string); !ok || !slices.Contains(words, t) {
			c.bad(at, "invalid value: must be one of %s", strings.Join(words, ", "))
		}
	}
}

func like(pattern, what string) rule {
	p := regexp.MustCompile(pattern)
	return func(c *check, at string, v any) {
		if t, ok := v.(string); !ok || !p.MatchString(t) {
			c.bad(at, "must be a valid %s", what)
		}
	}
}

func flag(c *check, at string, v any) {
	if _, ok := v.(bool); !ok {
		c.bad(at, "must provide a boolean")
	}
}

func number(least, most float64) rule {
	return func(c *check, at string, v any) {
		switch n, ok := v.(float64); {
		case !ok || n != float64(int64(n)):
			c.bad(at, "must provide an integer")
		case n < least:
			c.bad(at, "must be greater than or equal to %v", least)
		case n > most:
			c.bad(at, "must be less than or equal to %v", most)
		}
	}
}

// list is so many items of one kind.
func list(least, most int, item rule) rule {
	return func(c *check, at string, v any) {
		all, ok := v.([]any)
		if !ok {
			c.bad(at, "must provide an array")
			return
		}
		if len(all) < least {
			c.bad(at, "no fewer than %d items allowed", least)
		}
		if len(all) > most {
			c.bad(at, "no more than %d items allowed", most)
			return
		}
		for i, v := range all {
			item(c, fmt.Sprintf("%s/%d", at, i), v)
		}
	}
}

// textObject is plain_text, or mrkdwn too.
func textObject(least, most int, mrkdwn bool) rule {
	plain := shape{"!text": shown(least, most), "emoji": flag}
	marked := shape{"!text": shown(least, most), "verbatim": flag}
	return oneOf(func() kinds {
		if mrkdwn {
			return kinds{"plain_text": plain, "mrkdwn": marked}
		}
		return kinds{"plain_text": plain}
	})
}

func plain(most int) rule  { return textObject(1, most, false) }
func either(most int) rule { return textObject(1, most, true) }

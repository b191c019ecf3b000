package slacktest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// The limits of a message as a whole.
const (
	maxBlocks      = 50
	maxModalBlocks = 100
	maxChars       = 13000
	maxTableChars  = 10000
)

// messageBlocks checks the blocks of a message and gives every block and element the id that it lacks.
func messageBlocks(list []any) (json.RawMessage, error) {
	c := &check{blocks: map[string]bool{}}
	c.layout("/blocks", list, maxBlocks, messageKinds)
	if err := c.refusal("invalid_blocks"); err != nil {
		return nil, err
	}
	if c.chars > maxChars {
		return nil, refuse("msg_blocks_too_long")
	}
	if len(list) == 0 {
		return nil, nil
	}
	return json.Marshal(list)
}

// layout checks a list of blocks.
func (c *check) layout(at string, list []any, most int, table func() kinds) {
	if len(list) > most {
		c.bad(at, "no more than %d items allowed", most)
		return
	}
	block := oneOf(table)
	for i, b := range list {
		c.actions = map[string]bool{}
		place := fmt.Sprintf("%s/%d", at, i)
		block(c, place, b)
		o, ok := b.(map[string]any)
		if !ok {
			continue
		}
		if _, named := o["block_id"].(string); !named {
			o["block_id"] = freshID(c.blocks)
		}
	}
	if c.tables > 1 {
		c.bad(at, "only_one_table_allowed")
	}
}

func freshID(taken map[string]bool) string {
	for n := len(taken); ; n++ {
		if id := fmt.Sprintf("b%04d", n); !taken[id] {
			taken[id] = true
			return id
		}
	}
}

func blockID(c *check, at string, v any) {
	text(1, 255)(c, at, v)
	id, _ := v.(string)
	if c.blocks[id] {
		c.bad(at, "`block_id` %q already exists", id)
	}
	c.blocks[id] = true
}

func actionID(c *check, at string, v any) {
	text(1, 255)(c, at, v)
	id, _ := v.(string)
	if c.actions[id] {
		c.bad(at, "`action_id` %q already exists for another element in this block", id)
	}
	c.actions[id] = true
}

// interactive is a rule for an element, which also gets the action_id that it lacks.
func interactive(r rule) rule {
	return func(c *check, at string, v any) {
		r(c, at, v)
		o, ok := v.(map[string]any)
		if !ok || o["type"] == "image" || c.actions == nil {
			return
		}
		if _, named := o["action_id"]; !named {
			o["action_id"] = freshID(c.actions)
		}
	}
}

var webLink = like(`^(https?|mailto|slack|tel):`, "URL")

// imageFrom needs an address or a Slack file.
var imageFrom = shape{"image_url": func(c *check, at string, v any) { text(1, 3000)(c, at, v); webLink(c, at, v) },
	"slack_file": an(shape{"id": text(1, 255), "url": text(1, 3000)}), "!alt_text": text(1, 2000)}

var layouts = kinds{
	"section": {"block_id": blockID, "text": either(3000), "fields": list(1, 10, either(2000)), "accessory": interactive(oneOf(func() kinds { return accessories })), "expand": flag,
		"": func(c *check, at string, v any) {
			if o := v.(map[string]any); o["text"] == nil && o["fields"] == nil {
				c.bad(at, "must define either `fields` or `text`")
			}
		}},
	"divider": {"block_id": blockID},
	"header":  {"block_id": blockID, "!text": plain(150), "level": number(1, 6)},
	"context": {"block_id": blockID, "!elements": list(1, 10, oneOf(func() kinds { return remarks }))},
	"actions": {"block_id": blockID, "!elements": list(1, 25, interactive(oneOf(func() kinds { return actors })))},
	"image":   merged(imageFrom, shape{"block_id": blockID, "title": plain(2000)}),
	"input": {"block_id": blockID, "!label": plain(2000), "!element": interactive(oneOf(func() kinds { return inputs })), "hint": plain(2000),
		"optional": flag, "dispatch_action": flag},
	"rich_text": {"block_id": blockID, "!elements": richBlock},
	"markdown":  {"block_id": blockID, "!text": shown(1, 12000)},
	"table":     {"block_id": blockID, "!rows": table, "column_settings": list(0, 20, orNull(an(shape{"align": word("left", "center", "right"), "is_wrapped": flag})))},
	"video": {"block_id": blockID, "!alt_text": text(1, 2000), "!title": plain(199), "!thumbnail_url": webLink, "!video_url": webLink, "title_url": webLink,
		"author_name": text(0, 49), "description": plain(199), "provider_icon_url": webLink, "provider_name": text(0, 49)},
}

func messageKinds() kinds { return layouts }

func modalKinds() kinds {
	k := kinds{}
	for name, s := range layouts {
		if name != "table" && name != "markdown" {
			k[name] = s
		}
	}
	return k
}

func merged(all ...shape) shape {
	m := shape{}
	for _, s := range all {
		for k, v := range s {
			m[k] = v
		}
	}
	return m
}

// orNull lets null stand for a value.
func orNull(r rule) rule {
	return func(c *check, at string, v any) {
		if v != nil {
			r(c, at, v)
		}
	}
}

// table checks rows, of which all together are limited too.
func table(c *check, at string, v any) {
	c.tables++
	before := c.chars
	cell := oneOf(func() kinds {
		return kinds{"raw_text": {"!text": shown(1, maxTableChars)}, "raw_number": {"!value": func(*check, string, any) {}, "text": shown(0, maxTableChars)}, "rich_text": {"!elements": richBlock}}
	})
	list(1, 100, list(1, 20, cell))(c, at, v)
	if c.chars-before > maxTableChars {
		c.bad(at, "must be less than %d characters", maxTableChars+1)
	}
}

// viewArgs checks the view of a call and gives it its ids.
func viewArgs(a args) (map[string]any, error) {
	var v map[string]any
	if !a.given("view") || !a.structure("view", &v) {
		return nil, invalidArguments("[ERROR] missing required field: view")
	}
	c := &check{blocks: map[string]bool{}}
	if v["type"] != "modal" {
		c.bad("/view/type", "unsupported type: %v", v["type"])
		return nil, c.refusal("invalid_arguments")
	}
	input := false
	shape{"!title": plain(24), "submit": plain(24), "close": plain(24), "private_metadata": text(0, 3000), "callback_id": text(0, 255), "clear_on_close": flag,
		"notify_on_close": flag, "external_id": text(0, 255), "submit_disabled": flag,
		"!blocks": func(c *check, at string, v any) {
			list, ok := v.([]any)
			if !ok {
				c.bad(at, "must provide an array")
				return
			}
			c.layout(at, list, maxModalBlocks, modalKinds)
			for _, b := range list {
				if o, ok := b.(map[string]any); ok && o["type"] == "input" {
					input = true
				}
			}
		}}.check(c, "/view", v)
	if input && v["submit"] == nil {
		c.bad("/view", "missing required field: submit")
	}
	return v, c.refusal("invalid_arguments")
}

// Wrong says what Slack would refuse in blocks (a list as JSON) of a message, nil if nothing.
func Wrong(blocks json.RawMessage) error {
	var list []any
	if err := json.Unmarshal(blocks, &list); err != nil {
		return fmt.Errorf("read blocks: %w", err)
	}
	_, err := messageBlocks(list)
	var no refusal
	if errors.As(err, &no) {
		if all, ok := no.more["errors"].([]string); ok {
			return fmt.Errorf("%s: %s", no.code, strings.Join(all, "; "))
		}
	}
	return err
}

package slacktest

import (
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"slices"
	"strings"
)

// shownText is a text object, or the bare string that some blocks have in its place.
type shownText struct {
	Type, Text string
	Emoji      *bool
	Verbatim   bool
}

// UnmarshalJSON takes both forms.
func (t *shownText) UnmarshalJSON(body []byte) error {
	if len(body) > 0 && body[0] == '"' {
		return json.Unmarshal(body, &t.Text)
	}
	type bare shownText
	return json.Unmarshal(body, (*bare)(t))
}

// shownBlock is the union of what the blocks hold that the page shows.
type shownBlock struct {
	Type      string
	BlockID   string `json:"block_id"`
	Text      *shownText
	Fields    []shownText
	Accessory *shownElement
	Elements  []json.RawMessage
	Element   *shownElement
	Label     *shownText
	Hint      *shownText
	Title     *shownText
	AltText   string `json:"alt_text"`
	Level     string
	Optional  bool
	Expand    bool
	Rows      [][]richNode
}

// Inner are the elements of an actions or context block.
func (b shownBlock) Inner() []shownElement { return decodeAll[shownElement](b.Elements) }

// Rich are the elements of a rich_text block.
func (b shownBlock) Rich() []richNode { return decodeAll[richNode](b.Elements) }

func decodeAll[T any](raw []json.RawMessage) []T {
	all := make([]T, len(raw))
	for i, r := range raw {
		_ = json.Unmarshal(r, &all[i]) // what does not decode was refused when it was posted
	}
	return all
}

// shownElement is the union of the interactive elements and of what a context block holds.
type shownElement struct {
	Type               string
	ActionID           string `json:"action_id"`
	Text               *shownText
	Verbatim           bool
	Emoji              *bool
	Value, URL, Style  string
	AltText            string `json:"alt_text"`
	AccessibilityLabel string `json:"accessibility_label"`
	Confirm            *struct {
		Title, Text, Confirm, Deny *shownText
		Style                      string
	}
	Placeholder    *shownText
	Options        []shownOption
	OptionGroups   []struct{ Options []shownOption } `json:"option_groups"`
	InitialOption  *shownOption                      `json:"initial_option"`
	InitialOptions []shownOption                     `json:"initial_options"`
	InitialValue   json.RawMessage                   `json:"initial_value"`
	InitialDate    string                            `json:"initial_date"`
	InitialTime    string                            `json:"initial_time"`
	InitialUser    string                            `json:"initial_user"`
	InitialUsers   []string                          `json:"initial_users"`
	InitialChannel string                            `json:"initial_channel"`
	Multiline      bool
	MinLength      int    `json:"min_length"`
	MaxLength      int    `json:"max_length"`
	MinValue       string `json:"min_value"`
	MaxValue       string `json:"max_value"`
	FocusOnLoad    bool   `json:"focus_on_load"`
	Elements       []shownElement
}

type shownOption struct {
	Text, Description *shownText
	Value             string
}

// Chosen says whether an option is chosen from the start.
func (e shownElement) Chosen(o shownOption) bool {
	initial := slices.Concat(e.InitialUsers, []string{e.InitialUser, e.InitialChannel})
	for _, i := range e.InitialOptions {
		initial = append(initial, i.Value)
	}
	if e.InitialOption != nil {
		initial = append(initial, e.InitialOption.Value)
	}
	return slices.Contains(initial, o.Value)
}

// Selects says whether the element is a menu, Multi whether more than one thing can be chosen in it.
func (e shownElement) Selects() bool { return strings.HasSuffix(e.Type, "_select") }
func (e shownElement) Multi() bool   { return strings.HasPrefix(e.Type, "multi_") }

// Initial is the text that an input starts with.
func (e shownElement) Initial() string {
	var text string
	if json.Unmarshal(e.InitialValue, &text) != nil {
		return strings.Trim(string(e.InitialValue), "{}")
	}
	return text
}

// Input is the type of the HTML input of a one-line element.
func (e shownElement) Input() string {
	return map[string]string{"plain_text_input": "text", "rich_text_input": "text", "email_text_input": "email", "url_text_input": "url", "number_input": "number",
		"datepicker": "date", "timepicker": "time", "datetimepicker": "datetime-local"}[e.Type]
}

// blockView is a block on the page: At is what makes the names of its inputs unique there.
type blockView struct {
	names
	Block shownBlock
	At    string
}

func (n names) blocks(at string, raw json.RawMessage) []blockView {
	var all []blockView
	for i, b := range decodeAll[shownBlock](split(raw)) {
		all = append(all, blockView{n, b, fmt.Sprint(at, "/", i)})
	}
	return all
}

func split(raw json.RawMessage) []json.RawMessage {
	var all []json.RawMessage
	_ = json.Unmarshal(raw, &all) // no blocks is a message of text
	return all
}

// In is an element of the block.
func (b blockView) In(e shownElement) elementView {
	return elementView{b.names, b.Block.BlockID, e, b.At + "/" + e.ActionID}
}

type elementView struct {
	names
	Block   string
	Element shownElement
	Unique  string
}

// Choices are the options of all groups, or the people or channels that a menu of such offers.
func (n names) Choices(e shownElement) []shownOption {
	all := slices.Clone(e.Options)
	for _, g := range e.OptionGroups {
		all = append(all, g.Options...)
	}
	var from map[string]string
	switch strings.TrimPrefix(e.Type, "multi_") {
	case "users_select":
		from = n.users
	case "channels_select", "conversations_select":
		from = n.channels
	}
	for _, id := range slices.Sorted(maps.Keys(from)) {
		all = append(all, shownOption{Text: &shownText{Text: from[id]}, Value: id})
	}
	return all
}

// Shown renders a text object.
func (n names) Shown(t *shownText) template.HTML {
	switch {
	case t == nil:
		return ""
	case t.Type == "mrkdwn":
		return n.mrkdwnHTML(t.Text, t.Verbatim)
	}
	return plainHTML(t.Text, t.Emoji == nil || *t.Emoji)
}

// Remark renders one text of a context block, which is a text object itself.
func (n names) Remark(e shownElement) template.HTML {
	if e.Text == nil {
		return ""
	}
	return n.Shown(&shownText{Type: e.Type, Text: e.Text.Text, Emoji: e.Emoji, Verbatim: e.Verbatim})
}

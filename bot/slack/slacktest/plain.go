package slacktest

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
)

// Plain is everything that a person reads in a message: its blocks as text with references named, or its text where it has
// none, and the names of its files. Buttons stand as [label]; marks such as * stay.
func (s *Server) Plain(m Message) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var lines []string
	if len(m.Blocks) > 0 {
		lines = s.readBlocks(m.Blocks)
	} else if m.Text != "" {
		lines = []string{s.read(m.Text)}
	}
	for _, f := range m.Files {
		lines = append(lines, "["+f.Title+"]")
	}
	return strings.Join(lines, "\n")
}

// PlainView is the same of a modal.
func (s *Server) PlainView(v View) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := append([]string{v.Title}, s.readBlocks(v.Blocks)...)
	if v.Submit != "" {
		lines = append(lines, "["+v.Submit+"]")
	}
	return strings.Join(lines, "\n")
}

func (s *Server) readBlocks(raw json.RawMessage) []string {
	var blocks []map[string]any
	_ = json.Unmarshal(raw, &blocks) // what is kept was checked
	var lines []string
	for _, b := range blocks {
		if line := s.readBlock(b); line != "" {
			lines = append(lines, line)
		}
	}
	return lines
}

func (s *Server) readBlock(b map[string]any) string {
	join := func(with string, parts ...any) string {
		var all []string
		for _, p := range parts {
			if t := s.readAny(p); t != "" {
				all = append(all, t)
			}
		}
		return strings.Join(all, with)
	}
	elements, _ := b["elements"].([]any)
	switch b["type"] {
	case "rich_text":
		return join("\n", elements...)
	case "context", "actions":
		return join(" ", elements...)
	case "table":
		var lines []string
		rows, _ := b["rows"].([]any)
		for _, r := range rows {
			cells, _ := r.([]any)
			lines = append(lines, join(" | ", cells...))
		}
		return strings.Join(lines, "\n")
	case "markdown":
		t, _ := b["text"].(string)
		return t
	}
	fields, _ := b["fields"].([]any)
	parts := append([]any{b["title"], b["label"], b["text"]}, fields...)
	return join("\n", append(parts, b["accessory"], b["element"], b["hint"])...)
}

// readAny is a text object, an element, or a piece of rich text.
func (s *Server) readAny(v any) string {
	o, _ := v.(map[string]any)
	text, _ := o["text"].(string)
	elements, _ := o["elements"].([]any)
	switch kind, _ := o["type"].(string); kind {
	case "mrkdwn":
		return s.read(text)
	case "plain_text", "text", "raw_text", "raw_number":
		if text == "" && o["value"] != nil {
			return fmt.Sprint(o["value"])
		}
		return text
	case "link":
		if text == "" {
			text, _ = o["url"].(string)
		}
		return text
	case "user":
		id, _ := o["user_id"].(string)
		return s.read("<@" + id + ">")
	case "channel":
		id, _ := o["channel_id"].(string)
		return s.read("<#" + id + ">")
	case "broadcast":
		return "@" + fmt.Sprint(o["range"])
	case "emoji":
		return ":" + fmt.Sprint(o["name"]) + ":"
	case "date":
		return fmt.Sprint(o["fallback"])
	case "image":
		return "[" + fmt.Sprint(o["alt_text"]) + "]"
	case "button":
		return "[" + fmt.Sprint(shownIn(o, nil)) + "]"
	case "rich_text", "rich_text_list":
		return s.readAll(elements, "\n")
	case "rich_text_section", "rich_text_quote", "rich_text_preformatted":
		return s.readAll(elements, "")
	}
	var all []string
	for _, c := range choices(o) {
		option, _ := c.(map[string]any)
		all = append(all, s.readAny(option["text"]))
	}
	if initial, ok := o["initial_value"].(string); ok {
		all = append(all, initial)
	}
	if len(all) == 0 {
		return ""
	}
	return "[" + strings.Join(all, ", ") + "]"
}

func (s *Server) readAll(all []any, with string) string {
	var lines []string
	for _, e := range all {
		lines = append(lines, s.readAny(e))
	}
	return strings.Join(lines, with)
}

var control = regexp.MustCompile(`<([^<>|]+)(?:\|([^<>]*))?>`)

// read is mrkdwn as a person sees it, but for marks: references have names, links their labels.
func (s *Server) read(text string) string {
	text = control.ReplaceAllStringFunc(text, func(c string) string {
		parts := control.FindStringSubmatch(c)
		to, label := parts[1], parts[2]
		switch {
		case strings.HasPrefix(to, "@") && s.user(to[1:]) != nil:
			return "@" + s.user(to[1:]).Name
		case strings.HasPrefix(to, "#") && s.channel(to[1:], false) != nil:
			return "#" + s.channel(to[1:], false).Name
		case to == "!here", to == "!channel", to == "!everyone":
			return "@" + to[1:]
		case label != "":
			return label
		}
		return to
	})
	return unescape.Replace(text)
}

var unescape = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

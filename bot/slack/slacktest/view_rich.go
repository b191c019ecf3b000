package slacktest

import (
	"encoding/json"
	"fmt"
	"html/template"
	"strconv"
	"strings"
	"time"
)

// richNode is any node of a rich_text block, or a cell of a table. Its text has no markup: it is shown as it is.
type richNode struct {
	Type, Text, Name, URL, Range, Format, Fallback string
	Unicode                                        string
	Elements                                       []richNode
	Style                                          json.RawMessage // a word for lists, an object for text
	UserID                                         string          `json:"user_id"`
	ChannelID                                      string          `json:"channel_id"`
	Timestamp                                      int64
	Value                                          json.Number
	Indent, Offset                                 int
}

// Rich renders the elements of a rich_text block.
func (n names) Rich(nodes []richNode) template.HTML {
	var b strings.Builder
	for i := range nodes {
		n.node(&b, &nodes[i])
	}
	return template.HTML(b.String()) //nolint:gosec // node escapes all text
}

// Cell renders a cell of a table.
func (n names) Cell(r richNode) template.HTML { return n.Rich([]richNode{r}) }

func (n names) node(b *strings.Builder, r *richNode) {
	inner := func(open, end string) {
		b.WriteString(open)
		for i := range r.Elements {
			n.node(b, &r.Elements[i])
		}
		b.WriteString(end)
	}
	switch r.Type {
	case "rich_text", "rich_text_section":
		inner(`<div>`, `</div>`)
	case "rich_text_preformatted":
		inner(`<pre>`, `</pre>`)
	case "rich_text_quote":
		inner(`<blockquote>`, `</blockquote>`)
	case "rich_text_list":
		tag := "ul"
		if string(r.Style) == `"ordered"` {
			tag = "ol"
		}
		fmt.Fprintf(b, `<%s class="indent%d" start="%d">`, tag, min(r.Indent, 8), r.Offset+1)
		for i := range r.Elements {
			b.WriteString(`<li>`)
			n.node(b, &r.Elements[i])
			b.WriteString(`</li>`)
		}
		b.WriteString(`</` + tag + `>`)
	default:
		n.leaf(b, r)
	}
}

func (n names) leaf(b *strings.Builder, r *richNode) {
	var style struct{ Bold, Italic, Strike, Code, Underline bool }
	_ = json.Unmarshal(r.Style, &style) // no style is the usual case
	var end string
	for _, t := range []struct {
		on   bool
		name string
	}{{style.Bold, "b"}, {style.Italic, "i"}, {style.Strike, "s"}, {style.Underline, "u"}, {style.Code, "code"}} {
		if t.on {
			b.WriteString("<" + t.name + ">")
			end = "</" + t.name + ">" + end
		}
	}
	switch r.Type {
	case "link":
		text := r.Text
		if text == "" {
			text = r.URL
		}
		address := r.URL
		if !webAddress.MatchString(address) {
			address = ""
		}
		link(b, address, template.HTMLEscapeString(text))
	case "emoji":
		b.WriteString(template.HTMLEscapeString(pictured(r)))
	case "user":
		n.mention(b, r.UserID)
	case "channel":
		n.control(b, "<#"+r.ChannelID+">")
	case "broadcast":
		b.WriteString(`<span class="mention me">@` + template.HTMLEscapeString(r.Range) + `</span>`)
	case "usergroup":
		b.WriteString(`<span class="mention">@group</span>`)
	case "date":
		b.WriteString(template.HTMLEscapeString(formatDate(r.Timestamp, r.Format, time.Now())))
	case "text", "raw_text", "raw_number", "tag":
		if r.Text == "" {
			r.Text = r.Value.String()
		}
		b.WriteString(template.HTMLEscapeString(r.Text))
	default:
		b.WriteString(`<em class="unknown">` + template.HTMLEscapeString(r.Type) + `</em>`)
	}
	b.WriteString(end)
}

// pictured is an emoji: of its code points, of its name, or the name itself.
func pictured(r *richNode) string {
	var picture []rune
	for point := range strings.SplitSeq(r.Unicode, "-") {
		if v, err := strconv.ParseInt(point, 16, 32); err == nil {
			picture = append(picture, rune(v))
		}
	}
	if picture != nil {
		return string(picture)
	}
	if e := emojis[r.Name]; e != "" {
		return e
	}
	return ":" + r.Name + ":"
}

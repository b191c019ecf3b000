package bot

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// Parts collects what the card of a message cannot hold, as messages below it.
type Parts struct {
	Of    Message
	Show  func(Block) string // a block as people copy it
	Label func(id string, pairs ...any) string
	Rest  func(whole Message) bool // of a shortened item the part needs only what the card does not show; nil: never
	All   []Message
}

// Add makes a part of blocks, once.
func (p *Parts) Add(name string, blocks ...Block) Message {
	var content strings.Builder
	for _, b := range blocks {
		content.WriteString(b.Kind + "\x00" + b.Label + "\x00" + p.Show(b) + "\x00")
	}
	part := p.part(name, content.String())
	part.Blocks = blocks
	if part.Title = blocks[0].Label; part.Title == "" || len(blocks) > 1 {
		part.Title = p.Of.Title
	}
	if !slices.ContainsFunc(p.All, func(m Message) bool { return m.Key == part.Key }) {
		p.All = append(p.All, part)
	}
	return part
}

// AddOutput makes a part of the output of the message.
func (p *Parts) AddOutput(title string) Message {
	part := p.part("output", p.Of.Output)
	part.Title, part.Output = title, p.Of.Output
	p.All = append(p.All, part)
	return part
}

// manyParts is how many shortened blocks make one part together.
const manyParts = 4

// addShortened makes the parts of items that the card shows in part, or not at all (missing): one each, or one of all
// where they are many. It returns the part of each.
func (p *Parts) addShortened(items []*Item, missing int) []Message {
	var out []Message
	if len(items) > manyParts || missing > 1 {
		var blocks []Block
		for _, it := range items {
			blocks = append(blocks, it.Block)
		}
		return slices.Repeat([]Message{p.Add("blocks", blocks...)}, len(items))
	}
	for _, it := range items {
		out = append(out, p.addItem(it))
	}
	return out
}

func (p *Parts) addItem(it *Item) Message {
	had, name := len(p.All), kindName(it.Kind)
	whole := p.Add(name, it.Block)
	if len(p.All) == had || it.Got == 0 || p.Rest == nil || !p.Rest(whole) {
		return whole
	}
	p.All = p.All[:had]
	rest := Block{Kind: it.Kind, Label: it.Label, Text: it.tail()}
	if rest.Label != "" {
		rest.Label = "… " + rest.Label
	}
	return p.Add(name, rest)
}

func (p *Parts) part(name, content string) Message {
	return Message{Key: p.Of.Key + "#" + name + "-" + ShortHash(content), Version: 1, State: "info", Context: p.Of.Title, Of: p.Of.Key,
		Thread: true, Priority: p.Of.Priority, At: p.Of.At}
}

// ShortHash names a text by 12 hexadecimal digits.
func ShortHash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])[:12]
}

// kindName is a block's kind, for a name.
func kindName(kind string) string {
	if slices.Contains([]string{"script", "sql", "diff", "command", "env", "files", "table"}, kind) {
		return kind
	}
	return "text"
}

// name is what people call a block.
func (p *Parts) name(b Block) string {
	if b.Label != "" {
		return b.Label
	}
	return p.Label("ui.kind_" + kindName(b.Kind))
}

// extensions are the kinds of a block with the ending of their files.
var extensions = map[string]string{"script": ".sh", "command": ".sh", "sql": ".sql", "diff": ".diff"}

// FileName is the name of the file that holds a part. It has the hash of what it holds, so that it can be found.
func FileName(part Message) string {
	ending := ".txt"
	if len(part.Blocks) == 1 && extensions[part.Blocks[0].Kind] != "" {
		ending = extensions[part.Blocks[0].Kind]
	}
	return part.Key[strings.LastIndex(part.Key, "#")+1:] + ending
}

// Whole is everything that a part shows.
func Whole(part Message, show func(Block) string) string {
	if part.Output != "" {
		return strings.TrimRight(part.Output, "\n")
	}
	if len(part.Blocks) == 1 {
		return show(part.Blocks[0])
	}
	var out []string
	for _, b := range part.Blocks {
		out = append(out, strings.TrimLeft(b.Label+"\n"+show(b), "\n"))
	}
	return strings.Join(out, "\n\n")
}

// Content is the text of a block with its table, and with what label says of rows that are missing and of signs.
func Content(b Block, table string, label func(id string, pairs ...any) string) string {
	out := strings.TrimRight(b.Text, "\n")
	if table = strings.TrimRight(table, "\n"); table != "" {
		out = strings.TrimLeft(out+"\n"+table, "\n")
	}
	if len(b.Columns) > 0 && len(b.Rows) == 0 && b.More == 0 {
		out = strings.TrimLeft(b.Text+"\n"+label("ui.no_rows"), "\n")
	}
	if b.More > 0 {
		out += "\n… " + label("ui.rows_more", "n", b.More)
	}
	if legend := Legend(b, label); legend != "" {
		out += "\n" + legend
	}
	return out
}

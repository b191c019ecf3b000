package slack

import (
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"recoverbot/bot"
)

// divide returns what of m its card cannot hold.
func (r renderer) divide(m bot.Message) []bot.Message {
	if m.Thread || m.Nudge || m.Priority == bot.Ticker {
		return nil
	}
	return r.lay(m, inThread).rest
}

// extensions are the kinds of a block with the ending of their files.
var extensions = map[string]string{"script": ".sh", "command": ".sh", "sql": ".sql", "diff": ".diff"}

// kind is a block's, for a name.
func kind(k string) string {
	if slices.Contains([]string{"script", "sql", "diff", "command", "env", "files", "table"}, k) {
		return k
	}
	return "text"
}

// aside makes a part of the card, once.
func (l *layout) aside(name string, blocks ...bot.Block) bot.Message {
	var content strings.Builder
	for _, b := range blocks {
		content.WriteString(b.Kind + "\x00" + b.Label + "\x00" + l.r.content(b) + "\x00")
	}
	part := l.part(name, content.String())
	part.Blocks = blocks
	if part.Title = blocks[0].Label; part.Title == "" || len(blocks) > 1 {
		part.Title = l.m.Title
	}
	if !slices.ContainsFunc(l.rest, func(p bot.Message) bool { return p.Key == part.Key }) {
		l.rest = append(l.rest, part)
	}
	return part
}

func (l *layout) part(name, content string) bot.Message {
	return bot.Message{Key: l.m.Key + "#" + name + "-" + hash(content), Version: 1, State: "info", Of: l.m.Key, Thread: true,
		Priority: l.m.Priority, At: l.m.At}
}

// part is a message of divide: a reply in the card's thread, or a file in it. The file's name holds the hash of what it
// shows, so that it can be found.
func (r renderer) part(m bot.Message) post {
	m = bot.Cleaned(m)
	body := r.whole(m)
	label := cut(title(m), maxHeader)
	if weight(body) <= maxText {
		return post{blocks: []slack.Block{exact(keyBlock(m.Key), label, body)}, text: escape(label)}
	}
	return post{text: literal(label), fileName: fileName(m), file: body + "\n"}
}

func fileName(part bot.Message) string {
	ending := ".txt"
	if len(part.Blocks) == 1 && extensions[part.Blocks[0].Kind] != "" {
		ending = extensions[part.Blocks[0].Kind]
	}
	return part.Key[strings.LastIndex(part.Key, "#")+1:] + ending
}

// whole is everything that a part shows.
func (r renderer) whole(m bot.Message) string {
	if m.Output != "" {
		return strings.TrimRight(m.Output, "\n")
	}
	if len(m.Blocks) == 1 {
		return r.content(m.Blocks[0])
	}
	var out []string
	for _, b := range m.Blocks {
		out = append(out, strings.TrimLeft(b.Label+"\n"+r.content(b), "\n"))
	}
	return strings.Join(out, "\n\n")
}

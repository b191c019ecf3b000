package slack

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"

	"github.com/slack-go/slack"

	"recoverbot/bot"
)

// renderer turns messages into posts. It is pure: the same message always gives the same post.
//
// Text stands in plain_text and rich_text alone: what stands there is shown and copied as it is, with nothing to escape
// and no fence to break out of, which mrkdwn cannot give (":x:" and "*" have no escape there). Every client has both.
type renderer struct {
	label     func(id string, pairs ...any) string
	userID    func(name string) string // "" for a person without a Slack id
	permalink func(ref bot.Ref) string // of a card in the channel; "" unknown
}

// post is one message of Slack, within all of its limits. A file has no blocks.
type post struct {
	blocks   []slack.Block
	text     string // for notifications and for clients without blocks
	fileName string
	file     string
}

// card is m as a message of its own, to post or to edit.
func (r renderer) card(m bot.Message) post {
	where := inThread
	if m.Priority == bot.Ticker { // a card that still moves would leave a file behind at each edit
		where = inConsole
	}
	return r.lay(m, where).post()
}

// nudge buzzes the people of m and leads them to its card.
func (r renderer) nudge(m bot.Message) post {
	m = bot.Cleaned(m)
	line := r.line(m)
	parts := append(r.mentions(m), text(line))
	p := post{text: escape(line)}
	if ids := r.mentioned(m); ids != "" {
		p.text = ids + " " + p.text
	}
	if url := r.permalink(m.OfRef); url != "" {
		open := r.label("ui.slack_open")
		parts = append(parts, text(" "), slack.NewRichTextSectionLinkElement(url, open, nil))
		p.text += " <" + escape(url) + "|" + escape(open) + ">"
	}
	p.blocks = []slack.Block{slack.NewRichTextBlock(keyBlock(m.Key), slack.NewRichTextSection(parts...))}
	return p
}

// line is m in short.
func (r renderer) line(m bot.Message) string {
	line := title(m)
	if c := r.context(m); c != "" {
		line += " — " + c
	}
	return cut(line, maxNotification)
}

// notification is what a phone shows of m.
func (r renderer) notification(m bot.Message) string {
	line := escape(r.line(m))
	if ids := r.mentioned(m); ids != "" {
		line += " " + ids
	}
	return line
}

func title(m bot.Message) string {
	if t := strings.TrimSpace(m.Emoji + " " + m.Title); t != "" {
		return t
	}
	return "…"
}

var running = regexp.MustCompile(`\d{1,3}:\d\d(:\d\d)?`)

// between separates the parts of a Context.
const between = " · "

// context is m's, with a running time as the time of day since when it runs: a post that nobody edits stays true. It is
// in the company's zone, like every other time on the card.
func (r renderer) context(m bot.Message) string {
	parts := strings.Split(m.Context, between)
	if m.Since.IsZero() {
		return m.Context
	}
	for i, part := range parts {
		if at := running.FindStringIndex(part); at != nil {
			id := "ui.slack_since"
			if m.At.Sub(m.Since) > sameDay {
				id = "ui.slack_since_day"
			}
			parts[i] = r.label(id, "what", strings.TrimSpace(part[:at[0]]), "at", m.Since) + part[at[1]:]
			break
		}
	}
	return strings.Join(parts, between)
}

// personID is the form of Slack's ids: one wrong id and Slack refuses the whole post.
var personID = regexp.MustCompile(`^[UW][A-Z0-9_]{0,30}$`)

func (r renderer) people(m bot.Message) []string {
	var ids []string
	for _, name := range m.Notify {
		if id := r.userID(name); personID.MatchString(id) && len(ids) < maxMentions {
			ids = append(ids, id)
		}
	}
	return ids
}

// mentions buzz the people of m when the post is new.
func (r renderer) mentions(m bot.Message) []slack.RichTextSectionElement {
	var out []slack.RichTextSectionElement
	for _, id := range r.people(m) {
		out = append(out, slack.NewRichTextSectionUserElement(id, nil), text(" "))
	}
	return out
}

func (r renderer) mentioned(m bot.Message) string {
	ids := r.people(m)
	for i, id := range ids {
		ids[i] = "<@" + id + ">"
	}
	return strings.Join(ids, " ")
}

// keyBlock is the block_id of the first block of the post of key.
func keyBlock(key string) string {
	const longest, head = 255, 200
	if len(key) <= longest {
		return key
	}
	return strings.ToValidUTF8(key[:head], "") + "#" + hash(key)
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])[:12]
}

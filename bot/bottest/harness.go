package bottest

import (
	"testing"
	"time"

	"recoverbot/bot"
)

// Harness lets Exercise stand where people stand: in front of the platform's client. All of its methods fail the test
// themselves when the client cannot do what is asked. People are called ops1, ops2, …: their names in the fleet.
type Harness interface {
	Platform() bot.Platform
	// Seen is the text that any person sees under key now, and how many posts of that key there are (0: none).
	Seen(t *testing.T, key string) (text string, posts int)
	// Say and Press let user write a line, or press the button of key that has this choice, and return what that person
	// was answered in private.
	Say(t *testing.T, user, text string) string
	Press(t *testing.T, user, key, choice string) string
	// Private is everything that user was told in private, or sees, beyond the posts.
	Private(t *testing.T, user string) string
}

// Account is implemented by harnesses of platforms that call people otherwise than the fleet does.
type Account interface {
	// UserID is the Inbound.UserID of the person of that name.
	UserID(name string) string
}

// Redeliverer is implemented by harnesses of platforms whose service delivers an event again when it is in doubt.
type Redeliverer interface {
	// Redeliver delivers the event of the newest Say or Press once more, with the same id, whether the platform runs since
	// then or was started anew. It returns when the platform has confirmed it.
	Redeliver(t *testing.T)
}

// Threader is implemented by harnesses of platforms that are a bot.Divider.
type Threader interface {
	// Below is what people see below the newest post of key, a text a post, in the order of the posts; a file is one with
	// all of its contents.
	Below(t *testing.T, key string) []string
}

// Carrier is implemented by harnesses of platforms that are a bot.Mover.
type Carrier interface {
	// Carry makes the chat become another one while the platform runs, and returns when the platform knows. False: this chat
	// stays where it is.
	Carry(t *testing.T) bool
}

// Buzzer is implemented by harnesses of platforms that are a bot.Mentioner.
type Buzzer interface {
	// Buzzed is whom the newest post of key mentions so that their phones buzz, by name and sorted, and the key of the post
	// that it leads to, by a link, as a reply or from its thread ("": nowhere).
	Buzzed(t *testing.T, key string) (people []string, card string)
}

// Card is a message with everything that a platform may have to show.
func Card(key string, version int64) bot.Message {
	return bot.Message{
		Key: key, Version: version, RunID: "r1", State: "waiting", Emoji: "🟡", Title: "5/12 Take 192.0.2.21 off the domain list",
		Context: "down 04:02 · would lose 1 h 11 min", Lines: []string{"on standby, database speed (document line 3.3)"},
		Blocks: []bot.Block{
			{Kind: "sql", Text: "begin; update speed.t_app_dns set status=2 where ip='192.0.2.21' and status=1;"},
			{Kind: "table", Label: "matches 2 rows now", Columns: []string{"id", "domain", "status"},
				Rows: [][]string{{"3", "a.example.com", "1 → 2"}, {"9", "img.example.com", "1 → 2"}}, Marks: []string{"match", "match"}},
		},
		Buttons: []bot.Button{{Label: "Approve", Choice: "approve", Action: "opaque-approve", Style: "primary"},
			{Label: "Skip", Choice: "skip", Action: "opaque-skip"}},
		Code: "3f2a", At: time.Date(2026, 11, 22, 3, 14, 20, 0, time.UTC),
	}
}

// account is the Inbound.UserID of the person of that name.
func account(h Harness, name string) string {
	if a, ok := h.(Account); ok {
		return a.UserID(name)
	}
	return name
}

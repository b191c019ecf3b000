package telegramtest

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"time"
)

// User is a person. Name is the username and the first name.
type User struct {
	ID       int64
	Name     string
	Language string // language_code, default en
	Blocked  bool   // has blocked the bot
	Started  bool   // has a private chat with the bot; else the bot cannot write to them
}

// Chat is a chat that the bot can know. Its type is by default private for the id of a person, else what the id says:
// supergroup below -1000000000000, group above.
type Chat struct {
	ID         int64
	Type       string // private, group, supergroup, channel
	Title      string
	Members    []int64 // ids of people; nil: everybody
	Admin      bool    // the bot is an administrator, and sees every message
	BotAbsent  bool    // the bot was never a member
	Kicked     bool    // the bot was removed
	Forum      bool    // has topics
	Topics     []Topic
	MigratedTo int64 // a group that became this supergroup
}

// Topic is a topic of a forum, beside General, which has no id.
type Topic struct {
	ID     int // message_thread_id, at least 2
	Name   string
	Closed bool
}

// Message is one message as it stands now.
type Message struct {
	Chat     int64
	ID       int
	Thread   int   // message_thread_id; 0: none or General
	From     int64 // the bot's or a person's id
	At       time.Time
	Text     string // as people see it, without markup; the caption of a document
	HTML     string // as the bot sent it
	Entities []Entity
	Keyboard [][]Button // inline
	// ForceReply opens the reply box of those who are meant: with Selective those mentioned in Text and the author of the
	// message that it replies to, else everybody.
	ForceReply, Selective bool
	Placeholder           string
	ReplyTo               int // id of a message of the same chat
	Document              *File
	Silent                bool   // disable_notification
	Service               string // such as migrate_to_chat_id: no message of anybody
	Edited                int    // how many times
	Deleted               bool
	editedAt              time.Time
	topic                 bool // Thread is a topic, not the root of replies
	more                  fields
}

// Button is one button of an inline keyboard.
type Button struct {
	Text string `json:"text"`
	Data string `json:"callback_data,omitempty"`
	URL  string `json:"url,omitempty"`
}

// Entity is a part of a text, in UTF-16 units.
type Entity struct {
	Type     string `json:"type"`
	Offset   int    `json:"offset"`
	Length   int    `json:"length"`
	URL      string `json:"url,omitempty"`
	User     *user  `json:"user,omitempty"` // of a text_mention
	Language string `json:"language,omitempty"`
}

// File is a document.
type File struct {
	ID, Name, Type string
	Content        []byte
	Path           string // below /file/bot<token>/
}

// Toast is an answer to a press: a line above the chat, or with Alert a box.
type Toast struct {
	Query string // the callback query's id
	Text  string // "" only ends the spinner
	Alert bool
	URL   string
	At    time.Time
}

// Command is an entry of the menu of commands.
type Command struct {
	Command     string `json:"command"`
	Description string `json:"description"`
}

type world struct {
	chats    []*Chat
	users    []*User
	messages []*Message // of all chats, in order
	files    []*File
	counters map[int64]int // last message id: groups and private chats share one
	presses  []*press
	commands map[string][]Command // by scope and language
}

// press is a callback query.
type press struct {
	id       string
	user     int64
	at       time.Time
	answered bool
	toast    Toast
}

func (w *world) fill(o Options) {
	w.counters, w.commands = map[int64]int{}, map[string][]Command{}
	for _, u := range o.Users {
		orElse(&u.Language, "en")
		w.users = append(w.users, &u)
	}
	for _, c := range o.Chats {
		c.Members = slices.Clone(c.Members)
		w.addChat(&c)
	}
}

func (w *world) addChat(c *Chat) {
	switch {
	case c.Type != "":
	case c.ID > 0:
		c.Type = "private"
	case c.ID < -1000000000000:
		c.Type = "supergroup"
	default:
		c.Type = "group"
	}
	if u := w.user(strconv.FormatInt(c.ID, 10)); c.Type == "private" && u != nil {
		u.Started = true
	}
	w.chats = append(w.chats, c)
	w.arrange(c, c.Topics)
}

// arrange gives a forum its topics. The id of one is that of the message that made it, so later messages count on from there.
func (w *world) arrange(c *Chat, topics []Topic) {
	c.Topics = slices.Clone(topics)
	for _, t := range topics {
		w.counters[c.ID] = max(w.counters[c.ID], t.ID)
	}
}

// user finds a person by name or id.
func (w *world) user(who string) *User {
	for _, u := range w.users {
		if u.Name == who || strconv.FormatInt(u.ID, 10) == who {
			return u
		}
	}
	return nil
}

func (w *world) userByID(id int64) *User { return w.user(strconv.FormatInt(id, 10)) }

// chat finds a chat, and makes the private chat of a person when it is first needed.
func (w *world) chat(id int64) *Chat {
	for _, c := range w.chats {
		if c.ID == id {
			return c
		}
	}
	if w.userByID(id) == nil {
		return nil
	}
	c := &Chat{ID: id, Type: "private"}
	w.chats = append(w.chats, c)
	return c
}

func (c *Chat) has(user int64) bool {
	if c.Type == "private" {
		return c.ID == user
	}
	return c.Members == nil || slices.Contains(c.Members, user)
}

func (c *Chat) group() bool { return c.Type == "group" || c.Type == "supergroup" }

func (c *Chat) topic(id int) *Topic {
	for i := range c.Topics {
		if c.Topics[i].ID == id {
			return &c.Topics[i]
		}
	}
	return nil
}

func (w *world) message(chat int64, id int) *Message {
	for _, m := range w.messages {
		if m.Chat == chat && m.ID == id && !m.Deleted {
			return m
		}
	}
	return nil
}

// queryID is an id as callback queries have: 19 digits that nobody guesses.
func queryID() string {
	return strconv.FormatUint(1e18+rand.Uint64N(8e18), 10)
}

// post adds a message; s.mu is held.
func (s *Server) post(m *Message) {
	c := s.chat(m.Chat)
	var counter int64
	if c.Type == "supergroup" || c.Type == "channel" {
		counter = c.ID
	}
	s.counters[counter]++
	m.ID, m.At = s.counters[counter], s.opts.Clock()
	if to := s.message(m.Chat, m.ReplyTo); to != nil {
		switch {
		case m.Thread != 0:
		case to.topic:
			m.Thread = to.Thread
		case c.Type == "supergroup" && !c.Forum:
			m.Thread = to.ID
			if to.Thread != 0 {
				m.Thread = to.Thread
			}
		}
	}
	m.topic = c.Forum && m.Thread != 0
	s.messages = append(s.messages, m)
	s.change()
}

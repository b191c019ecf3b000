package slacktest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// User is a person, or the bot's own user.
type User struct {
	ID, Name string
	RealName string // default Name
	Locale   string // such as en-US; default en-US
	Bot      bool
	Deleted  bool
}

// Channel is a channel of the workspace. Members nil: everybody, the bot too.
type Channel struct {
	ID, Name string
	Members  []string // ids of users
	Private  bool
	Archived bool
	im       string // the other person of a conversation with the bot
}

// Message is one message as it stands now.
type Message struct {
	Channel   string
	TS        string
	ThreadTS  string
	User      string // who posted it: a user's id
	BotID     string
	Text      string // as sent: escaped, with <@U…> for people
	Blocks    json.RawMessage
	Metadata  json.RawMessage // {"event_type": …, "event_payload": {…}}, nil without
	Files     []File
	Edited    int // how many times
	Deleted   bool
	Ephemeral string // the user who alone sees it
	Broadcast bool   // a reply that the channel sees too
	edited    string // when
}

// File is an upload, completed or not.
type File struct {
	ID, Name, Title string
	Snippet         string // snippet_type
	Content         []byte
	Channel, Thread string // where it was shared; "" nowhere
	size            int64
	uploaded        bool
	secret, ts      string // of its upload URL; of the message that shares it
	at              time.Time
}

type world struct {
	channels []*Channel
	users    []*User
	messages []*Message // all channels, in order; ephemerals too
	files    []*File
	last     time.Time // of the newest ts
	ids      int
	forms    map[string][]*view // stacks of open modals by user
	triggers map[string]*trigger
	answers  map[string]*answer // response URLs by their secret
}

func (w *world) fill(o Options) {
	w.forms, w.triggers, w.answers = map[string][]*view{}, map[string]*trigger{}, map[string]*answer{}
	users := append(slices.Clone(o.Users), User{ID: o.BotUser, Name: o.BotName, Bot: true})
	for _, u := range users {
		if u.RealName == "" {
			u.RealName = u.Name
		}
		if u.Locale == "" {
			u.Locale = "en-US"
		}
		w.users = append(w.users, &u)
	}
	for _, c := range o.Channels {
		if c.Members == nil {
			for _, u := range users {
				c.Members = append(c.Members, u.ID)
			}
		}
		w.channels = append(w.channels, &c)
	}
}

// id is a new id: a letter and digits, as Slack's are.
func (w *world) id(prefix string) string {
	w.ids++
	return fmt.Sprintf("%s%09d", prefix, w.ids)
}

// stamp is a new ts: seconds and microseconds, never the same twice and always rising.
func (s *Server) stamp() string {
	t := s.opts.Clock().Truncate(time.Microsecond)
	if !t.After(s.last) {
		t = s.last.Add(time.Microsecond)
	}
	s.last = t
	return fmt.Sprintf("%d.%06d", t.Unix(), t.Nanosecond()/1000)
}

func (w *world) user(id string) *User {
	for _, u := range w.users {
		if u.ID == id || u.Name == id {
			return u
		}
	}
	return nil
}

// channel finds a channel by id; with names also by name, with or without #.
func (w *world) channel(id string, names bool) *Channel {
	for _, c := range w.channels {
		if c.ID == id || names && c.im == "" && c.Name == strings.TrimPrefix(id, "#") {
			return c
		}
	}
	return nil
}

func (w *world) message(channel, ts string) *Message {
	for _, m := range w.messages {
		if m.Channel == channel && m.TS == ts {
			return m
		}
	}
	return nil
}

// im is the conversation of the bot with a person, made when it is first needed.
func (s *Server) im(user string) *Channel {
	for _, c := range s.channels {
		if c.im == user {
			return c
		}
	}
	c := &Channel{ID: s.id("D"), Members: []string{user, s.opts.BotUser}, im: user}
	s.channels = append(s.channels, c)
	return c
}

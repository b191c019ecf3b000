package slack

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"recoverbot/bot"
)

// maxWork is how many presses and forms are worked on at once, and how many of everything else; more are refused, and Slack
// delivers them again.
const maxWork = 64

// session is one Run as it is seen by what comes in.
type session struct {
	in bot.Inbox
	// start runs f, which works on what, beside everything else. False: too much is under way, or Run is ending.
	start func(what any, f func(context.Context)) bool
}

// newSession makes a session and the function that ends it: it waits for what was started.
func newSession(ctx context.Context, in bot.Inbox, log *slog.Logger) (*session, func()) {
	var mu sync.Mutex
	var work sync.WaitGroup
	ended, presses, others := false, make(chan struct{}, maxWork), make(chan struct{}, maxWork)
	start := func(what any, f func(context.Context)) bool {
		slots := others
		if _, press := what.(slack.InteractionCallback); press {
			slots = presses
		}
		mu.Lock()
		defer mu.Unlock()
		if ended {
			return false
		}
		select {
		case slots <- struct{}{}:
		default:
			return false
		}
		work.Go(func() {
			defer func() {
				if r := recover(); r != nil {
					log.Error("handling what came from Slack panicked", "panic", fmt.Sprint(r))
				}
				<-slots
			}()
			f(ctx)
		})
		return true
	}
	return &session{in: in, start: start}, func() {
		mu.Lock()
		ended = true
		mu.Unlock()
		work.Wait()
	}
}

// delivery is one thing that Slack delivers, by Socket Mode or by HTTP.
type delivery struct {
	id   string          // Slack's id of this delivery; "" by HTTP
	what any             // eventBody, slack.SlashCommand or slack.InteractionCallback
	ack  func(any) error // confirms it, once, with a payload or nil
}

// eventBody is what the bot reads of an event.
type eventBody struct {
	Type      string `json:"type"`
	Challenge string `json:"challenge"`
	TeamID    string `json:"team_id"`
	EventID   string `json:"event_id"`
	Event     struct {
		Type         string `json:"type"`
		Subtype      string `json:"subtype"`
		User         string `json:"user"`
		Team         string `json:"team"`
		UserTeam     string `json:"user_team"` // where Team is not the person's own
		BotID        string `json:"bot_id"`
		Text         string `json:"text"`
		Channel      string `json:"channel"`
		ChannelType  string `json:"channel_type"`
		TS           string `json:"ts"`
		ThreadTS     string `json:"thread_ts"`
		ParentUserID string `json:"parent_user_id"`
		Edited       any    `json:"edited"`
	} `json:"event"`
}

// heard is what a delivery says: the utterance, where it is answered, and the response_url, which is never kept.
type heard struct {
	in   bot.Inbound
	at   origin
	hook string
}

// take works on one delivery: it is kept, confirmed and handled, in this order.
func (s *Slack) take(ctx context.Context, in bot.Inbox, d delivery) {
	switch what := d.what.(type) {
	case eventBody:
		if h, ok := s.fromEvent(ctx, what, d.id); ok {
			s.hear(ctx, in, d, h)
			return
		}
	case slack.SlashCommand:
		if h, ok := s.fromCommand(what, d.id); ok {
			s.hear(ctx, in, d, h)
			return
		}
	case slack.InteractionCallback:
		switch {
		case s.foreign(what.Team.ID):
		case what.Type == slack.InteractionTypeBlockActions:
			s.press(ctx, in, d, what)
			return
		case what.Type == slack.InteractionTypeViewSubmission:
			s.submit(ctx, in, d, what)
			return
		}
	}
	s.confirm(d, nil)
}

// hear keeps, confirms, handles and answers, where whoever said it does not say too much.
func (s *Slack) hear(ctx context.Context, in bot.Inbox, d delivery, h heard) {
	a, leave := s.crowd.enter(h.in, s.c.Known(h.in.UserID), s.c.Clock())
	var r bot.Reply
	defer func() { leave(r) }()
	if a != admitted {
		s.confirm(d, nil)
		if a == tooMany {
			s.tell(ctx, h, bot.Reply{Text: s.label("slack.too_many"), Refused: true})
		}
		return
	}
	fresh, err := s.keep(ctx, in, h)
	if err != nil {
		if ctx.Err() == nil { // else the next process gets it
			s.confirm(d, nil)
			s.tell(ctx, h, bot.Reply{Text: s.label("slack.not_kept"), Refused: true})
		}
		return
	}
	s.confirm(d, nil)
	if fresh {
		r = in.Handle(ctx, h.in)
		s.tell(ctx, h, r)
	}
}

func (s *Slack) keep(ctx context.Context, in bot.Inbox, h heard) (bool, error) {
	keeping, cancel := context.WithTimeout(ctx, s.pace.keep)
	defer cancel()
	fresh, err := in.Keep(keeping, h.in)
	if err != nil && ctx.Err() == nil {
		s.log.Error("what came from Slack could not be kept", "id", h.in.ID, "error", err)
	}
	return fresh, err
}

func (s *Slack) confirm(d delivery, payload any) {
	if err := d.ack(payload); err != nil {
		s.log.Warn("a delivery could not be confirmed; Slack sends it again", "error", s.scrub(err))
	}
}

// tell answers what was just heard.
func (s *Slack) tell(ctx context.Context, h heard, r bot.Reply) {
	if err := s.answer(ctx, h.in, h.at, h.hook, r); err != nil && ctx.Err() == nil {
		s.log.Warn("answer could not be given", "id", h.in.ID, "error", err)
	}
}

// foreign tells whether an event is of another workspace.
func (s *Slack) foreign(team string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return team != "" && s.self.team != "" && team != s.self.team
}

// fromEvent reads what is meant for the bot: a mention, a direct message, a reply below one of its cards.
func (s *Slack) fromEvent(ctx context.Context, b eventBody, id string) (heard, bool) {
	s.mu.Lock()
	me := s.self
	s.mu.Unlock()
	e := b.Event
	if s.foreign(b.TeamID) || e.User == "" || e.User == me.user || e.BotID != "" || e.Edited != nil ||
		(e.Subtype != "" && e.Subtype != "thread_broadcast") {
		return heard{}, false
	}
	mine := mention(me.user)
	h := heard{at: origin{Channel: e.Channel, Thread: e.ThreadTS}}
	switch {
	case e.Type == "app_mention", e.Type == "message" && (e.ChannelType == "im" || direct(e.Channel)):
	case e.Type != "message" || e.ThreadTS == "" || e.ThreadTS == e.TS || mine.MatchString(e.Text):
		return heard{}, false // a mention comes as an app_mention as well
	case e.ParentUserID != "" && e.ParentUserID != me.user:
		return heard{}, false
	default:
		if home, err := s.home(ctx); err != nil || e.Channel != home {
			return heard{}, false
		}
		h.in.Casual = true
	}
	text := typed(mine.ReplaceAllString(e.Text, " "))
	if text == "" {
		if h.in.Casual {
			return heard{}, false
		}
		text = "/recover"
	}
	unique := "event-" + b.EventID
	if b.EventID == "" {
		unique = eventID("event", id, e.Channel, e.TS)
	}
	return h.from(s.c.Clock(), s.person(cmp.Or(e.UserTeam, e.Team), e.User), unique, bot.Inbound{Text: text}), true
}

func (s *Slack) fromCommand(c slack.SlashCommand, id string) (heard, bool) {
	if s.foreign(c.TeamID) || c.UserID == "" {
		return heard{}, false
	}
	h := heard{at: origin{Channel: c.ChannelID}, hook: c.ResponseURL}
	return h.from(s.c.Clock(), c.UserID, eventID("command", id, c.TriggerID), bot.Inbound{Text: strings.TrimSpace("/recover " + typed(c.Text))}), true
}

// from completes h with who said in.
func (h heard) from(now time.Time, user, id string, in bot.Inbound) heard {
	in.Platform, in.UserID, in.ID, in.Origin, in.Casual = "slack", user, id, h.at.String(), h.in.Casual
	in.At = now
	h.in = in
	return h
}

// eventID makes an id of what Slack sends alike in every delivery of one event; the delivery's own id serves only where
// that is empty. It is a hash, since a trigger_id is a key to the person's screen.
func eventID(kind, delivery string, parts ...string) string {
	if strings.Join(parts, "") == "" {
		parts = []string{delivery}
	}
	if strings.Join(parts, "") == "" { // nothing tells it from others: better twice than not at all
		parts = []string{rand.Text()}
	}
	body, _ := json.Marshal(parts) // strings can always be encoded
	sum := sha256.Sum256(body)
	return kind + "-" + hex.EncodeToString(sum[:16])
}

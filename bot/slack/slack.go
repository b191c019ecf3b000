package slack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/slack-go/slack"

	"recoverbot/bot"
)

// Slack is the platform "slack".
type Slack struct {
	c      Config
	log    *slog.Logger
	api    *slack.Client
	client *http.Client
	r      renderer
	pace   pace
	crowd  crowd

	mu      sync.Mutex
	self    self
	channel string        // id of the configured channel, "" until it was resolved
	session *session      // nil while Run does not run
	private []bot.Message // the last cards that one person alone was shown: Slack does not say which one a press came from
}

// pace is how long things may take; tests shorten it.
type pace struct {
	every   time.Duration // between two posts or edits
	call    time.Duration // one call of the Web API
	keep    time.Duration // journaling what was received: Slack waits 3 s for the confirmation
	ack     time.Duration // handing over a confirmation
	submit  time.Duration // handling a form before its confirmation, so that a refusal shows in the form
	modal   time.Duration // opening a form: its trigger lives 3 s
	ping    time.Duration // without a ping of the server for so long, the connection is dead
	auth    time.Duration // between two looks whether the token still works
	retry   time.Duration // the first pause before connecting again
	longest time.Duration // the longest
	rate    time.Duration // to wait after a 429 that does not say how long
}

var usual = pace{
	every: 1200 * time.Millisecond, call: 10 * time.Second, keep: 1500 * time.Millisecond, ack: time.Second, submit: 2300 * time.Millisecond, modal: 2500 * time.Millisecond,
	ping: 30 * time.Second, auth: 5 * time.Minute, retry: time.Second, longest: 30 * time.Second, rate: 5 * time.Second,
}

// self is who the bot is, as auth.test says.
type self struct {
	team, user, bot, name, url string
	organisation               bool // of several workspaces
}

var (
	_ bot.Platform  = (*Slack)(nil)
	_ bot.Finder    = (*Slack)(nil)
	_ bot.Limiter   = (*Slack)(nil)
	_ bot.Mentioner = (*Slack)(nil)
	_ bot.Divider   = (*Slack)(nil)
	_ bot.Answerer  = (*Slack)(nil)
)

// New makes the platform and calls nobody yet. Its errors name the key of the settings that is wrong.
func New(c Config) (*Slack, error) { return newSlack(c, usual) }

func newSlack(c Config, p pace) (*Slack, error) {
	switch {
	case c.BotToken == "":
		return nil, errors.New("SLACK_BOT_TOKEN is empty")
	case c.Channel == "":
		return nil, errors.New("SLACK_CHANNEL is empty")
	case c.AppToken == "" && c.SigningSecret == "":
		return nil, errors.New("SLACK_APP_TOKEN and SLACK_SIGNING_SECRET are empty: one of them is needed to hear people")
	case c.Label == nil:
		return nil, errors.New("slack.Config.Label is nil")
	}
	if c.APIURL == "" {
		c.APIURL = slack.APIURL
	}
	if u, err := url.Parse(c.APIURL); err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, errors.New("SLACK_API_URL is no http or https URL")
	}
	if !strings.HasSuffix(c.APIURL, "/") {
		c.APIURL += "/"
	}
	if c.Language != "zh" {
		c.Language = "en"
	}
	if c.Client == nil {
		c.Client = &http.Client{Transport: bot.Lively()}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Render == nil {
		c.Render = func(string, string) (bot.Message, bool) { return bot.Message{}, false }
	}
	if c.UserID == nil {
		c.UserID = func(string) string { return "" }
	}
	if c.Known == nil {
		c.Known = func(string) bool { return true }
	}
	if c.AppToken == "" { // nothing else tells that the token was revoked
		p.auth = min(p.auth, time.Minute)
	}
	s := &Slack{c: c, log: c.Log, pace: p}
	client := *c.Client
	if client.Timeout == 0 {
		client.Timeout = 2 * p.call // what no call bounds by itself: apps.connections.open
	}
	if client.Transport == nil {
		client.Transport = http.DefaultTransport
	}
	client.Transport = bearer{base: c.APIURL, token: c.BotToken, next: client.Transport}
	s.api = slack.New(c.BotToken, slack.OptionAppLevelToken(c.AppToken), slack.OptionAPIURL(c.APIURL), slack.OptionHTTPClient(&client))
	s.client = &client
	s.r = renderer{label: s.label, userID: c.UserID, permalink: s.permalink}
	return s, nil
}

// bearer names the bot in the header of each call of the Web API too: the library writes the token into the body, where
// not every server that speaks Slack's language looks for it.
type bearer struct {
	base, token string
	next        http.RoundTripper
}

func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Header.Get("Authorization") == "" && strings.HasPrefix(r.URL.String(), b.base) {
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+b.token)
	}
	return b.next.RoundTrip(r)
}

// Name is "slack".
func (s *Slack) Name() string { return "slack" }

// Every is a little more than a second: Slack takes one message a second in a channel, and 50 edits a minute.
func (s *Slack) Every() time.Duration { return s.pace.every }

// Mentions is true: an edit buzzes nobody.
func (s *Slack) Mentions() bool { return true }

// Divide returns what of m its card cannot hold, for the card's thread.
func (s *Slack) Divide(m bot.Message) []bot.Message { return s.r.divide(m) }

func (s *Slack) label(id string, pairs ...any) string { return s.c.Label(s.c.Language, id, pairs...) }

// Run hears people until ctx ends, then waits for what they began. It ends earlier only by a *bot.Fault: a token that
// Slack refuses.
func (s *Slack) Run(ctx context.Context, in bot.Inbox) error {
	if err := s.again(ctx, in, func(ctx context.Context) (bool, error) { return false, s.introduce(ctx) }); err != nil || ctx.Err() != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	session, end := newSession(ctx, in, s.log)
	s.mu.Lock()
	s.session = session
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		s.session = nil
		s.mu.Unlock()
		cancel()
		end()
	}()
	faults := make(chan error, 2)
	var parts sync.WaitGroup
	parts.Go(func() { defer cancel(); faults <- s.watch(ctx, in) })
	if s.c.AppToken != "" {
		parts.Go(func() { defer cancel(); faults <- s.listen(ctx, session) })
	}
	parts.Wait()
	close(faults)
	for err := range faults {
		if err != nil {
			return err
		}
	}
	return nil
}

// introduce asks Slack who the bot is, which also tells whether the token works.
func (s *Slack) introduce(ctx context.Context) error {
	return s.call(ctx, authMethod, s.pace.call, func(ctx context.Context) error {
		who, err := s.api.AuthTestContext(ctx)
		if err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.self = self{team: who.TeamID, user: who.UserID, bot: who.BotID, name: who.User, url: who.URL, organisation: who.EnterpriseID != ""}
		return nil
	})
}

// whoami is who the bot is; it asks once.
func (s *Slack) whoami(ctx context.Context) (self, error) {
	s.mu.Lock()
	who := s.self
	s.mu.Unlock()
	if who.user != "" {
		return who, nil
	}
	if err := s.introduce(ctx); err != nil {
		return self{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.self, nil
}

// watch notices a token that was revoked; without Socket Mode it also tells how the connection fares.
func (s *Slack) watch(ctx context.Context, in bot.Inbox) error {
	alone := s.c.AppToken == ""
	if alone {
		in.Report(nil)
	}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(s.pace.auth):
		}
		err := s.introduce(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if fault := (*bot.Fault)(nil); errors.As(err, &fault) {
			return err
		}
		if alone {
			in.Report(err)
		}
	}
}

// permalink is the address of a card for people who are in the workspace.
func (s *Slack) permalink(r bot.Ref) string {
	at := parseRef(r)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.self.url == "" || at.ts == "" {
		return ""
	}
	return fmt.Sprintf("%s/archives/%s/p%s", strings.TrimSuffix(s.self.url, "/"), at.channel, strings.ReplaceAll(at.ts, ".", ""))
}

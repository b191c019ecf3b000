package slack

import (
	"context"
	"errors"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"recoverbot/bot"
)

// Problem is something that Check found. Fatal: the bot cannot do all of its work in Slack like that.
type Problem struct {
	Text  string
	Fatal bool
}

// checkTimeout bounds all that Check asks Slack, and askTimeout one question.
const (
	checkTimeout = 20 * time.Second
	askTimeout   = 5 * time.Second
)

// appID stands in an app-level token.
var appID = regexp.MustCompile(`^xapp-\d+-(A[A-Z0-9]+)-`)

// signingSecret is what Slack's own look like.
var signingSecret = regexp.MustCompile(`^[0-9a-f]{32}$`)

// IsUserID tells whether text can be the id of a person in Slack, as fleet.yaml lists it.
func IsUserID(text string) bool { return personID.MatchString(text) }

// Check asks Slack whether the bot can work with these settings, and whether the people of the fleet (name to Slack id)
// exist there. It changes and posts nothing. In says where the bot is; "" where Slack did not let it in.
func Check(ctx context.Context, c Config, people map[string]string) (in string, found []Problem) {
	s, err := New(c)
	if err != nil {
		return "", []Problem{{Text: err.Error(), Fatal: true}}
	}
	s.pace.call = askTimeout
	ctx, cancel := context.WithTimeout(ctx, checkTimeout)
	defer cancel()
	x := &check{Slack: s}
	return x.all(ctx, people), x.found
}

type check struct {
	*Slack
	found []Problem
	lacks bool // scopes are missing, which has been said
}

func (x *check) all(ctx context.Context, people map[string]string) string {
	var me *slack.AuthTestResponse
	err := x.ask(ctx, authMethod, func(ctx context.Context) (err error) {
		me, err = x.api.AuthTestContext(ctx)
		return err
	})
	if err != nil {
		x.failed(err)
		return ""
	}
	var missing []string
	if held := me.Header.Get("X-OAuth-Scopes"); held != "" {
		has := strings.FieldsFunc(held, func(r rune) bool { return r == ',' || r == ' ' })
		missing = slices.DeleteFunc(slices.Clone(Scopes), func(s string) bool { return slices.Contains(has, s) })
	}
	if len(missing) > 0 {
		x.fatal("slack.scope_missing", "scope", strings.Join(missing, ", "))
	}
	if x.c.AppToken != "" {
		x.appToken(ctx, me.BotID)
	}
	x.lacks = len(missing) > 0
	if x.c.SigningSecret != "" && x.c.APIURL == slack.APIURL && !signingSecret.MatchString(x.c.SigningSecret) {
		x.warn("slack.check_secret")
	}
	channel := x.channelOf(ctx, me.User)
	x.people(ctx, people, channel)
	hears := x.label("slack.check_hears", "socket", x.c.AppToken != "", "http", x.c.SigningSecret != "")
	if channel == nil {
		return x.label("slack.check_in", "name", me.User, "team", me.Team) + " " + hears
	}
	return x.label("slack.check_in_channel", "name", me.User, "team", me.Team, "channel", channel.Name) + " " + hears
}

// appToken opens no connection: Slack only names the address of one.
func (x *check) appToken(ctx context.Context, bot string) {
	err := x.ask(ctx, openMethod, func(ctx context.Context) error {
		_, _, err := x.api.StartSocketModeContext(ctx)
		return err
	})
	if err != nil {
		x.failed(err)
		return
	}
	token := appID.FindStringSubmatch(x.c.AppToken)
	if info, err := x.api.GetBotInfoContext(ctx, slack.GetBotInfoParameters{Bot: bot}); err == nil && token != nil && info.AppID != "" && info.AppID != token[1] {
		x.fatal("slack.check_other_app", "app", token[1], "other", info.AppID)
	}
}

// channelOf is where the bot posts; nil where it cannot post there.
func (x *check) channelOf(ctx context.Context, me string) *slack.Channel {
	id, err := x.home(ctx)
	var c *slack.Channel
	if err == nil {
		err = x.ask(ctx, "conversations.info", func(ctx context.Context) (err error) {
			c, err = x.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: id})
			return err
		})
	}
	switch {
	case err != nil:
		x.failed(err)
	case c.IsArchived:
		x.fatal("slack.is_archived", "channel", "#"+c.Name)
	case !c.IsMember:
		x.fatal("slack.not_in_channel", "channel", "#"+c.Name, "name", me)
	default:
		return c
	}
	return nil
}

// people looks for everybody, and for those whom a call in the channel would not reach.
func (x *check) people(ctx context.Context, people map[string]string, channel *slack.Channel) {
	var members, outside []string
	if channel != nil {
		members = x.members(ctx, channel.ID)
	}
	for _, name := range slices.Sorted(maps.Keys(people)) {
		id := people[name]
		var u *slack.User
		err := x.ask(ctx, "users.info", func(ctx context.Context) (err error) {
			u, err = x.api.GetUserInfoContext(ctx, id)
			return err
		})
		switch {
		case codeOf(err) == "user_not_found" || codeOf(err) == "user_not_visible":
			x.warn("slack.check_no_person", "name", name, "id", id)
		case err != nil:
			x.failed(err)
			return
		case u.Deleted:
			x.warn("slack.check_deactivated", "name", name, "id", id)
		case u.IsBot:
			x.warn("slack.check_is_bot", "name", name, "id", id)
		case len(members) > 0 && !slices.Contains(members, id):
			outside = append(outside, name)
		}
	}
	if len(outside) > 0 {
		x.warn("slack.check_outside", "names", strings.Join(outside, ", "), "channel", channel.Name)
	}
}

// members are all in a channel; none where Slack does not say.
func (x *check) members(ctx context.Context, channel string) []string {
	var out []string
	ask := &slack.GetUsersInConversationParameters{ChannelID: channel, Limit: 1000}
	for {
		page, next, err := x.api.GetUsersInConversationContext(ctx, ask)
		if err != nil {
			return nil
		}
		out = append(out, page...)
		if ask.Cursor = next; next == "" {
			return out
		}
	}
}

func (x *check) ask(ctx context.Context, method string, f func(context.Context) error) error {
	return x.call(ctx, method, x.pace.call, f)
}

// failed notes what x.call returned: something to mend, or a Slack that cannot be asked now.
func (x *check) failed(err error) {
	var fault *bot.Fault
	switch code := codeOf(err); {
	case x.lacks && code == "missing_scope":
	case errors.As(err, &fault):
		x.add(Problem{Text: fault.Text, Fatal: true})
	case !slices.Contains(passing, code) && !errors.As(err, new(*bot.Later)):
		x.fatal("slack.check_refused", "why", err.Error())
	case code != "" || errors.As(err, new(slack.StatusCodeError)) || errors.As(err, new(*bot.Later)):
		x.warn("slack.check_busy", "host", hostOf(x.c.APIURL), "why", err.Error())
	default:
		x.warn("slack.check_unreachable", "host", hostOf(x.c.APIURL), "why", err.Error())
	}
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "–"
	}
	return u.Host
}

func (x *check) fatal(id string, pairs ...any) {
	x.add(Problem{Text: x.label(id, pairs...), Fatal: true})
}

func (x *check) warn(id string, pairs ...any) { x.add(Problem{Text: x.label(id, pairs...)}) }

func (x *check) add(p Problem) {
	if !slices.Contains(x.found, p) {
		x.found = append(x.found, p)
	}
}

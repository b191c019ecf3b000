package slacktest

import "time"

var (
	read    = []string{"channels:read", "groups:read", "im:read", "mpim:read"}
	history = []string{"channels:history", "groups:history", "im:history", "mpim:history"}
	write   = []string{"chat:write"}
	files   = []string{"files:write"}
	people  = []string{"users:read"}
)

// methods are all calls that the fake knows, with the scopes and the calls a minute of Slack's documentation.
var methods = map[string]method{
	"api.test":                     {tier: 100, do: (*Server).apiTest},
	"auth.test":                    {tier: 600, do: (*Server).authTest},
	"apps.connections.open":        {tier: 20, app: true, do: (*Server).openConnection},
	"chat.postMessage":             {scopes: write, tier: 600, do: (*Server).postMessage},
	"chat.postEphemeral":           {scopes: write, tier: 100, do: (*Server).postEphemeral},
	"chat.update":                  {scopes: write, tier: 50, do: (*Server).updateMessage},
	"chat.delete":                  {scopes: write, tier: 50, do: (*Server).deleteMessage},
	"chat.getPermalink":            {tier: 600, do: (*Server).permalink},
	"conversations.info":           {scopes: read, tier: 50, do: (*Server).conversationInfo},
	"conversations.list":           {scopes: read, tier: 20, do: (*Server).conversationList},
	"conversations.members":        {scopes: read, tier: 100, do: (*Server).conversationMembers},
	"conversations.history":        {scopes: history, tier: 50, do: (*Server).conversationHistory},
	"conversations.replies":        {scopes: history, tier: 50, do: (*Server).conversationReplies},
	"conversations.open":           {scopes: []string{"im:write", "mpim:write", "channels:manage", "groups:write"}, tier: 50, do: (*Server).conversationOpen},
	"conversations.join":           {scopes: []string{"channels:join"}, tier: 50, do: (*Server).conversationJoin},
	"files.getUploadURLExternal":   {scopes: files, tier: 100, do: (*Server).uploadURL},
	"files.completeUploadExternal": {scopes: files, tier: 100, do: (*Server).completeUpload},
	"files.info":                   {scopes: []string{"files:read"}, tier: 100, do: (*Server).fileInfo},
	"users.info":                   {scopes: people, tier: 100, do: (*Server).userInfo},
	"users.list":                   {scopes: people, tier: 20, do: (*Server).userList},
	"bots.info":                    {scopes: people, tier: 50, do: (*Server).botInfo},
	"views.open":                   {tier: 100, do: (*Server).openView},
	"views.push":                   {tier: 100, do: (*Server).pushView},
	"views.update":                 {tier: 100, do: (*Server).updateView},
}

// AllScopes are what an app needs for everything that the fake knows: what Options.Scopes default to.
func AllScopes() []string {
	return []string{"app_mentions:read", "channels:history", "channels:join", "channels:read", "chat:write", "commands", "files:read", "files:write",
		"groups:history", "groups:read", "im:history", "im:read", "im:write", "users:read"}
}

// limiter answers 429 where Options.RateLimits ask for it: so many calls of a method within a minute, and one post a
// second to a channel.
type limiter struct {
	calls map[string][]time.Time
	posts map[string]time.Time
}

func (l *limiter) method(s *Server, name string, most int) error {
	if !s.opts.RateLimits {
		return nil
	}
	if l.calls == nil {
		l.calls = map[string][]time.Time{}
	}
	now, recent := s.opts.Clock(), l.calls[name]
	for len(recent) > 0 && now.Sub(recent[0]) >= time.Minute {
		recent = recent[1:]
	}
	if len(recent) >= most {
		return slowDown{after: time.Minute - now.Sub(recent[0])}
	}
	l.calls[name] = append(recent, now)
	return nil
}

func (l *limiter) post(s *Server, channel string) error {
	if !s.opts.RateLimits {
		return nil
	}
	if l.posts == nil {
		l.posts = map[string]time.Time{}
	}
	now := s.opts.Clock()
	if wait := l.posts[channel].Add(time.Second).Sub(now); wait > 0 {
		return slowDown{after: wait}
	}
	l.posts[channel] = now
	return nil
}

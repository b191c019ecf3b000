package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/slack-go/slack"

	"recoverbot/bot"
)

// authMethod tells who the bot is, and so whether its token works.
const authMethod = "auth.test"

// passing are the codes with which Slack only says that it has a bad moment.
var passing = []string{"", "fatal_error", "internal_error", "service_unavailable", "request_timeout", "accesslimited"}

// call makes one call of the Web API, bounded by limit. Its error names the method and holds no secret.
func (s *Slack) call(ctx context.Context, method string, limit time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return s.explain(method, f(ctx))
}

// explain turns an error of the library into one of package bot: *bot.Later when Slack asks to wait, *bot.Fault when a
// person must mend something.
func (s *Slack) explain(method string, err error) error {
	if err == nil {
		return nil
	}
	wrapped := fmt.Errorf("%s: %w", method, s.scrub(err))
	if errors.Is(err, context.DeadlineExceeded) {
		wrapped = fmt.Errorf("%s: no answer in time: %w", method, context.DeadlineExceeded)
	}
	var limited *slack.RateLimitedError
	if errors.As(err, &limited) {
		return &bot.Later{After: max(limited.RetryAfter, time.Second), Err: wrapped}
	}
	var status slack.StatusCodeError
	if errors.As(err, &status) && status.Code == http.StatusTooManyRequests {
		return &bot.Later{After: s.pace.rate, Err: wrapped}
	}
	code, key := codeOf(err), "SLACK_BOT_TOKEN"
	if method == openMethod {
		if key = "SLACK_APP_TOKEN"; code == "missing_scope" {
			code = "not_allowed_token_type" // its scope is part of making it
		}
	}
	switch code {
	case "ratelimited", "rate_limited":
		return &bot.Later{After: s.pace.rate, Err: wrapped}
	case "invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive", "not_allowed_token_type", "no_permission":
		return &bot.Fault{Text: s.label("slack.token_refused", "key", key, "code", codeOf(err)), Err: wrapped}
	case "missing_scope":
		var refused slack.SlackErrorResponse
		errors.As(err, &refused)
		return &bot.Fault{Text: s.label("slack.scope_missing", "scope", refused.Needed), Err: wrapped}
	case "not_in_channel", "channel_not_found", "is_archived":
		s.mu.Lock()
		name := s.self.name
		s.mu.Unlock()
		return &bot.Fault{Text: s.label("slack."+code, "channel", s.c.Channel, "name", name), Err: wrapped}
	case "restricted_action", "restricted_action_read_only_channel", "restricted_action_thread_only_channel",
		"restricted_action_non_threadable_channel":
		return &bot.Fault{Text: s.label("slack.may_not_post", "channel", s.c.Channel), Err: wrapped}
	}
	if (method == authMethod || method == openMethod) && !slices.Contains(passing, code) { // such as access_denied
		return &bot.Fault{Text: s.label("slack.check_refused", "why", key+", "+method+": "+code), Err: wrapped}
	}
	return wrapped
}

// codeOf is the error code in an answer of Slack, such as "not_in_channel"; "" when Slack did not answer with one.
func codeOf(err error) string {
	var refused slack.SlackErrorResponse
	if errors.As(err, &refused) {
		return refused.Err
	}
	return ""
}

var address = regexp.MustCompile(`\b(?:https?|wss?)://[^\s"]+`)

// scrubbed is an error whose text was cleared of secrets.
type scrubbed struct {
	text string
	err  error
}

func (e scrubbed) Error() string { return e.text }
func (e scrubbed) Unwrap() error { return e.err }

// scrub keeps tokens, the tickets of WebSocket addresses and the paths of answer and upload addresses out of the text.
func (s *Slack) scrub(err error) error {
	text := address.ReplaceAllStringFunc(err.Error(), func(found string) string {
		u, err := url.Parse(found)
		if err != nil {
			return "…"
		}
		return u.Scheme + "://" + u.Host + "/…"
	})
	for _, secret := range []string{s.c.BotToken, s.c.AppToken, s.c.SigningSecret} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "…")
		}
	}
	if text == err.Error() {
		return err
	}
	return scrubbed{text: text, err: err}
}

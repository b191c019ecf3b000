package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"time"

	"recoverbot/bot/telegram/telegramtest"
)

// calls waits for a message that buzzes a person, and says text. An edit would buzz nobody.
func (g *telegramRoom) calls(text, user string) {
	g.c.t.Helper()
	g.until(60*time.Second, "call "+user, func() error {
		for _, call := range g.Calls("sendMessage") {
			if call.Error == "" && call.Args["disable_notification"] != "true" && strings.Contains(call.Args["text"], `"tg://user?id=`+user+`"`) && strings.Contains(plain(call.Args["text"]), text) {
				return nil
			}
		}
		return errors.New("no message mentions them")
	})
}

var tags = regexp.MustCompile(`<[^>]*>`)

// plain is what people read of a text with markup.
func plain(text string) string {
	return strings.ReplaceAll(html.UnescapeString(tags.ReplaceAllString(text, "")), "\u200b", "")
}

// ends waits for the last word of a run.
func (g *telegramRoom) ends(id string) {
	g.c.t.Helper()
	eventually(g.c.t, 120*time.Second, "the last word in Telegram", func() error {
		m, _ := g.card("run/" + id)
		if !strings.Contains(m.Text, "Service is back") || !strings.Contains(m.Text, "Audit ") {
			return errors.New(g.Plain(m))
		}
		return nil
	})
}

// toldStep sees that the card of a step says how it ended and who decided where, and that its output is on it or below it.
func (g *telegramRoom) toldStep(id string, s step) {
	g.c.t.Helper()
	key := "step/" + id + "/" + s.ID
	if s.Group != "" {
		key = "step/" + id + "/" + s.Group
	}
	var m telegramtest.Message
	eventually(g.c.t, 90*time.Second, "the last version of "+key+" in Telegram", func() error {
		var ok bool
		m, ok = g.card(key)
		if !ok || len(m.Keyboard) > 0 || asks.MatchString(m.Text) {
			return errors.New(g.Plain(m))
		}
		return nil
	})
	if d, ok := g.c.lastDecision(id, s.ID); ok {
		where := map[string]string{"telegram": "Telegram", "slack": "Slack", "console": "console", "api": "API"}[d.By.Platform]
		if !regexp.MustCompile(` by ` + d.By.Name + ` \(` + where + `\) \d\d:\d\d`).MatchString(m.Text) {
			g.c.t.Errorf("%s does not say that %s decided in %s:\n%s", key, d.By.Name, d.By.Platform, m.Text)
		}
	}
	if s.Result == nil || strings.TrimSpace(s.Result.Output) == "" {
		return
	}
	last := lastLine(s.Result.Output)
	g.until(60*time.Second, "show the output of "+key+" in Telegram", func() error {
		for _, x := range append(g.Replies(g.chat, m.ID), m) {
			if strings.Contains(strings.Join(strings.Fields(x.Text), " "), strings.Join(strings.Fields(last), " ")) || x.Document != nil && strings.Contains(string(x.Document.Content), last) {
				return nil
			}
		}
		return errors.New(s.Result.Output)
	})
}

// lastDecision is the newest answer to a step by a person.
func (c *company) lastDecision(id, stepID string) (event, bool) {
	for _, e := range slices.Backward(c.events()) {
		if e.RunID == id && e.StepID == stepID && e.Kind == "decision" {
			return e, true
		}
	}
	return event{}, false
}

// inPlace sees that each card of the runs that began here is one message at most, whatever happened: what does not apply
// is only listed. Runs of one scenario have the same titles.
func (g *telegramRoom) inPlace() {
	g.c.t.Helper()
	cards, err := g.c.console().cards("step/")
	if err != nil {
		g.c.t.Fatal(err)
	}
	want := map[string]int{}
	first := g.last()
	for _, x := range cards {
		if since, mine := g.since[x.RunID]; mine {
			want[x.Title]++
			first = min(first, since)
		}
	}
	for title, n := range want {
		for _, m := range g.Messages(g.chat) {
			if m.ID > first && g.isCard(m) && headed(m.Text, title) {
				n--
			}
		}
		if n < 0 {
			g.c.t.Errorf("%s was posted %d times too often", title, -n)
		}
	}
}

// sent are the calls that count against Telegram's limits: posts and edits of one group.
func (g *telegramRoom) sent() []telegramtest.Call {
	return slices.DeleteFunc(g.Calls(""), func(call telegramtest.Call) bool {
		return call.Error != "" || call.Args["chat_id"] != fmt.Sprint(g.chat) || call.Method != "sendMessage" && call.Method != "sendDocument" && call.Method != "editMessageText"
	})
}

// withinLimits sees that Telegram never had to refuse a call or to ask for patience, but for what the test itself caused.
func (g *telegramRoom) withinLimits(caused ...string) {
	g.c.t.Helper()
	for _, call := range g.Calls("") {
		if call.Error != "" && !slices.ContainsFunc(caused, func(text string) bool { return strings.Contains(call.Error, text) }) {
			g.c.t.Errorf("%s was answered %s: %v", call.Method, call.Error, call.Args)
		}
	}
	sent, most := g.sent(), 0
	for i := range sent {
		n := slices.IndexFunc(sent[i:], func(call telegramtest.Call) bool { return call.At.Sub(sent[i].At) >= time.Minute })
		if n < 0 {
			n = len(sent) - i
		}
		most = max(most, n)
	}
	g.c.t.Logf("Telegram: %d calls, %d of them posts and edits, at most %d a minute", len(g.Calls("")), len(sent), most)
}

// inTime sees that each card asked soon after the journal said so, whatever else was to be told: the people leave the
// most of what a group takes in a minute to that.
func (g *telegramRoom) inTime(id string) {
	g.c.t.Helper()
	const soon = 5 * time.Second
	calls := g.sent()
	var worst time.Duration
	asked := 0
	for _, e := range g.c.questions(id) {
		title := g.titles["step/"+id+"/"+e.card]
		shown := slices.IndexFunc(calls, func(call telegramtest.Call) bool {
			text := plain(call.Args["text"])
			return !call.At.Before(e.At) && headed(text, title) && asks.MatchString(text)
		})
		delay := e.over.Sub(e.At)
		if asked++; shown >= 0 && calls[shown].At.Before(e.over) {
			delay = calls[shown].At.Sub(e.At)
			worst = max(worst, delay)
		}
		if delay > soon {
			g.c.t.Errorf("%s was %s, and for %s its card did not say so", e.StepID, e.Data["to"], delay)
		}
	}
	g.c.t.Logf("the latest of %d prompts was in Telegram %s after the journal had it", asked, worst.Round(time.Millisecond))
}

// asking are the times of the minute before at which people were asked or answered.
func (g *telegramRoom) asking() []time.Time {
	var out []time.Time
	for _, call := range g.sent() {
		if time.Since(call.At) < time.Minute && (asks.MatchString(plain(call.Args["text"])) || call.Args["disable_notification"] == "" && call.Method == "sendMessage") {
			out = append(out, call.At)
		}
	}
	return out
}

// said is everything that stands in Telegram, and what the bot has told it.
func (g *telegramRoom) said() map[string][]byte {
	out := map[string][]byte{}
	for _, call := range g.Calls("") {
		args, _ := json.Marshal(call.Args) // strings
		out["calls"] = append(out["calls"], args...)
	}
	for _, f := range g.Files() {
		out["file "+f.Name] = f.Content
	}
	for _, user := range []string{tgOps1, tgOps2, tgStranger} {
		for _, x := range g.Toasts(user) {
			out["told "+user] = append(out["told "+user], x.Text...)
		}
	}
	return out
}

// secrets are the token, and what of it is secret behind its colon.
func (g *telegramRoom) secrets() []string {
	_, half, _ := strings.Cut(g.token, ":")
	return []string{g.token, half}
}

// calling makes a call of the Bot API as any program does that has the token.
func (g *telegramRoom) calling(method, body string) (status int) {
	g.c.t.Helper()
	req, err := http.NewRequestWithContext(g.c.t.Context(), http.MethodPost, g.URL()+"/bot"+g.token+"/"+method, strings.NewReader(body))
	if err != nil {
		g.c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := httpClient.Do(req)
	if err != nil {
		g.c.t.Fatal(err)
	}
	defer res.Body.Close()
	return res.StatusCode
}

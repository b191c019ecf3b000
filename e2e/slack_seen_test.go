package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"recoverbot/bot/slack/slacktest"
)

// keyOf is the key of the card that a message or a call of the bot is about: its first block bears it.
func keyOf(blocks []byte) string {
	var list []struct {
		ID string `json:"block_id"`
	}
	if json.Unmarshal(blocks, &list) != nil || len(list) == 0 { // without blocks it has none
		return ""
	}
	return list[0].ID
}

// cards are the bot's messages in the channel by their key.
func (w *workspace) cards() map[string][]slacktest.Message {
	out := map[string][]slacktest.Message{}
	for _, m := range w.Messages(room) {
		if m.BotID != "" {
			out[keyOf(m.Blocks)] = append(out[keyOf(m.Blocks)], m)
		}
	}
	return out
}

func (w *workspace) card(key string) (slacktest.Message, bool) {
	list := w.cards()[key]
	if len(list) == 0 {
		return slacktest.Message{}, false
	}
	return list[0], true
}

// element is a button.
type element struct {
	Text    struct{ Text string }
	Confirm json.RawMessage
}

func elements(m slacktest.Message) []element {
	var list []struct {
		Type     string
		Elements json.RawMessage
	}
	_ = json.Unmarshal(m.Blocks, &list) // a message without blocks has no buttons
	var out []element
	for _, b := range list {
		var row []element
		if b.Type == "actions" && json.Unmarshal(b.Elements, &row) == nil {
			out = append(out, row...)
		}
	}
	return out
}

// buttons are the labels of a message's buttons.
func buttons(m slacktest.Message) []string {
	var out []string
	for _, e := range elements(m) {
		out = append(out, e.Text.Text)
	}
	return out
}

// event is one of the journal's.
type event struct {
	ID     int64
	At     time.Time
	RunID  string `json:"run_id"`
	StepID string `json:"step_id"`
	Kind   string
	By     struct{ Name, Platform string }
	Data   map[string]string
}

// events are all of the journal's so far.
func (c *company) events() []event {
	c.t.Helper()
	var out []event
	eventually(c.t, 20*time.Second, "read the journal", func() (err error) {
		out, err = c.streamed()
		return err
	})
	return out
}

// idle sees that nobody did anything on a platform since, beside trying what they may not.
func (c *company) idle(platform string, events int) {
	c.t.Helper()
	for _, e := range c.events()[events:] {
		if e.By.Platform == platform && e.Data["refused"] == "" {
			c.t.Errorf("what was refused is in the journal: %+v", e)
		}
	}
}

// streamed are the events that come before the stream is quiet for a while: it has no end.
func (c *company) streamed() ([]event, error) {
	ctx, cancel := context.WithCancel(c.t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.d.Console+"/api/events", nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+c.d.Token)
	res, err := httpClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	quiet := time.AfterFunc(time.Second, cancel)
	defer quiet.Stop()
	var out []event
	in := bufio.NewScanner(res.Body)
	for in.Scan() {
		if data, ok := strings.CutPrefix(in.Text(), "data: "); ok {
			var e event
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				return nil, err // the stream was quiet within a line
			}
			out = append(out, e)
			quiet.Reset(300 * time.Millisecond)
		}
	}
	return out, nil
}

func (c *company) runs() ([]run, error) {
	var out []run
	return out, c.call(http.MethodGet, "/api/runs", nil, &out)
}

// decided sees that one answer was given to a step in its present attempt, and returns it.
func (c *company) decided(id, stepID string) event {
	c.t.Helper()
	var found []event
	attempt := ""
	for _, e := range c.events() {
		if e.RunID != id || e.StepID != stepID {
			continue
		}
		if a := e.Data["attempt"]; a != attempt {
			attempt, found = a, nil
		}
		if e.Kind == "decision" {
			found = append(found, e)
		}
	}
	if len(found) != 1 {
		c.t.Fatalf("%d answers to %s: %+v", len(found), stepID, found)
	}
	return found[0]
}

// inPlace sees that each card is one message, whatever happened.
func (w *workspace) inPlace() {
	w.c.t.Helper()
	for key, list := range w.cards() {
		if key == "" || len(list) != 1 {
			w.c.t.Errorf("%q was posted %d times: %s", key, len(list), w.Plain(list[0]))
		}
	}
}

// withinLimits sees that Slack never had to refuse a call or to ask for patience, but for what the test itself caused.
func (w *workspace) withinLimits(caused ...string) {
	w.c.t.Helper()
	calls := w.Calls("")
	posts := 0
	for _, call := range calls {
		if call.Error != "" && !slices.Contains(caused, call.Error) {
			w.c.t.Errorf("%s was answered %s: %v", call.Method, call.Error, call.Args)
		}
		if strings.HasPrefix(call.Method, "chat.") {
			posts++
		}
	}
	if len(calls) > 0 {
		w.c.t.Logf("%d calls, %d of them messages, in %s", len(calls), posts, calls[len(calls)-1].At.Sub(calls[0].At).Round(time.Second))
	}
}

// asks matches what a card says while it waits for a person.
var asks = regexp.MustCompile(`waits for you|NOT committed`)

// inTime sees that each card asked soon after the journal said so, whatever else was to be told.
func (w *workspace) inTime(id string) {
	w.c.t.Helper()
	calls := w.Calls("")
	var worst time.Duration
	for _, e := range w.c.questions(id) {
		if slices.ContainsFunc(w.rough, func(at time.Time) bool {
			return e.At.After(at.Add(-2*time.Second)) && e.At.Before(at.Add(12*time.Second))
		}) {
			continue
		}
		shown := slices.IndexFunc(calls, func(call slacktest.Call) bool {
			return !call.At.Before(e.At) && call.Error == "" && keyOf([]byte(call.Args["blocks"])) == "step/"+id+"/"+e.card && asks.MatchString(call.Args["blocks"])
		})
		limit := e.At.Add(3 * time.Second)
		switch {
		case shown >= 0 && calls[shown].At.Before(e.over):
			worst = max(worst, calls[shown].At.Sub(e.At))
			if calls[shown].At.After(limit) {
				w.c.t.Errorf("%s was %s, its card said so %s later", e.StepID, e.Data["to"], calls[shown].At.Sub(e.At))
			}
		case e.over.After(limit):
			w.c.t.Errorf("%s was %s for %s, and its card never said so", e.StepID, e.Data["to"], e.over.Sub(e.At))
		}
	}
	w.c.t.Logf("the latest prompt was there %s after the journal had it", worst.Round(time.Millisecond))
}

// kept sees that the secrets are nowhere but where they were given.
func (w *workspace) kept() {
	w.c.t.Helper()
	said := map[string][]byte{}
	for _, user := range []string{ops1, ops2, leaver, stranger} {
		for _, m := range w.Private(user) {
			said["told "+user] = append(said["told "+user], w.Plain(m)...)
		}
	}
	for _, call := range w.Calls("") {
		text, err := json.Marshal(call.Args)
		if err != nil {
			w.c.t.Fatal(err)
		}
		said["calls"] = append(said["calls"], text...)
	}
	for _, f := range w.Files() {
		said["file "+f.Name] = f.Content
	}
	w.c.kept(w.secrets, said)
	for _, log := range w.c.logs() {
		text, err := os.ReadFile(log)
		if m := ticket.Find(text); err != nil || m != nil {
			w.c.t.Errorf("%s holds an address that is a key: %s %v", log, m, err)
		}
	}
}

func (c *company) logs() []string {
	return []string{filepath.Join(c.dir, "drill.log"), filepath.Join(c.dir, "log", "bot.log")}
}

// ticket matches addresses of Slack that are secrets themselves: WebSocket tickets and response URLs.
var ticket = regexp.MustCompile(`(ticket=|/commands/|/actions/)[A-Za-z0-9/_-]{4,}`)

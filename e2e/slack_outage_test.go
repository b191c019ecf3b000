package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"recoverbot/bot/slack/slacktest"
)

// TestManyHandsAndNoChats replaces an nginx: two people answer at once, one leaves the company, and then the chats are gone
// (fault 22, fault 24, fault 25, fault 27, fault 29).
func TestManyHandsAndNoChats(t *testing.T) {
	t.Parallel()
	w, g := startChats(t, smallGroup)
	c := w.c

	// An alert calls people, and its button starts the run.
	const begin = "Start recovery"
	g.loses()
	c.drill("break", "nginx2")
	key := w.alert(begin)
	for _, do := range []func() error{
		func() error { return w.Click(stranger, room, w.sees(key, begin).TS, begin) },
		func() error { return w.Slash(stranger, room, "/recover", "nginx which=nginx2") },
	} {
		w.refuses(stranger, "I do not know you", do)
	}
	copied := g.alert(begin)
	g.ignores(copied, begin)
	c.atOnce(
		func() error { return w.Click(ops1, room, w.sees(key, begin).TS, begin) },
		func() error { _, err := g.Press(tgOps2, copied.Chat, copied.ID, begin); return err },
	)
	id := c.began(nil)
	domainList := "step/" + id + "/domain-list"

	// Who is no longer in fleet.yaml decides nothing any more, also on cards of before.
	w.sees(domainList, "Approve")
	c.fleet(func(text string) string { return leaves(text, "leaver") })
	w.refuses(leaver, "I do not know you", func() error { return w.Click(leaver, room, w.sees(domainList, "Approve").TS, "Approve") })

	// Two people click different buttons in the same instant.
	m := w.sees(domainList, "Approve")
	before := map[string]int{ops1: len(w.Private(ops1)), ops2: len(w.Private(ops2))}
	c.atOnce(
		func() error { return w.Click(ops1, room, m.TS, "Approve") },
		func() error { return w.Click(ops2, room, m.TS, "Skip") },
	)
	s := c.at(id, "domain-list", "held", "skipped")
	winner, loser, choice := "operator", ops2, "approve"
	if s.State == "skipped" {
		winner, loser, choice = "colleague", ops1, "skip"
	}
	if d := c.decided(id, "domain-list"); d.By.Name != winner || d.By.Platform != "slack" {
		t.Errorf("%s by %s in %s", d.Data["choice"], d.By.Name, d.By.Platform)
	}
	w.told(loser, before[loser], "Already decided by "+winner+" (Slack) at ")
	w.told(loser, before[loser], choice)
	if s.State == "skipped" {
		w.click(ops1, domainList, "Do it now")
		w.sees(domainList, "Approve")
		w.click(ops1, domainList, "Approve")
		c.at(id, "domain-list", "held")
	}

	// The same in Slack and at the console.
	m = w.sees(domainList, "Commit")
	colleague := c.api
	colleague.token = c.d.Tokens["colleague"]
	var refusal error
	before[ops1] = len(w.Private(ops1))
	c.atOnce(
		func() error { return w.Click(ops1, room, m.TS, "Commit") },
		func() error {
			r, err := c.run(id)
			if err == nil {
				refusal = colleague.decide(id, r.step("domain-list").to("rollback"))
			}
			return err
		},
	)
	if s = c.at(id, "domain-list", "done", "rolled_back"); s.State == "done" {
		c.refusedWith(refusal, http.StatusConflict, "operator (Slack)")
	} else {
		w.told(ops1, before[ops1], "Already decided by colleague")
		w.click(ops1, domainList, "Try again")
		w.click(ops1, domainList, "Approve")
		w.click(ops2, domainList, "Commit")
		c.at(id, "domain-list", "done")
	}

	// By signed requests, with a form, and delivered three times.
	w.SetEventsURL(c.d.Console + "/slack/")
	c.hand = w.hand
	c.newMachine(id, "new-machine")
	w.hearsOnce(id, "new-machine")
	w.SetEventsURL("")
	c.until(id, "new-files")
	w.sees("step/"+id+"/new-files", "Approve")
	g.moves(id, "new-files")
	g.suffers()
	c.until(id, "new-provision")
	g.diesDeaf(id, "new-provision")
	g.sharesToken()
	c.until(id, "new-config")
	g.diesAfterHearing(id, "new-config")

	// The app is thrown out of the workspace, and then Slack is down.
	w.Revoke()
	page := c.console()
	eventually(t, 30*time.Second, "the console says that Slack refuses the token", func() error {
		cards, err := page.cards("platform/slack/")
		if err != nil || len(cards) != 1 || cards[0].State != "failed" || !strings.Contains(strings.Join(cards[0].Lines, " "), "SLACK_") {
			return fmt.Errorf("%+v %w", cards, err)
		}
		return nil
	})
	if text := c.get("/readyz"); !strings.HasPrefix(text, "not ready\n") || !strings.Contains(text, "Slack") {
		t.Errorf("/readyz says %q", text)
	}
	if log, err := os.ReadFile(filepath.Join(c.dir, "log", "bot.log")); err != nil || !strings.Contains(string(log), "invalid_auth") && !strings.Contains(string(log), "token_revoked") && !strings.Contains(string(log), "account_inactive") {
		t.Errorf("the log does not say what Slack said: %v", err)
	}
	w.Stop()
	g.Stop()
	c.hand = nil
	c.until(id, "new-domain")
	c.drill("break", "standby")
	c.finished(id)
	c.calledFor("standby")

	// It is back: what is true now is told, the question first, and each card once.
	calls := len(w.Calls(""))
	w.Heal()
	if err := errors.Join(w.Resume(), g.Resume()); err != nil {
		t.Fatal(err)
	}
	w.catchesUp(page)
	g.catchesUp(id)
	c.onlyNews(w.Calls("")[calls:])
	w.inPlace()
	w.withinLimits("token_revoked")
	w.kept()
}

// alert waits for the card of an alert with a button, and returns its key.
func (w *workspace) alert(label string) string {
	w.c.t.Helper()
	var key string
	w.until(60*time.Second, "an alert", func() error {
		for k, list := range w.cards() {
			if strings.HasPrefix(k, "alert/") && slices.Contains(buttons(list[0]), label) {
				key = k
				return nil
			}
		}
		return errors.New("there is none")
	})
	return key
}

// leaves is fleet.yaml without one of its people.
func leaves(text, name string) string {
	person := regexp.MustCompile(`  - name: "` + name + `"\n(    .*\n)+`)
	return strings.Replace(person.ReplaceAllString(text, ""), `, "`+name+`"`, "", 1)
}

// atOnce does things in the same instant.
func (c *company) atOnce(do ...func() error) {
	c.t.Helper()
	var work sync.WaitGroup
	begin := make(chan struct{})
	errs := make([]error, len(do))
	for i, f := range do {
		work.Go(func() {
			<-begin
			errs[i] = f()
		})
	}
	close(begin)
	work.Wait()
	if err := errors.Join(errs...); err != nil {
		c.t.Fatal(err)
	}
}

// get reads a page of the bot, whatever its status.
func (c *company) get(path string) string {
	c.t.Helper()
	req, err := http.NewRequest(http.MethodGet, c.d.Console+path, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+c.d.Token)
	res, err := httpClient.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return string(b)
}

// calledFor waits for the alert of a host.
func (c *company) calledFor(host string) {
	c.t.Helper()
	eventually(c.t, 60*time.Second, "an alert of "+host, func() error {
		var alerts []alert
		if err := c.call(http.MethodGet, "/api/alerts", nil, &alerts); err != nil {
			return err
		}
		if !slices.ContainsFunc(alerts, func(a alert) bool { return a.Host == host && a.State == "firing" }) {
			return fmt.Errorf("%+v", alerts)
		}
		return nil
	})
}

// catchesUp waits until Slack shows what the console shows.
func (w *workspace) catchesUp(page *console) {
	w.c.t.Helper()
	eventually(w.c.t, 120*time.Second, "Slack shows what the console shows", func() error {
		cards, err := page.cards("")
		if err != nil {
			return err
		}
		for _, x := range cards {
			m, ok := w.card(x.Key)
			if strings.HasPrefix(x.Key, "platform/slack/") { // about Slack itself: told on the others
				if ok {
					return fmt.Errorf("Slack was told %s: %s", x.Key, w.Plain(m))
				}
				continue
			}
			if text := w.Plain(m); !ok || !strings.Contains(text, x.Title) || (len(x.Lines) > 0 && !strings.Contains(text, x.Lines[0])) || len(buttons(m)) != len(x.Buttons) {
				return fmt.Errorf("%s is in Slack:\n%s\nand in the console: %+v", x.Key, text, x)
			}
		}
		return nil
	})
}

// onlyNews sees that what asks came first, and that no card was told twice.
func (c *company) onlyNews(calls []slacktest.Call) {
	c.t.Helper()
	var told []string
	for _, call := range calls {
		if call.Error != "" || call.Method != "chat.postMessage" && call.Method != "chat.update" {
			continue
		}
		key := keyOf([]byte(call.Args["blocks"]))
		if slices.Contains(told, key) && !strings.HasPrefix(key, "alert/") && !strings.HasPrefix(key, "platform/") {
			args, _ := json.Marshal(call.Args) // strings
			c.t.Errorf("%s was told again: %s", key, args)
		}
		told = append(told, key)
	}
	// What Slack showed as a question loses its buttons even before; the run's end may be the call that found Slack back.
	first := slices.IndexFunc(told, func(key string) bool { return strings.HasPrefix(key, "alert/") })
	early := 0
	for _, key := range told[:max(first, 0)] {
		if strings.HasPrefix(key, "step/") {
			early++
		}
	}
	if first < 0 || early > 1 {
		c.t.Errorf("after the outage the question did not come first: %q", told)
	}
	c.t.Logf("%d messages after the outage", len(told))
}

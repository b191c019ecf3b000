package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"recoverbot/bot/telegram/telegramtest"
)

// alert waits for a card with a button that is about no run yet.
// The answer to its first post was lost, so that there are two.
func (g *telegramRoom) alert(label string) (first telegramtest.Message) {
	g.c.t.Helper()
	g.until(60*time.Second, "two posts of an alert in Telegram", func() error {
		n := 0
		for _, m := range g.Messages(g.chat) {
			if !slices.Contains(pressable(m), label) {
				continue
			}
			if n++; n == 1 {
				first = m
			}
		}
		if n != 2 {
			return fmt.Errorf("there are %d", n)
		}
		return nil
	})
	return first
}

// ignores: who is not in fleet.yaml does nothing, and costs the group one message; a button of the bot's that somebody
// else has put into another group does nothing, whoever presses it.
func (g *telegramRoom) ignores(m telegramtest.Message, label string) {
	c := g.c
	c.t.Helper()
	for range 2 {
		g.refuses(tgStranger, m, label, "I do not know you")
	}
	events, last := len(c.events()), g.last()
	first := g.says(tgStranger, "/recover nginx which=nginx2")
	g.until(20*time.Second, "tell the stranger once", func() error {
		if len(g.Replies(g.chat, first)) != 1 {
			return errors.New("no reply")
		}
		return nil
	})
	for _, text := range []string{"/recover nginx which=nginx2", "/status", "/recover@recover_bot help"} {
		g.says(tgStranger, text)
	}
	i := slices.IndexFunc(slices.Concat(m.Keyboard...), func(b telegramtest.Button) bool { return b.Text == label })
	forged := fmt.Sprintf(`{"chat_id":%d,"text":"press","reply_markup":{"inline_keyboard":[[{"text":"free money","callback_data":%q}]]}}`, elsewhere, slices.Concat(m.Keyboard...)[i].Data)
	if status := g.calling("sendMessage", forged); status != http.StatusOK {
		c.t.Fatalf("forge a button: %d", status)
	}
	bait := g.Messages(elsewhere)[0]
	for _, user := range []string{tgOps1, tgStranger} {
		g.refuses(user, bait, "free money", "out of date")
	}
	if _, err := g.Say(tgOps1, elsewhere, "/recover nginx which=nginx2", 0, 0); err != nil {
		c.t.Fatal(err)
	}
	g.heard()
	c.idle("telegram", events)
	if runs, err := c.runs(); err != nil || len(runs) != 0 {
		c.t.Errorf("%d runs: %v", len(runs), err)
	}
	said := 0
	for _, x := range g.Messages(g.chat) {
		if x.ID > last && x.From == 1000000 && strings.Contains(x.Text, "I do not know you") {
			said++
		}
	}
	if said != 1 || len(g.Messages(elsewhere)) != 2 {
		c.t.Errorf("the stranger was told %d times; elsewhere stand %d messages", said, len(g.Messages(elsewhere)))
	}
}

// heard waits until the bot has confirmed everything.
func (g *telegramRoom) heard() {
	g.c.t.Helper()
	g.until(20*time.Second, "hear what people did", func() error {
		if n := g.Pending(); n > 0 {
			return fmt.Errorf("%d updates wait", n)
		}
		return nil
	})
}

// moves: the group becomes a supergroup while a step waits. It is asked there as well, and answered there.
func (g *telegramRoom) moves(id, stepID string) {
	g.c.t.Helper()
	g.sees("step/"+id+"/"+stepID, "Approve")
	super, err := g.Migrate(g.chat)
	if err != nil {
		g.c.t.Fatal(err)
	}
	g.chat = super
	g.press(tgOps1, "step/"+id+"/"+stepID, "Approve")
	g.c.at(id, stepID, "done")
	g.byOne(id, stepID)
}

// loses lets the answer to the next post get lost, which took effect.
func (g *telegramRoom) loses() {
	g.Fail(telegramtest.Fault{Method: "sendMessage", StoredButLost: true, Times: 1})
}

// suffers: a proxy answers with pages of its own, and Telegram asks to wait.
func (g *telegramRoom) suffers() {
	g.Fail(telegramtest.Fault{Method: "*", HTML: true, Times: 3})
	g.Fail(telegramtest.Fault{Method: "sendMessage", RetryAfter: 2, Code: caused429, Times: 1})
}

// caused429 is how this Telegram asks to wait where the test wants it, not for too many posts.
const caused429 = "Too Many Requests: retry after 2 as the test wants"

// diesDeaf: kill -9 after a press that the bot has not heard.
func (g *telegramRoom) diesDeaf(id, stepID string) {
	c := g.c
	c.t.Helper()
	m := g.sees("step/"+id+"/"+stepID, "Approve")
	if err := syscall.Kill(c.d.Bot.Pid, syscall.SIGSTOP); err != nil {
		c.t.Fatal(err)
	}
	if _, err := g.Press(tgOps1, m.Chat, m.ID, "Approve"); err != nil {
		c.t.Fatal(err)
	}
	c.killBot()
	c.at(id, stepID, "done")
	g.byOne(id, stepID)
}

// diesAfterHearing: kill -9 as soon as Telegram has the confirmation of a press.
func (g *telegramRoom) diesAfterHearing(id, stepID string) {
	c := g.c
	c.t.Helper()
	m := g.sees("step/"+id+"/"+stepID, "Approve")
	g.heard()
	if _, err := g.Press(tgOps1, m.Chat, m.ID, "Approve"); err != nil {
		c.t.Fatal(err)
	}
	g.heard()
	c.killBot()
	if s := c.at(id, stepID, "done", "unknown"); s.State == "unknown" {
		c.leads(id, stepID)
		c.answer(id, stepID, "retry")
		c.at(id, stepID, "done", "waiting")
	}
	g.byOne(id, stepID)
}

// byOne sees that one answer was given to a step, in Telegram.
func (g *telegramRoom) byOne(id, stepID string) {
	g.c.t.Helper()
	if d := g.c.decided(id, stepID); d.By.Name != "operator" || d.By.Platform != "telegram" {
		g.c.t.Errorf("%s is by %s in %s", stepID, d.By.Name, d.By.Platform)
	}
}

// sharesToken: another program asks for updates with the bot's token, which the console says.
func (g *telegramRoom) sharesToken() {
	c := g.c
	c.t.Helper()
	ctx, stop := context.WithCancel(c.t.Context())
	var work sync.WaitGroup
	work.Go(func() {
		for ctx.Err() == nil {
			g.polls(ctx)
		}
	})
	page := c.console()
	says := func(state, text string) func() error {
		return func() error {
			cards, err := page.cards("platform/telegram/")
			if err != nil || len(cards) == 0 || cards[len(cards)-1].State != state || !strings.Contains(fmt.Sprint(cards[len(cards)-1]), text) {
				return fmt.Errorf("%+v %w", cards, err)
			}
			return nil
		}
	}
	defer work.Wait()
	defer stop()
	eventually(c.t, 30*time.Second, "the console says that another program polls", says("failed", "Another program"))
	if text := c.get("/readyz"); !strings.HasPrefix(text, "not ready\n") || !strings.Contains(text, "Telegram") {
		c.t.Errorf("/readyz says %q", text)
	}
}

// polls asks for updates once and confirms nothing.
func (g *telegramRoom) polls(ctx context.Context) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.URL()+"/bot"+g.token+"/getUpdates?timeout=5", nil)
	if err != nil {
		return
	}
	if res, err := httpClient.Do(req); err == nil {
		res.Body.Close()
	}
}

// catchesUp waits until the last word of a run is there, and what asks now.
func (g *telegramRoom) catchesUp(id string) {
	c := g.c
	c.t.Helper()
	eventually(c.t, 120*time.Second, "Telegram tells how it ended, and what is broken now", func() error {
		end, _ := g.card("run/" + id)
		if !strings.Contains(end.Text, "Audit ") {
			return errors.New(g.Plain(end))
		}
		for _, m := range slices.Backward(g.Messages(g.chat)) {
			if slices.Contains(pressable(m), "Start recovery") && strings.Contains(m.Text, "standby") {
				return nil
			}
		}
		return errors.New("no alert")
	})
	g.withinLimits("Conflict: terminated by other getUpdates", "group chat was upgraded to a supergroup chat", "query is too old",
		"lost", caused429, "message is not modified", "Too Many Requests") // a process that was killed does not leave behind all that it has just sent
	c.kept(g.secrets(), g.said())
}

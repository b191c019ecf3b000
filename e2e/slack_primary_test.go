package e2e

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"recoverbot/bot/slack/slacktest"
)

// loses lets the answer to one call get lost, which took effect.
func (w *workspace) loses(method string) {
	w.rough = append(w.rough, time.Now())
	w.Fail(slacktest.Fault{Method: method, StoredButLost: true, Times: 1})
}

// calls waits for a message that buzzes a person, and says text. An edit would buzz nobody.
func (w *workspace) calls(prefix, text, user string) {
	w.c.t.Helper()
	w.until(40*time.Second, "call "+user, func() error {
		for _, call := range w.Calls("chat.postMessage") {
			if strings.HasPrefix(keyOf([]byte(call.Args["blocks"])), prefix) && strings.Contains(call.Args["text"], "<@"+user+">") && strings.Contains(call.Args["blocks"], text) {
				return nil
			}
		}
		return fmt.Errorf("no new message of %s", prefix)
	})
}

// refusesStrangers: a click and commands of somebody whom fleet.yaml does not know change nothing.
func (w *workspace) refusesStrangers(id, stepID string) {
	w.c.t.Helper()
	key := "step/" + id + "/" + stepID
	before := w.sees(key, "Approve")
	for _, b := range elements(before) { // to skip this step needs a reason: the form for it asks
		if ask := b.Text.Text == "Abort run"; ask != (b.Confirm != nil) {
			w.c.t.Errorf("[%s] asks before it counts: %s", b.Text.Text, b.Confirm)
		}
	}
	for _, do := range []func() error{
		func() error { return w.Click(stranger, room, before.TS, "Approve") },
		func() error { return w.Slash(stranger, room, "/recover", "primary --supersede because") },
	} {
		w.refuses(stranger, "I do not know you", do)
	}
	if now := w.sees(key, "Approve"); now.Edited != before.Edited {
		w.c.t.Errorf("after a stranger's click the card is\n%s", w.Plain(now))
	}
}

// hearsOnce: a click that Slack delivers three times is one answer.
func (w *workspace) hearsOnce(id, stepID string) {
	w.c.t.Helper()
	key := "step/" + id + "/" + stepID
	eventually(w.c.t, 20*time.Second, "see the newest plan on "+key, func() error {
		r, err := w.c.run(id)
		s := r.step(stepID)
		if err == nil && s.State != "waiting" { // a plan is being made
			err = errors.New("it is " + s.State)
		}
		if err == nil {
			_, err = w.shows(key, "Approve", s.Digest)
		}
		return err
	})
	w.click(ops1, key, "Approve")
	for range 2 {
		if err := w.Redeliver(); err != nil {
			w.c.t.Fatal(err)
		}
	}
	w.c.at(id, stepID, "done")
	w.acked(ops1)
	w.c.decided(id, stepID)
}

// changesConnection: Slack asks for a new connection while a person clicks.
func (w *workspace) changesConnection(id string) {
	w.c.t.Helper()
	w.rough = append(w.rough, time.Now())
	key := "step/" + id + "/nginx-out"
	m := w.sees(key, "Approve")
	asked := make(chan struct{})
	go func() {
		defer close(asked)
		w.Disconnect("refresh_requested")
	}()
	if err := w.Click(ops1, room, m.TS, "Approve"); err != nil {
		w.c.t.Fatal(err)
	}
	<-asked
	w.again(id, "nginx-out.nginx1", key)
	for _, member := range []string{"nginx-out.nginx1", "nginx-out.nginx2"} {
		w.c.at(id, member, "done")
	}
}

// losesConnection: the socket breaks before the click is confirmed.
func (w *workspace) losesConnection(id, stepID string) {
	w.c.t.Helper()
	w.rough = append(w.rough, time.Now())
	key := "step/" + id + "/" + stepID
	m := w.sees(key, "Approve")
	signal := func(s syscall.Signal) {
		if err := syscall.Kill(w.c.d.Bot.Pid, s); err != nil {
			w.c.t.Fatal(err)
		}
	}
	signal(syscall.SIGSTOP)
	err := w.Click(ops1, room, m.TS, "Approve")
	w.Drop()
	signal(syscall.SIGCONT)
	if err != nil {
		w.c.t.Fatal(err)
	}
	w.again(id, stepID, key)
	w.c.at(id, stepID, "held")
	w.c.decided(id, stepID)
}

// again is what a person does whose click may have been lost: wait a while, look, and click again.
func (w *workspace) again(id, stepID, key string) {
	w.c.t.Helper()
	w.acked(ops1)
	deadline := time.Now().Add(2 * time.Second)
	clicked := false
	eventually(w.c.t, 30*time.Second, "take the click on "+key, func() error {
		r, err := w.c.run(id)
		if err != nil {
			return err
		}
		if s := r.step(stepID); s.State != "waiting" {
			w.c.t.Logf("%s: clicked again: %t", key, clicked)
			return nil
		}
		if time.Now().After(deadline) && !clicked {
			clicked = true
			w.click(ops1, key, "Approve")
		}
		return errors.New("the step waits")
	})
}

// diesAfterHearing: kill -9 as soon as Slack has the confirmation of a click.
func (w *workspace) diesAfterHearing(id, stepID string) {
	w.c.t.Helper()
	w.rough = append(w.rough, time.Now())
	key := "step/" + id + "/" + stepID
	w.click(ops1, key, "Approve")
	w.acked(ops1)
	killed := time.Now()
	w.c.killBot()
	if s := w.c.at(id, stepID, "done", "unknown"); s.State == "unknown" {
		w.c.leads(id, stepID)
		w.c.answer(id, stepID, "retry")
		w.c.at(id, stepID, "done", "waiting")
	}
	d := w.c.decided(id, stepID)
	w.c.t.Logf("%s: the answer was recorded %s after the kill", stepID, d.At.Sub(killed).Round(time.Millisecond))
}

// toldAll sees that Slack tells the whole run as the journal has it.
func (w *workspace) toldAll(id string) {
	w.c.t.Helper()
	r, err := w.c.run(id)
	if err != nil {
		w.c.t.Fatal(err)
	}
	w.until(60*time.Second, "the last word", func() error {
		m, _ := w.card("run/" + id)
		if !strings.Contains(w.Plain(m), "Service is back") || !strings.Contains(w.Plain(m), "Audit ") {
			return errors.New(w.Plain(m))
		}
		return nil
	})
	for _, s := range r.Steps {
		w.toldStep(id, s)
	}
	for _, e := range w.c.events() {
		if e.Kind != "decision" || e.RunID != id {
			continue
		}
		want := "operator"
		if e.Data["choice"] == "commit" {
			want = "colleague"
		}
		if e.By.Name != want || e.By.Platform != "slack" {
			w.c.t.Errorf("%s of %s is by %s in %s, want %s", e.Data["choice"], e.StepID, e.By.Name, e.By.Platform, want)
		}
	}
	w.inPlace()
	w.inTime(id)
	w.withinLimits("lost")
	w.kept()
}

// toldStep sees that the card of a step says how it ended and who decided where, and that its output is below it.
func (w *workspace) toldStep(id string, s step) {
	w.c.t.Helper()
	key := "step/" + id + "/" + s.ID
	if s.Group != "" {
		key = "step/" + id + "/" + s.Group
	}
	var m slacktest.Message
	w.until(60*time.Second, "the last version of "+key, func() error {
		var ok bool
		m, ok = w.card(key)
		if text := w.Plain(m); !ok || len(buttons(m)) > 0 || asks.MatchString(text) {
			return errors.New(text)
		}
		return nil
	})
	text := w.Plain(m)
	if s.DecidedBy != "" && !regexp.MustCompile(` by `+s.DecidedBy+` \(Slack\) \d\d:\d\d`).MatchString(text) {
		w.c.t.Errorf("%s does not say that %s decided in Slack:\n%s", key, s.DecidedBy, text)
	}
	if s.Result == nil || strings.TrimSpace(s.Result.Output) == "" {
		return
	}
	last := lastLine(s.Result.Output)
	w.until(60*time.Second, "show the output of "+key+" in its thread", func() error {
		for _, m := range w.Thread(room, m.TS) {
			if strings.Contains(w.Plain(m), last) || slices.ContainsFunc(m.Files, func(f slacktest.File) bool { return strings.Contains(string(f.Content), last) }) {
				return nil
			}
		}
		return errors.New(s.Result.Output)
	})
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}

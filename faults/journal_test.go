package faults

import (
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"recoverbot/bot/slack/slacktest"
)

// until waits for a step to come to a state.
func (o *operator) until(id, stepID, state string) step {
	o.c.t.Helper()
	var s step
	tick := time.NewTicker(40 * time.Millisecond)
	defer tick.Stop()
	for begun := time.Now(); time.Since(begun) < patience; <-tick.C {
		var r run
		if o.c.call(http.MethodGet, "/api/runs/"+id, nil, &r) != nil {
			continue
		}
		for _, s = range r.Steps {
			if s.ID == stepID && s.State == state {
				return s
			}
		}
	}
	o.c.t.Fatalf("%s is not %s: %s\n%s", stepID, state, s.why(), o.b.tail())
	return s
}

// started is a bot with a run that has come to wait for its only step.
func (c *company) started(task, instructions string) (*operator, string, step) {
	c.t.Helper()
	c.reset()
	o := &operator{c: c, before: c.traces(), looked: map[string]bool{}}
	o.b = c.startBot(instructions, "")
	c.t.Cleanup(func() { _ = o.b.end() }) // a test that failed
	for begun := time.Now(); time.Since(begun) < patience; {
		if id, err := o.begin("only-" + task); err == nil {
			return o, id, o.until(id, task, "waiting")
		}
		<-time.After(40 * time.Millisecond)
	}
	c.t.Fatalf("the bot does not start: %s", o.b.tail())
	return o, "", step{}
}

// TestTheJournalFails lets every write of the journal fail while a step waits, as on a full disk or one that has become
// read-only, and then damages its file: nothing is begun, the state is still shown, the person is told why, and so are
// the chat and stderr. With a damaged file the bot does not start, says which file it is, and leaves it alone (fault 6).
func TestTheJournalFails(t *testing.T) {
	t.Parallel()
	c := newSmall(t, "standby")
	var err error
	c.chat, err = slacktest.Start(slacktest.Options{})
	c.must(err)
	t.Cleanup(c.chat.Close)
	full := filepath.Join(c.Dir, "full")
	o, id, s := c.started("blind", "fail=journal*@"+full)
	c.must(os.WriteFile(full, nil, 0o600))
	var r run
	for _, choice := range []string{"approve", "skip", "retry"} {
		var no *refused
		err := c.call(http.MethodPost, "/api/runs/"+id+"/decisions", s.to(choice), &r)
		if !errors.As(err, &no) || no.Status != http.StatusServiceUnavailable || !strings.Contains(no.Body, "journal") {
			t.Errorf("%s without a journal: %v", choice, err)
		}
	}
	if now := o.until(id, "blind", "waiting"); now.Attempt != s.Attempt || now.Digest != s.Digest {
		t.Errorf("the card changed: %s", now.why())
	}
	if c.blindLine() != "none" {
		t.Error("an effect without a journal")
	}
	if !c.hears("The journal cannot be written") {
		t.Error("the chat is not told of the journal")
	}
	once := http.Client{Timeout: 15 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	if res, err := once.Get("http://" + c.addr + "/readyz"); err != nil || res.Body.Close() != nil || res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("readyz without a journal: %v %v", res, err)
	}
	if !strings.Contains(o.b.tail(), `"level":"ERROR"`) && !strings.Contains(o.b.tail(), `"level":"WARN","msg":"refuse request"`) {
		t.Errorf("stderr says nothing: %s", o.b.tail())
	}
	c.must(os.Remove(full))
	c.must(c.call(http.MethodPost, "/api/runs/"+id+"/decisions", s.to("approve"), &r))
	o.until(id, "blind", "done")
	if c.blindLine() != "blind\n" {
		t.Errorf("after the journal came back: %q", c.blindLine())
	}
	c.must(o.b.end())
	c.must(o.b.verify())

	file := filepath.Join(c.dir, "journal.db")
	text, err := os.ReadFile(file)
	c.must(err)
	for i := 4096; i < len(text); i++ {
		text[i] = byte(i * 7)
	}
	c.must(os.WriteFile(file, text, 0o600))
	b := c.startBot("", "")
	<-b.done
	if b.ended == nil || !strings.Contains(b.ended.Error(), "journal") {
		t.Errorf("a damaged journal: %v", b.ended)
	}
	if now, err := os.ReadFile(file); err != nil || string(now) != string(text) {
		t.Errorf("the damaged journal was written to: %v", err)
	}
	if c.blindLine() != "blind\n" {
		t.Errorf("with a damaged journal: %q", c.blindLine())
	}
}

// TestTheBotDiesAroundTheRename kills it when the new text of a file waits aside, and when it has just taken the file's
// place: the file is the old one or the new one, whole, with its mode, and the next attempt clears up (fault 5).
func TestTheBotDiesAroundTheRename(t *testing.T) {
	t.Parallel()
	c := newSmall(t, "standby")
	c.reset()
	old := c.config()
	for _, at := range []string{"before", "after"} {
		want := map[string]string{"before": old, "after": old + "added by the bot\n"}[at]
		o, id, s := c.started("edit", "kill=sftp.posix-rename."+at+"@1")
		var r run
		_ = c.call(http.MethodPost, "/api/runs/"+id+"/decisions", s.to("approve"), &r) // the bot may die before it answers
		s = o.until(id, "edit", "unknown")
		info, err := os.Stat(c.Path("standby", "/etc/app.conf"))
		c.must(err)
		if now := c.config(); now != want || info.Mode().Perm() != 0o640 {
			t.Errorf("killed %s the rename: %s %q, want %q", at, info.Mode(), now, want)
		}
		choice := map[string]string{"before": "retry", "after": "look"}[at]
		c.must(c.call(http.MethodPost, "/api/runs/"+id+"/decisions", s.to(choice), &r))
		if at == "before" {
			s = o.until(id, "edit", "waiting")
			c.must(c.call(http.MethodPost, "/api/runs/"+id+"/decisions", s.to("approve"), &r))
		}
		o.until(id, "edit", "done")
		left, _ := filepath.Glob(c.Path("standby", "/etc/.recoverbot*"))
		if now := c.config(); now != old+"added by the bot\n" || len(left) > 0 {
			t.Errorf("in the end: %q, %v left", now, left)
		}
		if err := o.b.end(); err != nil || o.b.kills != 1 {
			t.Errorf("it died %d times: %v", o.b.kills, err)
		}
	}
}

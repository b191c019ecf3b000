package web_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"recoverbot/bot"
	"recoverbot/bot/bottest"
	"recoverbot/bot/bottest/browser"
	"recoverbot/bot/web"
)

// story is a run in its middle: every kind of card that the page has to show.
func story() []bot.Message {
	at := time.Now().UTC()
	buttons := []bot.Button{{Label: "Approve", Choice: "approve", Action: "approve-2", Style: "primary", WithForm: true},
		{Label: "Skip", Choice: "skip", Action: "skip-2", NeedsReason: true, Confirm: "The domain list keeps sending users to a dead machine."},
		{Label: "Abort run", Choice: "abort", Action: "abort-2", Style: "danger", Confirm: "Stop the recovery? What is done stays done."}}
	return []bot.Message{
		{Key: "alert", Version: 1, State: "down", Emoji: "🔴", Title: "primary does not answer", At: at.Add(-262 * time.Second), Priority: bot.Outcome,
			Lines: []string{"since 03:11:40 (52 s), seen from the bot and from nginx1", "nginx1 ok · nginx2 ok · standby ok (its go-api needs primary)", "primary: no SSH, no MySQL, no redis, no HTTP", "Newest backup: 02:00, 1.2 GB, complete, on standby → would lose 1 h 11 min"}, Footer: "ops1 started the recovery (console) 03:12:44"},
		{Key: "r1.check", Version: 1, State: "done", Emoji: "✅", Title: "1/12 What is dead: only primary", At: at.Add(-200 * time.Second), Footer: "all 9 checks passed · no click needed",
			Blocks: []bot.Block{{Kind: "table", Columns: []string{"host", "check", "found"}, Rows: [][]string{{"nginx1", "http", "502"}, {"standby", "mysql", "writable"}}, Marks: []string{"ok", "ok"}}}},
		{Key: "r1.nginx", Version: 1, State: "done", Emoji: "✅", Title: "2/12 Took primary out of nginx1 and nginx2: 3 upstreams, reloaded", At: at.Add(-150 * time.Second), Footer: "ops1 approved (console) 03:13:30 · 1.4 s",
			Blocks: []bot.Block{{Kind: "diff", Label: "nginx1 conf.d/api.conf", Text: "--- a/conf.d/api.conf\n+++ b/conf.d/api.conf\n@@ -3,5 +3,4 @@\n upstream api {\n-    server 192.0.2.21:8080;\n     server 192.0.2.22:8080;\n }\n"}}},
		{Key: "r1.restore", Version: 1, State: "running", Emoji: "🔵", Title: "3/12 Restoring speed on standby", At: at.Add(-40 * time.Second), Since: at.Add(-242 * time.Second), Context: "down 04:02 · would lose 1 h 11 min · step 3 of 12", Priority: bot.Ticker,
			Progress: &bot.Progress{Done: 612, Total: 1204, Text: "612 of 1204 MB, 31 MB/s, 19 s left"}, Footer: "approved by ops1 (console) 03:14:20", Output: "create table t_app_dns\ncreate table orders\nload orders 1 204 000 rows\n",
			Buttons: []bot.Button{{Label: "Cancel", Choice: "cancel", Action: "cancel-1", Style: "danger", Confirm: "Stop the restore? The scratch schema is dropped."}}, Code: "7b01"},
		{Key: "r1.dns", Version: 1, State: "waiting", Emoji: "🟡", Title: "5/12 Take 192.0.2.21 off the domain list", At: at, Since: at.Add(-242 * time.Second), Context: "down 04:02 · would lose 1 h 11 min · step 5 of 12 · next: go-api config",
			Lines: []string{"on standby, database speed (document line 3.3)"}, Warn: []string{"Row 9 was changed 2 minutes ago by somebody else."},
			Blocks: []bot.Block{{Kind: "sql", Text: "begin;\nupdate speed.t_app_dns set status = ? where id = ? and status = ?;  -- 2, 3, 1\nupdate speed.t_app_dns set status = ? where id = ? and status = ?;  -- 2, 9, 1"},
				{Kind: "table", Label: "matches 2 rows now", Columns: []string{"id", "domain", "ip", "status", "answers"}, Rows: [][]string{{"3", "a.example.com", "192.0.2.21", "1 → 2", "no"}, {"5", "b.example.com", "192.0.2.22", "1", "yes"}, {"9", "img.example.com", "192.0.2.21", "1 → 2", "no"}}, Marks: []string{"match", "", "match"}},
				{Kind: "script", Label: "look afterwards", Fold: true, Text: strings.Repeat("mysql -e 'select * from t_app_dns where ip = @ip' --batch --raw\n", 40)}},
			Form:    []bot.Field{{Name: "row_3", Label: "3 a.example.com 1 → 2", Type: "bool", Value: "true"}, {Name: "row_9", Label: "9 img.example.com 1 → 2", Type: "bool", Value: "true"}},
			Buttons: buttons, Code: "3f2a"},
	}
}

// onOneLine tells that nothing at the top, and no mark of a row, is cut off or broken into two lines.
const onOneLine = `(() => {
	const text = document.createRange(), all = [...document.querySelectorAll('.bar .badge, .bar .quiet, td.mark')];
	return all.some(e => e.matches('td')) && all.every(e => {
		text.selectNodeContents(e);
		return text.getBoundingClientRect().height < 24 && e.getBoundingClientRect().right <= 390;
	});
})()`

func TestOnAPhone(t *testing.T) {
	t.Parallel()
	in := &bottest.Inbox{}
	h := newHarness(t, func(c *web.Config) { c.Watermark = "DRILL" })
	in.Answer = func(u bot.Inbound) bot.Reply {
		switch {
		case u.Text == "history":
			return bot.Reply{Text: "r0  primary  done  2026-11-21 03:12\nr1  primary  open  2026-11-22 03:11"}
		case u.Action == "approve-2" && u.Fields["row_9"] == "false":
			m := story()[4]
			m.Version, m.State, m.Emoji, m.Title, m.Buttons, m.Form, m.Warn = 2, "held", "🔒", "5/12 Changed, NOT committed: 1 row", []bot.Button{{Label: "Commit", Choice: "commit", Action: "commit-3", Style: "primary"}, {Label: "Roll back", Choice: "rollback", Action: "rollback-3"}}, nil, nil
			m.Until, m.UntilText, m.Code, m.Lines = time.Now().Add(161*time.Second), "Rolls back by itself.", "91bc", []string{"Nobody else sees it yet."}
			m.Blocks = []bot.Block{{Kind: "table", Label: "as it would be", Columns: []string{"id", "domain", "status"}, Rows: [][]string{{"3", "a.example.com", "2"}, {"9", "img.example.com", "1"}}, Marks: []string{"changed", ""}}}
			if _, err := h.w.Send(context.Background(), m); err != nil {
				t.Error(err)
			}
			return bot.Reply{}
		}
		return bot.Reply{Text: "You may not do this. ops1, ops2 may.", Refused: true}
	}
	running(t, h, in)
	for _, m := range story() {
		_, _ = h.w.Send(t.Context(), m)
	}
	ctx := browser.Start(t)
	browser.Act(t, ctx, "open", chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2), chromedp.EmulateMobile), chromedp.Navigate(h.srv.URL), browser.Visible("#token"))
	browser.Shot(t, ctx, "1-login")
	browser.Act(t, ctx, "log in", browser.Keys("#token", "token-of-ops1\r"), browser.Visible("#line"))
	browser.Eventually(t, ctx, `document.querySelectorAll('.card').length === 5 && document.querySelector('#status b').textContent.includes('domain list')`)
	browser.Eventually(t, ctx, `document.documentElement.scrollWidth <= 390`)
	browser.Eventually(t, ctx, onOneLine)
	browser.Eventually(t, ctx, `[...document.querySelectorAll('.actions button, .keys button, .quiet, #say button, #line, .check')].every(b => b.getBoundingClientRect().height >= 44)`)
	browser.Shot(t, ctx, "2-waiting-light")
	browser.Act(t, ctx, "dark", browser.Click("#theme"), browser.JS("window.scrollTo(0, document.body.scrollHeight)"))
	browser.Eventually(t, ctx, `document.documentElement.dataset.theme === 'dark'`)
	browser.Shot(t, ctx, "3-waiting-dark")

	// The down time counts by itself, and the shortcut only moves the focus.
	before, err := chromedp.Run(ctx, chromedp.Text(chromedp.CSS("#status .counts")))
	if err != nil {
		t.Fatal(err)
	}
	browser.Eventually(t, ctx, `document.querySelector('#status .counts').textContent !== `+"`"+before+"`")
	browser.Act(t, ctx, "press a", browser.JS("document.activeElement.blur()"), chromedp.KeyEvent("a"))
	browser.Eventually(t, ctx, `document.activeElement.textContent === 'Approve'`)
	if said := in.Said(); len(said) != 0 {
		t.Fatalf("a shortcut pressed a button: %+v", said)
	}

	// Skip asks for a reason on the page; without one nothing goes out.
	browser.Act(t, ctx, "skip", browser.Click(".s-waiting [data-id=pskip1]"), browser.Visible(".ask textarea"))
	browser.Act(t, ctx, "confirm without reason", browser.Click(".ask .row button"))
	browser.Eventually(t, ctx, `document.body.innerText.includes('short reason first')`)
	browser.Shot(t, ctx, "4-reason")
	if said := in.Said(); len(said) != 0 {
		t.Fatalf("went out without a reason: %+v", said)
	}
	browser.Act(t, ctx, "give a reason", browser.Keys(".ask textarea", "tested elsewhere"), browser.Click(".ask .row button"))
	browser.Eventually(t, ctx, `document.body.innerText.includes('You may not do this')`)

	// Untick a row, approve by keyboard: the form goes along, the card changes in place.
	browser.Act(t, ctx, "untick", browser.JS(`document.activeElement.blur()`), browser.Click(".s-waiting .check:nth-of-type(2)"))
	browser.Act(t, ctx, "approve", browser.JS("document.activeElement.blur()"), chromedp.KeyEvent("a"), chromedp.KeyEvent("\r"))
	browser.Eventually(t, ctx, `document.querySelectorAll('.card').length === 5 && document.body.innerText.includes('NOT committed') && /2:\d\d left/.test(document.body.innerText)`)
	browser.Shot(t, ctx, "5-held-dark")
	browser.Act(t, ctx, "command", browser.Keys("#line", "history\r"))
	browser.Eventually(t, ctx, `document.body.innerText.includes('r0  primary')`)
	browser.Act(t, ctx, "history", browser.Keys("#line", kb.ArrowUp))
	browser.Eventually(t, ctx, `document.querySelector('#line').value === 'history'`)
	browser.Shot(t, ctx, "6-answer")
	said := in.Said()
	if len(said) != 3 || said[0].Reason != "tested elsewhere" || said[1].Fields["row_3"] != "true" || said[2].Text != "history" {
		t.Errorf("the inbox heard %+v", said)
	}

	// An approval never looks as if it took along what was typed into a form that another button sends.
	form := bottest.Card("form", 1)
	form.Form = []bot.Field{{Name: "row_3", Label: "row 3", Type: "bool", Value: "true"}}
	form.Buttons = append(form.Buttons, bot.Button{Label: "Use these values", Choice: "input", Action: "input-form", WithForm: true})
	_, _ = h.w.Send(t.Context(), form)
	browser.Act(t, ctx, "untick, then approve", browser.Visible("#c-form .check"), browser.Click("#c-form .check"), browser.Click("#c-form [data-id=papprove0]"))
	browser.Eventually(t, ctx, `document.body.innerText.includes('You changed the form. Press Use these values first')`)
	if n := len(in.Said()); n != 3 {
		t.Errorf("the approval went out: %+v", in.Said())
	}
	form.Version, form.State, form.Buttons, form.Form, form.Ends = 2, "done", nil, nil, true
	_, _ = h.w.Send(t.Context(), form)

	browser.Act(t, ctx, "Chinese", browser.Click("#theme"), browser.Click(`a[hreflang=zh]`), browser.Visible(`html[lang=zh] #line`))
	browser.Eventually(t, ctx, onOneLine)
	browser.Act(t, ctx, "desktop", chromedp.EmulateViewport(1280, 900))
	browser.Eventually(t, ctx, `document.querySelectorAll('.card').length === 6`)
	browser.Shot(t, ctx, "7-desktop-zh")

	// The bot goes away: the page says so, and is whole again by itself.
	h.srv.CloseClientConnections()
	browser.Eventually(t, ctx, `!document.querySelector('#lost').hidden`)
	browser.Eventually(t, ctx, `document.querySelector('#lost').hidden && document.querySelectorAll('.card').length === 6`)
}

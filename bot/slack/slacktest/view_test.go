package slacktest_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/slack-go/slack"
	"github.com/slack-go/slack/socketmode"

	"recoverbot/bot/bottest/browser"
	"recoverbot/bot/slack/slacktest"
)

func plainText(s string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, s, false, false)
}

// app is a small app on the fake: it opens a form at the button "form", refuses the reason "no", and says what it heard.
func app(t *testing.T, s *slacktest.Server) (*slack.Client, <-chan string) {
	t.Helper()
	transport := &http.Transport{}
	api := slack.New(slacktest.DefaultBotToken, slack.OptionAPIURL(s.URL()), slack.OptionAppLevelToken(slacktest.DefaultAppToken), slack.OptionHTTPClient(&http.Client{Transport: transport}))
	socket := socketmode.New(api)
	heard := make(chan string, 100)
	ctx, end := context.WithCancel(context.Background())
	done := make(chan struct{}, 2)
	go func() { _ = socket.RunContext(ctx); done <- struct{}{} }()
	go func() {
		defer func() { done <- struct{}{} }()
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-socket.Events:
				handle(ctx, api, socket, e, heard)
			}
		}
	}()
	t.Cleanup(func() { end(); <-done; <-done; transport.CloseIdleConnections() })
	return api, heard
}

func handle(ctx context.Context, api *slack.Client, socket *socketmode.Client, e socketmode.Event, heard chan<- string) {
	var answer []any
	switch d := e.Data.(type) {
	case slack.SlashCommand:
		heard <- fmt.Sprintf("%s %s %q", d.UserID, d.Command, d.Text)
	case slack.InteractionCallback:
		switch {
		case d.Type == slack.InteractionTypeViewSubmission:
			said := map[string]any{}
			for block, values := range d.View.State.Values {
				v := values["a"]
				said[block] = v.Value + v.SelectedOption.Value
				for _, o := range v.SelectedOptions {
					said[block] = o.Value
				}
			}
			heard <- fmt.Sprintf("%s submits %v", d.User.ID, said)
			if said["reason"] == "no" {
				answer = append(answer, slack.NewErrorsViewSubmissionResponse(map[string]string{"reason": "Say more."}))
			}
		case d.ActionCallback.BlockActions[0].ActionID == "b0:form":
			in := func(id string, e slack.BlockElement) slack.Block {
				return slack.NewInputBlock(id, plainText(id), nil, e)
			}
			_, err := api.OpenViewContext(ctx, d.TriggerID, slack.ModalViewRequest{Type: slack.VTModal, Title: plainText("Values"), Submit: plainText("Approve"), Close: plainText("Cancel"), Blocks: slack.Blocks{BlockSet: []slack.Block{
				in("reason", slack.NewPlainTextInputBlockElement(nil, "a").WithMultiline(true)),
				in("dump", slack.NewOptionsSelectBlockElement(slack.OptTypeStatic, nil, "a", slack.NewOptionBlockObject("old", plainText("02:00"), nil), slack.NewOptionBlockObject("new", plainText("03:00"), nil))),
				in("row", slack.NewCheckboxGroupsBlockElement("a", slack.NewOptionBlockObject("true", plainText("yes"), nil))),
			}}})
			if err != nil {
				heard <- "views.open: " + err.Error()
			}
		default:
			heard <- d.User.ID + " presses " + d.ActionCallback.BlockActions[0].Value
		}
	}
	if e.Request != nil {
		_ = socket.Ack(*e.Request, answer...)
	}
}

// next is what the app hears next.
func next(t *testing.T, heard <-chan string, want string) {
	t.Helper()
	select {
	case got := <-heard:
		if got != want {
			t.Fatalf("heard %s, want %s", got, want)
		}
	case <-time.After(10 * time.Second):
		t.Fatalf("heard nothing, want %s", want)
	}
}

func card(title string) slack.MsgOption {
	button := func(id, value string) *slack.ButtonBlockElement {
		return slack.NewButtonBlockElement(id, value, plainText(id))
	}
	sure := slack.NewConfirmationBlockObject(plainText("Abort run"), plainText("What is done stays done."), plainText("Abort"), plainText("Back"))
	return slack.MsgOptionBlocks(slack.NewHeaderBlock(plainText(title)),
		slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, "*bold* &lt;!channel&gt; <@U0OPS1> <!here>\n"+strings.Repeat("a line\n", 12), false, true), nil, nil),
		slack.NewRichTextBlock("", &slack.RichTextPreformatted{Type: slack.RTEPreformatted, Elements: []slack.RichTextSectionElement{slack.NewRichTextSectionTextElement("<script>document.title='broken out'</script> *x*", nil)}}),
		slack.NewActionBlock("b", button("b0:form", "f1"), button("b1:abort", "x1").WithStyle(slack.StyleDanger).WithConfirm(sure)))
}

func TestThePage(t *testing.T) {
	t.Parallel()
	s := served(t)
	api, heard := app(t, s)
	_, ts, err := api.PostMessageContext(t.Context(), "C0OPS", slack.MsgOptionText("card", false), card("5/12 Take it off"))
	if err != nil {
		t.Fatal(err)
	}
	page := browser.Start(t)
	home := strings.TrimSuffix(s.URL(), "api/")
	browser.Act(t, page, "open", chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2), chromedp.EmulateMobile), chromedp.Navigate(home), browser.Visible("article h2"))
	browser.Eventually(t, page, `document.title === '#ops – fake Slack' && document.querySelector('pre').innerText.startsWith('<script>') && document.documentElement.scrollWidth <= 390`)
	browser.Eventually(t, page, `document.querySelector('.section b').innerText === 'bold' && [...document.querySelectorAll('.mention')].map(m => m.innerText).join() === '@ops1,@here'`)
	browser.Eventually(t, page, `document.querySelector('.section').matches('.folded')`)
	browser.Shot(t, page, "slack-1-card")

	// A press that asks first: only what is confirmed goes out.
	browser.Act(t, page, "abort, then not", browser.Click("[data-press$=abort]"), browser.Visible("dialog[open] .deny"))
	browser.Shot(t, page, "slack-2-confirm")
	browser.Act(t, page, "back", browser.Click("dialog[open] .deny"), browser.Click("[data-press$=abort]"), browser.Click("dialog[open] .confirmed"))
	next(t, heard, "U0OPS1 presses x1")

	// A form: what is missing does not go out, what the app refuses stays to be mended.
	browser.Act(t, page, "form", browser.Click("[data-press$=form]"), browser.Visible("dialog.modal[open] textarea"), browser.Click("dialog.modal .primary"))
	browser.Eventually(t, page, `document.querySelector('.modal .problem').innerText.includes('required')`)
	browser.Act(t, page, "fill in", browser.Keys(".modal textarea", "no"), browser.JS(`document.querySelector('.modal select').value = 'new'`), browser.Click(".modal [type=checkbox]"), browser.Click(".modal .primary"))
	next(t, heard, "U0OPS1 submits map[dump:new reason:no row:true]")
	browser.Eventually(t, page, `document.querySelector('.modal .problem').innerText === 'Say more.'`)
	browser.Shot(t, page, "slack-3-form")
	browser.Act(t, page, "mend", browser.Keys(".modal textarea", " way"), browser.Click(".modal .primary"))
	next(t, heard, "U0OPS1 submits map[dump:new reason:no way row:true]")
	browser.Eventually(t, page, `!document.querySelector('.modal')`)

	// The page follows by itself: an edit, what only one person sees, replies, files.
	if _, _, _, err := api.UpdateMessageContext(t.Context(), "C0OPS", ts, slack.MsgOptionText("card", false), card("5/12 Done")); err != nil {
		t.Fatal(err)
	}
	if _, err := api.PostEphemeralContext(t.Context(), "C0OPS", "U0OPS1", slack.MsgOptionText("You may not.", false)); err != nil {
		t.Fatal(err)
	}
	if _, err := api.UploadFileContext(t.Context(), slack.UploadFileParameters{Channel: "C0OPS", ThreadTimestamp: ts, Filename: "output.txt", FileSize: 5, Content: "hello"}); err != nil {
		t.Fatal(err)
	}
	browser.Eventually(t, page, `document.querySelector('h2').innerText === '5/12 Done' && document.body.innerText.includes('(edited)') && document.querySelector('.ephemeral .text').innerText === 'You may not.'`)
	browser.Act(t, page, "thread", browser.Click("a.replies"), browser.Visible("aside .file a"))
	browser.Shot(t, page, "slack-4-thread")
	browser.Act(t, page, "reply", browser.Keys("aside textarea", "approve <3f2a>\r"))
	browser.Eventually(t, page, `[...document.querySelectorAll('aside article')].pop().innerText.includes('approve <3f2a>')`)
	if below := s.Thread("C0OPS", ts); len(below) != 2 || below[1].User != "U0OPS1" || below[1].Text != "approve &lt;3f2a&gt;" {
		t.Errorf("below the card: %+v", below)
	}
	browser.Act(t, page, "as another", browser.Click("aside .close"), browser.Visible("#log article"), browser.JS(`const w = document.querySelector('#who'); w.value = 'U0OPS2'; w.dispatchEvent(new Event('change', {bubbles: true}))`), browser.Visible("body[data-user=U0OPS2] #log article"))
	browser.Eventually(t, page, `!document.querySelector('.ephemeral')`)
	browser.Act(t, page, "command", browser.Keys("main textarea", "/recover primary now\r"))
	next(t, heard, `U0OPS2 /recover "primary now"`)
	browser.Act(t, page, "to the bot alone", browser.Click("#channels li:last-child a"), browser.Visible("body[data-channel='@recoverbot'] main textarea"), browser.Keys("main textarea", "help\r"))
	browser.Eventually(t, page, `document.querySelector('#log article').innerText.includes('help')`)
}

// Only the page acts for people: a form of a foreign page cannot, and what does not exist changes nothing.
func TestWhatThePageRefuses(t *testing.T) {
	t.Parallel()
	s := served(t)
	home := strings.TrimSuffix(s.URL(), "api/")
	if _, err := s.Say("U0OPS1", "C0OPS", "", "hello"); err != nil {
		t.Fatal(err)
	}
	before := s.Messages("C0OPS")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, c := range []struct {
		kind, body, want string
		status           int
	}{
		{"text/plain", `{"do":"say","user":"U0OPS1","channel":"C0OPS","text":"x"}`, "send JSON", http.StatusUnsupportedMediaType},
		{"application/json", `{`, "read JSON", http.StatusBadRequest},
		{"application/json", `{"do":"jump"}`, "nobody can do that: jump", http.StatusBadRequest},
		{"application/json", `{"do":"say","user":"U0OPS1","channel":"C0NONE","text":"x"}`, "trouble", http.StatusOK},
		{"application/json", `{"do":"say","user":"U0NOBODY","channel":"C0OPS","text":"x"}`, "trouble", http.StatusOK},
		{"application/json", `{"do":"say","user":"U0OPS1","channel":"C0OPS","thread":"1.2","text":"/recover"}`, "not supported in threads", http.StatusOK},
		{"application/json", `{"do":"click","user":"U0OPS1","channel":"C0OPS","ts":"1.2","what":"x"}`, "trouble", http.StatusOK},
		{"application/json", `{"do":"submit","user":"U0OPS1"}`, "trouble", http.StatusOK},
		{"application/json", `{"do":"press","user":"U0OPS1","what":"x"}`, "trouble", http.StatusOK},
		{"application/json", `{"do":"dismiss","user":"U0OPS1"}`, "trouble", http.StatusOK},
	} {
		r, err := client.Post(home+"view/act", c.kind, strings.NewReader(c.body)) //nolint:noctx // loopback, ends with the server
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(r.Body)
		_ = r.Body.Close()
		if r.StatusCode != c.status || !strings.Contains(string(got), c.want) {
			t.Errorf("%s: %d %s", c.body, r.StatusCode, got)
		}
	}
	for path, want := range map[string]int{"?user=U0NOBODY": 404, "?channel=C0NONE": 404, "view/file/F0NONE": 404, "?channel=@recoverbot": 200} {
		r, err := client.Get(home + path) //nolint:noctx // as above
		if err != nil {
			t.Fatal(err)
		}
		_ = r.Body.Close()
		if r.StatusCode != want {
			t.Errorf("%s: %d", path, r.StatusCode)
		}
	}
	if after := s.Messages("C0OPS"); !slices.EqualFunc(before, after, func(a, b slacktest.Message) bool { return a.TS == b.TS && a.Text == b.Text }) {
		t.Errorf("something changed: %+v", after)
	}
}

func served(t *testing.T) *slacktest.Server {
	t.Helper()
	s, err := slacktest.Start(slacktest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

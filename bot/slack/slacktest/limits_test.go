package slacktest_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/slack-go/slack"

	"recoverbot/bot/slack/slacktest"
)

type m = map[string]any

func x(n int) string { return strings.Repeat("x", n) }
func many(n int, f func(int) any) []any { // n things
	all := []any{}
	for i := range n {
		all = append(all, f(i))
	}
	return all
}
func same(n int, v any) []any { return many(n, func(int) any { return v }) }
func pt(t string) m           { return m{"type": "plain_text", "text": t} }
func md(t string) m           { return m{"type": "mrkdwn", "text": t} }
func with(o m, kv ...any) m {
	c := m{}
	for k, v := range o {
		c[k] = v
	}
	for i := 0; i < len(kv); i += 2 {
		c[kv[i].(string)] = kv[i+1]
	}
	return c
}
func section(t string) m { return m{"type": "section", "text": md(t)} }
func actions(e ...any) m { return m{"type": "actions", "elements": e} }
func button(kv ...any) m { return with(m{"type": "button", "text": pt("ok")}, kv...) }
func confirmed(kv ...any) m {
	return button("confirm", with(m{"title": pt("t"), "text": md("x"), "confirm": pt("y"), "deny": pt("n")}, kv...))
}
func choice(t, v string) m { return m{"text": pt(t), "value": v} }
func menu(kv ...any) m {
	return with(m{"type": "static_select", "options": []any{choice("a", "a")}}, kv...)
}
func rich(e ...any) m { return m{"type": "rich_text", "elements": e} }
func pre(t string) m {
	return m{"type": "rich_text_preformatted", "elements": []any{m{"type": "text", "text": t}}}
}
func rows(n int, row []any) m { return m{"type": "table", "rows": same(n, row)} }
func input(e m) m             { return m{"type": "input", "label": pt("l"), "element": e} }

var cell = m{"type": "raw_text", "text": "c"}

// TestBlocksWithinTheLimits takes everything that Slack takes, at its limits.
func TestBlocksWithinTheLimits(t *testing.T) {
	t.Parallel()
	for name, blocks := range map[string][]any{
		"50 blocks":       same(50, m{"type": "divider"}),
		"section":         {section(x(3000)), m{"type": "section", "fields": same(10, md(x(100)))}, with(section("a"), "accessory", button(), "expand", true)},
		"header":          {m{"type": "header", "text": pt(x(150))}},
		"context":         {m{"type": "context", "elements": same(10, md("a"))}},
		"actions":         {actions(same(25, button("text", pt(x(75)), "value", x(2000), "style", "danger", "action_id", nil))...)},
		"confirm":         {actions(confirmed("title", pt(x(100)), "text", md(x(300)), "confirm", pt(x(30)), "deny", pt(x(30)), "style", "danger"))},
		"ids":             {with(actions(button("action_id", x(255))), "block_id", x(255))},
		"select":          {actions(menu("options", many(100, func(i int) any { return choice(fmt.Sprint(i), fmt.Sprint(i)) }), "placeholder", pt(x(150)), "initial_option", choice("7", "7")))},
		"overflow":        {actions(m{"type": "overflow", "options": same(5, choice("a", "b"))})},
		"option":          {actions(menu("options", []any{choice(x(75), x(150))}))},
		"rich text":       {rich(pre(x(12000)), m{"type": "rich_text_section", "elements": []any{m{"type": "text", "text": "b", "style": m{"bold": true}}, m{"type": "user", "user_id": "U0OPS1"}, m{"type": "link", "url": "https://example.com"}}})},
		"rich list":       {rich(m{"type": "rich_text_list", "style": "bullet", "elements": []any{m{"type": "rich_text_section", "elements": []any{m{"type": "text", "text": "b"}}}}})},
		"table":           {rows(100, same(20, cell))},
		"13 000 in all":   {section(x(3000)), section(x(3000)), section(x(3000)), section(x(3000)), section(x(1000))},
		"image and video": {m{"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a"}},
		"input":           {input(m{"type": "plain_text_input", "max_length": 3000.0})},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, b := range blocks { // ids that are to be left out
				if o := b.(m); o["type"] == "actions" {
					for _, e := range o["elements"].([]any) {
						if a := e.(m); a["action_id"] == nil {
							delete(a, "action_id")
						}
					}
				}
			}
			raw, err := json.Marshal(blocks)
			if err != nil {
				t.Fatal(err)
			}
			if err := slacktest.Wrong(raw); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// refused are blocks that Slack refuses, with its words.
var refused = map[string]struct {
	blocks []any
	want   string
}{
	"51 blocks":            {same(51, m{"type": "divider"}), "no more than 50 items allowed [json-pointer:/blocks]"},
	"unknown type":         {[]any{m{"type": "carpet"}}, "unsupported type: carpet [json-pointer:/blocks/0/type]"},
	"no type":              {[]any{m{}}, "missing required field: type"},
	"no object":            {[]any{"a"}, "must provide an object"},
	"unknown field":        {[]any{with(section("a"), "colour", "red")}, "invalid additional property: colour [json-pointer:/blocks/0]"},
	"section text":         {[]any{section(x(3001))}, "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"},
	"empty section":        {[]any{section("")}, "must be more than 0 characters"},
	"section of nothing":   {[]any{m{"type": "section"}}, "must define either `fields` or `text`"},
	"11 fields":            {[]any{m{"type": "section", "fields": same(11, md("a"))}}, "no more than 10 items allowed [json-pointer:/blocks/0/fields]"},
	"field text":           {[]any{m{"type": "section", "fields": []any{md(x(2001))}}}, "must be less than 2001 characters"},
	"header text":          {[]any{m{"type": "header", "text": pt(x(151))}}, "must be less than 151 characters"},
	"header in markdown":   {[]any{m{"type": "header", "text": md("a")}}, "unsupported type: mrkdwn"},
	"header without text":  {[]any{m{"type": "header"}}, "missing required field: text"},
	"11 remarks":           {[]any{m{"type": "context", "elements": same(11, md("a"))}}, "no more than 10 items"},
	"button in context":    {[]any{m{"type": "context", "elements": []any{button()}}}, "unsupported type: button"},
	"no remark":            {[]any{m{"type": "context", "elements": []any{}}}, "no fewer than 1 items"},
	"26 elements":          {[]any{actions(many(26, func(int) any { return button() })...)}, "no more than 25 items allowed [json-pointer:/blocks/0/elements]"},
	"no element":           {[]any{m{"type": "actions"}}, "missing required field: elements"},
	"button text":          {[]any{actions(button("text", pt(x(76))))}, "must be less than 76 characters"},
	"button in markdown":   {[]any{actions(button("text", md("a")))}, "unsupported type: mrkdwn"},
	"button value":         {[]any{actions(button("value", x(2001)))}, "must be less than 2001 characters [json-pointer:/blocks/0/elements/0/value]"},
	"button style":         {[]any{actions(button("style", "blue"))}, "must be one of primary, danger"},
	"button link":          {[]any{actions(button("url", "javascript:1"))}, "must be a valid URL"},
	"action_id":            {[]any{actions(button("action_id", x(256)))}, "must be less than 256 characters"},
	"action_id twice":      {[]any{actions(button("action_id", "a"), button("action_id", "a"))}, "already exists"},
	"block_id":             {[]any{with(section("a"), "block_id", x(256))}, "must be less than 256 characters"},
	"block_id twice":       {[]any{with(section("a"), "block_id", "a"), with(section("a"), "block_id", "a")}, "already exists"},
	"confirm title":        {[]any{actions(confirmed("title", pt(x(101))))}, "must be less than 101 characters"},
	"confirm text":         {[]any{actions(confirmed("text", md(x(301))))}, "must be less than 301 characters"},
	"confirm yes":          {[]any{actions(confirmed("confirm", pt(x(31))))}, "must be less than 31 characters"},
	"confirm no":           {[]any{actions(confirmed("deny", pt(x(31))))}, "must be less than 31 characters"},
	"confirm of nothing":   {[]any{actions(button("confirm", m{"title": pt("t")}))}, "missing required field: deny"},
	"101 options":          {[]any{actions(menu("options", same(101, choice("a", "b"))))}, "no more than 100 items"},
	"option text":          {[]any{actions(menu("options", []any{choice(x(76), "a")}))}, "must be less than 76 characters"},
	"option value":         {[]any{actions(menu("options", []any{choice("a", x(151))}))}, "must be less than 151 characters"},
	"foreign initial":      {[]any{actions(menu("initial_option", choice("b", "b")))}, "initial_option must be one of"},
	"no options":           {[]any{actions(m{"type": "static_select"})}, "must define either `options` or `option_groups`"},
	"6 in an overflow":     {[]any{actions(m{"type": "overflow", "options": same(6, choice("a", "b"))})}, "no more than 5 items"},
	"placeholder":          {[]any{actions(menu("placeholder", pt(x(151))))}, "must be less than 151 characters"},
	"input in actions":     {[]any{actions(m{"type": "plain_text_input"})}, "unsupported type: plain_text_input"},
	"bare text in rich":    {[]any{rich(m{"type": "text", "text": "a"})}, "unsupported type: text"},
	"empty rich text":      {[]any{rich(pre(""))}, "must be more than 0 characters"},
	"styled preformatted":  {[]any{rich(m{"type": "rich_text_preformatted", "elements": []any{m{"type": "user", "user_id": "U1"}}})}, "unsupported type: user"},
	"bullet of no style":   {[]any{rich(m{"type": "rich_text_list", "elements": []any{}})}, "missing required field: style"},
	"image without words":  {[]any{m{"type": "image", "image_url": "https://example.com/a.png"}}, "missing required field: alt_text"},
	"101 rows":             {[]any{rows(101, []any{cell})}, "no more than 100 items"},
	"21 cells":             {[]any{rows(1, same(21, cell))}, "no more than 20 items"},
	"empty cell":           {[]any{rows(1, []any{m{"type": "raw_text", "text": ""}})}, "must be more than 0 characters"},
	"a great table":        {[]any{rows(2, []any{m{"type": "raw_text", "text": x(5001)}})}, "must be less than 10001 characters"},
	"two tables":           {same(2, rows(1, []any{cell})), "only_one_table_allowed"},
	"too much in all":      {append(same(4, section(x(3000))), section(x(1001))), "msg_blocks_too_long"},
	"a great preformatted": {[]any{rich(pre(x(7000)), pre(x(6001)))}, "msg_blocks_too_long"},
	"input label":          {[]any{with(input(m{"type": "plain_text_input"}), "label", pt(x(2001)))}, "must be less than 2001 characters"},
	"input without label":  {[]any{m{"type": "input", "element": m{"type": "plain_text_input"}}}, "missing required field: label"},
	"flag of text":         {[]any{with(section("a"), "expand", "yes")}, "must provide a boolean"},
}

func TestRefusedBlocks(t *testing.T) {
	t.Parallel()
	s, api := start(t, slacktest.Options{})
	before := say(t, api, slack.MsgOptionText("a", false))
	for name, tc := range refused {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw, err := json.Marshal(tc.blocks)
			if err != nil {
				t.Fatal(err)
			}
			for _, way := range []string{"chat.postMessage", "chat.update", "chat.postEphemeral"} {
				got := callJSON(t, s, way, m{"channel": "C0OPS", "user": "U0OPS1", "ts": before, "text": "t", "blocks": json.RawMessage(raw)})
				if whole := fmt.Sprint(got); got["ok"] != false || !strings.Contains(whole, tc.want) {
					t.Fatalf("%s: want %q, got %s", way, tc.want, whole)
				}
			}
		})
	}
	t.Cleanup(func() {
		if got := s.Messages("ops"); len(got) != 1 || got[0].Text != "a" || got[0].Edited != 0 || len(s.Private("ops1")) != 0 {
			t.Errorf("something changed: %+v", got)
		}
	})
}

func say(t *testing.T, api *slack.Client, o ...slack.MsgOption) string {
	t.Helper()
	_, ts, err := api.PostMessageContext(t.Context(), "C0OPS", o...)
	if err != nil {
		t.Fatal(err)
	}
	return ts
}

func TestRefusedMessages(t *testing.T) {
	t.Parallel()
	s, api := start(t, slacktest.Options{})
	ts := say(t, api, slack.MsgOptionText("a", false))
	for name, tc := range map[string]struct {
		method string
		args   m
		want   string
	}{
		"long text":      {"chat.postMessage", m{"text": x(40001)}, "msg_too_long"},
		"long ephemeral": {"chat.postEphemeral", m{"text": x(40001), "user": "U0OPS1"}, "msg_too_long"},
		"long update":    {"chat.update", m{"text": x(4001), "ts": ts}, "msg_too_long"},
		"no text":        {"chat.postMessage", m{}, "no_text"},
		"broken blocks":  {"chat.postMessage", m{"text": "a", "blocks": "[{"}, "invalid_blocks_format"},
		"great metadata": {"chat.postMessage", m{"text": "a", "metadata": m{"event_type": "a", "event_payload": m{"k": x(8000)}}}, "metadata_too_large"},
		"odd metadata":   {"chat.postMessage", m{"text": "a", "metadata": m{"event_type": "a"}}, "invalid_metadata_schema"},
		"no metadata":    {"chat.postMessage", m{"text": "a", "metadata": "{"}, "invalid_metadata_format"},
		"odd thread":     {"chat.postMessage", m{"text": "a", "thread_ts": "yesterday"}, "invalid_thread_ts"},
		"no such thread": {"chat.postMessage", m{"text": "a", "thread_ts": "1.000000"}, "thread_not_found"},
		"no channel":     {"chat.postMessage", m{"text": "a", "channel": "C0NONE"}, "channel_not_found"},
		"no message":     {"chat.update", m{"text": "a", "ts": "1.000000"}, "message_not_found"},
		"by name":        {"chat.update", m{"text": "a", "ts": ts, "channel": "#ops"}, "channel_not_found"},
		"no person":      {"chat.postEphemeral", m{"text": "a", "user": "U0NONE"}, "user_not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := callJSON(t, s, tc.method, with(m{"channel": "C0OPS"}, flat(tc.args)...)); got["error"] != tc.want {
				t.Fatalf("want %s, got %v", tc.want, got)
			}
		})
	}
	t.Cleanup(func() {
		if got := s.Messages("ops"); len(got) != 1 || got[0].Edited != 0 {
			t.Errorf("something changed: %+v", got)
		}
	})
}

func flat(o m) (kv []any) {
	for k, v := range o {
		kv = append(kv, k, v)
	}
	return kv
}

func TestRefusedModals(t *testing.T) {
	t.Parallel()
	s, _ := start(t, slacktest.Options{})
	good := m{"type": "modal", "title": pt("t"), "submit": pt("s"), "blocks": []any{section("a")}}
	for name, tc := range map[string]struct {
		view m
		want string
	}{
		"title":           {with(good, "title", pt(x(25))), "must be less than 25 characters [json-pointer:/view/title/text]"},
		"no title":        {m{"type": "modal", "blocks": []any{}}, "missing required field: title [json-pointer:/view]"},
		"submit":          {with(good, "submit", pt(x(25))), "must be less than 25 characters"},
		"close":           {with(good, "close", pt(x(25))), "must be less than 25 characters"},
		"metadata":        {with(good, "private_metadata", x(3001)), "must be less than 3001 characters"},
		"callback":        {with(good, "callback_id", x(256)), "must be less than 256 characters"},
		"101 blocks":      {with(good, "blocks", same(101, m{"type": "divider"})), "no more than 100 items allowed [json-pointer:/view/blocks]"},
		"no submit":       {m{"type": "modal", "title": pt("t"), "blocks": []any{input(m{"type": "plain_text_input"})}}, "missing required field: submit"},
		"table":           {with(good, "blocks", []any{rows(1, []any{cell})}), "unsupported type: table"},
		"label":           {with(good, "blocks", []any{with(input(m{"type": "plain_text_input"}), "label", pt(x(2001)))}), "must be less than 2001 characters"},
		"hint":            {with(good, "blocks", []any{with(input(m{"type": "plain_text_input"}), "hint", pt(x(2001)))}), "must be less than 2001 characters"},
		"initial value":   {with(good, "blocks", []any{input(m{"type": "plain_text_input", "initial_value": x(3001)})}), "must be less than 3001 characters"},
		"eleven boxes":    {with(good, "blocks", []any{input(m{"type": "checkboxes", "options": same(11, choice("a", "b"))})}), "no more than 10 items"},
		"button as input": {with(good, "blocks", []any{input(button())}), "unsupported type: button"},
		"unknown field":   {with(good, "size", "big"), "invalid additional property: size"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := callJSON(t, s, "views.open", m{"trigger_id": "1.2.3", "view": tc.view})
			if got["error"] != "invalid_arguments" || !strings.Contains(fmt.Sprint(got), tc.want) {
				t.Fatalf("want %q, got %v", tc.want, got)
			}
		})
	}
	if got := callJSON(t, s, "views.open", m{"trigger_id": "1.2.3", "view": good}); got["error"] != "invalid_trigger_id" {
		t.Errorf("a good view without a trigger: %v", got)
	}
}

// TestTheClientReadsWhy holds the shape of a refusal to what slack-go makes of it.
func TestTheClientReadsWhy(t *testing.T) {
	t.Parallel()
	_, api := start(t, slacktest.Options{})
	_, _, err := api.PostMessageContext(t.Context(), "C0OPS", slack.MsgOptionBlocks(slack.NewSectionBlock(slack.NewTextBlockObject("mrkdwn", x(3001), false, false), nil, nil)))
	var why slack.SlackErrorResponse
	if !errors.As(err, &why) || why.Err != "invalid_blocks" || !slices.Contains(why.ResponseMetadata.Messages, "[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]") {
		t.Fatalf("%#v", err)
	}
}

package slacktest

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// TestMrkdwn holds the rules by which Slack reads text: what is not escaped means something.
func TestMrkdwn(t *testing.T) {
	t.Parallel()
	n := names{users: map[string]string{"U1": "ops1", "U2": "ops<2>"}, channels: map[string]string{"C1": "recovery"}, me: "U1"}
	for in, want := range map[string]string{
		"a *bold* b":                "a <b>bold</b> b",
		"*bold _both_*":             "<b>bold <i>both</i></b>",
		"2*3*4 a* b *c":             "2*3*4 a* b *c",
		"**x** * y *":               "**x** * y *",
		"中文*粗体*中文":                  "中文*粗体*中文",
		"中文 *粗体*，中文":                "中文 <b>粗体</b>，中文",
		"*no\nbold*":                "*no\nbold*",
		"t_app_dns _i_ ~gone~":      "t_app_dns <i>i</i> <s>gone</s>",
		"`a *b* &lt;c&gt;` d":       "<code>a *b* &lt;c&gt;</code> d",
		"&lt;!channel&gt; &amp;":    "&lt;!channel&gt; &amp;",
		"<!channel>":                `<span class="mention me">@channel</span>`,
		"<@U1> <@U2|x> <@U9>":       `<span class="mention me">@ops1</span> <span class="mention">@ops&lt;2&gt;</span> <span class="mention">@U9</span>`,
		"<#C1> <!subteam^S1|@a>":    `<span class="mention">#recovery</span> <span class="mention">@a</span>`,
		"<https://a.b/?x&amp;y|*z>": `<a href="https://a.b/?x&amp;y" target="_blank" rel="noreferrer noopener">*z</a>`,
		"<javascript:alert(1)|x>":   `<a>x</a>`,
		"a <b> c < d > e":           `a <a>b</a> c <a> d </a> e`,
		"a < b":                     "a &lt; b",
		"a ```\n*x* <!here>\n``` b": "a <pre>*x* <span class=\"mention me\">@here</span></pre> b",
		"```open":                   "```open",
		"&gt; quoted\nnot":          "<blockquote>quoted</blockquote>not",
		":lock: :nothing: 12:30:05": "🔒 :nothing: 12:30:05",
		"<!date^x^{date}|then>":     "then",
		"<script>alert(1)</script>": `<a>script</a>alert(1)<a>/script</a>`,
	} {
		if got := string(n.mrkdwnHTML(in, true)); got != want {
			t.Errorf("%q\n got %s\nwant %s", in, got, want)
		}
	}
	for in, want := range map[string]string{
		"@channel":                  `<span class="mention me">@channel</span>`,
		"see http://192.0.2.1/a, b": `see <a href="http://192.0.2.1/a" target="_blank" rel="noreferrer noopener">http://192.0.2.1/a</a>, b`,
		"on a.example.com.":         `on <a href="http://a.example.com" target="_blank" rel="noreferrer noopener">a.example.com</a>.`,
		"conf.d/a.conf ops@a":       "conf.d/a.conf ops@a",
	} {
		if got := string(n.mrkdwnHTML(in, false)); got != want {
			t.Errorf("not verbatim %q\n got %s\nwant %s", in, got, want)
		}
	}
	if got := string(plainHTML("*a* <b> &lt; :x:", true)); got != "*a* &lt;b&gt; &lt; ❌" {
		t.Errorf("plain text: %s", got)
	}
	at := time.Date(2026, 3, 4, 15, 4, 5, 0, time.Local)
	if got := formatDate(at.Unix(), "{date_short_pretty} {time_secs} {ago}", at.Add(90*time.Second)); got != "today 3:04:05 PM 1 minutes ago" {
		t.Errorf("date: %s", got)
	}
}

// TestRichText holds that the text of rich_text has no markup at all.
func TestRichText(t *testing.T) {
	t.Parallel()
	n := names{users: map[string]string{"U1": "ops1"}, channels: map[string]string{"C1": "recovery"}, me: "U1"}
	for in, want := range map[string]string{
		`[{"type":"rich_text_section","elements":[{"type":"text","text":"<!here> *x* &lt; "},{"type":"text","text":"y","style":{"bold":true,"code":true}}]}]`:     `<div>&lt;!here&gt; *x* &amp;lt; <b><code>y</code></b></div>`,
		`[{"type":"rich_text_preformatted","elements":[{"type":"text","text":"a\n  b"}]},{"type":"rich_text_quote","elements":[{"type":"user","user_id":"U1"}]}]`: "<pre>a\n  b</pre><blockquote><span class=\"mention me\">@ops1</span></blockquote>",
		`[{"type":"rich_text_list","style":"ordered","indent":1,"elements":[{"type":"rich_text_section","elements":[{"type":"channel","channel_id":"C1"}]}]}]`:    `<ol class="indent1" start="1"><li><div><span class="mention">#recovery</span></div></li></ol>`,
		`[{"type":"emoji","name":"x"},{"type":"emoji","name":"none"},{"type":"emoji","name":"a","unicode":"26a0-fe0f"},{"type":"broadcast","range":"channel"}]`:   `❌:none:⚠️<span class="mention me">@channel</span>`,
		`[{"type":"link","url":"javascript:alert(1)","text":"<a>"},{"type":"link","url":"https://example.com"},{"type":"hologram"},{"type":"raw_text","text":"<c>"}]`: `<a>&lt;a&gt;</a><a href="https://example.com" target="_blank" rel="noreferrer noopener">https://example.com</a>` +
			`<em class="unknown">hologram</em>&lt;c&gt;`,
	} {
		var nodes []richNode
		if err := json.Unmarshal([]byte(in), &nodes); err != nil {
			t.Fatal(err)
		}
		if got := string(n.Rich(nodes)); got != want {
			t.Errorf("%s\n got %s\nwant %s", in, got, want)
		}
	}
}

// TestEveryElementShows holds that no element of a form or message breaks the page.
func TestEveryElementShows(t *testing.T) {
	t.Parallel()
	n := names{users: map[string]string{"U1": "ops1"}, channels: map[string]string{"C1": "recovery"}}
	for kind, want := range map[string]string{"plain_text_input": `type="text" value="7"`, "number_input": `type="number"`, "email_text_input": `type="email"`, "url_text_input": `type="url"`, "datepicker": `type="date"`, "timepicker": `type="time"`,
		"static_select": `<option value="v" selected>one`, "multi_static_select": "<select multiple", "users_select": ">ops1<", "multi_channels_select": ">recovery<", "checkboxes": `type="checkbox" name="1.2/0/a" value="v" checked`, "radio_buttons": `type="radio"`,
		"overflow": `data-value="v">one</button>`, "button": `data-press="a"`, "hologram": "[hologram]"} {
		option := `{"text":{"type":"plain_text","text":"one"},"value":"v"}`
		raw := `[{"type":"input","block_id":"b","label":{"type":"plain_text","text":"L"},"hint":{"type":"plain_text","text":"H"},"element":{"type":"` + kind + `","action_id":"a","initial_value":"7","initial_date":"","text":{"type":"plain_text","text":"T"},` +
			`"options":[` + option + `],"initial_option":` + option + `,"initial_options":[` + option + `],"confirm":{"title":{"type":"plain_text","text":"Sure?"},"text":{"type":"plain_text","text":"x"},"confirm":{"type":"plain_text","text":"y"}}}},` +
			`{"type":"section","fields":[{"type":"mrkdwn","text":"*f*"}],"accessory":{"type":"` + kind + `","action_id":"a"}},{"type":"table","rows":[[{"type":"raw_text","text":"c"}]]},{"type":"image","alt_text":"i"},{"type":"divider"},{"type":"alert","text":{"type":"plain_text","text":"A"}},` +
			`{"type":"markdown","text":"# m"},{"type":"context","elements":[{"type":"mrkdwn","text":"*c*"},{"type":"image","alt_text":"i"}]},{"type":"hologram"}]`
		var out strings.Builder
		for _, b := range n.blocks("1.2", json.RawMessage(raw)) {
			if err := viewPage.ExecuteTemplate(&out, "block", b); err != nil {
				t.Fatalf("%s: %v", kind, err)
			}
		}
		for _, part := range []string{want, "<b>f</b>", "<td>c</td>", "[image: i]", "<hr>", "<b>c</b>", "[hologram]"} {
			if !strings.Contains(out.String(), part) {
				t.Errorf("%s: no %s in\n%s", kind, part, out.String())
			}
		}
	}
}

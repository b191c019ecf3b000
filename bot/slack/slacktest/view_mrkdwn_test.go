package slacktest

import (
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

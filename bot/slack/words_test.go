package slack

import "testing"

func TestTyped(t *testing.T) {
	t.Parallel()
	for slack, want := range map[string]string{
		"primary ip=192.0.2.9":                                  "primary ip=192.0.2.9",
		"primary ip=<http://192.0.2.9|192.0.2.9>":               "primary ip=192.0.2.9",
		"nginx domain=<http://a.example.com|a.example.com> x":   "nginx domain=a.example.com x",
		"see <https://example.com/?a=1&amp;b=2>":                "see https://example.com/?a=1&b=2",
		"<mailto:ops@example.com|ops@example.com>":              "ops@example.com",
		"skip 3f2a a &lt;b&gt; &amp;amp; c":                     "skip 3f2a a <b> &amp; c",
		"<#C012AB|ops> and <#C012AB>":                           "#ops and #C012AB",
		"<@U1|ann> <@U2> <!here> <!subteam^S1|@oncall> &lt;@U3": "@ann @U2 @here @oncall <@U3",
		"  approve\u00a03f2a ":                                  "approve 3f2a",
		"a < b":                                                 "a < b",
		"`approve 3f2a`":                                        "approve 3f2a",
		"`approve 3f2a` looks `fine`":                           "approve 3f2a looks `fine`",
		"```approve 3f2a``` ":                                   "approve 3f2a",
		"*approve 3f2a*":                                        "approve 3f2a",
		"_*approve* 3f2a_":                                      "*approve* 3f2a",
		"input 3f2a name=_x_ *":                                 "input 3f2a name=_x_ *",
		"`":                                                     "",
		"**":                                                    "**",
		"":                                                      "",
	} {
		if got := typed(slack); got != want {
			t.Errorf("typed(%q) = %q, not %q", slack, got, want)
		}
	}
}

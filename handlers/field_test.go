package handlers

import (
	"testing"

	"recoverbot/bot"
)

func TestCheckField(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	name := bot.Field{Name: "name", Label: "Name", Type: "string", Required: true, Pattern: "^[a-z]+$"}
	hinted, shown := name, name
	hinted.Hint, shown.Value = "Small letters, such as spare.", "spare"
	for _, c := range []struct {
		lang  string
		f     bot.Field
		value string
		want  string // in one spelling
		wrong string
	}{
		{"en", bot.Field{Label: "IP", Type: "ip"}, "::ffff:192.0.2.9", "192.0.2.9", ""},
		{"en", bot.Field{Label: "IP", Type: "ip"}, "nginx3", "", "IP: an IP address is needed, such as 192.0.2.21."},
		{"zh", bot.Field{Label: "地址", Type: "address"}, "192.0.2.999", "", "地址：需要 IP 地址或主机名，例如 192.0.2.21 或 a.example.com。"},
		{"en", bot.Field{Label: "Port", Type: "port"}, "70000", "", "Port: a number from 1 to 65535 is needed, such as 22."},
		{"en", bot.Field{Label: "Port", Type: "port"}, "", "", ""},
		{"en", bot.Field{Label: "Sure", Type: "bool"}, "是", "true", ""},
		{"en", bot.Field{Label: "Sure", Type: "bool"}, "perhaps", "", "Sure: yes or no is needed."},
		{"en", bot.Field{Label: "Site", Type: "enum", Enum: []string{"hk", "jp"}}, "us", "", "Site: one of these is needed: hk, jp."},
		{"en", bot.Field{Label: "Host", Type: "host"}, "nowhere", "", "Host: no host is called nowhere."},
		{"en", bot.Field{Label: "Host", Type: "host"}, "app1", "app1", ""},
		{"en", bot.Field{Label: "Script", Type: "text"}, "a\nb ", "a\nb ", ""},
		{"en", name, " spare ", "spare", ""},
		{"en", name, "", "", "Name must be filled in."},
		{"en", name, "a\nb", "", "Name: write it in one line."},
		{"en", name, "9", "", "Name: this does not fit. It must match ^[a-z]+$."},
		{"en", shown, "9", "", "Name: this does not fit. Write it like spare."},
		{"en", hinted, "9", "", "Name: this does not fit. Small letters, such as spare."},
	} {
		if c.wrong != "" {
			c.want = c.value
		}
		if got, wrong := w.CheckField(c.lang, c.f, c.value); got != c.want || wrong != c.wrong {
			t.Errorf("%s %q: %q, %q", c.f.Label, c.value, got, wrong)
		}
	}
}

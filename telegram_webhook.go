package main

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"recoverbot/runbook"
)

var telegramSecret = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)

// webhookPorts are all to which Telegram delivers.
var webhookPorts = []string{"", "443", "80", "88", "8443"}

// carrierNAT are addresses that no provider routes (RFC 6598).
var carrierNAT = netip.MustParsePrefix("100.64.0.0/10")

// telegramReal tells whether the bot asks Telegram itself. Servers that only speak as it does may take other tokens, and
// deliver over plain http to any port and address.
func (s settings) telegramReal() bool {
	u, err := url.Parse(strings.ReplaceAll(s.TelegramAPIEndpoint, "%s", "x"))
	return err == nil && strings.EqualFold(u.Hostname(), "api.telegram.org")
}

// webhookProblem is what is wrong with the settings of the webhook.
func (s settings) webhookProblem() error {
	secret := s.TelegramWebhookSecret.Reveal()
	wrong := func(id string, pairs ...any) error { return runbook.Errorf(runbook.Invalid, id, pairs...) }
	u, err := url.Parse(s.TelegramWebhookURL)
	switch {
	case s.TelegramWebhookURL == "" && secret != "":
		return wrong("telegram.no_webhook_url")
	case s.TelegramWebhookURL == "":
		return nil
	case err != nil || !isHTTP(s.TelegramWebhookURL):
		return wrong("telegram.bad_webhook_url", "url", shown(s.TelegramWebhookURL))
	case strings.Trim(u.Path, "/") == "":
		return wrong("telegram.webhook_no_path", "url", shown(s.TelegramWebhookURL))
	case secret != "" && !telegramSecret.MatchString(secret):
		return wrong("telegram.bad_webhook_secret")
	case s.telegramReal():
		return s.webhookRefused()
	}
	return nil
}

// webhookRefused is what of a webhook Telegram itself would refuse, or never reach. Other servers may take it.
func (s settings) webhookRefused() error {
	u, err := url.Parse(s.TelegramWebhookURL)
	wrong := func(id string, pairs ...any) error { return runbook.Errorf(runbook.Invalid, id, pairs...) }
	switch {
	case s.TelegramWebhookURL == "" || err != nil:
	case u.Scheme != "https":
		return wrong("telegram.webhook_not_https", "url", shown(s.TelegramWebhookURL))
	case !slices.Contains(webhookPorts, u.Port()):
		return wrong("telegram.bad_webhook_port", "url", shown(s.TelegramWebhookURL), "port", u.Port())
	case !public(u.Hostname()):
		return wrong("telegram.webhook_not_public", "host", u.Hostname())
	}
	return nil
}

// public tells whether a host may be reached from the internet, as far as its name or address says.
func public(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		a = a.Unmap()
		return a.IsGlobalUnicast() && !a.IsPrivate() && !carrierNAT.Contains(a)
	}
	host = "." + strings.ToLower(strings.TrimSuffix(host, "."))
	for _, own := range []string{".localhost", ".local", ".internal", ".lan"} {
		if strings.HasSuffix(host, own) {
			return false
		}
	}
	return strings.Count(host, ".") > 1
}

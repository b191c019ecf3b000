package slack

import (
	"os"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/slack-go/slack"
)

// The manifests ask for what the code uses, and for nothing else.
func TestManifests(t *testing.T) {
	t.Parallel()
	for name, url := range map[string]string{"manifest.yaml": "", "manifest-http.yaml": "https://YOUR-HOST/slack/events"} {
		text, err := os.ReadFile("../../docs/slack/" + name)
		if err != nil {
			t.Fatal(err)
		}
		var got slack.Manifest
		if err := yaml.UnmarshalWithOptions(text, &got, yaml.Strict()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		command := slack.ManifestSlashCommand{Command: "/recover", Url: url}
		if len(got.Features.SlashCommands) == 1 {
			command.Description, command.UsageHint = got.Features.SlashCommands[0].Description, got.Features.SlashCommands[0].UsageHint
		}
		for what, diff := range map[string]string{
			"bot scopes":     cmp.Diff(Scopes, got.OAuthConfig.Scopes.Bot),
			"user scopes":    cmp.Diff([]string(nil), got.OAuthConfig.Scopes.User),
			"events":         cmp.Diff(&slack.EventSubscriptions{RequestUrl: url, BotEvents: events}, got.Settings.EventSubscriptions),
			"interactivity":  cmp.Diff(&slack.Interactivity{IsEnabled: true, RequestUrl: url}, got.Settings.Interactivity),
			"commands":       cmp.Diff([]slack.ManifestSlashCommand{command}, got.Features.SlashCommands),
			"private chat":   cmp.Diff(slack.AppHome{MessagesTabEnabled: true}, got.Features.AppHome),
			"socket mode":    cmp.Diff(url == "", got.Settings.SocketModeEnabled),
			"name":           cmp.Diff("recoverbot", got.Features.BotUser.DisplayName),
			"token rotation": cmp.Diff(false, got.Settings.TokenRotationEnabled),
		} {
			if diff != "" {
				t.Errorf("%s, %s:\n%s", name, what, diff)
			}
		}
	}
}

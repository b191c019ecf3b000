package slack

// Scopes are what the bot must be allowed in a workspace, each with its use. The manifests of docs/slack list the same.
var Scopes = []string{
	"app_mentions:read", // @recoverbot …
	"channels:history",  // replies below cards; the search for an own card whose posting got no answer
	"channels:read",     // whether the bot is in its channel
	"chat:write",
	"commands",    // /recover
	"files:write", // long output
	"groups:history",
	"groups:read",
	"im:history", // what is said to the bot alone
	"users:read", // whether the people of fleet.yaml exist
}

// events are what Slack must tell the bot beside commands and clicks.
var events = []string{"app_mention", "message.channels", "message.groups", "message.im"}

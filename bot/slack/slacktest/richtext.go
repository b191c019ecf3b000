package slacktest

var textStyle = an(shape{"bold": flag, "italic": flag, "strike": flag, "code": flag, "underline": flag, "highlight": flag, "client_highlight": flag, "unlink": flag})

// richInline are what a line of rich text is made of. Slack names no limit of its own for their text: the whole counts.
var richInline = kinds{
	"text":      {"!text": shown(1, maxChars), "style": textStyle},
	"link":      {"!url": text(1, 3000), "text": shown(0, maxChars), "unsafe": flag, "style": textStyle},
	"emoji":     {"!name": text(1, 255), "unicode": text(0, 255), "skin_tone": number(1, 6), "style": textStyle, "url": text(0, 3000)},
	"user":      {"!user_id": text(1, 255), "style": textStyle},
	"usergroup": {"!usergroup_id": text(1, 255), "style": textStyle},
	"channel":   {"!channel_id": text(1, 255), "style": textStyle},
	"broadcast": {"!range": word("here", "channel", "everyone"), "style": textStyle},
	"color":     {"!value": text(1, 255), "style": textStyle},
	"date":      {"!timestamp": number(0, 1e11), "!format": text(1, 255), "url": text(1, 3000), "fallback": text(0, 255), "style": textStyle},
	"team":      {"!team_id": text(1, 255), "style": textStyle},
}

var richLine = list(0, 1000, oneOf(func() kinds { return richInline }))

var richParts = kinds{
	"rich_text_section": {"!elements": richLine},
	"rich_text_quote":   {"!elements": richLine, "border": number(0, 1)},
	"rich_text_preformatted": {"!elements": list(0, 1000, oneOf(func() kinds { return kinds{"text": richInline["text"], "link": richInline["link"]} })),
		"border": number(0, 1), "language": text(1, 255)},
	"rich_text_list": {"!elements": list(0, 1000, oneOf(func() kinds { return kinds{"rich_text_section": richSection} })), "!style": word("bullet", "ordered"),
		"indent": number(0, 8), "offset": number(0, 1000), "border": number(0, 1)},
}

var richBlock = list(0, 1000, oneOf(func() kinds { return richParts }))

var richSection = shape{"!elements": richLine}

package telegram

import "strings"

var entities = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")

// escape makes s literal in HTML of Telegram's, also in an attribute.
func escape(s string) string { return entities.Replace(s) }

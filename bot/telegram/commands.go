package telegram

import (
	"context"
	"encoding/json"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

// menu are the commands that Telegram offers to whoever types /.
var menu = []string{"recover", "status", "history", "list", "help"}

// present sets the menu of commands, in each language. The bot hears them all the same where that fails.
func (t *Telegram) present(ctx context.Context) {
	for code, lang := range map[string]string{"": t.c.Language, "en": "en", "zh": "zh"} {
		var commands []tgbotapi.BotCommand
		for _, name := range menu {
			commands = append(commands, tgbotapi.BotCommand{Command: name, Description: t.c.Label(lang, "telegram.command_"+name)})
		}
		body, err := json.Marshal(commands)
		if err == nil {
			params := tgbotapi.Params{"commands": string(body)}
			params.AddNonEmpty("language_code", code)
			err = t.call(ctx, "setMyCommands", t.pace.call, params, nil)
		}
		if err != nil && ctx.Err() == nil {
			t.log.Warn("the menu of commands could not be set", "error", err)
			return
		}
	}
}

package telegram

import (
	"context"
	"fmt"
	"slices"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

// menu are the commands that Telegram offers to whoever types /.
var menu = []string{"recover", "status", "history", "list", "help"}

// present sets the menu of commands, in each language, once in the life of the program, and only where it is another. The
// bot hears the commands all the same where that fails.
func (t *Telegram) present(ctx context.Context) {
	t.mu.Lock()
	presented := t.presented
	t.presented = true
	t.mu.Unlock()
	if presented {
		return
	}
	for code, lang := range map[string]string{"": t.c.Language, "en": "en", "zh": "zh"} {
		if err := t.presentIn(ctx, code, lang); err != nil {
			t.mu.Lock()
			t.presented = false // the next Run tries again
			t.mu.Unlock()
			if ctx.Err() == nil {
				t.log.Warn("the menu of commands could not be set", "error", err)
			}
			return
		}
	}
}

func (t *Telegram) presentIn(ctx context.Context, code, lang string) error {
	var commands, now []tgbotapi.BotCommand
	for _, name := range menu {
		commands = append(commands, tgbotapi.BotCommand{Command: name, Description: t.c.Label(lang, "telegram.command_"+name)})
	}
	params := tgbotapi.Params{}
	params.AddNonEmpty("language_code", code)
	if err := t.call(ctx, "getMyCommands", t.pace.call, params, &now); err == nil && slices.Equal(now, commands) {
		return nil
	}
	if err := params.AddInterface("commands", commands); err != nil {
		return fmt.Errorf("encode the menu of commands: %w", err)
	}
	return t.call(ctx, "setMyCommands", t.pace.call, params, nil)
}

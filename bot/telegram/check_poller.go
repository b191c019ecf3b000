package telegram

import (
	"context"
	"strconv"
	"time"

	tgbotapi "github.com/go-telegram-bot-api/telegram-bot-api/v5"
)

// peek is how long another program is waited for that asks for updates: Telegram ends the older of two requests, and whoever
// lost one comes again soon.
const peek = 4 * time.Second

// elsewhere looks whether another program asks for updates. It confirms nothing, so nothing that people said is lost.
func (x *check) elsewhere(ctx context.Context) {
	params := tgbotapi.Params{"timeout": strconv.Itoa(int(peek / time.Second)), "limit": "1"}
	if err := x.call(ctx, "getUpdates", peek+askTimeout, params, nil); err != nil {
		x.failed(err)
	}
}

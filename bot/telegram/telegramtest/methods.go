package telegramtest

import "strings"

type method struct {
	name    string
	counted bool // by the limits of a chat
	do      func(*Server, args) (any, error)
}

// methods by their name in small letters, since Telegram does not look at case.
var methods = func() map[string]method {
	all := map[string]method{}
	for _, m := range []method{
		{"getUpdates", false, nil}, // waits, so it is called by itself
		{"getMe", false, (*Server).getMe},
		{"setWebhook", false, (*Server).setWebhook},
		{"deleteWebhook", false, (*Server).deleteWebhook},
		{"getWebhookInfo", false, (*Server).getWebhookInfo},
		{"sendMessage", true, (*Server).sendMessage},
		{"sendDocument", true, (*Server).sendDocument},
		{"editMessageText", true, (*Server).editMessageText},
		{"editMessageCaption", true, (*Server).editMessageCaption},
		{"editMessageReplyMarkup", true, (*Server).editMessageReplyMarkup},
		{"deleteMessage", false, (*Server).deleteMessage},
		{"sendChatAction", false, (*Server).sendChatAction},
		{"answerCallbackQuery", false, (*Server).answerCallbackQuery},
		{"getFile", false, (*Server).getFile},
		{"getChat", false, (*Server).getChat},
		{"getChatMember", false, (*Server).getChatMember},
		{"getChatAdministrators", false, (*Server).getChatAdministrators},
		{"leaveChat", false, (*Server).leaveChat},
		{"setMyCommands", false, (*Server).setMyCommands},
		{"getMyCommands", false, (*Server).getMyCommands},
		{"deleteMyCommands", false, (*Server).deleteMyCommands},
	} {
		all[strings.ToLower(m.name)] = m
	}
	return all
}()

// Package telegramtest is a small Telegram on loopback, faithful where the bot looks: the Bot API with its limits enforced,
// long polling with confirmation by offset, webhooks, groups, topics and people who press, type and read. It can fail in every
// way that the real one does. It is for tests and demonstrations, and knows nothing of the bot.
package telegramtest

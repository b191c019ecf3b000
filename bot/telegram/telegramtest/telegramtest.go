// Package telegramtest is a small Telegram on loopback, faithful where the bot looks: the Bot API with its limits enforced,
// long polling with confirmation by offset, webhooks, groups, topics and people who press, type and read. It can fail in every
// way that the real one does. It is for tests and demonstrations, and knows nothing of the bot.
//
// A test starts it, points the bot at URL, acts as people (StartPrivate, Say, Press), reads what they see (Messages, Plain,
// Mentions, Asked, Toasts, Files, Commands) and breaks things (Fail, Stop, Revoke, Kick, Block, Migrate, Redeliver). Nothing
// here waits for a fixed time: a test waits with Until, which looks again after every change.
//
// A person is named by username or id in digits. The id of a private chat is the person's. Not modelled: Markdown (only
// parse_mode HTML), media other than documents, inline mode, channels' posts, answers in the body of a webhook's response.
package telegramtest

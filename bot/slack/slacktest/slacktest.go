// Package slacktest is a small Slack on loopback, faithful where the bot and the official clients look: the Web API with its
// limits enforced, Socket Mode with acknowledgements and redelivery, signed requests, and people who click, type and read.
// It can fail in every way that the real one does. It is for tests and demonstrations, and knows nothing of the bot.
package slacktest

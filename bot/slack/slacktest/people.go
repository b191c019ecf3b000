package slacktest

// Click presses what has that action_id, label or value in a message that the user sees (a button, or the option of a
// menu) and confirms what it asks. The error says if there is no such thing; whether the app answered shows in Answered
// and in Private.
func (s *Server) Click(user, channel, ts, what string) error { panic("declared") }

// Slash types a command such as "/recover" with its text.
func (s *Server) Slash(user, channel, command, text string) error { panic("declared") }

// Say posts a message of a person as if typed: &, < and > are escaped, @name and #name become references. The channel of
// a direct message to the bot is "@" and the bot's name. threadTS "" is top level. Events follow as the app's scopes allow.
func (s *Server) Say(user, channel, threadTS, text string) (ts string, err error) { panic("declared") }

// Answered says that everything that the user clicked, typed and submitted was acknowledged or given up.
func (s *Server) Answered(user string) bool { panic("declared") }

// Idle says that nothing at all waits for an acknowledgement or a redelivery.
func (s *Server) Idle() bool { panic("declared") }

// Remove deletes a message, as an administrator does.
func (s *Server) Remove(channel, ts string) error { panic("declared") }

// Archive archives a channel, Kick takes a user (or the bot) out of it, and Invite takes one in.
func (s *Server) Archive(channel string) error { panic("declared") }

// Kick takes a user out of a channel.
func (s *Server) Kick(channel, user string) error { panic("declared") }

// Invite takes a user into a channel.
func (s *Server) Invite(channel, user string) error { panic("declared") }

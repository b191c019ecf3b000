package slacktest

// Plain is everything that a person reads in a message: its blocks as text with references named, or its text where it has
// none, and the names of its files. Buttons stand as [label].
func (s *Server) Plain(m Message) string { panic("declared") }

// PlainView is the same of a modal.
func (s *Server) PlainView(v View) string { panic("declared") }

package slacktest

// Disconnect tells every connection to end (warning, refresh_requested, link_disabled) and ends it, as Slack does.
func (s *Server) Disconnect(reason string) { panic("declared") }

// Drop cuts every WebSocket connection without a word.
func (s *Server) Drop() { panic("declared") }

// Connections is the number of open Socket Mode connections.
func (s *Server) Connections() int { panic("declared") }

// Redeliver sends the newest envelope or request once more, acknowledged or not.
func (s *Server) Redeliver() error { panic("declared") }

// SetEventsURL moves the app to signed requests to url, and back to Socket Mode with "".
func (s *Server) SetEventsURL(url string) { panic("declared") }

package bot

import "time"

// Health is how a platform fares. Err nil: it receives and delivers. A *Fault in Err must be mended by a person.
type Health struct {
	Platform string
	Err      error
	Since    time.Time
}

//go:build race

package load

// race says that the race detector is at work, which needs memory of its own.
const race = true

package fleet

import (
	"fmt"
	"time"
)

// BlackBox is what is copied once a day, read-only, onto the bot's own host.
type BlackBox struct {
	Off   bool     `yaml:"off,omitempty"`
	At    string   `yaml:"at,omitempty"`    // "04:30" (default), in the bot's time zone
	Keep  int      `yaml:"keep,omitempty"`  // days, default 14
	Files []string `yaml:"files,omitempty"` // further files, below each host's root, where it has them
}

const maxKeep = 366 // days

func defaultBlackBox(c *Config, d *decoder) {
	set(&c.BlackBox.At, "04:30")
	absent(d, "black_box.keep", &c.BlackBox.Keep, 14)
}

func validateBlackBox(c *Config, d *decoder) {
	b := c.BlackBox
	if _, err := time.Parse("15:04", b.At); err != nil {
		d.wrong("black_box.at", "blackbox.bad_time", "text", b.At)
	}
	if b.Keep < 1 || b.Keep > maxKeep {
		d.wrong("black_box.keep", "blackbox.bad_keep", "days", b.Keep, "max", maxKeep)
	}
	for i, p := range b.Files {
		checkPath(d, fmt.Sprintf("black_box.files[%d]", i), p)
	}
}

// Last is the newest time at or before now at which the black box was to be filled, in the zone of now.
func (b BlackBox) Last(now time.Time) time.Time { return lastAt(b.At, now) }

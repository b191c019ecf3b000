package fleet

// BlackBox is what is copied once a day, read-only, onto the bot's own host.
type BlackBox struct {
	Off   bool     `yaml:"off,omitempty"`
	At    string   `yaml:"at,omitempty"`    // "04:30" (default), in the bot's time zone
	Keep  int      `yaml:"keep,omitempty"`  // days, default 14
	Files []string `yaml:"files,omitempty"` // further files, below each host's root, where it has them
}

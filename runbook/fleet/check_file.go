package fleet

// Validate reads a file as LoadConfig does, with the variables that this fleet was opened with, and puts nothing in force.
func (f *Fleet) Validate(path string) (*Config, error) { return LoadConfig(path, f.opts.Getenv) }

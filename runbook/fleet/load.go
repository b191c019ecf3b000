package fleet

import (
	"fmt"
	"os"

	"github.com/goccy/go-yaml"
)

// LoadConfig reads and validates fleet.yaml.
func LoadConfig(path string, getenv func(string) string) (*Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read fleet: %w", err)
	}
	var c Config
	if err := yaml.UnmarshalWithOptions(text, &c, yaml.Strict()); err != nil {
		return nil, err
	}
	c.path = path
	return &c, nil
}

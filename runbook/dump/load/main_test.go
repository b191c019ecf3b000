package load

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-sql-driver/mysql"
)

func TestReadConfig(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text string
		ok   bool
	}{
		"good":    {`{"schema":"speed","scratch":"speed_new_1"}`, true},
		"same":    {`{"schema":"speed","scratch":"speed"}`, false},
		"empty":   {`{}`, false},
		"garbage": {`password=hunter2`, false},
	} {
		file := filepath.Join(t.TempDir(), "config.json")
		if err := os.WriteFile(file, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := readConfig(file)
		if (err == nil) != c.ok || err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: the configuration is still there", name)
		}
	}
	if _, err := readConfig(""); err == nil {
		t.Error("ran without a configuration")
	}
}

// TestFailure holds that what the server quotes of the data goes nowhere (fault 40).
func TestFailure(t *testing.T) {
	t.Parallel()
	e := failure(&mysql.MySQLError{Number: 1062, Message: "Duplicate entry 'canary' for key 'PRIMARY'"}, "users")
	text, err := json.Marshal(Line{Refused: &e.Msg})
	if err != nil || strings.Contains(string(text), "canary") || !strings.Contains(string(text), "1062") {
		t.Errorf("%s %v", text, err)
	}
}

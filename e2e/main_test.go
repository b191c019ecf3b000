// Package e2e holds tests of the real binary over the drill's miniature company: they start `recoverbot drill`, speak
// the JSON API as an operator does, and look at the facts with other programs (mysql, nginx, plain HTTP, files). They
// must not know anything of the bot's inside.
package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

var binDir string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "rbe2e")
	if err != nil {
		println(err.Error())
		os.Exit(1)
	}
	binDir = dir
	status := m.Run()
	if err := os.RemoveAll(dir); err != nil {
		println(err.Error())
		status = 1
	}
	if status == 0 {
		if err := goleak.Find(); err != nil {
			println(err.Error())
			status = 1
		}
	}
	os.Exit(status)
}

var built = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binDir, "recoverbot")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path, "..") // as `make build` does
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	os.Stderr.Write(out)
	return path, err
})

// binary is the path of recoverbot, built once a test process.
func binary(t *testing.T) string {
	t.Helper()
	path, err := built()
	if err != nil {
		t.Fatalf("build recoverbot: %v", err)
	}
	return path
}

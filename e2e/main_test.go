// Package e2e holds tests of the real binary over the drill's miniature company: they start `recoverbot drill`, speak
// the JSON API as an operator does, and look at the facts with other programs (mysql, nginx, plain HTTP, files). They
// must not know anything of the bot's inside.
package e2e

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"
)

var binDir string

// turns let so many tests run at once: much of their time they wait for a clock, as for the minute of a backup or of
// Telegram's limit.
var (
	turns  = make(chan struct{}, 3)
	having sync.Map // names of tests
)

// begins waits for a test's turn, once. The longest tests call it before t.Parallel, so that they are the first.
func begins(t *testing.T) {
	t.Helper()
	if _, has := having.LoadOrStore(t.Name(), true); has {
		return
	}
	turns <- struct{}{}
	t.Cleanup(func() { ends(t) })
}

// ends gives a test's turn to another, at its end or before a long wait with little to do after it.
func ends(t *testing.T) {
	t.Helper()
	if _, has := having.LoadAndDelete(t.Name()); has {
		<-turns
	}
}

func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if !given {
		if err := flag.Set("test.parallel", "64"); err != nil { // begins tells whose turn it is
			println(err.Error())
			os.Exit(1)
		}
	}
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

// Package faults holds tests that end the real bot with SIGKILL, or take an answer away from it, at each moment that
// package failpoint has a name for, let a scripted operator go on, and look at what became of the world.
//
// One company of real servers (sshd on each host, MariaDB, nginx) serves all runs of a test, each of which begins with
// the same world and an empty journal. Its scenario has a step of every kind of execution, and each step leaves a trace
// that can be counted: a line, a row, a call, a changed file. A trace has one value before the step and one after it, as
// an undisturbed run has shown; any other, such as two lines, is an effect that was repeated or half done. The operator
// approves, commits and answers; where an outcome is unknown it looks, and where that does not tell it compares the
// trace itself and says that it is done, or runs the step again. What the bot says is held to the trace: a step that is
// done has left it, and one that failed or was rolled back has not.
//
// make test kills the bot once at each transition of a step and around each kind of effect, in one run. make faults,
// which sets FAULTS, goes through every passing of every point, each in a run of its own; RUN selects points by a
// pattern, and a summary tells what was seen.
package faults

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

func TestMain(m *testing.M) {
	flag.Parse()
	dir, err := os.MkdirTemp("", "rbfaults")
	if err != nil {
		println(err.Error())
		os.Exit(1)
	}
	binDir = dir
	status := m.Run()
	_ = os.RemoveAll(dir) // a leftover of a test harms nobody
	if status == 0 {
		if err := goleak.Find(); err != nil {
			println(err.Error())
			status = 1
		}
	}
	os.Exit(status)
}

// binary is the bot with failpoints, built once.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binDir, "recoverbot")
	cmd := exec.Command("go", "build", "-tags", "failpoint", "-trimpath", "-ldflags", "-s -w", "-o", path, "..")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := cmd.CombinedOutput()
	os.Stderr.Write(out)
	return path, err
})

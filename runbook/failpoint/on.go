//go:build failpoint

// Package failpoint, as tests build it. RECOVERBOT_FAILPOINTS holds instructions, separated by spaces; patterns are
// those of path.Match over names such as journal.step.moved.waiting-executing.before:
//
//	log=FILE         add the name of each point that is passed to the file
//	kill=PATTERN@N   end by SIGKILL at the N-th passing of points that match
//	fail=PATTERN@N   let the N-th of them fail; @N-M: all from the N-th to the M-th
//	fail=PATTERN@/F  let them fail as long as the file /F exists
//	each=PATTERN     end by SIGKILL at each name that matches for which no process with this log has ended
package failpoint

import (
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"syscall"
)

type instruction struct {
	verb, pattern string
	first, last   int
	file          string
	passed        int
}

var (
	mu           sync.Mutex
	log          *os.File
	instructions []*instruction
	died         = map[string]bool{}
)

var errInjected = errors.New("failpoint")

// read takes the instructions from the environment at the first point that is passed.
var read = sync.OnceFunc(func() {
	for word := range strings.FieldsSeq(os.Getenv("RECOVERBOT_FAILPOINTS")) {
		verb, arg, _ := strings.Cut(word, "=")
		if verb == "log" {
			open(arg)
			continue
		}
		i := &instruction{verb: verb, first: 1}
		var times string
		i.pattern, times, _ = strings.Cut(arg, "@")
		if strings.HasPrefix(times, "/") {
			i.file = times
		}
		_, _ = fmt.Sscanf(times, "%d-%d", &i.first, &i.last)
		i.last = max(i.first, i.last)
		instructions = append(instructions, i)
	}
})

func open(file string) {
	old, _ := os.ReadFile(file) // the first process has none
	for line := range strings.Lines(string(old)) {
		if name, ok := strings.CutPrefix(line, "! "); ok {
			died[strings.TrimSpace(name)] = true
		}
	}
	var err error
	if log, err = os.OpenFile(file, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		panic(err)
	}
}

func note(line string) {
	if log != nil {
		_, _ = log.WriteString(line + "\n")
	}
}

// due reports whether this passing is meant.
func (i *instruction) due() bool {
	if i.file != "" {
		_, err := os.Stat(i.file)
		return err == nil
	}
	return i.verb == "each" || i.passed >= i.first && i.passed <= i.last
}

func pass(name string) error {
	mu.Lock()
	defer mu.Unlock()
	read()
	note(name)
	for _, i := range instructions {
		if hit, _ := path.Match(i.pattern, name); !hit || i.verb == "each" && died[name] {
			continue
		}
		if i.passed++; !i.due() {
			continue
		}
		if i.verb == "fail" {
			note("- " + name)
			return fmt.Errorf("%s: %w", name, errInjected)
		}
		note("! " + name)
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {} // nothing runs after the point
	}
	return nil
}

// Before passes the point before something is done. An error means: do not.
func Before(names ...string) error { return pass(join(names) + ".before") }

// After passes the point after something was done. An error means: its answer is lost.
func After(names ...string) error { return pass(join(names) + ".after") }

func join(names []string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(names), func(s string) bool { return s == "" }), ".")
}

// Around passes both points of f.
func Around[T any](f func() (T, error), names ...string) (T, error) {
	var none T
	if err := Before(names...); err != nil {
		return none, err
	}
	v, err := f()
	if lost := After(names...); lost != nil && err == nil {
		return none, lost
	}
	return v, err
}

//go:build !failpoint

package failpoint

import (
	"os/exec"
	"strings"
	"testing"
)

// TestNothingIsReleased holds that a binary without the tag has nothing but empty functions: the file that knows
// instructions, and the variable that gives them, are not compiled in.
func TestNothingIsReleased(t *testing.T) {
	t.Setenv("RECOVERBOT_FAILPOINTS", "fail=*@1-9 kill=*@1")
	out, err := exec.Command("go", "list", "-f", "{{.GoFiles}} {{.Imports}}", ".").Output()
	if got := strings.TrimSpace(string(out)); err != nil || got != "[off.go] [io net]" {
		t.Errorf("a release is built of %s: %v", got, err)
	}
	n, err := Around(func() (int, error) { return 1, nil }, "effect", "apply")
	if Before("x") != nil || After("x") != nil || n != 1 || err != nil {
		t.Error("a point does something")
	}
	if r, w := SFTP(nil, nil); r != nil || w != nil || MySQL(nil) != nil {
		t.Error("a connection is wrapped")
	}
}

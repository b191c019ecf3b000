package actiontest

import (
	"context"
	"os"
	"os/exec"
	"strconv"
)

// SmallDisk makes a directory of the host a disk of that many bytes, which is empty. Where the test may not mount, no
// session of the host writes a file beyond a third of it instead; call it before the first log-in. room makes it larger.
func (c *Company) SmallDisk(host, dir string, bytes int) (room func()) {
	c.t.Helper()
	at := c.Path(host, dir)
	c.must(os.MkdirAll(at, 0o755))
	mount := func(args ...string) ([]byte, error) {
		return exec.CommandContext(c.t.Context(), "mount", append(args, "tmpfs", at)...).CombinedOutput()
	}
	out, err := mount("-t", "tmpfs", "-o", "size="+strconv.Itoa(bytes))
	if err == nil {
		c.t.Cleanup(func() { _ = exec.CommandContext(context.WithoutCancel(c.t.Context()), "umount", "-l", at).Run() })
		return func() {
			_, err := mount("-o", "remount,size="+strconv.Itoa(10*bytes))
			c.must(err)
		}
	}
	c.t.Logf("cannot mount: %s", out)
	c.must(exec.CommandContext(c.t.Context(), "prlimit", "--pid", strconv.Itoa(c.SSHD(host).Pid()), "--fsize="+strconv.Itoa(bytes/3)+":unlimited").Run())
	return func() {
		c.must(c.SSHD(host).Kill())
		c.RestartSSHD(host)
	}
}

package actiontest

import (
	"io/fs"
	"os"
	"path/filepath"
)

// Path is where a host's path really is on this machine.
func (c *Company) Path(host, path string) string {
	c.t.Helper()
	return filepath.Join(c.machine(host).root, path)
}

// WriteFile puts a file on the host, making its directories, with exactly this mode.
func (c *Company) WriteFile(host, path, text string, mode fs.FileMode) {
	c.t.Helper()
	p := c.Path(host, path)
	c.must(os.MkdirAll(filepath.Dir(p), 0o755))
	c.must(os.WriteFile(p, []byte(text), mode))
	c.must(os.Chmod(p, mode))
}

// ReadFile returns a file of the host.
func (c *Company) ReadFile(host, path string) string {
	c.t.Helper()
	b, err := os.ReadFile(c.Path(host, path))
	c.must(err)
	return string(b)
}

// Exists reports whether the host has the file or directory.
func (c *Company) Exists(host, path string) bool {
	c.t.Helper()
	_, err := os.Lstat(c.Path(host, path))
	return err == nil
}

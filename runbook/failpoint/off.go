//go:build !failpoint

// Package failpoint names the moments at which a test may stop the bot or take an answer away from it: before and after
// what changes the journal, a host, a database or a chat. Only a binary built with the tag failpoint has them; in any
// other these functions do nothing and are inlined away. What a binary with them does is said by the variable
// RECOVERBOT_FAILPOINTS: see on.go.
package failpoint

import (
	"io"
	"net"
)

// Before passes the point that the names, joined by dots, have before something is done. An error means: do not.
func Before(...string) error { return nil }

// After passes the point after something was done. An error means: its answer is lost.
func After(...string) error { return nil }

// Around passes both points of f.
func Around[T any](f func() (T, error), _ ...string) (T, error) { return f() }

// MySQL has points around each command that a client's connection carries.
func MySQL(c net.Conn) net.Conn { return c }

// SFTP has points around each request of a file transfer that changes something.
func SFTP(r io.Reader, w io.WriteCloser) (io.Reader, io.WriteCloser) { return r, w }

package fleet

import (
	"context"
	"io"
	"net"

	"github.com/jmoiron/sqlx"
	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// CONTRACT (being implemented): the surface that the other packages compile against.

// Fleet is the machines of the current fleet.yaml with their pooled connections.
type Fleet struct{}

// Config returns the current configuration; Reload may replace it, never change it.
func (f *Fleet) Config() *Config { panic("contract") }

// Reload reads fleet.yaml again and puts it in force; an invalid file changes nothing.
func (f *Fleet) Reload(ctx context.Context) error { panic("contract") }

// Redactor is the set of secrets that must not reach anyone.
func (f *Fleet) Redactor() *Redactor { panic("contract") }

// SSH returns a pooled connection to the host, dialling (through its jump host) when there is none.
func (f *Fleet) SSH(ctx context.Context, h Host) (*Client, error) { panic("contract") }

// SQL opens the schema on the host through SSH: the socket by streamlocal, or the port. The caller closes it.
// schema "" means no default schema.
func (f *Fleet) SQL(ctx context.Context, h Host, d Database, schema string) (*sqlx.DB, error) {
	panic("contract")
}

// PresentedKey asks an address for the host key that it presents, without logging in or trusting it.
func (f *Fleet) PresentedKey(ctx context.Context, h Host) (ssh.PublicKey, error) { panic("contract") }

// Pin adds a host key to known_hosts, atomically; it refuses to replace one that is there for that address.
func (f *Fleet) Pin(ctx context.Context, h Host, key ssh.PublicKey) error { panic("contract") }

// Client is one SSH connection to one host.
type Client struct{}

// Fingerprint is the SHA256:… fingerprint of the pinned host key that the connection was verified with.
func (c *Client) Fingerprint() string { panic("contract") }

// Command is a constant shell script with variables. Values travel as data and are never shell text.
type Command struct {
	Script string
	Env    map[string]string
	Stdin  io.Reader
	Max    int // bytes kept of each stream (the tail); 0 means 64 KiB
}

// Ran is how a command ended.
type Ran struct {
	Exit           int
	Stdout, Stderr string
}

// Run runs a script under sh and waits for it. A non-zero exit is in Ran, not an error; an error means that the
// outcome is not known (connection lost, no end marker).
func (c *Client) Run(ctx context.Context, cmd Command) (Ran, error) { panic("contract") }

// SFTP returns a file-transfer session; the caller closes it.
func (c *Client) SFTP(ctx context.Context) (*sftp.Client, error) { panic("contract") }

// Dial opens a connection from the host: network "tcp" with host:port, or "unix" with a path. The name localhost
// becomes the host's LoopbackAddress.
func (c *Client) Dial(ctx context.Context, network, addr string) (net.Conn, error) { panic("contract") }

// JobSpec is a script that runs detached on the host, at most once per ID ever.
type JobSpec struct {
	ID     string // runbook.Job.ID
	Script string
	Env    map[string]string
}

// JobState is what is known of a detached job.
type JobState struct {
	Status string // "none", "running", "exited", "died" (no exit file, but the process or the boot is gone)
	Exit   int    // of an exited one
}

// StartJob makes the job directory (mkdir is the run-once guard) and starts the script in it, detached. started is
// false where the directory was there already: the job is then followed, never started again.
func (c *Client) StartJob(ctx context.Context, spec JobSpec) (started bool, err error) {
	panic("contract")
}

// FollowJob copies the job's output (both streams) to w from offset on until it ends, and returns how it ended. An
// error means the connection was lost; follow again after reconnecting.
func (c *Client) FollowJob(ctx context.Context, id string, offset int64, w io.Writer) (JobState, error) {
	panic("contract")
}

// Job looks at a job.
func (c *Client) Job(ctx context.Context, id string) (JobState, error) { panic("contract") }

// CancelJob ends the job's process group; the job then counts as exited with 143, or stays "died".
func (c *Client) CancelJob(ctx context.Context, id string) error { panic("contract") }

// JobDir is the job's directory on the host.
func (c *Client) JobDir(id string) string { panic("contract") }

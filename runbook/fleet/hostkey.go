package fleet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"

	"github.com/skeema/knownhosts"
	"golang.org/x/crypto/ssh"

	"recoverbot/runbook"
)

// knownHosts is the file of pinned host keys. It is read at every use, so that a key pinned by anyone counts at once.
type knownHosts struct {
	file string
	mu   sync.Mutex // one writer
}

func (k *knownHosts) db() (*knownhosts.HostKeyDB, error) {
	if k.file == "" {
		return nil, nil
	}
	db, err := knownhosts.NewDB(k.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, &runbook.Error{Code: runbook.Invalid, Err: fmt.Errorf("read known_hosts: %w", err),
			Msg: runbook.T("fleet.bad_known_hosts", "file", k.file)}
	}
	return db, nil
}

// checker returns the host key check for a host and the key algorithms that are pinned for it. Without a pinned key
// every key is refused, and the error tells the fingerprint that was presented.
func (k *knownHosts) checker(h Host) (ssh.HostKeyCallback, []string, error) {
	db, err := k.db()
	if err != nil {
		return nil, nil, err
	}
	addr := addressOf(h)
	refuse := func(id string, key ssh.PublicKey, cause error) error {
		return &runbook.Error{Code: runbook.Forbidden, Err: &HostKeyError{Host: h.Name, Presented: key, Err: cause},
			Msg: runbook.T(id, "host", h.Name, "address", addr, "type", key.Type(),
				"fingerprint", ssh.FingerprintSHA256(key), "file", k.file)}
	}
	if db == nil {
		return func(_ string, _ net.Addr, key ssh.PublicKey) error {
			return refuse("fleet.unknown_key", key, errors.New("no known_hosts file"))
		}, nil, nil
	}
	check := db.HostKeyCallback()
	return func(name string, remote net.Addr, key ssh.PublicKey) error {
		err := check(name, remote, key)
		switch {
		case err == nil:
			return nil
		case knownhosts.IsHostUnknown(err):
			return refuse("fleet.unknown_key", key, err)
		default: // changed or revoked
			return refuse("fleet.changed_key", key, err)
		}
	}, db.HostKeyAlgorithms(addr), nil
}

// HostKeyError is the cause of a refused host key: unknown, changed or revoked. It is never overcome by trying again.
type HostKeyError struct {
	Host      string
	Presented ssh.PublicKey
	Err       error
}

func (e *HostKeyError) Error() string {
	return fmt.Sprintf("check host key of %s (%s): %v", e.Host, ssh.FingerprintSHA256(e.Presented), e.Err)
}

func (e *HostKeyError) Unwrap() error { return e.Err }

var errKeySeen = errors.New("host key seen")

// PresentedKey asks an address for the host key that it presents, without logging in or trusting it.
func (f *Fleet) PresentedKey(ctx context.Context, h Host) (ssh.PublicKey, error) {
	conn, err := f.connect(ctx, h)
	if err != nil {
		return nil, err
	}
	var presented ssh.PublicKey
	cfg := &ssh.ClientConfig{
		User: userOf(h),
		HostKeyCallback: func(_ string, _ net.Addr, key ssh.PublicKey) error {
			presented = key
			return errKeySeen
		},
		HostKeyAlgorithms: []string{ssh.KeyAlgoED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
			ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256},
	}
	c, err := handshake(ctx, conn, h, cfg)
	if err == nil { // cannot be: the callback aborts
		_ = c.Close()
	}
	if presented == nil {
		return nil, unreachable(h, "ssh handshake", err)
	}
	return presented, nil
}

// Pin adds a host key to known_hosts, atomically; it refuses to replace one that is there for that address. Pinning
// the key that is there already is success.
func (f *Fleet) Pin(ctx context.Context, h Host, key ssh.PublicKey) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	k := &f.known
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.file == "" {
		return runbook.Errorf(runbook.Invalid, "fleet.no_known_hosts")
	}
	db, err := k.db()
	if err != nil {
		return err
	}
	if db != nil {
		have := db.HostKeys(addressOf(h))
		for _, old := range have {
			if bytes.Equal(old.Marshal(), key.Marshal()) {
				return nil
			}
		}
		if len(have) > 0 {
			return runbook.Errorf(runbook.Conflicting, "fleet.key_pinned", "host", h.Name, "address", addressOf(h),
				"fingerprint", ssh.FingerprintSHA256(have[0].PublicKey), "file", k.file)
		}
	}
	text, err := os.ReadFile(k.file)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read known_hosts: %w", err)
	}
	if len(text) > 0 && text[len(text)-1] != '\n' {
		text = append(text, '\n')
	}
	text = append(text, knownhosts.Line([]string{addressOf(h)}, key)+"\n"...)
	return writeAtomic(k.file, text, 0o600)
}

// writeAtomic replaces a file of the bot's own, or leaves the old one.
func writeAtomic(file string, text []byte, mode fs.FileMode) error {
	tmp, err := os.CreateTemp(filepath.Dir(file), ".recoverbot-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	defer os.Remove(tmp.Name())
	if _, err = tmp.Write(text); err == nil {
		if err = tmp.Chmod(mode); err == nil {
			err = tmp.Sync()
		}
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(tmp.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}

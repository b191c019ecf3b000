package transfer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"

	"recoverbot/runbook/fleet"
)

// Write puts data at a path of a host as Run does: gathered aside, hashed there, in place by one rename.
func Write(ctx context.Context, to *fleet.Client, p string, mode os.FileMode, data []byte) error {
	dst, err := to.SFTP(ctx)
	if err != nil {
		return fmt.Errorf("open target: %w", err)
	}
	defer func() { _ = dst.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = dst.Close() })
	defer stop()
	if err := dst.MkdirAll(path.Dir(p)); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	hash := sha256.Sum256(data)
	want := hex.EncodeToString(hash[:])
	part := partOf(p, want)
	if err := dst.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) { // what an earlier attempt left
		return fmt.Errorf("remove rest of an earlier copy: %w", err)
	}
	if err := Put(ctx, to, part, 0o600, bytes.NewReader(data)); err != nil {
		return err
	}
	got, err := Hash(ctx, to, part)
	if err != nil {
		return fmt.Errorf("hash copy: %w", err)
	}
	if got != want {
		return fmt.Errorf("write %s: what arrived differs", path.Base(p))
	}
	return place(dst, part, p, mode)
}

package edit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path"

	"github.com/pkg/sftp"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/fleet"
)

// Apply keeps a copy of the old text, writes the new text beside the file, with its owner and mode, has it verified,
// and renames. Whatever breaks, the file is the old one or the new one, whole.
func (e *edit) Apply(ctx context.Context, p runbook.Plan, job runbook.Job, out runbook.Output) (runbook.Result, error) {
	var r runbook.Result
	var eff effect
	if err := json.Unmarshal(p.Effect.Data, &eff); err != nil {
		return r, action.Refuse(fmt.Errorf("decode effect: %w", err))
	}
	h, err := e.env.Target()
	if err != nil {
		return r, action.Refuse(err)
	}
	if h.Name != p.Effect.Host {
		return r, action.Stale("edit.other_host", "planned", p.Effect.Host, "now", h.Name)
	}
	c, err := e.env.Connect(ctx, h, p.Effect.Identity)
	if err != nil {
		return r, err
	}
	files, err := c.SFTP(ctx)
	if err != nil {
		return r, action.Refuse(err)
	}
	defer func() { _ = files.Close() }() // every file was closed, with its error
	f, after, err := unchanged(files, h, eff)
	if err != nil {
		return r, err
	}
	backup, forget, err := action.BackUp(files, h, job, f.path, f.text)
	if err != nil {
		return r, refuseWrite(backup, err)
	}
	aside := asideOf(f.path)
	_ = files.Remove(aside) // of an attempt that was killed; what cannot be removed is in write's way
	if err := write(files, aside, after, f, f.mode); err != nil {
		forget() // the file itself is untouched
		return r, refuseWrite(aside, err)
	}
	drop := func() {
		_ = files.Remove(aside) // what is left over harms nobody
		forget()
	}
	if eff.Verify != "" {
		ran, err := c.Run(ctx, fleet.Command{Script: eff.Verify, Env: map[string]string{"FILE": aside}})
		if err != nil {
			drop() // where ctx has ended, the next attempt does it
			return r, action.Refuse(fmt.Errorf("verify %s: %w", aside, err))
		}
		_, _ = out.Write([]byte(ran.Stdout + ran.Stderr)) // an Output never fails
		if ran.Exit != 0 {
			drop()
			return r, &runbook.Refusal{Text: runbook.T("edit.not_verified", "path", f.path, "exit", ran.Exit)}
		}
	}
	if _, _, err := unchanged(files, h, eff); err != nil {
		drop()
		return r, err
	}
	if err := files.PosixRename(aside, f.path); err != nil {
		if now, rerr := read(files, h, f.path); rerr == nil && now.hash() == eff.Before {
			drop()
			return r, refuseWrite(f.path, err)
		}
		return r, fmt.Errorf("rename %s: %w", aside, err)
	}
	_, _ = c.Run(ctx, fleet.Command{Script: `sync "$DIRECTORY"`, Env: map[string]string{"DIRECTORY": path.Dir(f.path)}}) // the rename is done; this only hurries it to disk
	if now, err := read(files, h, eff.Path); err != nil || now.hash() != eff.After {
		return r, fmt.Errorf("read %s again: %w", eff.Path, orChanged(err))
	}
	r.Outcome = runbook.OutcomeDone
	r.Text = runbook.T("edit.done", "path", f.path, "host", h.Name, "backup", backup)
	r.Values = map[string]string{"path": f.path, "backup": backup, "sha256": eff.After}
	return r, nil
}

// asideOf is the hidden name under which a file's new text waits; it keeps the extension, for verify.
func asideOf(file string) string {
	return path.Join(path.Dir(file), ".recoverbot-new."+path.Base(file))
}

func orChanged(err error) error {
	if err == nil {
		return fs.ErrInvalid // not what was written a moment ago
	}
	return err
}

// unchanged reads the file again and makes the new text; a file that is not the planned one is a stale Refusal.
func unchanged(c *sftp.Client, h fleet.Host, eff effect) (file, []byte, error) {
	name := eff.Path
	if eff.Link != "" {
		name = eff.Link
	}
	f, err := read(c, h, name)
	if err != nil {
		return f, nil, action.Refuse(err)
	}
	if !f.found || f.path != eff.Path || f.hash() != eff.Before {
		return f, nil, action.Stale("edit.changed", "path", name)
	}
	after, err := rewritten(f, eff.Ops)
	if err != nil {
		return f, nil, action.Refuse(err)
	}
	if hash(after) != eff.After {
		return f, nil, action.Stale("edit.changed", "path", name)
	}
	return f, after, nil
}

func refuseWrite(name string, err error) *runbook.Refusal {
	return &runbook.Refusal{Text: runbook.T("edit.not_written", "path", name), Err: err}
}

// write makes a new file with the owner of like; nobody else can read it before it has its mode.
func write(c *sftp.Client, name string, text []byte, like file, mode fs.FileMode) (err error) {
	out, err := c.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return fmt.Errorf("make %s: %w", name, err)
	}
	defer func() {
		if err != nil {
			_ = out.Close()
			_ = c.Remove(name)
		}
	}()
	if err := out.Chmod(0o600); err != nil {
		return fmt.Errorf("protect %s: %w", name, err)
	}
	if _, err := out.ReadFrom(bytes.NewReader(text)); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	info, err := out.Stat()
	if err != nil {
		return fmt.Errorf("look at %s: %w", name, err)
	}
	if st, ok := info.Sys().(*sftp.FileStat); ok && (st.UID != like.uid || st.GID != like.gid) {
		if err := out.Chown(int(like.uid), int(like.gid)); err != nil {
			return fmt.Errorf("give %s its owner: %w", name, err)
		}
	}
	if err := out.Chmod(mode); err != nil {
		return fmt.Errorf("give %s its mode: %w", name, err)
	}
	if err := out.Sync(); err != nil {
		return fmt.Errorf("flush %s: %w", name, err)
	}
	if err := out.Close(); err != nil {
		return fmt.Errorf("close %s: %w", name, err)
	}
	if info, err = c.Stat(name); err != nil || info.Size() != int64(len(text)) {
		return fmt.Errorf("check %s: size differs: %w", name, orChanged(err))
	}
	return nil
}

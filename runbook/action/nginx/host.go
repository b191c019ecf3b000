package nginx

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"

	"github.com/pkg/sftp"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

const maxFile = 4 << 20

// machine is the nginx host with its configuration as it is now.
type machine struct {
	host   fleet.Host
	conf   string
	ssh    *fleet.Client
	is     string // which machine it is, as fleet.Client.Identity has it
	sftp   *sftp.Client
	tree   *tree
	master *master // nil: a new machine whose nginx does not run yet
}

// look connects, reads the configuration and finds its master. The caller closes.
func (a *nginx) look(ctx context.Context) (*machine, error) {
	m, err := a.open(ctx)
	if err != nil {
		return nil, err
	}
	m.master, err = findMaster(ctx, m.ssh, m.conf, m.pid())
	if err != nil && (len(a.spec.Adopt) == 0 || !isStopped(err)) {
		m.close()
		return nil, err
	}
	return m, nil
}

// test runs nginx -t as the running master would, or as a start would where none runs.
func (m *machine) test(ctx context.Context) (refusal string, err error) {
	like := m.master
	if like == nil {
		like = &master{binary: "nginx"}
	}
	return like.test(ctx, m.ssh, m.conf)
}

// open connects and reads the configuration, whether nginx runs or not. The caller closes.
func (a *nginx) open(ctx context.Context) (*machine, error) {
	m := &machine{}
	var err error
	if m.host, err = a.env.Target(); err != nil {
		return nil, err
	}
	m.conf, _ = a.env.Fleet.Config().PathOn(m.host, "nginx_conf")
	if m.ssh, err = a.env.Fleet.SSH(ctx, m.host); err != nil {
		return nil, err
	}
	if m.is, err = m.ssh.Identity(ctx); err != nil {
		return nil, err
	}
	if m.sftp, err = m.ssh.SFTP(ctx); err != nil {
		return nil, err
	}
	if m.tree, err = parse(m.conf, m); err != nil {
		m.close()
		return nil, &runbook.Error{Code: runbook.Invalid, Msg: runbook.T("nginx.unreadable", "host", m.host.Name, "why", err.Error()), Err: err}
	}
	return m, nil
}

func (m *machine) close() { _ = m.sftp.Close() } // nothing is buffered

var pidLine = regexp.MustCompile(`(?m)^\s*pid\s+([^;\s]+)\s*;`)

// pid is what the configuration's pid file says, or nothing.
func (m *machine) pid() string {
	file := "/run/nginx.pid"
	if f := pidLine.FindSubmatch(m.tree.files[m.conf]); f != nil {
		file = string(f[1])
	}
	b, err := m.read(file)
	if err != nil { // relative to a prefix not known yet, or not readable: the master's own -c decides
		return ""
	}
	return string(b)
}

func (m *machine) read(p string) ([]byte, error) {
	f, err := m.sftp.Open(p)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", p, err)
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", p, err)
	}
	if len(b) > maxFile {
		return nil, fmt.Errorf("read %s: larger than 4 MiB", p)
	}
	return b, nil
}

func (m *machine) glob(pattern string) ([]string, error) {
	names, err := m.sftp.Glob(pattern)
	return visible(pattern, names), err
}

// inForce reports whether the workers began after the newest change of the files, or there are none.
func (m *machine) inForce() (bool, error) {
	if m.master == nil {
		return true, nil
	}
	for p := range m.tree.files {
		info, err := m.sftp.Stat(p)
		if err != nil {
			return false, fmt.Errorf("stat %s: %w", p, err)
		}
		// Boot time and file times are in whole seconds.
		if m.master.oldestWorker()+2 < float64(info.ModTime().Unix()) {
			return false, nil
		}
	}
	return true, nil
}

// replace writes a file aside and renames it into place, with the owner and mode of the old one. The name aside is
// hidden: nginx's include patterns do not match it.
func (m *machine) replace(p string, text []byte) error {
	info, err := m.sftp.Stat(p)
	if err != nil {
		return fmt.Errorf("stat %s: %w", p, err)
	}
	aside := path.Join(path.Dir(p), "."+path.Base(p)+".recoverbot-new")
	if err := m.write(aside, text, info.Mode().Perm(), info); err != nil {
		_ = m.sftp.Remove(aside) // it may not exist
		return err
	}
	if err := m.sftp.PosixRename(aside, p); err != nil {
		_ = m.sftp.Remove(aside)
		return fmt.Errorf("rename to %s: %w", p, err)
	}
	return nil
}

func (m *machine) write(p string, text []byte, mode fs.FileMode, like fs.FileInfo) (err error) {
	if err := m.sftp.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a run that was killed
		return fmt.Errorf("remove %s: %w", p, err)
	}
	f, err := m.sftp.OpenFile(p, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return fmt.Errorf("create %s: %w", p, err)
	}
	defer func() {
		if cerr := f.Close(); err == nil && cerr != nil {
			err = fmt.Errorf("close %s: %w", p, cerr)
		}
	}()
	if err := f.Chmod(mode); err != nil {
		return fmt.Errorf("chmod %s: %w", p, err)
	}
	if like != nil {
		if err := m.keepOwner(f, like); err != nil {
			return err
		}
	}
	if _, err := f.Write(text); err != nil {
		return fmt.Errorf("write %s: %w", p, err)
	}
	if err := f.Sync(); err != nil && !unsupported(err) {
		return fmt.Errorf("sync %s: %w", p, err)
	}
	return nil
}

func (m *machine) keepOwner(f *sftp.File, like fs.FileInfo) error {
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("stat %s: %w", f.Name(), err)
	}
	want, ok := like.Sys().(*sftp.FileStat)
	have, ok2 := info.Sys().(*sftp.FileStat)
	if !ok || !ok2 || (want.UID == have.UID && want.GID == have.GID) {
		return nil
	}
	if err := f.Chown(int(want.UID), int(want.GID)); err != nil {
		return fmt.Errorf("chown %s: %w", f.Name(), err)
	}
	return nil
}

func unsupported(err error) bool {
	var status *sftp.StatusError
	return errors.As(err, &status) && status.FxCode() == sftp.ErrSSHFxOpUnsupported
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

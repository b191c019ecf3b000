package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// fromTemplate fills a datadir that does not exist yet from the template, which is made once per user and version.
func fromTemplate(ctx context.Context, mariadbd, data string) error {
	if _, err := os.Stat(filepath.Join(data, "mysql")); err == nil {
		return nil
	}
	t, err := template(ctx, mariadbd)
	if err != nil {
		return err
	}
	if err := copyTree(t, data); err != nil {
		return fmt.Errorf("copy the MariaDB template: %w", err)
	}
	return nil
}

var templates sync.Mutex // flock does not exclude goroutines of one process that share a file, so they queue here

// template returns the directory of a freshly initialised datadir.
func template(ctx context.Context, mariadbd string) (string, error) {
	templates.Lock()
	defer templates.Unlock()
	cache, err := cacheDir()
	if err != nil {
		return "", err
	}
	version, err := exec.CommandContext(ctx, mariadbd, "--no-defaults", "--version").Output()
	if err != nil {
		return "", fmt.Errorf("ask mariadbd for its version: %w", err)
	}
	name := "mariadb-" + strings.Trim(regexp.MustCompile(`[^A-Za-z0-9.]+`).ReplaceAllString(versionOf(string(version)), "-"), "-")
	dir := filepath.Join(cache, name)
	lock, err := os.OpenFile(dir+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return "", fmt.Errorf("lock the MariaDB template: %w", err)
	}
	defer lock.Close()
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX); err != nil {
		return "", fmt.Errorf("lock the MariaDB template: %w", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "mysql")); err == nil {
		return dir, nil
	}
	return dir, initialise(ctx, dir)
}

func initialise(ctx context.Context, dir string) error {
	install, err := Find("mariadb-install-db")
	if err != nil {
		return err
	}
	aside := dir + ".new"
	if err := os.RemoveAll(aside); err != nil {
		return fmt.Errorf("initialise a MariaDB template: %w", err)
	}
	args := append(append([]string{}, small...), "--datadir="+aside, "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve")
	cmd := exec.CommandContext(ctx, install, append(args, asRoot()...)...)
	cmd.Env = Environment()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initialise a MariaDB template: %w: %s", err, out)
	}
	if err := os.Rename(aside, dir); err != nil {
		return fmt.Errorf("initialise a MariaDB template: %w", err)
	}
	return nil
}

func versionOf(line string) string {
	f := strings.Fields(line)
	for i, w := range f {
		if w == "Ver" && i+1 < len(f) {
			return f[i+1]
		}
	}
	return line
}

// cacheDir is the user's cache, or a directory of the user's own below the temporary one.
func cacheDir() (string, error) {
	var errs []error
	if base, err := os.UserCacheDir(); err == nil {
		dir := filepath.Join(base, "recoverbot")
		if err := os.MkdirAll(dir, 0o700); err == nil {
			return dir, nil
		} else {
			errs = append(errs, err)
		}
	}
	dir := filepath.Join(os.TempDir(), "recoverbot-"+strconv.Itoa(os.Getuid()))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make a cache directory: %w", errors.Join(append(errs, err)...))
	}
	st, err := os.Stat(dir)
	if err != nil {
		return "", fmt.Errorf("make a cache directory: %w", err)
	}
	if own, ok := st.Sys().(*syscall.Stat_t); !ok || int(own.Uid) != os.Getuid() {
		return "", fmt.Errorf("make a cache directory: %s belongs to someone else", dir)
	}
	return dir, nil
}

func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		dst := filepath.Join(to, rel)
		switch {
		case d.IsDir():
			return os.MkdirAll(dst, 0o700)
		case !d.Type().IsRegular():
			return nil
		}
		return copyFile(p, dst)
	})
}

func copyFile(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

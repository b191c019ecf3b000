package roles

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// write puts the new text into a file beside the old one, with its mode and owner, and makes sure that it is a valid
// fleet with exactly the wanted change. The caller renames or removes it.
func (r *roles) write(path string, text []byte, want []change) (temp string, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", unwritable(path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".fleet-*.yaml")
	if err != nil {
		return "", unwritable(path, err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(f.Name())
		}
	}()
	_, werr := f.Write(text)
	if werr == nil {
		werr = f.Chmod(info.Mode().Perm())
	}
	if st, ok := info.Sys().(*syscall.Stat_t); ok && werr == nil {
		_ = f.Chown(int(st.Uid), int(st.Gid)) // another owner than the bot's needs root
	}
	if werr == nil {
		werr = f.Sync()
	}
	if cerr := f.Close(); werr == nil {
		werr = cerr
	}
	if werr != nil {
		return "", unwritable(path, werr)
	}
	if err := r.validate(f.Name(), want); err != nil {
		return "", &runbook.Error{Code: runbook.Invalid, Msg: runbook.T("roles.invalid", "path", path), Err: err}
	}
	return f.Name(), nil
}

func unwritable(path string, err error) error {
	return &runbook.Error{Code: runbook.Unavailable, Msg: runbook.T("roles.unwritable", "path", path), Err: err}
}

// validate loads the new file and compares every host with the one before.
func (r *roles) validate(path string, want []change) error {
	got, err := r.env.Fleet.Validate(path)
	if err != nil {
		return err
	}
	return compare(r.env.Fleet.Config(), got, want)
}

// compare holds that nothing but the wanted change tells one fleet's hosts from the other's.
func compare(old, got *fleet.Config, want []change) error {
	byName := map[string]change{}
	added := 0
	for _, c := range want {
		byName[c.host.Name] = c
		if c.add {
			added++
		}
	}
	if len(got.Hosts) != len(old.Hosts)+added {
		return errors.New("another number of hosts than wanted")
	}
	for _, h := range got.Hosts {
		c, changed := byName[h.Name]
		if !changed {
			have, ok := old.Host(h.Name)
			if !ok || !slices.Equal(have.Roles, h.Roles) || have.Retired != h.Retired || have.Address != h.Address {
				return fmt.Errorf("host %s would change, too", h.Name)
			}
			continue
		}
		if !slices.Equal(h.Roles, c.roles) || (c.assign && h.Retired != c.retire) || h.Address != c.host.Address {
			return fmt.Errorf("host %s would not become as wanted", h.Name)
		}
	}
	return nil
}

func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync() // the rename is done; at worst a power cut undoes it
		_ = d.Close()
	}
}

package blackbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"recoverbot/runbook"
)

// Options say where a Store is.
type Options struct {
	Dir     string // of the snapshots
	KeyFile string // of a key that is made where Secret is empty
	Secret  string // BLACKBOX_KEY, or ""
	// Learn is told the secrets in what is read, before anybody has it; Secrets finds them in a file. Both may be nil.
	Learn   func(secrets ...string)
	Secrets func(name, text string) []string
}

// Store is the directory of encrypted snapshots. It keeps nothing in memory, so that two processes may use one.
type Store struct {
	dir, keyFile, secret string
	learn                func(secrets ...string)
	secrets              func(name, text string) []string
}

// Open makes nothing; a secret that is too short to be one is an *runbook.Error.
func Open(o Options) (*Store, error) {
	if o.Secret != "" && len(o.Secret) < minSecret {
		return nil, runbook.Errorf(runbook.Invalid, "blackbox.short_key", "min", minSecret)
	}
	return &Store{dir: o.Dir, keyFile: o.KeyFile, secret: o.Secret, learn: o.Learn, secrets: o.Secrets}, nil
}

// OwnKey reports whether the key lies beside the snapshots.
func (s *Store) OwnKey() bool { return s.secret == "" }

const layout = "20060102T150405Z"

var boxName = regexp.MustCompile(`^[0-9]{8}T[0-9]{6}Z\.box$`)

// names lists the snapshots, the newest first.
func (s *Store) names() ([]string, error) {
	entries, err := os.ReadDir(s.dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("list black box: %w", err)
	}
	var out []string
	for _, e := range entries {
		if boxName.MatchString(e.Name()) && e.Type().IsRegular() {
			out = append(out, e.Name())
		}
	}
	slices.Sort(out)
	slices.Reverse(out)
	return out, nil
}

func timeOf(name string) time.Time {
	t, _ := time.Parse(layout, strings.TrimSuffix(name, ".box")) // boxName lets nonsense such as month 13 pass: the zero time
	return t
}

// Newest is when the newest snapshot was taken; ok is false without one. Those of a clock that was ahead do not count.
func (s *Store) Newest(now time.Time) (at time.Time, ok bool) {
	names, err := s.names()
	if err != nil {
		return at, false
	}
	for _, n := range names {
		if at := timeOf(n); !at.After(now.Add(time.Minute)) {
			return at, true
		}
	}
	return at, false
}

// Taken is one snapshot of the list. Err says why it cannot be read, and names the file.
type Taken struct {
	Snapshot
	File string
	Size int64
	Err  error
}

// List reads every snapshot, the newest first.
func (s *Store) List() ([]Taken, error) {
	names, err := s.names()
	if err != nil {
		return nil, err
	}
	out := make([]Taken, len(names))
	for i, n := range names {
		out[i] = s.load(n)
	}
	return out, nil
}

// load reads one snapshot, and makes its secrets known before it hands it out.
func (s *Store) load(name string) Taken {
	t := Taken{Snapshot: Snapshot{At: timeOf(name)}, File: filepath.Join(s.dir, name)}
	box, err := os.ReadFile(t.File)
	if err != nil {
		t.Err = fmt.Errorf("read black box: %w", err)
		return t
	}
	t.Size = int64(len(box))
	keys, err := s.keys()
	if err != nil && len(keys) == 0 {
		t.Err = err
		return t
	}
	snapshot, err := unseal(t.File, box, keys)
	if err != nil {
		t.Err = err
		return t
	}
	if !snapshot.At.Truncate(time.Second).Equal(t.At) { // an old one under a new name
		t.Err = runbook.Errorf(runbook.Invalid, "blackbox.renamed", "file", t.File)
		return t
	}
	t.Snapshot = snapshot
	s.tell(snapshot)
	return t
}

// tell makes the secrets of a snapshot known.
func (s *Store) tell(snapshot Snapshot) {
	if s.learn == nil || s.secrets == nil {
		return
	}
	var found []string
	for _, h := range snapshot.Hosts {
		for _, f := range h.Files {
			found = append(found, s.secrets(f.Path, string(f.Content))...)
		}
	}
	s.learn(found...)
}

// machines are those of the snapshot of that time; "" where it does not say.
func (s *Store) machines(at time.Time) string { return s.load(at.Format(layout) + ".box").Machines }

// Save writes a snapshot. Where its second is taken, it gets a later one.
func (s *Store) Save(snapshot Snapshot) (size int64, err error) {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return 0, fmt.Errorf("make black box: %w", err)
	}
	k, err := s.sealing()
	if err != nil {
		return 0, err
	}
	s.tell(snapshot)
	snapshot.At = snapshot.At.UTC().Truncate(time.Second)
	for {
		box, err := k.seal(snapshot)
		if err != nil {
			return 0, err
		}
		err = writeWhole(filepath.Join(s.dir, snapshot.At.Format(layout)+".box"), box)
		if err == nil {
			return int64(len(box)), nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return 0, fmt.Errorf("write black box: %w", err)
		}
		snapshot.At = snapshot.At.Add(time.Second)
	}
}

// Latest implements Reader.
func (s *Store) Latest(host string) (*Host, bool) { return s.Until(time.Time{}, host) }

// Until is what Latest would have said at that time; the zero time is now.
func (s *Store) Until(at time.Time, host string) (*Host, bool) {
	if s == nil {
		return nil, false
	}
	names, err := s.names()
	if err != nil {
		return nil, false
	}
	var m merged
	for _, n := range names {
		if !at.IsZero() && timeOf(n).After(at) {
			continue
		}
		if t := s.load(n); t.Err == nil {
			m.add(t.Hosts[host])
		}
		if m.complete() {
			break
		}
	}
	return m.host, m.host != nil
}

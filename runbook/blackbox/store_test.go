package blackbox

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"recoverbot/runbook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const canary = "box-canary-1"

var day = time.Date(2026, 11, 23, 4, 30, 0, 0, time.UTC)

func open(t *testing.T, dir, secret string) *Store {
	t.Helper()
	s, err := Open(Options{Dir: filepath.Join(dir, "blackbox"), KeyFile: filepath.Join(dir, "blackbox.key"), Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func save(t *testing.T, s *Store, at time.Time, hosts map[string]*Host) string {
	t.Helper()
	if _, err := s.Save(Snapshot{At: at, Hosts: hosts}); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(s.dir, at.Format(layout)+".box")
}

func host(at time.Time, text string) *Host {
	return &Host{At: at, Files: []File{{Path: "/c.yaml", Mode: 0o600, At: at, Content: []byte(text)}},
		Databases: map[string]*Database{"speed": {At: at, Schema: "speed", Tables: []Table{{Name: "orders", Rows: 7, Exact: true, Newest: at}}}}}
}

func msgID(err error) string {
	var e *runbook.Error
	if errors.As(err, &e) {
		return e.Msg.ID
	}
	return ""
}

func TestWhatIsSavedComesBackAndIsSecretOnTheDisk(t *testing.T) {
	t.Parallel()
	for name, secret := range map[string]string{"key file": "", "BLACKBOX_KEY": "0123456789abcdef"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := open(t, dir, secret)
			if _, ok := s.Latest("a"); ok {
				t.Error("an empty box holds a host")
			}
			var learnt []string
			s.learn, s.secrets = func(x ...string) { learnt = append(learnt, x...) }, func(_, text string) []string { return []string{text} }
			want := host(day, strings.Repeat(canary, 100))
			file := save(t, s, day, map[string]*Host{"a": want})
			got, ok := open(t, dir, secret).Latest("a")
			if d := cmp.Diff(want, got); !ok || d != "" {
				t.Error(d)
			}
			if len(learnt) != 1 {
				t.Errorf("learnt %d secrets", len(learnt))
			}
			for _, f := range []string{file, filepath.Dir(file)} {
				if info, err := os.Stat(f); err != nil || info.Mode().Perm()&0o077 != 0 {
					t.Errorf("%s: %v %v", f, info.Mode(), err)
				}
			}
			if info, err := os.Stat(s.keyFile); (err == nil) != (secret == "") || err == nil && info.Mode().Perm() != 0o600 {
				t.Errorf("key file: %v", err)
			}
			if box, err := os.ReadFile(file); err != nil || bytes.Contains(box, []byte("canary")) || bytes.Contains(box, []byte("yaml")) {
				t.Errorf("plaintext on the disk: %v", err)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "*", temporary)); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
	if _, err := Open(Options{Secret: "short"}); msgID(err) != "blackbox.short_key" {
		t.Error(err)
	}
}

// A bad snapshot is named and changes nothing for the others.
func TestBadSnapshots(t *testing.T) {
	t.Parallel()
	older := day.Add(-24 * time.Hour)
	flip := func(i int) func([]byte) []byte {
		return func(b []byte) []byte { b[(len(b)+i)%len(b)] ^= 1; return b }
	}
	for name, tc := range map[string]struct {
		change func([]byte) []byte
		want   string
	}{
		"content":   {flip(-20), "blackbox.damaged"},
		"tag":       {flip(-1), "blackbox.damaged"},
		"nonce":     {flip(len(magic) + idSize), "blackbox.damaged"},
		"key id":    {flip(len(magic)), "blackbox.wrong_key"},
		"magic":     {flip(0), "blackbox.damaged"},
		"format":    {func(b []byte) []byte { return bytes.Replace(b, []byte("box 1\n"), []byte("box 2\n"), 1) }, "blackbox.other_format"},
		"cut":       {func(b []byte) []byte { return b[:len(b)/2] }, "blackbox.damaged"},
		"cut short": {func([]byte) []byte { return []byte(magic) }, "blackbox.damaged"},
		"empty":     {func([]byte) []byte { return nil }, "blackbox.damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t, t.TempDir(), "0123456789abcdef")
			save(t, s, older, map[string]*Host{"a": host(older, "older")})
			file := save(t, s, day, map[string]*Host{"a": host(day, "newer")})
			box, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, tc.change(box), 0o600); err != nil {
				t.Fatal(err)
			}
			list, err := s.List()
			if err != nil || len(list) != 2 || msgID(list[0].Err) != tc.want || list[0].File != file || list[1].Err != nil {
				t.Errorf("list: %+v %v", list, err)
			}
			var e *runbook.Error
			if errors.As(list[0].Err, &e) && e.Msg.Args["file"] != file {
				t.Errorf("the error does not name the file: %v", e.Msg)
			}
			if h, ok := s.Latest("a"); !ok || string(h.Files[0].Content) != "older" {
				t.Errorf("latest: %v", ok)
			}
		})
	}
	t.Run("renamed", func(t *testing.T) {
		t.Parallel()
		s := open(t, t.TempDir(), "0123456789abcdef")
		file := save(t, s, older, map[string]*Host{"a": host(older, "older")})
		if err := os.Rename(file, filepath.Join(s.dir, day.Format(layout)+".box")); err != nil {
			t.Fatal(err)
		}
		if list, err := s.List(); err != nil || msgID(list[0].Err) != "blackbox.renamed" {
			t.Errorf("list: %+v %v", list, err)
		}
	})
	t.Run("wrong key", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		save(t, open(t, dir, "0123456789abcdef"), day, map[string]*Host{"a": host(day, "x")})
		s := open(t, dir, "another key, another key")
		if list, err := s.List(); err != nil || msgID(list[0].Err) != "blackbox.wrong_key" {
			t.Errorf("list: %+v %v", list, err)
		}
		if _, ok := s.Latest("a"); ok {
			t.Error("opened with the wrong key")
		}
	})
	t.Run("a key that is set later", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		save(t, open(t, dir, ""), older, map[string]*Host{"a": host(older, "older")})
		s := open(t, dir, "0123456789abcdef")
		save(t, s, day, map[string]*Host{"b": host(day, "newer")})
		for _, name := range []string{"a", "b"} {
			if _, ok := s.Latest(name); !ok {
				t.Errorf("%s is lost", name)
			}
		}
	})
	t.Run("a broken key file", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		s := open(t, dir, "")
		if err := os.WriteFile(s.keyFile, []byte("not a key"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Save(Snapshot{At: day}); msgID(err) != "blackbox.bad_key_file" {
			t.Error(err)
		}
		if names, err := s.names(); err != nil || len(names) != 0 {
			t.Errorf("saved all the same: %v %v", names, err)
		}
		if text, err := os.ReadFile(s.keyFile); err != nil || string(text) != "not a key" {
			t.Errorf("the key file was changed: %q %v", text, err)
		}
	})
}

// A machine, a database or a file that could not be read stays as it was in the newest copy that holds it.
func TestLatestGoesBackForWhatIsMissing(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), "")
	first := host(day, "first")
	first.Files = append(first.Files, File{Path: "/etc/nginx/a.conf", At: day, Content: []byte("a")}, File{Path: "/gone", At: day})
	save(t, s, day, map[string]*Host{"a": first, "b": host(day, "b")})
	second := &Host{At: day.Add(24 * time.Hour), Unread: []string{"/c.yaml"}, Unasked: []string{"speed"}}
	save(t, s, day.Add(24*time.Hour), map[string]*Host{"a": second})
	third := &Host{At: day.Add(48 * time.Hour), Unread: []string{"/c.yaml", "/etc/nginx"}, Unasked: []string{"speed"}, Crontab: "x"}
	save(t, s, day.Add(48*time.Hour), map[string]*Host{"a": third})
	got, ok := s.Latest("a")
	if !ok || !got.At.Equal(third.At) || got.Crontab != "x" || got.Databases["speed"] == nil || !got.Databases["speed"].At.Equal(day) {
		t.Errorf("%+v", got)
	}
	// The second copy looked for the files of nginx and there were none.
	if len(got.Files) != 1 || got.Files[0].Path != "/c.yaml" || !got.Files[0].At.Equal(day) {
		t.Errorf("files: %+v", got.Files)
	}
	if old, ok := s.Until(day.Add(time.Hour), "a"); !ok || len(old.Files) != 3 || !old.At.Equal(day) {
		t.Errorf("as it was: %+v", old)
	}
	if _, ok := s.Until(day.Add(-time.Hour), "a"); ok {
		t.Error("held before the first copy")
	}
	if b, ok := s.Latest("b"); !ok || string(b.Files[0].Content) != "b" {
		t.Error("a machine that was not read is lost")
	}
}

func TestPrune(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), "")
	const keep = 14 * 24 * time.Hour
	ago := func(days int) time.Time { return day.Add(-time.Duration(days) * 24 * time.Hour) }
	whole := func(days int) *Host { return host(ago(days), "x") }
	save(t, s, ago(400), map[string]*Host{"gone": whole(400)})
	save(t, s, ago(60), map[string]*Host{"dead": whole(60)})
	save(t, s, ago(50), map[string]*Host{"dead": whole(50), "a": whole(50)})
	save(t, s, ago(40), map[string]*Host{"a": whole(40)})
	save(t, s, ago(30), map[string]*Host{"sick": whole(30)})
	for i := range 20 {
		save(t, s, ago(19-i), map[string]*Host{"a": whole(19 - i), "sick": {At: ago(19 - i), Unasked: []string{"speed"}}})
	}
	damaged := save(t, s, ago(25), map[string]*Host{"a": whole(25)})
	if err := os.WriteFile(damaged, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	crashed := filepath.Join(s.dir, ".new-1")
	if err := os.WriteFile(crashed, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(crashed, ago(1), ago(1)); err != nil {
		t.Fatal(err)
	}
	if err := s.Prune(day, keep); err != nil {
		t.Fatal(err)
	}
	names, err := s.names()
	if err != nil {
		t.Fatal(err)
	}
	var ages []int
	for _, n := range names {
		if a := int(day.Sub(timeOf(n)).Hours() / 24); a > 14 {
			ages = append(ages, a)
		}
	}
	if !slices.Equal(ages, []int{25, 30, 50}) || len(names) != 15+3 {
		t.Errorf("kept beyond 14 days: %v of %d", ages, len(names))
	}
	if _, err := os.Stat(crashed); err == nil {
		t.Error("what a crash left is still there")
	}
	for _, h := range []string{"a", "dead", "sick"} {
		if got, ok := s.Latest(h); !ok || got.Databases["speed"] == nil {
			t.Errorf("%s is lost", h)
		}
	}
}

func TestTwoInOneSecond(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir(), "")
	save(t, s, day, map[string]*Host{"a": host(day, "1")})
	save(t, s, day, map[string]*Host{"b": host(day, "2")})
	if names, err := s.names(); err != nil || len(names) != 2 {
		t.Errorf("%v %v", names, err)
	}
}

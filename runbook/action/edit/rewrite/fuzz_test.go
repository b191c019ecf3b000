package rewrite

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

// texts are configuration as people and machines leave it.
var texts = []string{
	"mysql:\n  host: 192.0.2.2\n  dsn: \"u:p@tcp(192.0.2.2:3306)/db\"\nTARGETS: [192.0.2.2, 192.0.2.3]\n", "{\"TARGETS\": [\"192.0.2.2\"], \"u\": \"http://u:p@192.0.2.2/\"}",
	"TARGETS = ['192.0.2.2', # one\n  \"192.0.2.3\",\n]\nx = '''192.0.2.2\n'''\n", "TARGETS=(192.0.2.2 192.0.2.3)\nexport H=192.0.2.2\n", "[a]\r\nh=192.0.2.2\r\n;192.0.2.2\r\n",
	"\xef\xbb\xbfa: 192.0.2.2", "TARGETS:\n- 192.0.2.2\n- host: 192.0.2.3\n  d: x\n", "TARGETS: []\r\nb: 1", "a\rb\rc", "\xff\xfe192.0.2.2\xff", "'\"'''\"\"\"#\\", "TARGETS = [[({'\\", "line\n\nline \t\r\nline",
	"TARGETS:\n  -\n  - [\n", "password: 192.0.2.2\nTARGETS: ['192.0.2.2'", "-----BEGIN PRIVATE KEY-----\n192.0.2.2\n", "TARGETS = [192.0.2.2,,]", "é: 192.0.2.2 主 TARGETS: [x]",
}

var names = []string{"a.yaml", "a.json", "a.py", "a.ini", "a.env"}

// FuzzDo: no text of any format panics, and no change touches a byte that it need not.
func FuzzDo(f *testing.F) {
	for i, s := range texts {
		f.Add([]byte(s), byte(i), "line")
	}
	f.Add([]byte("a\nline  \r\n"), byte(4), "line \t")
	f.Fuzz(func(t *testing.T, text []byte, format byte, line string) {
		name := names[int(format)%len(names)]
		if bytes.IndexByte(text, 0) >= 0 {
			if _, err := Do(name, text, nil); !errors.Is(err, ErrBinary) {
				t.Fatalf("binary: %v", err)
			}
			return
		}
		unchanged(t, name, text)
		hosts(t, name, text)
		if line = strings.TrimRight(line, " \t\r\n"); line != "" && !strings.ContainsAny(line, "\r\n\x00") {
			lines(t, name, text, line)
		}
		lists(t, name, text)
		if s := string(text); strings.Count(Mask(FormatOf(name), s), "\n") != strings.Count(s, "\n") {
			t.Error("masking changes the lines")
		}
	})
}

func do(t *testing.T, name string, text []byte, ops ...Op) []byte {
	t.Helper()
	out, err := Do(name, text, ops)
	if err != nil {
		t.Fatalf("%+v: %v", ops, err)
	}
	if again, err := Do(name, out, ops); err != nil || !bytes.Equal(again, out) {
		t.Errorf("%+v a second time: %q, then %q, %v", ops, out, again, err)
	}
	return out
}

func unchanged(t *testing.T, name string, text []byte) {
	t.Helper()
	if out := do(t, name, text); !bytes.Equal(out, text) {
		t.Errorf("no change makes %q of %q", out, text)
	}
}

// hosts replaces a host and puts it back.
func hosts(t *testing.T, name string, text []byte) {
	t.Helper()
	const old, fresh = "192.0.2.2", "new.example.com"
	if bytes.Contains(bytes.ToLower(text), []byte("new.example.com")) {
		return
	}
	there := do(t, name, text, Op{Kind: "rehost", From: []string{old}, To: fresh})
	if back := bytes.ReplaceAll(there, []byte(fresh), []byte(old)); !bytes.Equal(back, text) {
		t.Errorf("more than the host changes: %q, %q", text, there)
	}
	_ = Check(name, text, there, []Op{{Kind: "rehost", From: []string{old}, To: fresh}}) // it may refuse: a host in a key is replaced, too
}

func lines(t *testing.T, name string, text []byte, line string) {
	t.Helper()
	with := do(t, name, text, Op{Kind: "add_line", Line: line})
	if !bytes.HasPrefix(with, text) || len(with) > len(text)+len(line)+4 {
		t.Errorf("adding %q changes %q to %q", line, text, with)
	}
	without := do(t, name, with, Op{Kind: "remove_line", Line: line})
	kept := func(b []byte) (out []string) {
		for _, l := range strings.Split(strings.TrimPrefix(string(b), bom), "\n") {
			if l = strings.TrimRight(l, " \t\r"); l != line && l != "" {
				out = append(out, l)
			}
		}
		return out
	}
	if a, b := kept(text), kept(without); strings.Join(a, "\n") != strings.Join(b, "\n") || bytes.Contains(without, []byte("\n"+line+"\n")) {
		t.Errorf("adding and removing %q: %q, %q, %q", line, text, with, without)
	}
}

// lists brings a host into a list, where there is one, and holds everything before and behind it.
func lists(t *testing.T, name string, text []byte) {
	t.Helper()
	ops := []Op{{Kind: "list", List: "TARGETS", Want: []Host{host("192.0.2.9")}, Know: []Host{host("192.0.2.2"), host("192.0.2.3")}}}
	out, err := Do(name, text, ops)
	var le *ListError
	switch {
	case errors.As(err, &le):
		return
	case err != nil:
		t.Fatal(err)
	}
	if again, err := Do(name, out, ops); err != nil || !bytes.Equal(again, out) {
		t.Errorf("a second time: %q, then %q, %v", out, again, err)
	}
	head := 0
	for head < len(text) && head < len(out) && text[head] == out[head] {
		head++
	}
	tail := 0
	for tail < len(text)-head && text[len(text)-1-tail] == out[len(out)-1-tail] {
		tail++
	}
	if cut := text[head : len(text)-tail]; len(cut) > 0 {
		t.Errorf("%q is taken out of %q: %q", cut, text, out)
	}
}

package locale

import (
	"encoding/json"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"recoverbot/runbook"
)

var placeholder = regexp.MustCompile(`{{[^}]*}}`)

func readAll(t *testing.T, lang string) map[string]string {
	t.Helper()
	out := map[string]string{}
	files, err := fs.Glob(catalogues, "catalogue/*."+lang+".yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("list catalogues of %s: %v, %d files", lang, err, len(files))
	}
	for _, f := range files {
		text, err := catalogues.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]string
		if err := yaml.UnmarshalWithOptions(text, &m, yaml.Strict()); err != nil {
			t.Fatalf("%s: %v", f, err)
		}
		for k, v := range m {
			if _, twice := out[k]; twice {
				t.Errorf("%s: key %s stands in two catalogues", f, k)
			}
			out[k] = v
		}
	}
	return out
}

func TestBothLanguagesSayTheSameThings(t *testing.T) {
	t.Parallel()
	en, zh := readAll(t, "en"), readAll(t, "zh")
	for k, v := range en {
		other, ok := zh[k]
		if !ok {
			t.Errorf("%s is missing in Chinese", k)
			continue
		}
		if strings.TrimSpace(v) == "" || strings.TrimSpace(other) == "" {
			t.Errorf("%s is empty", k)
		}
		a, b := names(v), names(other)
		if !slices.Equal(a, b) {
			t.Errorf("%s: placeholders differ: en %v, zh %v", k, a, b)
		}
	}
	for k := range zh {
		if _, ok := en[k]; !ok {
			t.Errorf("%s is missing in English", k)
		}
	}
}

func names(text string) []string {
	out := slices.DeleteFunc(placeholder.FindAllString(text, -1), func(p string) bool { return strings.HasPrefix(p, "{{s ") }) // English only
	slices.Sort(out)
	return slices.Compact(out)
}

func TestSay(t *testing.T) {
	t.Parallel()
	b, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 23, 3, 11, 40, 0, time.UTC)
	shanghai := time.FixedZone("CST", 8*3600)
	for _, c := range []struct {
		lang string
		msg  runbook.Msg
		want string
	}{
		{"en", runbook.T("view.loss", "seconds", 271.0), "would lose 4 min 31 s of data"},
		{"zh", runbook.T("view.loss", "seconds", 271.0), "将丢失 4 分 31 秒的数据"},
		{"en", runbook.T("alert.snoozed", "at", at), "Snoozed until 11:11:40."},
		{"en", runbook.T("view.open", "text", runbook.T("fleet.unknown_host", "ref", "x")), "Still open: No host or role is called x in fleet.yaml."},
		{"en", runbook.T("copy.summary", "count", 1, "bytes", 999, "source", "a", "host", "b"), "Copy 1 file, 999 B, from a to b"},
		{"en", runbook.T("copy.summary", "count", 2.0, "bytes", 999, "source", "a", "host", "b"), "Copy 2 files, 999 B, from a to b"},
		{"en", runbook.T("nginx.done_reload", "host", "nginx1", "workers", 1), "nginx reloaded, 1 new worker"},
		{"en", runbook.T("no.such_key", "a", 1), "no.such_key map[a:1]"},
		{"zh", runbook.Msg{}, ""},
	} {
		if got := b.Printer(c.lang, shanghai).Say(c.msg); got != c.want {
			t.Errorf("%s %s: got %q, want %q", c.lang, c.msg.ID, got, c.want)
		}
	}
}

func TestUnits(t *testing.T) {
	t.Parallel()
	for sec, want := range map[float64]string{0: "0 s", 0.25: "0.2 s", 44: "44 s", 60: "1 min", 24000: "6 h 40 min", 266400: "3 d 2 h", -5: "-5 s"} {
		if got := Duration("en", sec); got != want {
			t.Errorf("Duration(%v) = %q, want %q", sec, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 612_000_000: "612 MB", 1_204_000_000: "1.2 GB"} {
		if got := Bytes(n); got != want {
			t.Errorf("Bytes(%d) = %q, want %q", n, got, want)
		}
	}
}

// TestCountsAfterJSON holds that a message from the journal shows its numbers as a new one does.
func TestCountsAfterJSON(t *testing.T) {
	t.Parallel()
	b, err := Load()
	if err != nil {
		t.Fatal(err)
	}
	p := b.Printer("en", time.UTC)
	m := runbook.T("dump.unterminated", "line", int64(39179), "offset", int64(3280065))
	data, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var kept runbook.Msg
	if err := json.Unmarshal(data, &kept); err != nil {
		t.Fatal(err)
	}
	if text := p.Say(kept); text != p.Say(m) || !strings.Contains(text, "3280065") {
		t.Errorf("%q, not %q", text, p.Say(m))
	}
}

package fleet

import (
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"recoverbot/runbook"
)

var harmless = regexp.MustCompile(`^[A-Za-z0-9._:-]*$`)

// FuzzParseConfig: no text panics, what is wrong has a place in it, and what is taken holds only names and addresses that
// mean nothing elsewhere, and is the same fleet when it is written and read again.
func FuzzParseConfig(f *testing.F) {
	files, err := filepath.Glob("testdata/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range append(files, "../../fleet.example.yaml") {
		text, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	for _, s := range []string{"", "\xef\xbb\xbfhosts:\r\n- {name: a, address: 192.0.2.1, roles: [primary]}\r\n", "hosts: [{name: a, address: 192.0.2.1}]\nhosts: []\n",
		"hosts:\n- {name: \"a; id\", address: \"$(id)\"}\n", "hosts:\n- {name: a, address: \"fe80::1%; rm -rf /\"}\n", "hosts:\n- {name: a, address: 192.0.2.1, root: /a/../b}\n",
		"hosts: &a [*a]\n", "hosts:\n- name: |\n    a\n  address: \"192.0.2.1\\n\"\n", "hosts: !!binary aGk=\n", "? a\n: b\n", "a: 'x\n", "%YAML 1.2\n---\nhosts: 1\n...\n", "\x00", "hosts:\n- {name: a, port: 0x1F}\n",
		"hosts:\n- {name: a, address: 192.0.2.1, dns_ip: \"fe80::1%'\", aliases: [\"::1\", \"a b\"], loopback: \"::1%x\"}\n"} {
		f.Add([]byte(s))
	}
	getenv := func(string) string { return "canary-secret" }
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 64<<10 {
			return
		}
		c, err := ParseConfig("fleet.yaml", text, getenv)
		if err != nil {
			var bad *ConfigError
			if !errors.As(err, &bad) || c != nil || len(bad.Problems) == 0 || len(bad.Problems) > maxProblems || runbook.CodeOf(err) != runbook.Invalid {
				t.Fatalf("%v, %v", c, err)
			}
			lines := strings.Count(strings.ReplaceAll(string(text), "\r", "\n"), "\n") + 1
			for _, p := range bad.Problems {
				if p.File != "fleet.yaml" || p.Line < 0 || p.Line > lines+1 || p.Column < 0 || p.Column > len(text)+1 || (p.Line == 0) != (p.Column == 0) {
					t.Errorf("%d lines, %+v", lines, p)
				}
			}
			if strings.Contains(err.Error(), "canary") {
				t.Error("the error tells a secret")
			}
			return
		}
		tame(t, c)
		if len(c.Databases) == 0 { // that of the domain list is a default without being named
			return
		}
		again, err := ParseConfig("fleet.yaml", written(t, c), getenv)
		if err != nil {
			t.Fatalf("what was read cannot be read again: %v\n%s", err, written(t, c))
		}
		if d := cmp.Diff(c, again, cmpopts.IgnoreUnexported(Config{}), cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Addr{})); d != "" {
			t.Errorf("read again it is another one (-first +again):\n%s", d)
		}
	})
}

// tame holds that what a fleet names cannot mean anything else in a shell, a path, a statement or a configuration.
func tame(t *testing.T, c *Config) {
	t.Helper()
	for _, h := range c.Hosts {
		if !plainName.MatchString(h.Name) || !harmless.MatchString(strings.Join(append(h.Names(), h.User, h.Loopback, h.Domain, h.Jump), "")) && !strings.HasSuffix(h.User, "$") {
			t.Errorf("%+v", h)
		}
		for _, p := range []string{h.Root, h.Paths.SQLBackup, h.Paths.Workdir, h.Paths.NginxConf} {
			if p != "" && (!strings.HasPrefix(p, "/") || strings.Contains(p+"/", "/../") || strings.ContainsAny(p, "\x00\r\n")) {
				t.Errorf("path %q", p)
			}
		}
	}
	for _, d := range c.Databases {
		if !identifier.MatchString(d.Schema) || !utf8.ValidString(d.User) {
			t.Errorf("%+v", d)
		}
	}
	l := c.DomainList
	for _, name := range []string{l.Table, l.Key, l.IP, l.Domain, l.Status} {
		if !identifier.MatchString(name) {
			t.Errorf("%q stands in statements", name)
		}
	}
}

// written is a fleet as a file, with the places of its secrets.
func written(t *testing.T, c *Config) []byte {
	t.Helper()
	out, err := yaml.MarshalWithOptions(c, yaml.JSON(), yaml.CustomMarshaler(func(s Secret) ([]byte, error) {
		if s == "" {
			return []byte(`""`), nil
		}
		return []byte(`"${CANARY}"`), nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	return []byte(strings.ReplaceAll(string(out), `, "password": ""`, ""))
}

package rewrite

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var dead = []string{"192.0.2.2", "primary.internal"}

func TestRehost(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, file, in, want string }{
		{"host", "a.yaml", "host: 192.0.2.2\n", "host: localhost\n"},
		{"quoted", "a.yaml", "host: \"192.0.2.2\" # 192.0.2.2\n", "host: \"localhost\" # 192.0.2.2\n"},
		{"host and port", "a.yaml", "addr: 192.0.2.2:6379\n", "addr: localhost:6379\n"},
		{"longer address", "a.yaml", "a: 192.0.2.21\nb: 1192.0.2.2\nc: 192.0.2.2.1\nd: x-192.0.2.2\n", ""},
		{"longer name", "a.yaml", "a: my-primary.internal\nb: primary.internal.example.com\n", ""},
		{"name in capitals", "a.yaml", "a: Primary.Internal:80\n", "a: localhost:80\n"},
		{"dsn", "a.yaml", "dsn: go_api:s3cret@tcp(192.0.2.2:3306)/speed?parseTime=true\n", "dsn: go_api:s3cret@tcp(localhost:3306)/speed?parseTime=true\n"},
		{"dsn with the address in its password", "a.yaml", "dsn: \"u:p,192.0.2.2@x@tcp(192.0.2.2:3306)/db\"\n", "dsn: \"u:p,192.0.2.2@x@tcp(localhost:3306)/db\"\n"},
		{"url", "a.yaml", "url: redis://:192.0.2.2@192.0.2.2:6379/0\n", "url: redis://:192.0.2.2@localhost:6379/0\n"},
		{"url user", "a.yaml", "url: http://192.0.2.2:pw@192.0.2.9/\n", ""},
		{"url path", "a.yaml", "url: http://192.0.2.9/192.0.2.2/x\n", ""},
		{"url without port", "a.yaml", "url: http://192.0.2.2/up\n", "url: http://localhost/up\n"},
		{"password", "a.yaml", "password: 192.0.2.2\nhost: 192.0.2.2\n", "password: 192.0.2.2\nhost: localhost\n"},
		{"flow map", "a.yaml", "r: {host: 192.0.2.2, password: 192.0.2.2, port: 1}\n", "r: {host: localhost, password: 192.0.2.2, port: 1}\n"},
		{"key", "a.yaml", "192.0.2.2: x\n\"192.0.2.2\": y\n", ""},
		{"list", "a.yaml", "h:\n  - 192.0.2.2\n  - 192.0.2.21\n", "h:\n  - localhost\n  - 192.0.2.21\n"},
		{"several", "a.yaml", "h: 192.0.2.2:1,192.0.2.9:2,192.0.2.2:3\n", "h: localhost:1,192.0.2.9:2,localhost:3\n"},
		{"network", "a.yaml", "allow: 192.0.2.2/32\n", ""},
		{"comment line", "a.yaml", "# host: 192.0.2.2\nurl: \"a # 192.0.2.2\"\n", "# host: 192.0.2.2\nurl: \"a # localhost\"\n"},
		{"apostrophe", "a.yaml", "note: it's here # 192.0.2.2\nhost: 192.0.2.2\n", "note: it's here # 192.0.2.2\nhost: localhost\n"},
		{"block scalar", "a.yaml", "s: |\n  # ping 192.0.2.2\nt: 1 # 192.0.2.2\n", "s: |\n  # ping localhost\nt: 1 # 192.0.2.2\n"},
		{"crlf, tabs, no last newline", "a.ini", "\thost\t=\t192.0.2.2\t\r\nx = 1", "\thost\t=\tlocalhost\t\r\nx = 1"},
		{"env", ".env", "DB_HOST=192.0.2.2\nDB_PASS=192.0.2.2\n#H=192.0.2.2\nexport U='http://192.0.2.2'\n", "DB_HOST=localhost\nDB_PASS=192.0.2.2\n#H=192.0.2.2\nexport U='http://localhost'\n"},
		{"ini comment", "a.ini", "h = 192.0.2.2 ; 192.0.2.2\n;h = 192.0.2.2\n", "h = localhost ; 192.0.2.2\n;h = 192.0.2.2\n"},
		{"json", "a.json", `{"host":"192.0.2.2","192.0.2.2":"u@192.0.2.2:/x","n":["192.0.2.2:1"]}`, `{"host":"localhost","192.0.2.2":"u@localhost:/x","n":["localhost:1"]}`},
		{"python", "a.py", "H = '192.0.2.2'  # 192.0.2.2\n\"\"\"doc 192.0.2.2\"\"\"\nc = f\"mysqldump -h192.0.2.2 -uroot -p{pw} x\"\nd = \"root@192.0.2.2:/shell\"\n",
			"H = 'localhost'  # 192.0.2.2\n\"\"\"doc 192.0.2.2\"\"\"\nc = f\"mysqldump -hlocalhost -uroot -p{pw} x\"\nd = \"root@localhost:/shell\"\n"},
		{"user", "a.yaml", "u: 192.0.2.2@192.0.2.9\n", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if tt.want == "" {
				tt.want = tt.in
			}
			f := FormatOf(tt.file)
			got := Rehost(f, tt.in, dead, "localhost")
			if got != tt.want {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
			if again := Rehost(f, got, dead, "localhost"); again != got {
				t.Errorf("again %q", again)
			}
		})
	}
}

func TestRehostIPv6(t *testing.T) {
	t.Parallel()
	six := []string{"2001:db8::2"}
	for in, want := range map[string]string{
		"u: http://[2001:db8::2]:80/":          "u: http://localhost:80/",
		"h: 2001:db8::2":                       "h: localhost",
		"h: 2001:db8::2:1":                     "h: 2001:db8::2:1",
		"d: \"a:b@tcp([2001:db8::2]:3306)/x\"": "d: \"a:b@tcp(localhost:3306)/x\"",
	} {
		if got := Rehost(YAML, in, six, "localhost"); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
	if got := Rehost(YAML, "u: http://192.0.2.2:80/ 192.0.2.2", dead, "2001:db8::9"); got != "u: http://[2001:db8::9]:80/ 2001:db8::9" {
		t.Errorf("to IPv6: %q", got)
	}
}

// config draws a text made of lines that name hosts in many ways.
func config(t *rapid.T) (string, Format) {
	host := rapid.SampledFrom([]string{"192.0.2.2", "192.0.2.21", "192.0.2.3", "1192.0.2.2", "primary.internal", "x-primary.internal", "localhost0"})
	shape := rapid.SampledFrom([]string{"host: H", "a: H:3306", "u: http://u:P@H:80/p/H", "d: \"u:P@tcp(H:3306)/db\"", "# H", "x: 1 # H",
		"  - H", "l: [H, 'H:1', \"H\"]", "password: H", "H: x", "\tk\t=\tH", "e: root@H:/x", "H=H", "s: H/24", "t: a H b", "", "é: H"})
	file := rapid.SampledFrom([]Format{YAML, Lines, Ini, Python, JSON}).Draw(t, "format")
	eol := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "eol")
	var lines []string
	for range rapid.IntRange(0, 8).Draw(t, "lines") {
		l := shape.Draw(t, "shape")
		for strings.Contains(l, "H") {
			l = strings.Replace(l, "H", host.Draw(t, "host"), 1)
		}
		lines = append(lines, strings.Replace(l, "P", rapid.SampledFrom([]string{"192.0.2.2", "p,192.0.2.2", "x"}).Draw(t, "pw"), 1))
	}
	return strings.Join(lines, eol), file
}

func TestRehostProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text, f := config(t)
		there := Rehost(f, text, []string{"192.0.2.2"}, "new.example.com")
		if again := Rehost(f, there, []string{"192.0.2.2"}, "new.example.com"); again != there {
			t.Fatalf("not idempotent:\n%q\n%q\n%q", text, there, again)
		}
		if back := Rehost(f, there, []string{"new.example.com"}, "192.0.2.2"); back != text {
			t.Fatalf("there and back:\n%q\n%q\n%q", text, there, back)
		}
		if got := strings.ReplaceAll(there, "new.example.com", "192.0.2.2"); got != text {
			t.Fatalf("more than the host changed:\n%q\n%q", text, there)
		}
		if strings.Count(Mask(f, text), "\n") != strings.Count(text, "\n") {
			t.Fatalf("mask changes lines: %q", Mask(f, text))
		}
	})
}

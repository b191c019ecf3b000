package rewrite

import (
	"errors"
	"strings"
	"testing"
)

func TestLinesAdded(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, add, remove, want string }{
		{"add", "a\nb\n", "c", "", "a\nb\nc\n"},
		{"add to CRLF", "a\r\nb\r\n", "c", "", "a\r\nb\r\nc\r\n"},
		{"add without last newline", "a", "c", "", "a\nc"},
		{"there already", "c  \n", "c", "", "c  \n"},
		{"remove", "a\nb \t\r\nbc\nb", "", "b", "a\nbc\n"},
		{"BOM", bom + "a\n", "b", "a", bom + "b\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var ops []Op
			if tt.remove != "" {
				ops = append(ops, Op{Kind: "remove_line", Line: tt.remove})
			}
			if tt.add != "" {
				ops = append(ops, Op{Kind: "add_line", Line: tt.add})
			}
			got, err := Do("x.txt", []byte(tt.in), ops)
			if err != nil || string(got) != tt.want {
				t.Errorf("got %q, %v; want %q", got, err, tt.want)
			}
		})
	}
	if _, err := Do("x", []byte("a\x00b"), nil); !errors.Is(err, ErrBinary) {
		t.Errorf("binary: %v", err)
	}
}

func host(address string) Host { return Host{address, []string{address}} }

func TestListHosts(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, file, in string
		want           string
		problem        string
	}{
		{"python, one line", "a.py", "TARGETS = ['192.0.2.47', '192.0.2.21']\n", "TARGETS = ['192.0.2.21', '192.0.2.140']\n", ""},
		{"python, lines", "a.py", "TARGETS = [\n    \"192.0.2.47\",  # standby\n    \"192.0.2.21\",  # report\n]\n",
			"TARGETS = [\n    \"192.0.2.21\",  # report\n    \"192.0.2.140\",\n]\n", ""},
		{"python, no last comma", "a.py", "TARGETS: list[str] = [\n    '192.0.2.21', # r\n    '192.0.2.47' # s\n]\n",
			"TARGETS: list[str] = [\n    '192.0.2.21', # r\n    '192.0.2.140'\n]\n", ""},
		{"user and path", "a.py", "TARGETS = (\"root@192.0.2.47:/b\", \"root@192.0.2.21:/b\")\n", "TARGETS = (\"root@192.0.2.21:/b\", \"root@192.0.2.140:/b\")\n", ""},
		{"dicts", "a.py", "TARGETS = [{'host': '192.0.2.47', 'dir': '/x'}, {'host': '192.0.2.21', 'dir': '/x'}]", "TARGETS = [{'host': '192.0.2.21', 'dir': '/x'}, {'host': '192.0.2.140', 'dir': '/x'}]", ""},
		{"unknown kept", "a.py", "TARGETS = ['203.0.113.5', '192.0.2.47', '192.0.2.21',]\n", "TARGETS = ['203.0.113.5', '192.0.2.21', '192.0.2.140',]\n", ""},
		{"only the unwanted", "a.py", "TARGETS = ['192.0.2.47']\n", "TARGETS = ['192.0.2.21', '192.0.2.140']\n", ""},
		{"empty", "a.py", "TARGETS = []\n", "TARGETS = [\"192.0.2.21\", \"192.0.2.140\"]\n", ""},
		{"as wanted", "a.py", "TARGETS = ['192.0.2.140', '192.0.2.21']\n", "TARGETS = ['192.0.2.140', '192.0.2.21']\n", ""},
		{"mentioned in a comment", "a.py", "# TARGETS = ['x']\nTARGETS = ['192.0.2.21']\n", "# TARGETS = ['x']\nTARGETS = ['192.0.2.21', '192.0.2.140']\n", ""},
		{"python key", "a.py", "C = {\"TARGETS\": ['192.0.2.21']}\n", "C = {\"TARGETS\": ['192.0.2.21', '192.0.2.140']}\n", ""},
		{"yaml block", "a.yaml", "x:\n  TARGETS:\n  - 192.0.2.47 # s\n  # r\n  - 192.0.2.21\ny: 1\n", "x:\n  TARGETS:\n  # r\n  - 192.0.2.21\n  - 192.0.2.140\ny: 1\n", ""},
		{"yaml maps, no last newline", "a.yaml", "TARGETS:\r\n  - host: 192.0.2.21\r\n    dir: /x", "TARGETS:\r\n  - host: 192.0.2.21\r\n    dir: /x\r\n  - host: 192.0.2.140\r\n    dir: /x", ""},
		{"yaml flow", "a.yaml", "TARGETS: [192.0.2.47,192.0.2.21]\n", "TARGETS: [192.0.2.21, 192.0.2.140]\n", ""},
		{"json", "a.json", "{\"TARGETS\": [\n  \"192.0.2.21\",\n  \"192.0.2.47\"\n]}", "{\"TARGETS\": [\n  \"192.0.2.21\",\n  \"192.0.2.140\"\n]}", ""},
		{"shell", "a.sh", "TARGETS=(192.0.2.47 192.0.2.21)\n", "TARGETS=(192.0.2.21 192.0.2.140)\n", ""},
		{"missing", "a.py", "HOSTS = []\n", "", "missing"},
		{"twice", "a.py", "TARGETS = []\nTARGETS = ['a']\n", "", "twice"},
		{"shape", "a.py", "TARGETS = [f(), g()]\n", "", "shape"},
	}
	op := Op{Kind: "list", List: "TARGETS", Want: []Host{host("192.0.2.21"), host("192.0.2.140")}, Drop: []Host{host("192.0.2.47")},
		Know: []Host{host("192.0.2.21"), host("192.0.2.140"), host("192.0.2.47")}}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := Do(tt.file, []byte(tt.in), []Op{op})
			var le *ListError
			if errors.As(err, &le) {
				if le.Problem != tt.problem {
					t.Errorf("problem %q, want %q", le.Problem, tt.problem)
				}
				return
			}
			if err != nil || tt.problem != "" || string(got) != tt.want {
				t.Fatalf("got  %q, %v\nwant %q", got, err, tt.want)
			}
			if again, err := Do(tt.file, got, []Op{op}); err != nil || string(again) != string(got) {
				t.Errorf("again %q, %v", again, err)
			}
		})
	}
	_, err := ListHosts(Python, "TARGETS = ['192.0.2.47']", Op{List: "TARGETS", Drop: []Host{host("192.0.2.47")}})
	var le *ListError
	if !errors.As(err, &le) || le.Problem != "empty" {
		t.Errorf("emptied: %v", err)
	}
}

func TestSecretsAreHiddenOnBothSides(t *testing.T) {
	t.Parallel()
	before := `mysql:
  dsn: "go_api:C4nary#1@tcp(192.0.2.2:3306)/speed"
  url: redis://:C4nary2@192.0.2.2:6379/0
  password: C4nary3 with, spaces # old
  jwt_secret: 'C4nary4'
  private_key: |
    C4nary5
  r: {password: C4nary6, host: 192.0.2.2}
  cmd: mysqldump -uroot -pC4nary7 -h 192.0.2.2 x
  amqp: guest:C4nary8@192.0.2.2:5672
  broken: http://u:C4n/ary9@192.0.2.2/x
`
	after := Rehost(YAML, before, dead, "localhost")
	d := Diff("config.yaml", before, after)
	if strings.Contains(d, "C4n") || strings.Contains(d, "ary9") || strings.Contains(d, "go_api") {
		t.Errorf("a secret shows:\n%s", d)
	}
	if strings.Contains(after, "192.0.2.2") {
		t.Errorf("a host is left:\n%s", after)
	}
	if n := strings.Count(d, "\n+ "); n != 6 {
		t.Errorf("%d lines change in\n%s", n, d)
	}
	found := strings.Join(Secrets("config.yaml", before), "|")
	for _, s := range []string{"C4nary#1", "C4nary2", "C4nary3 with, spaces", "C4nary4", "C4nary5", "C4nary6", "C4nary7", "C4nary8", "C4n/ary9"} {
		if !strings.Contains(found, s) {
			t.Errorf("%s is not found in %s", s, found)
		}
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	ops := []Op{{Kind: "rehost", From: dead, To: "localhost"}}
	tests := []struct {
		name, before, after string
		ok                  bool
	}{
		{"host", "a: 192.0.2.2\nb: 1\n", "a: localhost\nb: 1\n", true},
		{"another value", "a: 192.0.2.2\nb: 1\n", "a: localhost\nb: 2\n", false},
		{"another key", "a: 192.0.2.2\n", "c: localhost\n", false},
		{"broken before", "a: [\n", "a: [\n", false},
		{"broken after", "a: 1\n", "a: [\n", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if err := Check("a.yaml", []byte(tt.before), []byte(tt.after), ops); (err == nil) != tt.ok {
				t.Errorf("got %v", err)
			}
		})
	}
}

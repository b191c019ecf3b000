package nginx

import (
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// texts is a configuration in memory: path → text.
type texts map[string]string

func (s texts) read(p string) ([]byte, error) {
	text, ok := s[p]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(text), nil
}

func (s texts) glob(pattern string) (names []string, err error) {
	for name := range s {
		if ok, _ := path.Match(pattern, name); ok {
			names = append(names, name)
		}
	}
	return visible(pattern, names), nil
}

const conf = "/etc/nginx/nginx.conf"

var (
	dead     = []string{"192.0.2.21", "app1.internal"}
	survivor = "192.0.2.47"
)

// edit removes the dead machine from one file, or fails the test.
func edit(t *testing.T, src texts, do func(*tree) (*edits, error)) (texts, *edits) {
	t.Helper()
	tr, err := parse(conf, src)
	if err != nil {
		t.Fatal(err)
	}
	e, err := do(tr)
	if err != nil {
		t.Fatal(err)
	}
	out := texts{}
	for name, text := range src {
		b, err := splice([]byte(text), e.ops[name])
		if err != nil {
			t.Fatal(err)
		}
		out[name] = string(b)
	}
	if _, err := parse(conf, out); err != nil {
		t.Errorf("the new text does not parse: %v", err)
	}
	return out, e
}

func TestRemove(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in, out string
		open    int
	}{
		"comment kept": {
			"upstream a {\n  # both\n  server 192.0.2.21:8080 weight=5; # main\n  server 192.0.2.47:8080;\n}\n",
			"upstream a {\n  # both\n  # main\n  server 192.0.2.47:8080;\n}\n", 0},
		"whole line": {
			"upstream a {\n\tserver 192.0.2.47:8080;\n\tserver 192.0.2.21:8080 max_fails=3\n\t\tfail_timeout=5s;\n}\n",
			"upstream a {\n\tserver 192.0.2.47:8080;\n}\n", 0},
		"one line": {
			"upstream a { server 192.0.2.21:8080; server 192.0.2.47:8080; }",
			"upstream a { server 192.0.2.47:8080; }", 0},
		"last on its line": {
			"upstream a {\n  server 192.0.2.47:8080; server 192.0.2.21:8080;\n}",
			"upstream a {\n  server 192.0.2.47:8080;\n}", 0},
		"only it in a comment": {
			"upstream a { # server 192.0.2.21:8080;\n server 192.0.2.47:1; }", "upstream a { # server 192.0.2.21:8080;\n server 192.0.2.47:1; }", 0},
		"quoted": {
			"upstream a {\n  server \"192.0.2.21:8080\";\n  server '192.0.2.47:8080' ;\n}",
			"upstream a {\n  server '192.0.2.47:8080' ;\n}", 0},
		"by alias, without port": {
			"upstream a {\n  server APP1.internal;\n  server 192.0.2.47;\n}", "upstream a {\n  server 192.0.2.47;\n}", 0},
		"backup survivor loses the mark": {
			"upstream a {\n  server 192.0.2.21:8080;\n  server 192.0.2.47:8080 weight=2 backup; # spare\n}",
			"upstream a {\n  server 192.0.2.47:8080 weight=2; # spare\n}", 0},
		"backup keeps the mark beside another": {
			"upstream a {\n  server 192.0.2.21:1;\n  server 192.0.2.48:1;\n  server 192.0.2.47:1 backup;\n}",
			"upstream a {\n  server 192.0.2.48:1;\n  server 192.0.2.47:1 backup;\n}", 0},
		"a server marked down is no survivor": {
			"upstream a {\n  server 192.0.2.21:1 weight=3;\n  server 192.0.2.48:1 down;\n}",
			"upstream a {\n  server 192.0.2.47:1 weight=3;\n  server 192.0.2.48:1 down;\n}", 0},
		"served by it alone": {
			"upstream admin {\n  server 192.0.2.21:8082 max_fails=2; # admin\n  keepalive 8;\n}",
			"upstream admin {\n  server 192.0.2.47:8082 max_fails=2; # admin\n  keepalive 8;\n}", 0},
		"longer address": {"upstream a { server 192.0.2.211:1; server 192.0.2.2:1; }", "upstream a { server 192.0.2.211:1; server 192.0.2.2:1; }", 0},
		"unix and variables": {
			"upstream a { server unix:/run/192.0.2.21; } server { location / { proxy_pass http://$backend:8080; } }",
			"upstream a { server unix:/run/192.0.2.21; } server { location / { proxy_pass http://$backend:8080; } }", 0},
		"direct pass": {
			"server { location /a { proxy_pass http://192.0.2.21:8080/x?y; } location /b { proxy_pass https://192.0.2.21; } }",
			"server { location /a { proxy_pass http://192.0.2.47:8080/x?y; } location /b { proxy_pass https://192.0.2.47; } }", 0},
		"variable in the path of a pass": {
			"server { location / { proxy_pass http://192.0.2.21:8080$request_uri; } }",
			"server { location / { proxy_pass http://192.0.2.47:8080$request_uri; } }", 0},
		"an upstream named like it": {
			"upstream app1.internal { server 192.0.2.48:1; } server { location / { proxy_pass http://app1.internal; } }",
			"upstream app1.internal { server 192.0.2.48:1; } server { location / { proxy_pass http://app1.internal; } }", 0},
		"regex and strings around": {
			"server { location ~ \"^/\\d{3}$\" { return 200 'server 192.0.2.21:8080; # }'; } }\nupstream a {\n  server 192.0.2.21:1;\n  server 192.0.2.47:1;\n}",
			"server { location ~ \"^/\\d{3}$\" { return 200 'server 192.0.2.21:8080; # }'; } }\nupstream a {\n  server 192.0.2.47:1;\n}", 0},
		"windows line ends": {
			"upstream a {\r\n  server 192.0.2.21:1;\r\n  server 192.0.2.47:1;\r\n}\r\n", "upstream a {\r\n  server 192.0.2.47:1;\r\n}\r\n", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, e := edit(t, texts{conf: "http {" + c.in + "}"}, func(tr *tree) (*edits, error) { return tr.remove(dead, survivor) })
			if diff := cmp.Diff("http {"+c.out+"}", out[conf]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if len(e.open) != c.open {
				t.Errorf("%d left open, want %d", len(e.open), c.open)
			}
			if _, again := edit(t, out, func(tr *tree) (*edits, error) { return tr.remove(dead, survivor) }); len(again.ops) != 0 {
				t.Errorf("a second removal still has %v", again.ops)
			}
		})
	}
}

// Of several dead machines the replacement takes over one line a port, and rather not that of a backup.
func TestRemoveSeveral(t *testing.T) {
	t.Parallel()
	both := append([]string{"192.0.2.30"}, dead...)
	for in, want := range map[string]string{
		"upstream a {\n  server 192.0.2.21:8080 weight=2; # main\n  server 192.0.2.30:8080; # other\n}": "upstream a {\n  server 192.0.2.47:8080 weight=2; # main\n  # other\n}",
		"upstream a {\n  server 192.0.2.30:1 backup;\n  server 192.0.2.21:1;\n}":                        "upstream a {\n  server 192.0.2.47:1;\n}",
		"upstream a {\n  server 192.0.2.30:1;\n  server 192.0.2.21:2;\n}":                               "upstream a {\n  server 192.0.2.47:1;\n  server 192.0.2.47:2;\n}",
		"upstream a {\n  server 192.0.2.30:1;\n  server 192.0.2.21:1;\n  server 192.0.2.9:1 backup;\n}": "upstream a {\n  server 192.0.2.9:1;\n}",
	} {
		out, e := edit(t, texts{conf: "http {" + in + "}"}, func(tr *tree) (*edits, error) { return tr.remove(both, survivor) })
		if diff := cmp.Diff("http {"+want+"}", out[conf]); diff != "" || len(e.open) != 0 {
			t.Errorf("%d open (-want +got):\n%s", len(e.open), diff)
		}
		if _, again := edit(t, out, func(tr *tree) (*edits, error) { return tr.remove(both, survivor) }); len(again.ops) != 0 {
			t.Errorf("a second removal still has %v", again.ops)
		}
	}
}

func TestRemoveWithoutReplacement(t *testing.T) {
	t.Parallel()
	in := texts{conf: "http { upstream a { server 192.0.2.21:1; } server { location / { proxy_pass http://192.0.2.21:2; } } }"}
	out, e := edit(t, in, func(tr *tree) (*edits, error) { return tr.remove(dead, "") })
	if diff := cmp.Diff(in, out); diff != "" || len(e.open) != 2 {
		t.Errorf("%d open, changed:\n%s", len(e.open), diff)
	}
}

func TestRemoveIPv6(t *testing.T) {
	t.Parallel()
	in := texts{conf: "http { upstream a { server [2001:db8::21]:80; } server { location / { proxy_pass http://[2001:DB8:0::21]/x; } } }"}
	want := texts{conf: "http { upstream a { server [2001:db8::47]:80; } server { location / { proxy_pass http://[2001:db8::47]/x; } } }"}
	out, _ := edit(t, in, func(tr *tree) (*edits, error) { return tr.remove([]string{"2001:db8::21"}, "2001:db8::47") })
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestIncludes(t *testing.T) {
	t.Parallel()
	in := texts{
		conf:                        "http {\n  include conf.d/*.conf;\n  upstream inner { include servers.list; }\n}\nstream { upstream db { server 192.0.2.21:3306; server 192.0.2.47:3306 backup; } }\n",
		"/etc/nginx/conf.d/a.conf":  "upstream a {\n  server 192.0.2.21:8080;\n  server 192.0.2.47:8080;\n}\n",
		"/etc/nginx/conf.d/.a.conf": "this is { not read",
		"/etc/nginx/servers.list":   "server 192.0.2.21:9; # in a file of its own\nserver 192.0.2.47:9;\n",
	}
	out, e := edit(t, in, func(tr *tree) (*edits, error) { return tr.remove(dead, survivor) })
	want := texts{
		conf:                        "http {\n  include conf.d/*.conf;\n  upstream inner { include servers.list; }\n}\nstream { upstream db { server 192.0.2.47:3306; } }\n",
		"/etc/nginx/conf.d/a.conf":  "upstream a {\n  server 192.0.2.47:8080;\n}\n",
		"/etc/nginx/conf.d/.a.conf": "this is { not read",
		"/etc/nginx/servers.list":   "# in a file of its own\nserver 192.0.2.47:9;\n",
	}
	if diff := cmp.Diff(want, out); diff != "" || len(e.removed) != 3 {
		t.Errorf("%d removed (-want +got):\n%s", len(e.removed), diff)
	}
}

func TestAddPutsBack(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ in, host, port, want string }{
		"same machine, byte for byte": {
			"upstream a {\n  server 192.0.2.21:8080 weight=5;   # main\n  server 192.0.2.47:8080;\n}\n", "192.0.2.21", "8080",
			"upstream a {\n  server 192.0.2.21:8080 weight=5;   # main\n  server 192.0.2.47:8080;\n}\n"},
		"new machine, same parameters": {
			"upstream a {\n  server 192.0.2.47:8080;\n  server 192.0.2.21:8080 weight=5;\n}\n", "192.0.2.60", "8080",
			"upstream a {\n  server 192.0.2.47:8080;\n  server 192.0.2.60:8080 weight=5;\n}\n"},
		"beside its replacement": {
			"upstream a {\n  server 192.0.2.21:8082;\n}\n", "192.0.2.60", "8082",
			"upstream a {\n  server 192.0.2.47:8082;\n  server 192.0.2.60:8082;\n}\n"},
		"other port": {
			"upstream a {\n  server 192.0.2.21:8080;\n  server 192.0.2.47:8080;\n}\n", "192.0.2.60", "8081",
			"upstream a {\n  server 192.0.2.47:8080;\n}\n"},
		"one line": {
			"upstream a { server 192.0.2.21:1; server 192.0.2.47:1; }", "192.0.2.60", "1",
			"upstream a { server 192.0.2.60:1; server 192.0.2.47:1; }"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			without, gone := edit(t, texts{conf: "http {\n" + c.in + "}"}, func(tr *tree) (*edits, error) { return tr.remove(dead, survivor) })
			add := func(tr *tree) (*edits, error) { return tr.insert([]string{c.host}, c.host, c.port, gone.removed) }
			out, _ := edit(t, without, add)
			if diff := cmp.Diff("http {\n"+c.want+"}", out[conf]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if _, again := edit(t, out, add); len(again.ops) != 0 {
				t.Errorf("a second addition still has %v", again.ops)
			}
		})
	}
}

func TestAddByPort(t *testing.T) {
	t.Parallel()
	in := texts{conf: "http {\n  upstream a {\n    server 192.0.2.47:8080 weight=2; # x\n  }\n  upstream b { server 192.0.2.47:8081; }\n}"}
	want := texts{conf: "http {\n  upstream a {\n    server 192.0.2.47:8080 weight=2; # x\n    server [2001:db8::60]:8080;\n  }\n  upstream b { server 192.0.2.47:8081; }\n}"}
	out, e := edit(t, in, func(tr *tree) (*edits, error) {
		return tr.insert([]string{"2001:db8::60"}, "2001:db8::60", "8080", nil)
	})
	if diff := cmp.Diff(want, out); diff != "" || !e.found {
		t.Errorf("found %v (-want +got):\n%s", e.found, diff)
	}
	if _, e := edit(t, in, func(tr *tree) (*edits, error) { return tr.insert([]string{"x"}, "x", "9999", nil) }); e.found || len(e.ops) != 0 {
		t.Errorf("a port that nobody has: %+v", e)
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	for name, src := range map[string]texts{
		"missing include": {conf: "http { include gone.conf; }"},
		"unclosed":        {conf: "http { upstream a { server 192.0.2.21:1;"},
		"missing":         {},
		"cycle":           {conf: "include nginx.conf;"},
	} {
		if _, err := parse(conf, src); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestMentions(t *testing.T) {
	t.Parallel()
	tr, err := parse(conf, texts{conf: "http {\n  server {\n    set $backend 192.0.2.21:8080;\n    allow 192.0.2.21;\n    deny all;\n  }\n}"})
	if err != nil {
		t.Fatal(err)
	}
	if got := tr.mentions(dead); len(got) != 2 || got[0].stmt.line != 3 {
		t.Errorf("mentions: %+v", got)
	}
}

func TestMask(t *testing.T) {
	t.Parallel()
	in := "-  proxy_set_header Authorization \"Basic c2VjcmV0\";\n+  proxy_pass http://u:hunter22@192.0.2.1/;\n"
	if got := mask(in); strings.Contains(got, "c2VjcmV0") || strings.Contains(got, "hunter22") {
		t.Error(got)
	}
}

func TestMasterOfAnotherConfigurationIsNotOurs(t *testing.T) {
	t.Parallel()
	list := "10\t1\t100.00\tnginx: master process /usr/sbin/nginx -p /d/nginx1 -c /d/nginx1/nginx.conf -g daemon off;   \n" +
		"11\t10\t101.00\tnginx: worker process\n" +
		"12\t10\t90.00\tnginx: worker process is shutting down\n" +
		"20\t1\t100.00\tnginx: master process /usr/sbin/nginx -p /d/nginx2 -c nginx.conf\n" +
		"21\t20\t101.00\tnginx: worker process\n" +
		"30\t1\t100.00\tnginx: master process nginx\n"
	for conf, want := range map[string]int{"/d/nginx1/nginx.conf": 10, "/d/nginx2/nginx.conf": 20, standardConf: 30, "/d/nginx3/nginx.conf": 0} {
		m := parseProcesses(list, conf, "")
		switch {
		case want == 0 && m != nil:
			t.Errorf("%s: found %d", conf, m.pid)
		case want != 0 && (m == nil || m.pid != want):
			t.Errorf("%s: %+v, want %d", conf, m, want)
		case want == 10 && (len(m.workers) != 1 || m.prefix != "/d/nginx1" || m.oldestWorker() != 101):
			t.Errorf("%s: %+v", conf, m)
		}
	}
}

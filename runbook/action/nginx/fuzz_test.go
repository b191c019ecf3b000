package nginx

import (
	"slices"
	"strings"
	"testing"
)

// configurations are what machines have, and what confuses.
var configurations = []string{
	"upstream a {\n  server 192.0.2.21:8080 weight=5; # main\n  server 192.0.2.47:8080;\n}\n",
	"upstream a { server 192.0.2.21:1; server 192.0.2.47:1 backup; } server { location / { proxy_pass http://192.0.2.21:8080/x?y; } }",
	"upstream a {\r\n  server 192.0.2.21:1;\r\n  server 192.0.2.47:1;\r\n}\r\nupstream b { server 192.0.2.21; }",
	"server { location ~ \"^/\\d{3}$\" { return 200 'server 192.0.2.21:8080; # }'; } }\nupstream a {\n  server \"192.0.2.21:1\";\n  server '192.0.2.47:1' ;\n}",
	"upstream a {\n  server 192.0.2.21:1\n\tmax_fails=3 ;\n  server unix:/run/192.0.2.21;\n  server ${x}192.0.2.21:1;\n  server 192.0.2.9:1 down;\n}",
	"upstream a { server [::ffff:192.0.2.21]:80; server APP1.internal; keepalive 2; }upstream a{server 192.0.2.21:1;server 192.0.2.21:1;}",
	"upstream a {\n  server 192.0.2.21:1; server 192.0.2.47:1; # both\n  #\n}\nset $b 192.0.2.21;\nproxy_pass http://192.0.2.21$uri;",
	"upstream \"a b\" {\n server 192.0.2.21:1;\\\n}", "upstream a {\n\tserver 192.0.2.21:1;\n\t# server 192.0.2.21:1;\n\tserver 192.0.2.47:2 backup weight=1 backup;\n}",
	"upstream a {\n  server 192.0.2.21:1; server 192.0.2.21:2; server 192.0.2.21:3;\n  server 192.0.2.47:1;\n}", "upstream\na { server '192.0.2.21:' server 192.0.2. }",
	"include a.conf;", "lua_block { server 192.0.2.21; }", "upstream a { server '192.0.2.21:1\n'; server 192.0.2.47:1;\xff }", "if ($a = \"}\") { }",
}

// FuzzEdits: whatever a configuration is, taking a machine out and putting it back changes nothing else, and empties no
// upstream.
func FuzzEdits(f *testing.F) {
	for _, s := range configurations {
		f.Add("http {\n"+s+"\n}", true)
		f.Add(s, false)
	}
	f.Fuzz(func(t *testing.T, text string, replace bool) {
		before, err := parse(conf, texts{conf: text})
		if err != nil {
			return
		}
		replacement := ""
		if replace {
			replacement = survivor
		}
		e, err := before.remove(dead, replacement)
		if err != nil {
			return // a directive that is in the parser's list and not in the file's bytes
		}
		without, after := become(t, text, e)
		kept(t, before, after, e, replace)
		if again, err := after.remove(dead, replacement); err != nil || len(again.ops) > 0 {
			t.Errorf("%q → %q: a second removal still has %+v, %v", text, without, again, err)
		}
		for _, r := range e.removed {
			if r.Upstream == "" {
				continue
			}
			in, err := after.insert([]string{"192.0.2.60"}, "192.0.2.60", r.Port, e.removed)
			if err != nil {
				continue // as above, of another upstream
			}
			with, added := become(t, without, in)
			for i, u := range added.upstreams {
				for _, s := range after.upstreams[i].servers {
					if !slices.ContainsFunc(u.servers, func(o place) bool { return slices.Equal(o.args, s.args) }) {
						t.Errorf("%q → %q: %q is gone from %s", without, with, s.args, u.name)
					}
				}
			}
		}
	})
}

// become makes the edits, holds all bytes outside of them, and reads the result.
func become(t *testing.T, text string, e *edits) (string, *tree) {
	t.Helper()
	out, err := splice([]byte(text), e.ops[conf])
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	gone, fresh := make([]bool, len(text)+1), make([]string, len(text)+1)
	for _, o := range e.ops[conf] {
		fresh[o.At] += o.New
		for i := range len(o.Old) {
			gone[o.At+i] = true
		}
	}
	var rest strings.Builder
	for i := range len(text) + 1 {
		rest.WriteString(fresh[i])
		if i < len(text) && !gone[i] {
			rest.WriteByte(text[i])
		}
	}
	if rest.String() != string(out) {
		t.Errorf("%q: %+v makes %q", text, e.ops, out)
	}
	tr, err := parse(conf, texts{conf: string(out)})
	if err != nil {
		t.Fatalf("%q → %q: %v", text, out, err)
	}
	return string(out), tr
}

// kept holds that all is there that has nothing to do with the machine.
func kept(t *testing.T, before, after *tree, e *edits, replace bool) {
	t.Helper()
	if len(before.upstreams) != len(after.upstreams) || len(before.passes) != len(after.passes) || len(before.others) != len(after.others) {
		t.Fatalf("%+v became %+v", before, after)
	}
	for i, o := range before.others {
		if !slices.Equal(o.args, after.others[i].args) {
			t.Errorf("%q became %q", o.args, after.others[i].args)
		}
	}
	for i, p := range before.passes {
		now := after.passes[i]
		if !slices.Equal(p.args, now.args) && !(replace && p.ok && isOneOf(p.addr.host, dead) && strings.Contains(now.args[0], survivor)) {
			t.Errorf("%q became %q", p.args, now.args)
		}
	}
	for i, u := range before.upstreams {
		now := after.upstreams[i]
		if u.name != now.name || len(u.servers) > 0 && len(now.servers) == 0 {
			t.Errorf("upstream %q %+v became %q %+v", u.name, u.servers, now.name, now.servers)
		}
		bare := func(in []string) []string {
			return slices.DeleteFunc(slices.Clone(in), func(a string) bool { return a == "backup" })
		}
		for _, s := range u.servers {
			if s.ok && isOneOf(s.addr.host, dead) {
				continue
			}
			if !slices.ContainsFunc(now.servers, func(o place) bool { return slices.Equal(bare(o.args), bare(s.args)) }) {
				t.Errorf("server %q is gone from %+v", s.args, now.servers)
			}
		}
		for _, s := range now.servers {
			if s.ok && isOneOf(s.addr.host, dead) && (replace || !slices.ContainsFunc(e.open, func(o place) bool { return slices.Equal(o.args, s.args) })) {
				t.Errorf("the dead machine is left in %q: %q", now.name, s.args)
			}
		}
	}
}

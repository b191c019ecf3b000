package nginx

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"recoverbot/runbook"
	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/fleet"
)

func TestAdoptedConfigurationListensOnItsNewMachine(t *testing.T) {
	t.Parallel()
	from := []fleet.Host{
		{Name: "old", Address: "192.0.2.11", DNSIP: netip.MustParseAddr("192.0.2.1"), Aliases: []string{"old.internal"}},
		{Name: "dead", Address: "192.0.2.2", DNSIP: netip.MustParseAddr("192.0.2.2")},
	}
	own := fleet.Host{Name: "new", Address: "192.0.2.19", DNSIP: netip.MustParseAddr("192.0.2.9")}
	const site = "/etc/nginx/sites-enabled/app"
	src := texts{
		conf: "http {\n\tinclude sites-enabled/*;\n}\n",
		site: "server {\n\tlisten 192.0.2.11:80; # 内网\r\n\tlisten   '192.0.2.1:443' ssl;\n\tlisten old.internal:8080 default_server;\n" +
			"\tlisten 192.0.2.2:81;\n\tlisten 80;\n\tlisten *:82;\n\tlisten [::]:80;\n\tlisten unix:/run/x.sock;\n\tlisten 192.0.2.199:80;\n" +
			"\tlisten 192.0.2.19:83;\n\tserver_name 192.0.2.11;\n\tlocation / { proxy_pass http://192.0.2.11:9000; } # listen 192.0.2.11:80\n}\n",
	}
	out, _ := edit(t, src, func(tr *tree) (*edits, error) { return tr.adopted(from, own) })
	want := strings.NewReplacer("listen 192.0.2.11:80; #", "listen 192.0.2.19:80; #", "'192.0.2.1:443'", "'192.0.2.9:443'",
		"old.internal:8080", "192.0.2.19:8080", "192.0.2.2:81", "192.0.2.19:81").Replace(src[site])
	if diff := cmp.Diff(want, out[site]); diff != "" || out[conf] != src[conf] {
		t.Errorf("edited (-want +got):\n%s", diff)
	}
}

func TestAdopt(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "nginx1", "nginx2")
	f := front{c, t}
	const site = "/etc/nginx/sites-enabled/app"
	text := fmt.Sprintf("server { listen %s:8000; return 200 hello; } # of nginx2\n", c.Host("nginx2").Address)
	c.WriteFile("nginx1", site, text, 0o640)
	c.WriteFile("nginx1", "/etc/nginx/nginx.conf", c.NginxConf("nginx1", "include sites-enabled/*;"), 0o644)
	a, job := f.action(&Spec{Adopt: []string{"host:nginx2", "host:nginx1"}}, "adopt")
	p := f.plan(a, runbook.Ready)
	if p.Facts[0].ID != "nginx.not_running" || len(p.Effect.Exact) != 2 || strings.Contains(p.Effect.Exact[1].Text, "reload") {
		t.Errorf("plan: %+v", p)
	}
	f.evidence(a, p, runbook.TookNo)
	res, err := a.Apply(t.Context(), p, job, actiontest.NewRecorder())
	if err != nil || res.Outcome != runbook.OutcomeDone || res.Text.ID != "nginx.done_stopped" {
		t.Fatalf("apply: %+v %v", res, err)
	}
	want := strings.Replace(text, c.Host("nginx2").Address, c.Host("nginx1").Address, 1)
	if got := c.ReadFile("nginx1", site); got != want {
		t.Errorf("site: %q", got)
	}
	f.evidence(a, p, runbook.TookYes)
	f.plan(a, runbook.Satisfied)

	// Another configuration comes while nginx runs: it is reloaded.
	c.StartNginx("nginx1")
	if f.get("/") != "hello" {
		t.Error("nginx does not answer")
	}
	c.WriteFile("nginx1", site, strings.Replace(text, "hello", "again", 1), 0o640)
	a, job = f.action(&Spec{Adopt: []string{"host:nginx2"}}, "adopt2")
	res, err = a.Apply(t.Context(), f.plan(a, runbook.Ready), job, actiontest.NewRecorder())
	if err != nil || res.Outcome != runbook.OutcomeDone || res.Text.ID != "nginx.done_adopt" {
		t.Fatalf("apply: %+v %v", res, err)
	}
	if f.get("/") != "again" {
		t.Error("nginx was not reloaded")
	}

	// What nginx refuses is taken back, also where nothing runs.
	bad := strings.Replace(text, "return 200 hello;", "return 200 hello; ssl_certificate /nowhere; ssl_certificate_key /nowhere;", 1)
	bad = strings.Replace(bad, ":8000;", ":8000 ssl;", 1)
	c.WriteFile("nginx1", site, bad, 0o640)
	a, job = f.action(&Spec{Adopt: []string{"host:nginx2"}}, "adopt3")
	res, err = a.Apply(t.Context(), f.plan(a, runbook.Ready), job, actiontest.NewRecorder())
	if err != nil || res.Outcome != runbook.OutcomeFailed || !strings.Contains(fmt.Sprint(res.Text.Args["why"]), "/nowhere") {
		t.Errorf("apply: %+v %v", res, err)
	}
	if got := c.ReadFile("nginx1", site); got != bad {
		t.Errorf("the refused file was not taken back: %q", got)
	}
	for _, s := range []Spec{{}, {Adopt: []string{"a"}, Remove: "b"}, {Adopt: []string{"a"}, Port: "80"}, {Adopt: []string{"a"}, Replacement: "b"}} {
		if s.Validate() == nil {
			t.Errorf("taken: %+v", s)
		}
	}
}

package handlers

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// greeting is the port of a server at 127.0.99.99 that speaks first, as MySQL does.
func greeting(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.99.99:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = c.Write([]byte("hello, I am MySQL"))
			_ = c.Close()
		}
	}()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// A recovery that is called for comes before a machine that is back, and only one that may write is a danger.
func TestDiagnoseTellsOfARecoveryBeforeAReturnedMachine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		nginx, called bool
		warn, lines   string
		state         string
		buttons       string
	}{
		"an nginx, and a recovery": {true, true, "", "In trouble: app1. Suggested: primary (Primary dead).\nThe retired app0 answers again. It is out of service: stop it.", "info", "start fence"},
		"an nginx alone":           {true, false, "", "In trouble: app1. No scenario here covers that.\nThe retired app0 answers again. It is out of service: stop it.", "info", "fence"},
		"a writer, and a recovery": {false, true, "", "In trouble: app1. Suggested: primary (Primary dead).\nThe retired app0 answers again: two machines may write. Stop it now.", "down", "start fence"},
		"a writer alone":           {false, false, "The retired app0 answers again: two machines may write. Stop it now.", "In trouble: app1. No scenario here covers that.", "down", "fence"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorldOf(t, strings.NewReplacer("ADDRESS", "127.0.99.98", "PORT", greeting(t)).Replace(noStandby))
			w.Scenarios["fence"] = runbook.Scenario{Name: "fence", Params: []runbook.Param{{Name: "which", Type: "host", Required: true, Role: "retired"}}}
			if c.called {
				s := w.Scenarios["primary"]
				s.When = []runbook.Probe{{Kind: "ssh", Host: "primary", Expect: "down"}}
				w.Scenarios["primary"] = s
			}
			if c.nginx {
				w.leavers.note(runbook.Run{ID: "old", State: runbook.RunDone, EndedAt: time.Now(), Bindings: map[string][]string{"nginx": {"app0"}}})
			}
			m := w.tell(t, "ops1", "/recover").Message
			var buttons []string
			for _, b := range m.Buttons {
				buttons = append(buttons, b.Choice)
			}
			if got := strings.Join(m.Lines, "\n"); got != c.lines || strings.Join(m.Warn, "\n") != c.warn || m.State != c.state || strings.Join(buttons, " ") != c.buttons {
				t.Errorf("%s %v\n%q\n%q", m.State, buttons, m.Warn, got)
			}
		})
	}
}

// Of equals the one comes first whose dead machine matters most; no machine is named twice.
func TestDiagnoseOrdersEqualsByRole(t *testing.T) {
	t.Parallel()
	const hosts = `
hosts:
  - {name: nginx1, address: 127.0.97.11, roles: [nginx]}
  - {name: primary, address: 127.0.97.21, port: 9, roles: [primary]}
  - {name: standby, address: 127.0.97.22, port: 9, roles: [standby]}
people:
  - {name: ops1, roles: [approver], token_hash: "sha256:TOKEN1"}
`
	w := newWorldOf(t, hosts)
	of := func(name, host string, params ...runbook.Param) {
		s := testScenario()
		s.Name, s.Params, s.When = name, params, []runbook.Probe{{Kind: "ssh", Host: host, Expect: "down"}}
		w.Scenarios[name] = s
	}
	delete(w.Scenarios, "primary")
	of("anginx", "$param.which", runbook.Param{Name: "which", Type: "host", Role: "nginx", Required: true})
	of("standby", "standby")
	of("zone", "primary")
	m := w.tell(t, "ops1", "/recover").Message
	want := []string{
		"In trouble: nginx1, primary, standby. Suggested: zone (Primary dead).",
		"Also called for: standby (Primary dead).",
		"Also called for: anginx which=nginx1 (Primary dead).",
	}
	if !slices.Equal(m.Lines, want) {
		t.Errorf("lines: %q", m.Lines)
	}
	cfg := w.Fleet.Config()
	cfg = &fleet.Config{Hosts: cfg.Hosts, Watch: fleet.Watch{Roles: []fleet.WatchRole{{Role: "nginx"}}}}
	dead := func(host string) offer {
		return offer{when: []runbook.Probe{{Kind: "ssh", Host: host, Expect: "down"}}}
	}
	if rank(cfg, dead("nginx1")) >= rank(cfg, dead("primary")) || rank(cfg, dead("primary")) >= rank(cfg, dead("standby")) || rank(cfg, dead("nowhere")) != 3 {
		t.Error("fleet.yaml's order of roles does not count")
	}
}

func TestUnsaid(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{"standby": "", "nginx which=nginx1": "standby", "both": "nginx1, standby"} {
		hosts := []string{"standby", "standby"}
		if command != "standby" {
			hosts = append(hosts, "nginx1")
		}
		if got := unsaid(command, hosts); got != want {
			t.Errorf("%s: %q", command, got)
		}
	}
}

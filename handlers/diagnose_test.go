package handlers

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"recoverbot/bot"
	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

const noStandby = `
hosts:
  - {name: app1, address: ADDRESS, roles: [primary]}
  - {name: app0, address: 127.0.99.99, retired: true}
databases:
  - {name: speed, port: PORT}
people:
  - {name: ops1, roles: [approver, danger], token_hash: "sha256:TOKEN1"}
`

// What is called for but cannot start is not offered, and says why.
func TestDiagnoseWithoutAStandby(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer("ADDRESS", "127.0.99.98", "PORT", "1").Replace(noStandby)
	w := newWorldOf(t, text)
	s := w.Scenarios["primary"]
	s.Bind = map[string]runbook.Binding{"dead": from("primary"), "survivor": from("standby")}
	s.When = []runbook.Probe{{Kind: "service", Host: "dead", Service: "go-api", Expect: "down"}}
	w.Scenarios["primary"] = s
	tell(t, w, outside("grafana", "disk", "", "app1"))
	m := w.tell(t, "ops1", "/recover").Message
	if !strings.Contains(strings.Join(m.Lines, "\n"), "Monitoring says: app1: not answering at all") {
		t.Errorf("what monitoring says: %v", m.Lines)
	}
	if m == nil || len(m.Buttons) > 0 || len(m.Warn) > 0 || !strings.Contains(strings.Join(m.Lines, ""), "cannot start: primary needs a machine with the role standby") {
		t.Errorf("diagnosis: %+v", m)
	}
}

// While a recovery is open, how the machines are begins with that.
func TestDiagnoseNamesTheOpenRecovery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if m := w.tell(t, "ops1", "/recover").Message; strings.Contains(m.Lines[0], "is open already") {
		t.Errorf("nothing is open: %v", m.Lines)
	}
	w.tell(t, "ops1", "/recover primary")
	w.hub.until(t, "step/run1/one", waiting)
	if m := w.tell(t, "ops1", "/recover").Message; !strings.HasPrefix(m.Lines[0], "A recovery is open already: ") || !strings.Contains(m.Lines[0], "run1") {
		t.Errorf("a run is open: %v", m.Lines)
	}
}

// Where nobody has a role, nothing of it is up: what needs no standby is offered, what needs one is not.
func TestDiagnoseOffersWhatNeedsNoStandby(t *testing.T) {
	t.Parallel()
	w := newWorldOf(t, strings.NewReplacer("ADDRESS", "127.0.99.98", "PORT", "1").Replace(noStandby))
	noAnswer := runbook.Probe{Kind: "service", Host: "primary", Service: "go-api", Expect: "down"}
	both := w.Scenarios["primary"]
	both.Name = "both"
	both.Bind = map[string]runbook.Binding{"old": from("primary"), "second": {From: []string{"standby"}, Optional: true}}
	both.When = []runbook.Probe{noAnswer, {Kind: "mysql", Host: "standby", Expect: "down"}}
	standby := both
	standby.Name, standby.Bind = "standby", map[string]runbook.Binding{"dead": from("standby")}
	standby.When = both.When[1:]
	w.Scenarios["both"], w.Scenarios["standby"] = both, standby
	m := w.tell(t, "ops1", "/recover").Message
	if m == nil || len(m.Buttons) != 1 || !strings.Contains(strings.Join(m.Lines, ""), "both") || strings.Contains(strings.Join(m.Lines, ""), "standby cannot") {
		t.Errorf("diagnosis: %+v", m)
	}
}

func TestDiagnoseNamesARetiredHostThatAnswers(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer("ADDRESS", "127.0.99.98", "PORT", greeting(t)).Replace(noStandby)
	w := newWorldOf(t, text)
	w.Scenarios["fence"] = runbook.Scenario{Name: "fence", Params: []runbook.Param{{Name: "which", Type: "host", Required: true, Role: "retired"}}}
	m := w.tell(t, "ops1", "/recover").Message
	if m == nil || m.State != "down" || len(m.Buttons) != 1 || m.Buttons[0].Choice != "fence" || !strings.Contains(strings.Join(m.Warn, ""), "The retired app0 answers again") || rowOf(m, "app0") != "bad" {
		t.Errorf("diagnosis: %+v", m)
	}
}

// listen is a machine's port that answers; mute is one that takes the connection and never says a word.
func listen(t *testing.T, address string, mute bool) int {
	t.Helper()
	l, err := net.Listen("tcp", address+":0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		var held []net.Conn
		for {
			c, err := l.Accept()
			if err != nil {
				for _, c := range held {
					_ = c.Close()
				}
				return
			}
			if mute {
				held = append(held, c)
				continue
			}
			_ = c.Close()
		}
	}()
	return l.Addr().(*net.TCPAddr).Port
}

// The scenario that most dead things call for comes first; each starts with the machine that is dead, and a machine that
// hangs keeps nobody waiting.
func TestDiagnoseSuggestsWhatIsCalledFor(t *testing.T) {
	t.Parallel()
	port, frozen := listen(t, "127.0.98.11", false), listen(t, "127.0.98.21", true)
	w := newWorldOf(t, fmt.Sprintf(`
hosts:
  - {name: nginx1, address: 127.0.98.11, roles: [nginx]}
  - {name: nginx2, address: 127.0.98.12, roles: [nginx]}
  - {name: app1, address: 127.0.98.21, port: %d, roles: [primary]}
  - {name: app2, address: 127.0.98.22, roles: [standby]}
people:
  - {name: ops1, roles: [approver, danger], token_hash: "sha256:TOKEN1"}
`, frozen))
	open := func(host, expect string) runbook.Probe {
		return runbook.Probe{Kind: "tcp", Host: host, Port: port, Expect: expect}
	}
	which := []runbook.Param{{Name: "which", Type: "host", Role: "nginx", Required: true}}
	for name, s := range map[string]runbook.Scenario{
		"nginx":   {Params: which, Bind: map[string]runbook.Binding{"dead": from("$param.which")}, When: []runbook.Probe{open("dead", "down")}},
		"anginx":  {Params: which, When: []runbook.Probe{open("$param.which", "down")}},
		"primary": {When: []runbook.Probe{{Kind: "ssh", Host: "primary", Expect: "down"}, {Kind: "silent", Host: "app2"}, open("host:nginx1", "")}},
		"form": {Params: append([]runbook.Param{{Name: "ticket", Type: "string", Required: true}}, which...),
			When: []runbook.Probe{{Kind: "silent", Host: "$param.which"}, open("nginx1", "")}},
		"well":    {When: []runbook.Probe{open("nginx1", "down")}},
		"all":     {When: []runbook.Probe{open("nginx", "down")}},
		"nothing": {When: []runbook.Probe{{Kind: "silent", Host: "spare"}}},
		"mute":    {},
	} {
		s.Name, s.Title, s.Steps = name, runbook.Text{EN: "T " + name, ZH: name}, testScenario().Steps[2:]
		w.Scenarios[name] = s
	}
	began := time.Now()
	m := w.tell(t, "ops1", "/recover").Message
	if took := time.Since(began); took > diagnoseWithin+time.Second {
		t.Errorf("the diagnosis took %s", took)
	}
	lines := strings.Join(m.Lines, "\n")
	for _, want := range []string{"In trouble: nginx1, nginx2, app1, app2. Suggested: primary (T primary).", "Also called for: anginx which=nginx2", "Also called for: nginx which=nginx2",
		"T form (form which=nginx2) is called for but cannot start: ticket=… is missing."} {
		if !strings.Contains(lines, want) {
			t.Errorf("no %q in\n%s", want, lines)
		}
	}
	var labels []string
	for _, b := range m.Buttons {
		labels = append(labels, b.Label)
	}
	if got := strings.Join(labels, ", "); got != "Start primary, Start anginx which=nginx2, Start nginx which=nginx2" || m.Buttons[0].Style != "primary" {
		t.Errorf("buttons: %s\n%s", got, lines)
	}
	if rowOf(m, "app1") != "bad" || len(m.Blocks[0].Rows) != 4 {
		t.Errorf("table: %+v", m.Blocks[0])
	}
	if r := w.press(t, "ops1", m.Buttons[2], ""); r.Refused {
		t.Fatalf("start: %+v", r)
	}
	if run, err := w.Journal.Run(t.Context(), "run1"); err != nil || run.Scenario.Name != "nginx" || run.Params["which"] != "nginx2" || run.Bindings["dead"][0] != "nginx2" {
		t.Errorf("run: %+v %v", run, err)
	}
}

// A wider scenario stands for the narrower ones, where it can start.
func TestTheWiderOfferStandsForTheNarrower(t *testing.T) {
	t.Parallel()
	of := func(name string, why error, dead ...string) offer {
		o := offer{scenario: runbook.Scenario{Name: name}, why: why}
		for _, host := range dead {
			o.when = append(o.when, runbook.Probe{Kind: "ssh", Host: host, Expect: "down"})
		}
		return o
	}
	broken := runbook.Errorf(runbook.Invalid, "x")
	for want, offers := range map[string][]offer{
		"both nginx":   {of("both", nil, "a", "b"), of("nginx", nil, "n"), of("primary", nil, "a")},
		"both primary": {of("both", broken, "a", "b"), of("primary", nil, "a")},
		"one two":      {of("one", nil, "a"), of("two", nil, "a")},
		"total":        {of("both", nil, "a", "b"), of("total", nil, "a", "b", "c"), of("primary", nil, "a")},
	} {
		ups := map[string]bool{}
		for _, o := range offers {
			for _, p := range o.when {
				ups[question(p)] = false
			}
		}
		var got []string
		for _, o := range calledFor(offers, ups, &fleet.Config{}) {
			got = append(got, o.scenario.Name)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
}

func rowOf(m *bot.Message, host string) string {
	for i, r := range m.Blocks[0].Rows {
		if r[0] == host {
			return m.Blocks[0].Marks[i]
		}
	}
	return "no row"
}

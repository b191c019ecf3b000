package handlers

import (
	"net"
	"strings"
	"testing"

	"recoverbot/bot"
	"recoverbot/runbook"
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

// What cannot start is not offered, and a retired machine that writes again comes first.
func TestDiagnoseWithoutAStandby(t *testing.T) {
	t.Parallel()
	text := strings.NewReplacer("ADDRESS", "127.0.99.98", "PORT", "1").Replace(noStandby)
	w := newWorldOf(t, text)
	s := w.Scenarios["primary"]
	s.Bind = map[string]runbook.Binding{"dead": {From: []string{"primary"}}, "survivor": {From: []string{"standby"}}}
	w.Scenarios["primary"] = s
	m := w.tell(t, "ops1", "/recover").Message
	if m == nil || len(m.Buttons) > 0 || len(m.Warn) > 0 || !strings.Contains(strings.Join(m.Lines, ""), "No standby is left: start what is dead by hand") {
		t.Errorf("diagnosis: %+v", m)
	}
}

func TestDiagnoseNamesARetiredHostThatAnswers(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.99.99:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { // a MySQL server speaks first
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
	text := strings.NewReplacer("ADDRESS", "127.0.99.98", "PORT", port).Replace(noStandby)
	w := newWorldOf(t, text)
	m := w.tell(t, "ops1", "/recover").Message
	if m == nil || m.State != "down" || !strings.Contains(strings.Join(m.Warn, ""), "The retired app0 answers again") || rowOf(m, "app0") != "bad" {
		t.Errorf("diagnosis: %+v", m)
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

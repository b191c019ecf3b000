package roles

import (
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"recoverbot/runbook/fleet"
)

const sample = `# the fleet
hosts:
  # two web servers
  - {name: nginx1, address: 192.0.2.1, roles: [nginx]}
  - name: primary   # 主机
    address: 192.0.2.21
    roles: [primary]   # since May

  - name: standby
    address: 192.0.2.47
    roles:
      - standby
      - backup
    user: root
  - name: spare1
    address: 192.0.2.9
    retired: false

# how to log in
databases:
  - name: speed
`

func host(name string, roles ...string) fleet.Host { return fleet.Host{Name: name, Roles: roles} }

func TestRewriteKeepsEverythingElse(t *testing.T) {
	t.Parallel()
	fresh := fleet.Host{Name: "new1", Address: "192.0.2.9", DNSIP: netip.MustParseAddr("192.0.2.9"), Port: 2222, User: "root"}
	for name, c := range map[string]struct {
		text string
		want []change
		out  string
	}{
		"promote and retire": {sample, []change{
			{host: host("standby", "standby", "backup"), assign: true, roles: []string{"primary"}},
			{host: host("primary", "primary"), assign: true, retire: true},
		}, `# the fleet
hosts:
  # two web servers
  - {name: nginx1, address: 192.0.2.1, roles: [nginx]}
  - name: primary   # 主机
    retired: true
    address: 192.0.2.21
    roles: []   # since May

  - name: standby
    address: 192.0.2.47
    roles: [primary]
    user: root
  - name: spare1
    address: 192.0.2.9
    retired: false

# how to log in
databases:
  - name: speed
`},
		"flow entry, absent roles, retired key": {sample, []change{
			{host: host("nginx1", "nginx"), assign: true, retire: true, roles: []string{"x"}},
			{host: host("spare1"), assign: true, retire: true, roles: []string{"spare"}},
		}, `# the fleet
hosts:
  # two web servers
  - {name: nginx1, address: 192.0.2.1, roles: [x], retired: true}
  - name: primary   # 主机
    address: 192.0.2.21
    roles: [primary]   # since May

  - name: standby
    address: 192.0.2.47
    roles:
      - standby
      - backup
    user: root
  - name: spare1
    roles: [spare]
    address: 192.0.2.9
    retired: true

# how to log in
databases:
  - name: speed
`},
		"add": {sample, []change{{host: fresh, add: true, assign: true, roles: []string{"standby", "backup"}}}, `# the fleet
hosts:
  # two web servers
  - {name: nginx1, address: 192.0.2.1, roles: [nginx]}
  - name: primary   # 主机
    address: 192.0.2.21
    roles: [primary]   # since May

  - name: standby
    address: 192.0.2.47
    roles:
      - standby
      - backup
    user: root
  - name: spare1
    address: 192.0.2.9
    retired: false
  - {name: new1, address: 192.0.2.9, port: 2222, roles: [standby, backup]}

# how to log in
databases:
  - name: speed
`},
		"already so":      {sample, []change{{host: host("primary", "primary"), assign: true, roles: []string{"primary"}}}, sample},
		"no end of line":  {"hosts:\n- name: a\n  roles: [x]", []change{{host: fresh, add: true}}, "hosts:\n- name: a\n  roles: [x]\n- {name: new1, address: 192.0.2.9, port: 2222}"},
		"null roles":      {"hosts:\n- name: a\n  roles:\n", []change{{host: host("a"), assign: true, roles: []string{"y"}}}, "hosts:\n- name: a\n  roles: [y]\n"},
		"windows endings": {"hosts:\r\n- name: a\r\n  roles: [x]\r\n", []change{{host: host("a", "x"), assign: true, retire: true}}, "hosts:\r\n- name: a\r\n  retired: true\r\n  roles: []\r\n"},
		"quoted":          {"hosts:\n- name: \"a\"\n  roles: [\"x\", 'y'] # why\n", []change{{host: host("a", "x", "y"), assign: true, roles: []string{"z"}}}, "hosts:\n- name: \"a\"\n  roles: [z] # why\n"},
		"flow over lines": {"hosts:\n- {name: a,\n   roles: [x,\n   y]}\n", []change{{host: host("a", "x", "y"), assign: true, roles: []string{"z"}}, {host: fresh, add: true}}, "hosts:\n- {name: a,\n   roles: [z]}\n- {name: new1, address: 192.0.2.9, port: 2222}\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := rewrite([]byte(c.text), c.want)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(c.out, string(got)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestRewriteRefusesWhatItCannotPlace(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"no hosts": "databases: []\n", "flow list": "hosts: [{name: a}]\n", "unknown host": "hosts:\n- name: b\n", "not a list": "hosts:\n- name: a\n  roles: x\n", "empty": "",
	} {
		if got, err := rewrite([]byte(text), []change{{host: host("a", "q"), assign: true, roles: []string{"z"}}}); err == nil {
			t.Errorf("%s: %s", name, got)
		}
	}
}

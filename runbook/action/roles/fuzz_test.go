package roles

import (
	"net/netip"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"recoverbot/runbook/fleet"
)

// FuzzRewrite: whatever a fleet.yaml looks like, moving roles in it changes nothing but them, or makes a file that is
// refused.
func FuzzRewrite(f *testing.F) {
	example, err := os.ReadFile("../../../fleet.example.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(example))
	f.Add(sample)
	for _, s := range []string{
		"hosts:\n- {name: a, address: 192.0.2.1, roles: [primary]}\n- name: b\n  address: 192.0.2.2\n", "hosts:\r\n- name: a\r\n  address: 192.0.2.1\r\n  roles: [nginx] # x\r\npolicy: {approvals: 2}",
		"\xef\xbb\xbfhosts:\n- name: 'a'\n  address: \"192.0.2.1\"\n  roles:\n  - primary\n  - nginx # 主\nwatch: {every: 0s}\n", "{hosts: [{name: a, address: 192.0.2.1}]}", "hosts:\n- {name: a, address: 192.0.2.1,\n   roles: [primary,\n   nginx], retired: false}\n...\n",
		"people:\n- {name: a, roles: [approver]}\nhosts:\n# c\n- # d\n  name: a\n\n  address: 192.0.2.1\n", "hosts:\n-   name: a\n    address: 192.0.2.1\n    aliases: [a, b]\n    roles: []\n-   name: b\n    address: 192.0.2.2\n    retired: true",
	} {
		f.Add(s)
	}
	fresh := fleet.Host{Name: "fresh", Address: "192.0.2.250", DNSIP: netip.MustParseAddr("192.0.2.250"), Port: 22, User: "root"}
	read := func(text []byte) (*fleet.Config, error) {
		return fleet.ParseConfig("fleet.yaml", text, func(string) string { return "x" })
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 16<<10 {
			return
		}
		before, err := read([]byte(text))
		if err != nil {
			return
		}
		first, last := before.Hosts[0], before.Hosts[len(before.Hosts)-1]
		want := []change{{host: last, assign: true, roles: []string{"spare"}}, {host: fresh, add: true, assign: true, roles: []string{"backup"}}}
		if first.Name != last.Name {
			want = append(want, change{host: first, assign: true, retire: true})
		}
		out, err := rewrite([]byte(text), want)
		if err != nil {
			return
		}
		after, err := read(out)
		if err != nil {
			return // as Plan refuses it
		}
		if compare(before, after, want) != nil {
			return
		}
		for i, h := range after.Hosts {
			if j := slices.IndexFunc(before.Hosts, func(o fleet.Host) bool { return o.Name == h.Name }); j >= 0 {
				after.Hosts[i].Roles, after.Hosts[i].Retired = before.Hosts[j].Roles, before.Hosts[j].Retired
			}
		}
		after.Hosts = slices.DeleteFunc(after.Hosts, func(h fleet.Host) bool { return h.Name == fresh.Name })
		if d := cmp.Diff(before, after, cmpopts.IgnoreUnexported(fleet.Config{}), cmpopts.EquateEmpty(), cmpopts.EquateComparable(netip.Addr{})); d != "" {
			t.Errorf("%q → %q: more than roles changes:\n%s", text, out, d)
		}
	})
}

package actiontest

import (
	"fmt"
	"os/user"
	"strings"
)

func rolesOf(name string) []string {
	switch {
	case strings.HasPrefix(name, "nginx"):
		return []string{"nginx"}
	case name == "standby":
		return []string{"standby", "backup"}
	case name == "report", name == "hongkong":
		return []string{"backup"}
	case strings.HasPrefix(name, "spare"):
		return []string{"spare"}
	case name == "primary":
		return []string{"primary"}
	}
	return nil
}

// bindings are the hosts of every role, as a run fixes them at its start, and every host under its own name.
func (c *Company) bindings(hosts []string) map[string][]string {
	out := map[string][]string{}
	for _, name := range hosts {
		for _, role := range rolesOf(name) {
			out[role] = append(out[role], name)
		}
	}
	return out
}

// fleetYAML is the operators' company on loopback addresses.
func (c *Company) fleetYAML(hosts []string) string {
	u, err := user.Current()
	c.must(err)
	var b strings.Builder
	b.WriteString("# The company of a test.\ndrill: true\nhosts:\n")
	for _, name := range hosts {
		m := c.hosts[name]
		fmt.Fprintf(&b, "  - name: %s\n    address: %s\n    port: %d\n    user: %s\n    root: %s\n    loopback: %s\n    http_port: %d\n",
			name, m.address, SSHPort, u.Username, m.root, m.address, HTTPPort)
		fmt.Fprintf(&b, "    aliases: [%s.internal]\n", name)
		if roles := rolesOf(name); roles != nil {
			fmt.Fprintf(&b, "    roles: [%s]\n", strings.Join(roles, ", "))
		}
	}
	b.WriteString(`databases:
  - name: speed
services:
`)
	for i, name := range []string{"go-api", "go-upload", "go-fly", "go-admin", "go-job"} {
		fmt.Fprintf(&b, "  - name: %s\n    config: /wwwroot/go/%s/config.yaml\n    on: [primary%s]\n", name, name,
			map[bool]string{true: ", standby"}[i == 0])
		if name != "go-job" {
			fmt.Fprintf(&b, "    health: {port: %d, path: /healthz}\n", 8080+i)
		}
	}
	b.WriteString(`backup_script:
  schedule: "0 2 * * *"
domain_list:
  port: 8080
people:
  - name: tester
    roles: [viewer, approver, danger]
policy:
  on_call: [tester]
`)
	return b.String()
}

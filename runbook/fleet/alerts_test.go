package fleet

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// What docs/alerts.md tells people to write into fleet.yaml is right.
func TestExamplesOfAlerts(t *testing.T) {
	t.Parallel()
	const machines = "hosts: [{name: app1, address: 192.0.2.1, roles: [primary]}]\n"
	for _, file := range []string{"../../docs/alerts.md", "../../docs/alerts.zh.md"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := 0
		for _, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(m[1], "alerts:\n") {
				continue
			}
			found++
			c, err := ParseConfig(file, []byte(machines+m[1]), env(nil))
			if err != nil {
				t.Errorf("%s: %v\n%s", file, err, m[1])
			} else if len(c.Alerts.Rules) == 0 || c.Alerts.Flaps != 4 {
				t.Errorf("%s: %+v", file, c.Alerts)
			}
		}
		if found != 3 {
			t.Errorf("%s has %d examples", file, found)
		}
	}
}

package fleet

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"recoverbot/runbook"
)

// Alerts says what the alerts of monitoring systems mean for this fleet.
type Alerts struct {
	Rules   []AlertRule             `yaml:"rules,omitempty"`   // the first one that matches counts; what none matches is counted and dropped
	Sources map[string]AlertMapping `yaml:"sources,omitempty"` // the JSON shapes of further systems, by the name that stands in /alerts/NAME
	// Flaps is how many changes between firing and resolved within FlapWindow make an alert one that flaps: it is shown
	// as firing without disturbing anybody until it is steady for that long.
	Flaps      int              `yaml:"flaps,omitempty"`       // changes between firing and resolved that make an alert unsteady; default 4
	FlapWindow runbook.Duration `yaml:"flap_window,omitempty"` // within which they count; default 10m
}

// AlertRule turns an alert into a call for a scenario. Labels only select: none of their text goes further than a card.
type AlertRule struct {
	Source string            `yaml:"source,omitempty"` // only of this source
	Match  map[string]string `yaml:"match,omitempty"`  // label: exact value, or /regular expression/ of the whole value
	Host   string            `yaml:"host,omitempty"`   // host of the fleet, or role with one host
	// HostLabel names a label whose value must be a name, an address or an alias of a host, with or without :port; a
	// value that is none matches nothing.
	HostLabel string            `yaml:"host_label,omitempty"` // label that names the host: its name, address or alias, with or without :port
	Scenario  string            `yaml:"scenario,omitempty"`   // default: shown, none is called for; auto: what watch.roles says of the host
	Params    map[string]string `yaml:"params,omitempty"`     // of the scenario; $host is the host's name
	Level     string            `yaml:"level,omitempty"`      // silent, ssh or service_down (default with a scenario)
}

// AlertMapping tells where a JSON body has what an alert needs: dotted paths such as "event.id"; a number is an index.
type AlertMapping struct {
	List        string            `yaml:"list,omitempty"`    // path of an array of alerts; default: the body is one alert
	Fingerprint []string          `yaml:"fingerprint"`       // paths whose values together are an alert's identity
	Status      string            `yaml:"status"`            // path
	Resolved    []string          `yaml:"resolved"`          // values of status that mean resolved; any other fires
	Since       string            `yaml:"since,omitempty"`   // path: RFC 3339, or seconds since 1970
	Summary     string            `yaml:"summary,omitempty"` // path of a text for people
	Labels      map[string]string `yaml:"labels"`            // label: path
}

// What stands in rules for something else.
const (
	AutoScenario = "auto"
	HostParam    = "$host"
)

// AlertSources are the sources that need no mapping.
var AlertSources = []string{"alertmanager", "grafana"}

var (
	alertLevels = []string{"silent", "ssh", "service_down"}
	labelName   = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.:-]{0,99}$`)
	jsonPath    = regexp.MustCompile(`^[^.\s]+(\.[^.\s]+)*$`)
)

// AlertPattern is the regular expression that a value of Match means; ok is false where it is an exact value.
func AlertPattern(want string) (expr string, ok bool) {
	if len(want) < 2 || want[0] != '/' || want[len(want)-1] != '/' {
		return "", false
	}
	return `^(?:` + want[1:len(want)-1] + `)$`, true
}

func defaultAlerts(c *Config, d *decoder) {
	absent(d, "alerts.flaps", &c.Alerts.Flaps, 4)
	set(&c.Alerts.FlapWindow, runbook.Duration(10*time.Minute))
}

func validateAlerts(c *Config, d *decoder) {
	d.within("alerts.flaps", c.Alerts.Flaps, 2, 100)
	if c.Alerts.FlapWindow < 0 {
		d.wrong("alerts.flap_window", "fleet.config_bad_duration", "text", time.Duration(c.Alerts.FlapWindow).String())
	}
	known := append(slices.Clone(AlertSources), slices.Sorted(maps.Keys(c.Alerts.Sources))...)
	for i, r := range c.Alerts.Rules {
		validateAlertRule(c, d, fmt.Sprintf("alerts.rules[%d]", i), r, known)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Alerts.Sources)) {
		validateAlertMapping(d, name, c.Alerts.Sources[name])
	}
}

func validateAlertRule(c *Config, d *decoder, at string, r AlertRule, known []string) {
	if r.Source != "" && !slices.Contains(known, r.Source) {
		d.wrong(at+".source", "alert.rule_source", "name", r.Source, "known", strings.Join(known, ", "))
	}
	if len(r.Match) == 0 && r.Source == "" {
		d.wrong(at, "fleet.config_missing", "key", "match")
	}
	for label, want := range r.Match {
		if expr, ok := AlertPattern(want); ok {
			if _, err := regexp.Compile(expr); err != nil {
				d.wrong(at+".match."+label, "alert.rule_pattern", "text", want)
			}
		}
	}
	if r.Host != "" {
		checkRef(c, d, at+".host", r.Host)
	}
	if r.Host != "" && r.HostLabel != "" {
		d.wrong(at+".host_label", "alert.rule_two_hosts")
	}
	if r.HostLabel != "" && !labelName.MatchString(r.HostLabel) {
		d.wrong(at+".host_label", "fleet.config_bad_name", "text", r.HostLabel)
	}
	if r.Scenario != "" && !plainName.MatchString(r.Scenario) {
		d.wrong(at+".scenario", "fleet.config_bad_name", "text", r.Scenario)
	}
	if r.Level != "" && !slices.Contains(alertLevels, r.Level) {
		d.wrong(at+".level", "alert.rule_level", "text", r.Level, "known", strings.Join(alertLevels, ", "))
	}
	if r.Scenario == "" && len(r.Params) > 0 {
		d.wrong(at, "fleet.config_missing", "key", "scenario")
	}
	if r.Host != "" || r.HostLabel != "" {
		return
	}
	if r.Scenario == AutoScenario {
		d.wrong(at+".scenario", "alert.rule_no_host", "text", AutoScenario)
	}
	for name, v := range r.Params {
		if v == HostParam {
			d.wrong(at+".params."+name, "alert.rule_no_host", "text", HostParam)
		}
	}
}

func validateAlertMapping(d *decoder, name string, m AlertMapping) {
	at := "alerts.sources." + name
	switch {
	case slices.Contains(AlertSources, name) || name == "watch":
		d.add(d.at[at+":"], "fleet.config_reserved_source", "name", name)
	case !plainName.MatchString(name):
		d.add(d.at[at+":"], "fleet.config_bad_name", "text", name)
	}
	for _, need := range []struct {
		key     string
		missing bool
	}{{"fingerprint", len(m.Fingerprint) == 0}, {"status", m.Status == ""}, {"resolved", len(m.Resolved) == 0}, {"labels", len(m.Labels) == 0}} {
		if need.missing {
			d.add(d.at[at+":"], "fleet.config_missing", "key", need.key)
		}
	}
	path := func(at, p string) {
		if p != "" && !jsonPath.MatchString(p) {
			d.wrong(at, "alert.rule_path", "text", p)
		}
	}
	path(at+".list", m.List)
	path(at+".status", m.Status)
	path(at+".since", m.Since)
	path(at+".summary", m.Summary)
	for i, p := range m.Fingerprint {
		path(fmt.Sprintf("%s.fingerprint[%d]", at, i), p)
	}
	for label, p := range m.Labels {
		path(at+".labels."+label, p)
		if !labelName.MatchString(label) {
			d.wrong(at+".labels."+label, "fleet.config_bad_name", "text", label)
		}
	}
}

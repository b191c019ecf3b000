package fleet

import "recoverbot/runbook"

// Alerts says what the alerts of monitoring systems mean for this fleet.
type Alerts struct {
	Rules []AlertRule `yaml:"rules,omitempty"` // the first one that matches counts; what none matches is counted and dropped
	// Sources are the JSON shapes of further systems, by the name that stands in /alerts/NAME.
	Sources map[string]AlertMapping `yaml:"sources,omitempty"`
	// Flaps is how many changes between firing and resolved within FlapWindow make an alert one that flaps: it is shown
	// as firing without disturbing anybody until it is steady for that long. Defaults 4 and 10m.
	Flaps      int              `yaml:"flaps,omitempty"`
	FlapWindow runbook.Duration `yaml:"flap_window,omitempty"`
}

// AlertRule turns an alert into a call for a scenario. Labels only select: none of their text goes further than a card.
type AlertRule struct {
	Source string            `yaml:"source,omitempty"` // only of this source
	Match  map[string]string `yaml:"match"`            // label → exact value, or /regular expression/ of the whole value
	// Host is a host of the fleet or a role with one host. HostLabel names a label whose value must be a name, an address or an
	// alias of a host, with or without :port; a value that is none matches nothing.
	Host      string            `yaml:"host,omitempty"`
	HostLabel string            `yaml:"host_label,omitempty"`
	Scenario  string            `yaml:"scenario,omitempty"` // "": shown, none is called for; "auto": what watch.roles says of the host's role
	Params    map[string]string `yaml:"params,omitempty"`   // "$host" is the host's name
	Level     string            `yaml:"level,omitempty"`    // silent, ssh, service_down (default)
}

// AlertMapping tells where a JSON body has what an alert needs: dotted paths such as "event.id"; a number is an index.
type AlertMapping struct {
	List        string            `yaml:"list,omitempty"`    // path of an array of alerts; "": the body is one alert
	Fingerprint []string          `yaml:"fingerprint"`       // paths whose values together are an alert's identity
	Status      string            `yaml:"status"`            // path
	Resolved    []string          `yaml:"resolved"`          // values of status that mean resolved; any other fires
	Since       string            `yaml:"since,omitempty"`   // path: RFC 3339, or seconds since 1970
	Summary     string            `yaml:"summary,omitempty"` // path of a text for people
	Labels      map[string]string `yaml:"labels"`            // label → path
}

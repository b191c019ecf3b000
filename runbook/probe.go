package runbook

import "time"

// Probe is one read-only question to one host. Which fields count depends on Kind:
//
//	silent    Host answers neither ssh nor any known port        tcp      Host, Port
//	          (Name "writers": nothing that serves or writes data)
//	ssh       Host: log in and run true                          http     Host, Service or Port+Path; Status (0: any answer, 502 included)
//	service   Host, Service: its manager says running, its health URL answers 200
//	mysql     Host or Database: log in, a source (not a replica), writable
//	redis     Host: a master, writable                           disk     Host, Path, Free ("20%" or "5GB")
//	nginx     Host: master process, nginx -t, answers HTTP at all
//	dump      Host (several allowed), Database: a complete dump in its sql_backup, begun after Since
//	tls       Host, Name, Port (443): a valid certificate at its public address
//	name      Host, Name: the name resolves to its public address
//	domains   Database: in the domain list the hosts of Down are not up, those of Up are
type Probe struct {
	Kind     string   `yaml:"kind" json:"kind"`
	Host     string   `yaml:"host,omitempty" json:"host,omitempty"`
	From     string   `yaml:"from,omitempty" json:"from,omitempty"` // vantage point: a host; "" is the bot itself
	Service  string   `yaml:"service,omitempty" json:"service,omitempty"`
	Database string   `yaml:"database,omitempty" json:"database,omitempty"`
	Port     int      `yaml:"port,omitempty" json:"port,omitempty"`
	Path     string   `yaml:"path,omitempty" json:"path,omitempty"`
	Name     string   `yaml:"name,omitempty" json:"name,omitempty"`
	Status   int      `yaml:"status,omitempty" json:"status,omitempty"`
	Free     string   `yaml:"free,omitempty" json:"free,omitempty"`
	Down     []string `yaml:"down,omitempty" json:"down,omitempty"`
	Up       []string `yaml:"up,omitempty" json:"up,omitempty"`
	Since    string   `yaml:"since,omitempty" json:"since,omitempty"`   // a step id (its start), or RFC 3339
	Expect   string   `yaml:"expect,omitempty" json:"expect,omitempty"` // "up" (default) or "down"
	Rounds   int      `yaml:"rounds,omitempty" json:"rounds,omitempty"` // consecutive good rounds; 0 means 1
	Timeout  Duration `yaml:"timeout,omitempty" json:"timeout,omitzero"`
	// Within is how long the probe may keep trying until it passes; 0 is one try.
	Within Duration `yaml:"within,omitempty" json:"within,omitzero"`
}

// Finding is the answer to a Probe.
type Finding struct {
	Probe Probe         `json:"probe"`
	Host  string        `json:"host"` // name in the fleet
	OK    bool          `json:"ok"`   // as expected
	Up    bool          `json:"up"`   // answers well, whatever was expected
	Text  Msg           `json:"text"`
	Took  time.Duration `json:"took"`
}

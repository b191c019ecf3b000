// Package fleet is the company's machines as fleet.yaml describes them, and the ways to reach them: pooled SSH with
// pinned host keys, detached jobs, file transfer, SQL through tunnels. It knows nothing of steps, runs or chats.
package fleet

import (
	"net/netip"
	"path"
	"path/filepath"

	"recoverbot/runbook"
)

// Config is a validated fleet.yaml.
type Config struct {
	Hosts        []Host               `yaml:"hosts"`
	Databases    []Database           `yaml:"databases"`
	Services     []Service            `yaml:"services"`
	BackupScript BackupScript         `yaml:"backup_script"`
	DomainList   DomainList           `yaml:"domain_list"`
	Redis        Redis                `yaml:"redis,omitempty"`
	Provision    map[string]Provision `yaml:"provision,omitempty"` // by role
	People       []Person             `yaml:"people"`
	Policy       Policy               `yaml:"policy"`
	Watch        Watch                `yaml:"watch"`
	Alerts       Alerts               `yaml:"alerts,omitempty"`    // what monitoring systems say, and what it means here
	BlackBox     BlackBox             `yaml:"black_box,omitempty"` // daily copies of small things that die with a machine
	Rehearsal    Rehearsal            `yaml:"rehearsal,omitempty"` // restores that are tried by themselves
	// DNSVia says a scenario how its machines leave and join the domain list: "sql" (default) or "admin", by a person in
	// the back-end of DomainList.Admin.
	DNSVia map[string]string `yaml:"dns_via,omitempty"`
	Drill  bool              `yaml:"drill,omitempty"` // watermark in messages; nothing else depends on it

	path   string
	places map[string]int // lines by path, for warnings
	wrong  error          // why what is written now does not count
}

// Host is one machine. Address is a validated IP or host name for SSH.
type Host struct {
	Name     string     `yaml:"name" json:"name"`
	Address  string     `yaml:"address" json:"address"`
	DNSIP    netip.Addr `yaml:"dns_ip,omitempty" json:"dns_ip,omitzero"` // as the domain list has it; default: Address
	Aliases  []string   `yaml:"aliases,omitempty" json:"aliases,omitempty"`
	Port     int        `yaml:"port,omitempty" json:"port"`
	User     string     `yaml:"user,omitempty" json:"user"`
	Jump     string     `yaml:"jump,omitempty" json:"jump,omitempty"`
	Roles    []string   `yaml:"roles,omitempty" json:"roles,omitempty"`
	Root     string     `yaml:"root,omitempty" json:"root,omitempty"`           // prefix of every path on this host
	Loopback string     `yaml:"loopback,omitempty" json:"loopback,omitempty"`   // what localhost means there; default 127.0.0.1
	Domain   string     `yaml:"domain,omitempty" json:"domain,omitempty"`       // its own public name, where it has one
	HTTPPort int        `yaml:"http_port,omitempty" json:"http_port,omitempty"` // of its nginx; default 80
	Paths    Paths      `yaml:"paths,omitempty" json:"paths,omitzero"`
	Retired  bool       `yaml:"retired,omitempty" json:"retired,omitempty"`
}

// Paths are where a host keeps things, below Root; the zero value means the operators' own paths.
type Paths struct {
	SQLBackup string `yaml:"sql_backup,omitempty" json:"sql_backup,omitempty"` // /shell/sql_backup
	Workdir   string `yaml:"workdir,omitempty" json:"workdir,omitempty"`       // /root/workdir
	NginxConf string `yaml:"nginx_conf,omitempty" json:"nginx_conf,omitempty"` // /etc/nginx/nginx.conf
}

// Path returns p as it is on this host: below Root.
func (h Host) Path(p string) string {
	if h.Root == "" {
		return p
	}
	return path.Join(h.Root, p)
}

// LoopbackAddress is the address behind the name localhost on this host.
func (h Host) LoopbackAddress() string {
	if h.Loopback != "" {
		return h.Loopback
	}
	return "127.0.0.1"
}

// HasRole reports whether the host has the role.
func (h Host) HasRole(role string) bool {
	for _, r := range h.Roles {
		if r == role {
			return true
		}
	}
	return false
}

// Names are all names that mean this host in configuration files: address, dns_ip, aliases.
func (h Host) Names() []string {
	out := []string{h.Address}
	if h.DNSIP.IsValid() && h.DNSIP.String() != h.Address {
		out = append(out, h.DNSIP.String())
	}
	return append(out, h.Aliases...)
}

// Database is how to reach a schema on whichever host holds it now: the scenario's step names the host.
type Database struct {
	Name     string `yaml:"name"`
	Schema   string `yaml:"schema,omitempty"` // default: Name
	Host     string `yaml:"host,omitempty"`   // role or host where it lives; default "primary"
	Socket   string `yaml:"socket,omitempty"` // default /run/mysqld/mysqld.sock; below the host's Root
	Port     int    `yaml:"port,omitempty"`   // instead of the socket
	User     string `yaml:"user,omitempty"`   // default root
	Password Secret `yaml:"password,omitempty"`
}

// Service is something that a service manager runs. Commands are constant text; the defaults are systemctl's.
type Service struct {
	Name      string   `yaml:"name"`
	Unit      string   `yaml:"unit,omitempty"`   // default: Name
	Config    string   `yaml:"config,omitempty"` // its config file, below the host's Root
	On        []string `yaml:"on,omitempty"`     // roles that run it
	Start     string   `yaml:"start,omitempty"`
	Stop      string   `yaml:"stop,omitempty"`
	Restart   string   `yaml:"restart,omitempty"`
	Status    string   `yaml:"status,omitempty"` // exit 0: running
	Enable    string   `yaml:"enable,omitempty"`
	Disable   string   `yaml:"disable,omitempty"`
	Enabled   string   `yaml:"enabled,omitempty"`   // exit 0: it starts at boot
	Installed string   `yaml:"installed,omitempty"` // exit 0: the manager knows it
	Health    Health   `yaml:"health,omitempty"`
}

// Health is a URL on the service's own host that answers 200 when all is well.
type Health struct {
	Port int    `yaml:"port,omitempty"`
	Path string `yaml:"path,omitempty"` // default /
}

// BackupScript is the script that dumps the database and copies the dump to the backup hosts.
type BackupScript struct {
	Path        string `yaml:"path,omitempty"`        // below the host's Root
	Interpreter string `yaml:"interpreter,omitempty"` // default python3
	Schedule    string `yaml:"schedule,omitempty"`    // five cron fields
	Targets     string `yaml:"targets,omitempty"`     // name of the list of target hosts inside the script; default TARGETS
}

// DomainList is the table that tells front ends which machines to use.
type DomainList struct {
	Database string `yaml:"database,omitempty"` // default speed
	Table    string `yaml:"table,omitempty"`    // default t_app_dns
	Key      string `yaml:"key,omitempty"`      // default id
	IP       string `yaml:"ip,omitempty"`       // default ip
	Domain   string `yaml:"domain,omitempty"`   // default domain; may be absent from the table
	Status   string `yaml:"status,omitempty"`   // default status
	Up       int    `yaml:"up,omitempty"`       // default 1
	Down     int    `yaml:"down,omitempty"`     // default 2
	Port     int    `yaml:"port,omitempty"`     // where a listed machine answers HTTP; default 80
	TLSPort  int    `yaml:"tls_port,omitempty"` // where it answers TLS under its domain; 0: not asked
	Resolver string `yaml:"resolver,omitempty"` // DNS server (address:port) that is asked for a new row's domain; "": the system's
	Admin    string `yaml:"admin,omitempty"`    // URL of the back-end where people edit the list
}

// Provision makes a bare machine into one with a role.
type Provision struct {
	Script  string   `yaml:"script"` // path of a script in the bot's own configuration directory
	Timeout string   `yaml:"timeout,omitempty"`
	Env     []string `yaml:"env,omitempty"` // names of environment variables of the bot that the script gets; never shown
}

// Person is someone who may use the bot.
type Person struct {
	Name      string   `yaml:"name"`
	Slack     string   `yaml:"slack,omitempty"`
	Telegram  int64    `yaml:"telegram,omitempty"`
	TokenHash string   `yaml:"token_hash,omitempty"` // of the console token: "sha256:" + hex
	Roles     []string `yaml:"roles"`                // viewer, approver, danger
	Language  string   `yaml:"language,omitempty"`
}

// Watch is the bot's own probing.
type Watch struct {
	Every    runbook.Duration `yaml:"every,omitempty"`    // default 10s; 0s and no Roles: off
	Failures int              `yaml:"failures,omitempty"` // in a row, default 3
	From     []string         `yaml:"from,omitempty"`     // second vantage points: hosts or roles; the bot is always the first
	Roles    []WatchRole      `yaml:"roles,omitempty"`
	Together []WatchTogether  `yaml:"together,omitempty"`
}

// WatchTogether says what it means that all hosts of several watched roles are down at once; it replaces their own alerts.
type WatchTogether struct {
	Roles    []string `yaml:"roles"`
	Scenario string   `yaml:"scenario"`
}

// WatchRole says what it means that the hosts of a role do not answer.
type WatchRole struct {
	Role     string          `yaml:"role"`
	Probes   []runbook.Probe `yaml:"probes,omitempty"`   // beside silence and SSH; default: what the role calls for
	Scenario string          `yaml:"scenario,omitempty"` // "": shown, none is called for
}

// Path is the file that the configuration came from.
func (c *Config) Path() string { return c.path }

// Beside is a file that fleet.yaml names: relative to its own directory.
func (c *Config) Beside(file string) string {
	if filepath.IsAbs(file) {
		return file
	}
	return filepath.Join(filepath.Dir(c.path), file)
}

// Host finds a host by name.
func (c *Config) Host(name string) (Host, bool) {
	for _, h := range c.Hosts {
		if h.Name == name {
			return h, true
		}
	}
	return Host{}, false
}

// WithRole lists the hosts of a role that are not retired, in the file's order.
func (c *Config) WithRole(role string) []Host {
	var out []Host
	for _, h := range c.Hosts {
		if !h.Retired && h.HasRole(role) {
			out = append(out, h)
		}
	}
	return out
}

// Named lists the hosts that references mean: names first, then roles. Retired ones are found by name only.
func (c *Config) Named(refs ...string) []Host {
	var out []Host
	for _, ref := range refs {
		if h, ok := c.Host(ref); ok {
			out = append(out, h)
			continue
		}
		out = append(out, c.WithRole(ref)...)
	}
	return out
}

// Database finds a database by name.
func (c *Config) Database(name string) (Database, bool) {
	for _, d := range c.Databases {
		if d.Name == name {
			return d, true
		}
	}
	return Database{}, false
}

// Service finds a service by name.
func (c *Config) Service(name string) (Service, bool) {
	for _, s := range c.Services {
		if s.Name == name {
			return s, true
		}
	}
	return Service{}, false
}

// Person finds a person by name.
func (c *Config) Person(name string) (Person, bool) {
	for _, p := range c.People {
		if p.Name == name {
			return p, true
		}
	}
	return Person{}, false
}

// PathOn returns a path of the host by its key: sql_backup, workdir, nginx_conf, backup_script.
func (c *Config) PathOn(h Host, key string) (string, bool) {
	switch key {
	case "sql_backup":
		return h.Path(or(h.Paths.SQLBackup, "/shell/sql_backup")), true
	case "workdir":
		return h.Path(or(h.Paths.Workdir, "/root/workdir")), true
	case "nginx_conf":
		return h.Path(or(h.Paths.NginxConf, "/etc/nginx/nginx.conf")), true
	case "nginx_dir":
		return path.Dir(h.Path(or(h.Paths.NginxConf, "/etc/nginx/nginx.conf"))), true
	case "backup_script":
		return h.Path(or(c.BackupScript.Path, "/shell/database_backup_speed.py")), true
	}
	return "", false
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// Redis is how to reach the redis server of an application host, through its SSH connection.
type Redis struct {
	Port     int    `yaml:"port,omitempty"` // default 6379
	Password Secret `yaml:"password,omitempty"`
}

const defaultSocket = "/run/mysqld/mysqld.sock"

package drill

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"recoverbot/drill/server"
)

// secrets are made anew for each drill.
type secrets struct {
	mysql, redis, app, operator, colleague, alerts string
	authorized                                     string // keys that may log in to the hosts
	hostsKey                                       string // private key with which hosts reach one another
	site                                           string // certificate of the domains, with its key
}

func newSecrets() secrets {
	return secrets{mysql: "root-" + rand.Text(), redis: "r-" + rand.Text(), app: "app#" + rand.Text()[:12] + "@1", operator: rand.Text(), colleague: rand.Text(), alerts: rand.Text()}
}

// writeKeys makes the bot's key and the one that the hosts share.
func (c *Company) writeKeys() error {
	dir := filepath.Join(c.Dir, "keys")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the drill's keys: %w", err)
	}
	bot, err := server.HostKey(filepath.Join(dir, "id_ed25519"))
	if err != nil {
		return err
	}
	hosts, err := server.HostKey(filepath.Join(dir, "hosts_ed25519"))
	if err != nil {
		return err
	}
	private, err := os.ReadFile(filepath.Join(dir, "hosts_ed25519"))
	if err != nil {
		return fmt.Errorf("read the hosts' key: %w", err)
	}
	c.secrets.authorized, c.secrets.hostsKey = bot+"\n"+hosts, string(private)
	return nil
}

func hash(token string) string {
	sum := sha256.Sum256([]byte(token))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// configuration is what differs between the bots of drills.
type configuration struct {
	httpAddr, language string
	people             []Person
	settings           map[string]string
}

// writeConfiguration makes what the bot is given: fleet.yaml, .env and known_hosts, which lacks the spares.
func (c *Company) writeConfiguration(x configuration) error {
	fleet, err := render("fleet.yaml", map[string]any{"Hosts": c.hosts, "User": c.user, "Resolver": c.resolver(), "People": c.people(x.people)})
	if err != nil {
		return err
	}
	if err := put(c.fleetFile(), 0o644, fleet); err != nil {
		return err
	}
	var known strings.Builder
	for _, h := range c.hosts {
		if !strings.Contains(h.Roles, "spare") {
			fmt.Fprintf(&known, "[%s]:%d %s\n", h.Address, sshPort, h.sshd.HostKey)
		}
	}
	if err := put(filepath.Join(c.Dir, "known_hosts"), 0o600, []byte(known.String())); err != nil {
		return err
	}
	env := [][2]string{
		{"LANGUAGE", x.language}, {"TZ", os.Getenv("TZ")}, {"FLEET_FILE", c.fleetFile()}, {"DATABASE_URL", "sqlite://" + c.journal()},
		{"HTTP_ADDR", x.httpAddr},
		{"SSH_KEY_FILE", filepath.Join(c.Dir, "keys", "id_ed25519")}, {"SSH_KNOWN_HOSTS", filepath.Join(c.Dir, "known_hosts")},
		{"ALERT_TOKEN", c.secrets.alerts}, {"DRILL_MYSQL_PASSWORD", c.secrets.mysql}, {"DRILL_REDIS_PASSWORD", c.secrets.redis},
	}
	for _, k := range slices.Sorted(maps.Keys(x.settings)) {
		env = append(env, [2]string{k, x.settings[k]})
	}
	var b strings.Builder
	for _, e := range env {
		if e[1] != "" {
			fmt.Fprintf(&b, "%s=%s\n", e[0], e[1])
		}
	}
	return put(c.envFile(), 0o600, []byte(b.String()))
}

func (c *Company) fleetFile() string { return filepath.Join(c.Dir, "fleet.yaml") }
func (c *Company) envFile() string   { return filepath.Join(c.Dir, ".env") }
func (c *Company) journal() string   { return filepath.Join(c.Dir, "journal.db") }
func (c *Company) socket() string    { return filepath.Join(c.Dir, "drill.sock") }

// Description is drill.json: where everything is, for scripts.
type Description struct {
	Console  string                     `json:"console"`
	Token    string                     `json:"token"` // of the person operator
	Tokens   map[string]string          `json:"tokens"`
	Bot      BotDescription             `json:"bot"`
	Hosts    map[string]HostDescription `json:"hosts"`
	Fronts   []string                   `json:"fronts"` // URLs of the two nginx
	Fleet    string                     `json:"fleet"`
	Known    string                     `json:"known_hosts"`
	SSHKey   string                     `json:"ssh_key"`
	SSHUser  string                     `json:"ssh_user"`
	Alerts   string                     `json:"alert_token"`
	Pid      int                        `json:"pid"`     // of the drill
	Control  string                     `json:"control"` // its socket
	Expected Expected                   `json:"expected"`
	CA       string                     `json:"ca"`       // file of the authority that certified *.drill.test
	Resolver string                     `json:"resolver"` // DNS server that knows HOST.drill.test
}

// BotDescription is the bot's process.
type BotDescription struct {
	Pid     int      `json:"pid"`
	Argv    []string `json:"argv"`
	EnvFile string   `json:"env_file"`
	Journal string   `json:"journal"`
}

// HostDescription has the keys that apply to a host.
type HostDescription struct {
	Address  string            `json:"address"`
	SSHPort  int               `json:"ssh_port"`
	Root     string            `json:"root"`
	HTTPPort int               `json:"http_port,omitempty"`
	MySQL    *MySQLDescription `json:"mysql,omitempty"`
	Redis    *RedisDescription `json:"redis,omitempty"`
	Services map[string]int    `json:"services,omitempty"` // name → port
}

// MySQLDescription is how to log in to a host's MySQL through its socket.
type MySQLDescription struct {
	Port     int    `json:"port"`
	Socket   string `json:"socket"`
	User     string `json:"user"`
	Password string `json:"password"`
}

// RedisDescription is how to log in to a host's redis.
type RedisDescription struct {
	Port     int    `json:"port"`
	Password string `json:"password"`
}

// Expected is what a right recovery restores.
type Expected struct {
	Dump   string `json:"dump"`   // base name of the newest complete dump
	Orders int    `json:"orders"` // rows of speed.orders in it
}

func (c *Company) describe(console string, bot BotDescription) Description {
	d := Description{
		Console: console, Token: c.secrets.operator, Tokens: map[string]string{"operator": c.secrets.operator, "colleague": c.secrets.colleague},
		Bot: bot, Hosts: map[string]HostDescription{}, Fronts: []string{c.frontURL(c.must("nginx1")), c.frontURL(c.must("nginx2"))}, Fleet: c.fleetFile(),
		Known: filepath.Join(c.Dir, "known_hosts"), SSHKey: filepath.Join(c.Dir, "keys", "id_ed25519"), SSHUser: c.user, Alerts: c.secrets.alerts,
		Pid: os.Getpid(), Control: c.socket(), Expected: Expected{Dump: c.dumps.right, Orders: c.dumps.orders},
		CA: c.authorityFile(), Resolver: c.resolver(),
	}
	for _, h := range c.hosts {
		x := HostDescription{Address: h.Address, SSHPort: sshPort, Root: h.Root}
		if strings.Contains(h.Roles, "nginx") {
			x.HTTPPort = h.HTTPPort
		}
		if h.Name == "primary" || h.Name == "standby" || strings.Contains(h.Roles, "spare") {
			x.MySQL = &MySQLDescription{Port: mysqlPort, Socket: h.socket(), User: "root", Password: c.secrets.mysql}
			x.Redis = &RedisDescription{Port: redisPort, Password: c.secrets.redis}
			x.Services = servicePorts
		}
		d.Hosts[h.Name] = x
	}
	return d
}

// writeDescription writes drill.json at once: who sees it sees all of it.
func (c *Company) writeDescription(d Description) error {
	b, err := json.MarshalIndent(d, "", "  ")
	if err != nil {
		return fmt.Errorf("encode drill.json: %w", err)
	}
	path := filepath.Join(c.Dir, "drill.json")
	if err := put(path+".new", 0o600, append(b, '\n')); err != nil {
		return err
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write drill.json: %w", err)
	}
	return nil
}

// freeHTTP returns addr, or where that was not given a free one near 127.0.0.1:8080.
func freeHTTP(addr string) (string, error) {
	if addr != "" {
		return addr, nil
	}
	for port := 8080; port < 8180; port++ {
		at := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		if l, err := net.Listen("tcp", at); err == nil {
			return at, l.Close()
		}
	}
	return "", fmt.Errorf("find a free port for the console: 8080 to 8179 are in use")
}

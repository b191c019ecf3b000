package fleet

import (
	"context"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"recoverbot/runbook"
)

// Options say how the bot reaches its fleet: where secrets come from, and which keys it has and trusts.
type Options struct {
	Getenv        func(string) string // for ${NAME} in fleet.yaml; nil: os.Getenv
	KeyFile       string              // private key; "" for none
	KeyPassphrase Secret
	KnownHosts    string // known_hosts file; every host key must be in it
	UseAgent      bool   // also offer the keys of the agent at AgentSocket
	AgentSocket   string // default: SSH_AUTH_SOCK of Getenv
}

// Timeouts of single operations; the context of a call may be shorter.
const (
	connectTimeout    = 5 * time.Second
	handshakeTimeout  = 6 * time.Second
	channelTimeout    = 10 * time.Second
	keepaliveEvery    = 5 * time.Second
	keepaliveDeadline = 5 * time.Second
	sqlTimeout        = 8 * time.Second
)

// Fleet is the machines of the current fleet.yaml with their pooled connections. It is safe for concurrent use.
type Fleet struct {
	opts     Options
	config   atomic.Pointer[Config]
	redactor Redactor
	signers  func() ([]ssh.Signer, error)
	known    knownHosts

	now struct { // what Now read last
		sync.Mutex
		text   []byte
		wrong  error // of the text
		config *Config
	}

	mu     sync.Mutex
	pool   map[poolKey]*Client
	dials  map[poolKey]*dialling
	closed bool
	stop   chan struct{} // closed by Close
	wg     sync.WaitGroup
}

// Open reads and validates fleet.yaml; no host is contacted. An invalid file is a *ConfigError.
func Open(path string, opts Options) (*Fleet, error) {
	if opts.Getenv == nil {
		opts.Getenv = os.Getenv
	}
	cfg, err := LoadConfig(path, opts.Getenv)
	if err != nil {
		return nil, err
	}
	f := &Fleet{
		opts:  opts,
		known: knownHosts{file: opts.KnownHosts},
		pool:  map[poolKey]*Client{},
		dials: map[poolKey]*dialling{},
		stop:  make(chan struct{}),
	}
	if f.signers, err = loadSigners(opts); err != nil {
		return nil, err
	}
	f.redactor.Add(opts.KeyPassphrase.Reveal())
	if key, err := os.ReadFile(opts.KeyFile); err == nil { // else there is none: loadSigners has looked
		f.redactor.Add(string(key))
	}
	f.use(cfg)
	return f, nil
}

func (f *Fleet) use(cfg *Config) {
	for _, d := range cfg.Databases {
		f.redactor.Add(d.Password.Reveal())
	}
	f.redactor.Add(cfg.Redis.Password.Reveal())
	f.redactor.Spare(cfg.names()...)
	f.config.Store(cfg)
}

// names are the words of fleet.yaml that runs are stored with.
func (c *Config) names() []string {
	out := runbook.Words()
	for _, h := range c.Hosts {
		out = append(out, h.Name)
	}
	for _, d := range c.Databases {
		out = append(out, d.Name)
	}
	for _, s := range c.Services {
		out = append(out, s.Name)
	}
	for _, p := range c.People {
		out = append(out, p.Name)
	}
	return out
}

// Config returns the current configuration; Reload may replace it, never change it.
func (f *Fleet) Config() *Config { return f.config.Load() }

// Reload reads fleet.yaml again and puts it in force; an invalid file changes nothing.
func (f *Fleet) Reload(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	cfg, err := LoadConfig(f.Config().Path(), f.opts.Getenv)
	if err != nil {
		return err
	}
	f.use(cfg)
	return nil
}

// Getenv is a variable of the bot: of its settings, which may come from a file, else of its environment.
func (f *Fleet) Getenv(name string) string {
	if v := f.opts.Getenv(name); v != "" {
		return v
	}
	return os.Getenv(name)
}

// Redactor is the set of secrets that must not reach anyone.
func (f *Fleet) Redactor() *Redactor { return &f.redactor }

// Close ends every connection and waits for what served them. Calling it again is harmless.
func (f *Fleet) Close() error {
	f.mu.Lock()
	if !f.closed {
		f.closed = true
		close(f.stop)
	}
	clients := make([]*Client, 0, len(f.pool))
	for _, c := range f.pool {
		clients = append(clients, c)
	}
	f.mu.Unlock()
	for _, c := range clients {
		c.close(errClosed)
	}
	f.wg.Wait()
	return nil
}

var errClosed = runbook.Errorf(runbook.Unavailable, "fleet.closed")

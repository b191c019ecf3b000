// Package server starts private instances of the real servers (sshd, MariaDB, redis, nginx) on loopback addresses, in
// directories of their own, for the drill and for tests. Every instance dies with the process that started it.
package server

import (
	"context"
	"os"
)

// CONTRACT (being implemented).

// Process is one running server.
type Process struct{}

// Pid of the server's main process.
func (p *Process) Pid() int { panic("contract") }

// Stop ends the server and waits for it; calling it again is harmless.
func (p *Process) Stop() error { panic("contract") }

// Kill is kill -9 of the server and of everything it started (for sshd: its sessions).
func (p *Process) Kill() error { panic("contract") }

// Signal reaches the server and everything it started: SIGSTOP freezes it.
func (p *Process) Signal(sig os.Signal) error { panic("contract") }

// SSHD is a private sshd.
type SSHD struct {
	*Process
	Address string
	Port    int
	HostKey string // authorized_keys form of its ed25519 host key
}

// SSHDOptions configure StartSSHD. Port 0 picks a free one.
type SSHDOptions struct {
	Dir           string // config, host key, pid file; made if missing; an existing host key is kept
	Address       string
	Port          int
	AuthorizedKey string            // authorized_keys line that may log in as the current user
	Env           map[string]string // SetEnv of every session, e.g. PATH
}

// StartSSHD starts sshd and returns when it answers.
func StartSSHD(ctx context.Context, o SSHDOptions) (*SSHD, error) { panic("contract") }

// MariaDB is a private mariadbd.
type MariaDB struct {
	*Process
	Address string
	Port    int
	Socket  string
}

// MariaDBOptions configure StartMariaDB. root logs in through the socket with RootPassword (empty: none).
type MariaDBOptions struct {
	Dir          string // datadir inside; initialised from a cached template when empty
	Address      string
	Port         int
	Socket       string // short: a unix path holds 107 bytes
	RootPassword string
	Flags        []string // further mariadbd options
}

// StartMariaDB starts mariadbd (binlog on, durable settings) and returns when it answers.
func StartMariaDB(ctx context.Context, o MariaDBOptions) (*MariaDB, error) { panic("contract") }

// Redis is a private redis-server.
type Redis struct {
	*Process
	Address string
	Port    int
}

// RedisOptions configure StartRedis.
type RedisOptions struct {
	Dir, Address, Password string
	Port                   int
}

// StartRedis starts redis-server and returns when it answers.
func StartRedis(ctx context.Context, o RedisOptions) (*Redis, error) { panic("contract") }

// Nginx is a private nginx.
type Nginx struct{ *Process }

// StartNginx starts nginx with the configuration file (which must not daemonise) and returns when it runs.
// prefix is its -p directory.
func StartNginx(ctx context.Context, prefix, conf string) (*Nginx, error) { panic("contract") }

// FreePort returns a port that is free on the address now.
func FreePort(address string) (int, error) { panic("contract") }

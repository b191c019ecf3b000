package server

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"sort"
	"strconv"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

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
func StartSSHD(ctx context.Context, o SSHDOptions) (*SSHD, error) {
	path, err := Find("sshd")
	if err != nil {
		return nil, err
	}
	if o.Dir, err = makeDir(o.Dir); err != nil {
		return nil, err
	}
	if o.Port == 0 {
		if o.Port, err = FreePort(o.Address); err != nil {
			return nil, err
		}
	}
	key, err := HostKey(filepath.Join(o.Dir, "host_ed25519"))
	if err != nil {
		return nil, err
	}
	if os.Geteuid() == 0 { // its privilege separation directory, which Debian's unit makes
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			return nil, fmt.Errorf("make sshd's run directory: %w", err)
		}
	}
	log := filepath.Join(o.Dir, "sshd.log")
	keys := filepath.Join(o.Dir, "authorized_keys")
	if err := os.WriteFile(keys, []byte(strings.TrimSpace(o.AuthorizedKey)+"\n"), 0o600); err != nil {
		return nil, fmt.Errorf("write authorized_keys: %w", err)
	}
	conf := filepath.Join(o.Dir, "sshd_config")
	if err := os.WriteFile(conf, []byte(sshdConfig(ctx, path, o, log)), 0o600); err != nil {
		return nil, fmt.Errorf("write sshd_config: %w", err)
	}
	p, err := Spawn(Command{Name: "sshd", Path: path, Args: []string{"-D", "-e", "-f", conf}, Dir: o.Dir, Env: Environment(), Log: log})
	if err != nil {
		return nil, err
	}
	s := &SSHD{Process: p, Address: o.Address, Port: o.Port, HostKey: key}
	return s, ready(ctx, p, s.greets)
}

// greets reads the version line.
func (s *SSHD) greets(ctx context.Context) error {
	d := net.Dialer{Timeout: time.Second}
	c, err := d.DialContext(ctx, "tcp", net.JoinHostPort(s.Address, strconv.Itoa(s.Port)))
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		return err
	}
	line, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return err
	}
	if !strings.HasPrefix(line, "SSH-2.0-") {
		return fmt.Errorf("not an SSH server: %q", line)
	}
	return nil
}

func sshdConfig(ctx context.Context, path string, o SSHDOptions, log string) string {
	env := append(markers(log), "SHLVL=1") // bash as a login shell's child leaves the user's own ~/.bashrc alone
	for k, v := range o.Env {
		env = append(env, k+"="+v)
	}
	sort.Strings(env)
	for i, e := range env {
		env[i] = strconv.Quote(e)
	}
	pam := "no"
	if locked() { // without PAM, sshd refuses accounts whose password is locked, also by key
		pam = "yes"
	}
	lines := []string{
		"Port " + strconv.Itoa(o.Port),
		"ListenAddress " + o.Address,
		"HostKey " + filepath.Join(o.Dir, "host_ed25519"),
		"PidFile " + filepath.Join(o.Dir, "sshd.pid"),
		"AuthorizedKeysFile " + filepath.Join(o.Dir, "authorized_keys"),
		"AuthenticationMethods publickey", "PubkeyAuthentication yes", "PasswordAuthentication no", "KbdInteractiveAuthentication no",
		"PermitRootLogin prohibit-password", "UsePAM " + pam, "StrictModes no", "AcceptEnv none", "PermitUserEnvironment no", "PermitUserRC no",
		"PrintMotd no", "PrintLastLog no", "LogLevel ERROR", "MaxStartups 200:30:400", "MaxSessions 200", "MaxAuthTries 20",
		"AllowTcpForwarding yes", "AllowStreamLocalForwarding yes", "X11Forwarding no",
		"Subsystem sftp internal-sftp",
		"SetEnv " + strings.Join(env, " "), // sshd counts the first such line only
	}
	if newerThan(ctx, path, 9, 8) {
		lines = append(lines, "PerSourcePenalties no")
	}
	return strings.Join(lines, "\n") + "\n"
}

// locked reports whether the current user's password is locked; only root can tell.
func locked() bool {
	u, err := user.Current()
	if err != nil {
		return false
	}
	b, err := os.ReadFile("/etc/shadow")
	if err != nil {
		return false
	}
	for line := range strings.SplitSeq(string(b), "\n") {
		if rest, ok := strings.CutPrefix(line, u.Username+":"); ok {
			return strings.HasPrefix(rest, "!")
		}
	}
	return false
}

var opensshVersion = regexp.MustCompile(`OpenSSH_(\d+)\.(\d+)`)

func newerThan(ctx context.Context, path string, major, minor int) bool {
	out, _ := exec.CommandContext(ctx, path, "-V").CombinedOutput() // old ones exit 1 and say it in their usage
	m := opensshVersion.FindStringSubmatch(string(out))
	if m == nil {
		return false
	}
	a, _ := strconv.Atoi(m[1])
	b, _ := strconv.Atoi(m[2])
	return a > major || (a == major && b >= minor)
}

// HostKey makes an ed25519 key file unless it is there, and returns the public key as an authorized_keys line without
// a comment.
func HostKey(file string) (string, error) {
	b, err := os.ReadFile(file)
	if errors.Is(err, os.ErrNotExist) {
		_, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return "", fmt.Errorf("make a key: %w", err)
		}
		block, err := ssh.MarshalPrivateKey(private, "")
		if err != nil {
			return "", fmt.Errorf("encode a key: %w", err)
		}
		b = pem.EncodeToMemory(block)
		if err := os.WriteFile(file, b, 0o600); err != nil {
			return "", fmt.Errorf("write a key: %w", err)
		}
	} else if err != nil {
		return "", fmt.Errorf("read a key: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(b)
	if err != nil {
		return "", fmt.Errorf("parse key %s: %w", file, err)
	}
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(signer.PublicKey()))), nil
}

// makeDir makes a directory for a server and returns its path with links resolved, as /proc will show it.
func makeDir(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("make a server's directory: %w", err)
	}
	if err := os.MkdirAll(abs, 0o755); err != nil {
		return "", fmt.Errorf("make a server's directory: %w", err)
	}
	real, err := filepath.EvalSymlinks(abs)
	if err != nil {
		return "", fmt.Errorf("make a server's directory: %w", err)
	}
	return real, nil
}

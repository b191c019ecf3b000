package fleet

import (
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"recoverbot/runbook"
)

// loadSigners reads the key file once, so that a bad key or passphrase shows at start; the agent is asked at each
// log-in, since its keys come and go.
func loadSigners(o Options) (func() ([]ssh.Signer, error), error) {
	var own []ssh.Signer
	if o.KeyFile != "" {
		s, err := readKey(o.KeyFile, o.KeyPassphrase)
		if err != nil {
			return nil, err
		}
		own = append(own, s)
	}
	socket := o.AgentSocket
	if socket == "" && o.UseAgent {
		socket = o.Getenv("SSH_AUTH_SOCK")
	}
	return func() ([]ssh.Signer, error) {
		signers := own
		if o.UseAgent && socket != "" {
			more, err := agentSigners(socket)
			if err != nil && len(own) == 0 {
				return nil, &runbook.Error{Code: runbook.Unavailable, Err: err, Msg: runbook.T("fleet.agent_failed")}
			}
			signers = append(append([]ssh.Signer(nil), own...), more...)
		}
		if len(signers) == 0 {
			return nil, runbook.Errorf(runbook.Invalid, "fleet.no_key")
		}
		return signers, nil
	}, nil
}

func readKey(file string, passphrase Secret) (ssh.Signer, error) {
	bad := func(id string, err error, more ...any) error {
		return &runbook.Error{Code: runbook.Invalid, Err: err, Msg: runbook.T(id, append([]any{"file", file}, more...)...)}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, bad("fleet.key_unreadable", fmt.Errorf("read ssh key: %w", err), "why", unreadable(err))
	}
	var s ssh.Signer
	if passphrase != "" {
		s, err = ssh.ParsePrivateKeyWithPassphrase(text, []byte(passphrase.Reveal()))
		if err == nil {
			return s, nil
		}
	}
	plain, perr := ssh.ParsePrivateKey(text) // also a key without passphrase where one was configured for nothing
	var missing *ssh.PassphraseMissingError
	switch {
	case perr == nil:
		return plain, nil
	case errors.As(perr, &missing) && passphrase == "":
		return nil, bad("fleet.key_needs_passphrase", perr)
	case errors.As(perr, &missing):
		return nil, bad("fleet.key_bad_passphrase", err)
	}
	return nil, bad("fleet.key_unreadable", perr, "why", runbook.T("fleet.file_no_key"))
}

// agentSigners returns signers that each ask the agent anew: the agent's connection is not kept.
func agentSigners(socket string) ([]ssh.Signer, error) {
	var keys []*agent.Key
	err := withAgent(socket, func(a agent.ExtendedAgent) (err error) {
		keys, err = a.List()
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("ask ssh agent: %w", err)
	}
	out := make([]ssh.Signer, 0, len(keys))
	for _, k := range keys {
		out = append(out, &agentSigner{socket: socket, key: k})
	}
	return out, nil
}

func withAgent(socket string, do func(agent.ExtendedAgent) error) error {
	conn, err := net.DialTimeout("unix", socket, 2*time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
	return do(agent.NewClient(conn))
}

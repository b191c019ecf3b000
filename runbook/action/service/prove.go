package service

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"

	"recoverbot/runbook"
	"recoverbot/runbook/appconfig"
	"recoverbot/runbook/fleet"
)

// proof is what logging in with a service's own credentials, from its own host, has shown.
type proof struct {
	config config
	facts  []runbook.Msg
	open   []runbook.OpenItem
}

const maxConfig = 4 << 20

// prove reads the service's config file and tries everything in it that is a MySQL or a redis. What fails is a
// *runbook.Error whose message says what; it never holds a password. Every password joins the fleet's Redactor.
func (s *service) prove(ctx context.Context, c *fleet.Client, h fleet.Host, svc fleet.Service) (proof, error) {
	var p proof
	if svc.Config == "" {
		return p, runbook.Errorf(runbook.Invalid, "service.no_config", "service", svc.Name)
	}
	name := h.Path(svc.Config)
	text, err := readFile(ctx, c, name)
	if errors.Is(err, fs.ErrNotExist) {
		return p, runbook.Errorf(runbook.NotFound, "service.config_missing", "service", svc.Name, "host", h.Name, "path", name)
	}
	if err != nil {
		return p, fmt.Errorf("read %s on %s: %w", name, h.Name, err)
	}
	sum := sha256.Sum256(text)
	p.config = config{Service: svc.Name, Path: name, SHA256: hex.EncodeToString(sum[:])}
	settings, err := appconfig.Parse(name, text)
	if err != nil {
		return p, &runbook.Error{Code: runbook.Invalid, Msg: runbook.T("service.config_bad", "service", svc.Name, "path", name), Err: err}
	}
	s.env.Fleet.Redactor().Add(settings.Secrets()...)
	if len(settings.MySQL)+len(settings.Redis) == 0 {
		p.facts = append(p.facts, runbook.T("service.config_nothing", "service", svc.Name, "path", name))
	}
	for _, m := range settings.MySQL {
		fact, open, err := s.proveMySQL(ctx, c, h, m)
		if err != nil {
			return p, within(svc, err)
		}
		p.facts = append(p.facts, fact)
		if !open.IsZero() {
			p.open = append(p.open, runbook.OpenItem{Text: runbook.T("service.open_database", "service", svc.Name, "what", open), Step: s.env.Step.ID})
		}
	}
	for _, r := range settings.Redis {
		if err := proveRedis(ctx, c, r); err != nil {
			return p, within(svc, err)
		}
		p.facts = append(p.facts, runbook.T("service.redis_ok", "address", hostPort(r.Host, r.Port)))
	}
	return p, nil
}

// within says of which service a failed proof is.
func within(svc fleet.Service, err error) error {
	var e *runbook.Error
	if !errors.As(err, &e) {
		return err
	}
	return &runbook.Error{Code: e.Code, Msg: runbook.T("service.proof_failed", "service", svc.Name, "why", e.Msg), Err: e.Err}
}

func readFile(ctx context.Context, c *fleet.Client, name string) ([]byte, error) {
	files, err := c.SFTP(ctx)
	if err != nil {
		return nil, err
	}
	defer files.Close()
	f, err := files.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.LimitReader(f, maxConfig+1))
}

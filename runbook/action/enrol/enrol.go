// Package enrol is the action that takes a new machine in: its host key is compared by a person with the provider's
// console, pinned, and proved by a log-in. From then on the run knows the machine by a name.
package enrol

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/crypto/ssh"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/fleet"
)

// Spec is what a step of this kind says under `with:`; all but Bind and Roles may be references.
type Spec struct {
	Name    string   `yaml:"name"`
	Address string   `yaml:"address"`
	Port    string   `yaml:"port"`
	User    string   `yaml:"user"`
	DNSIP   string   `yaml:"dns_ip"`
	Bind    string   `yaml:"bind"` // how the run's other steps call the machine; default new
	Roles   []string `yaml:"roles"`
}

// Validate demands a name and an address.
func (s *Spec) Validate() error {
	if s.Name == "" || s.Address == "" {
		return errors.New("name and address are needed")
	}
	return nil
}

func (s *Spec) bind() string {
	if s.Bind == "" {
		return "new"
	}
	return s.Bind
}

// Kind is this kind's entry in the list of actions.
func Kind() action.Kind {
	return action.Kind{
		Name: "enrol",
		Spec: func() any { return &Spec{} },
		New: func(spec any, env action.Env) (action.Action, error) {
			return &enrol{spec: spec.(*Spec), env: env}, nil
		},
	}
}

type enrol struct {
	spec *Spec
	env  action.Env
}

// effect is what an approval is bound to: this machine with this key.
type effect struct {
	Host fleet.Host `json:"host"`
	Bind string     `json:"bind"`
	Type string     `json:"type"`
	Key  string     `json:"key"` // SHA256 fingerprint
}

func (e effect) values() (map[string]string, error) {
	host, err := json.Marshal(e.Host)
	if err != nil {
		return nil, fmt.Errorf("encode host: %w", err)
	}
	return map[string]string{"host": string(host), "bind": e.Bind, "name": e.Host.Name, "address": e.Host.Address}, nil
}

func (a *enrol) Plan(ctx context.Context) (runbook.Plan, error) {
	p, err := a.plan(ctx)
	if id := a.form(); id != "" && p.Verdict == runbook.Blocked {
		p.Facts = append(p.Facts, runbook.T("enrol.correct", "step", id))
	}
	return p, err
}

// form is the done step whose answers describe the machine; empty: there is none.
func (a *enrol) form() string {
	ref, _ := strings.CutPrefix(a.spec.Address, "$step.")
	id, _, _ := strings.Cut(ref, ".")
	if s := a.env.Run.Step(id); s != nil && s.State == runbook.Done && s.Plan != nil && len(s.Plan.Form) > 0 {
		return id
	}
	return ""
}

func (a *enrol) plan(ctx context.Context) (runbook.Plan, error) {
	var p runbook.Plan
	h, err := a.host()
	if err != nil {
		return action.Cannot(p, err)
	}
	p.Effect.Host = h.Name
	p.Summary = runbook.T("enrol.summary", "host", h.Name, "address", h.Address, "port", h.Port, "user", h.User)
	eff := effect{Host: h, Bind: a.spec.bind()}
	client, err := a.env.Fleet.SSH(ctx, h)
	var hk *fleet.HostKeyError
	switch {
	case err == nil:
		p.Verdict, p.Why = runbook.Satisfied, runbook.T("enrol.satisfied", "host", h.Name, "fingerprint", client.Fingerprint())
		eff.Key = client.Fingerprint()
	case errors.As(err, &hk) && unknown(err):
		key, kerr := a.env.Fleet.PresentedKey(ctx, h)
		if kerr != nil {
			return action.Cannot(p, kerr)
		}
		eff.Type, eff.Key = key.Type(), ssh.FingerprintSHA256(key)
		p.Verdict = runbook.Ready
		p.Warnings = []runbook.Msg{runbook.T("enrol.compare", "host", h.Name, "address", h.Address)}
	default: // another key is pinned, the log-in is refused, nothing answers
		return action.Cannot(p, err)
	}
	p.Effect.Identity = eff.Key
	if p.Values, err = eff.values(); err != nil {
		return p, err
	}
	if p.Effect.Data, err = json.Marshal(eff); err != nil {
		return p, fmt.Errorf("encode effect: %w", err)
	}
	p.Effect.Exact = []runbook.Part{{Format: "text", Text: eff.exact()}}
	return p, nil
}

func (e effect) exact() string {
	return fmt.Sprintf("ssh %s@%s -p %d\n%s %s\n", e.Host.User, e.Host.Address, e.Host.Port, e.Type, e.Key)
}

// unknown tells a machine without a pinned key from one with another key.
func unknown(err error) bool {
	var e *runbook.Error
	return errors.As(err, &e) && e.Msg.ID == "fleet.unknown_key"
}

// Apply pins the key that was approved, if that is still what the machine presents, and logs in.
func (a *enrol) Apply(ctx context.Context, p runbook.Plan, _ runbook.Job, _ action.Output) (runbook.Result, error) {
	var eff effect
	if err := json.Unmarshal(p.Effect.Data, &eff); err != nil {
		return runbook.Result{}, action.Refuse(fmt.Errorf("decode effect: %w", err))
	}
	h, err := a.host()
	if err != nil {
		return runbook.Result{}, action.Refuse(err)
	}
	if !same(h, eff.Host) {
		return runbook.Result{}, action.Stale("enrol.changed", "host", h.Name)
	}
	key, err := a.env.Fleet.PresentedKey(ctx, h)
	if err != nil {
		return runbook.Result{}, action.Refuse(err)
	}
	if now := ssh.FingerprintSHA256(key); now != eff.Key {
		return runbook.Result{}, action.Stale("enrol.other_key", "host", h.Name, "planned", eff.Key, "now", now)
	}
	if err := a.env.Fleet.Pin(ctx, h, key); err != nil {
		return runbook.Result{}, action.Refuse(err)
	}
	r := runbook.Result{Outcome: runbook.OutcomeDone, Text: runbook.T("enrol.done", "host", h.Name, "fingerprint", eff.Key)}
	if r.Values, err = eff.values(); err != nil {
		return runbook.Result{}, err
	}
	if _, err := a.env.Fleet.SSH(ctx, h); err != nil {
		why := action.Refuse(err).Text
		return runbook.Result{Outcome: runbook.OutcomeFailed, Text: runbook.T("enrol.no_login", "host", h.Name, "user", h.User, "why", why)}, nil
	}
	return r, nil
}

// Resume finds out after a restart whether the approved key was pinned; it pins nothing.
func (a *enrol) Resume(ctx context.Context, p runbook.Plan, job runbook.Job, _ action.Output) (runbook.Result, error) {
	var eff effect
	if err := json.Unmarshal(p.Effect.Data, &eff); err != nil {
		return runbook.Result{}, fmt.Errorf("decode effect: %w", err)
	}
	ev, err := a.Look(ctx, p, job)
	if err != nil {
		return runbook.Result{}, err
	}
	switch ev.Took {
	case runbook.TookYes:
		values, err := eff.values()
		return runbook.Result{Outcome: runbook.OutcomeDone, Text: ev.Text, Values: values}, err
	case runbook.TookNo:
		return runbook.Result{}, &runbook.Refusal{Text: ev.Text}
	}
	return runbook.Result{Outcome: runbook.OutcomeUnknown, Text: ev.Text}, nil
}

// Look asks whether the bot can log in to the machine by the approved key.
func (a *enrol) Look(ctx context.Context, p runbook.Plan, _ runbook.Job) (runbook.Evidence, error) {
	h, err := a.host()
	if err != nil {
		return runbook.Evidence{}, err
	}
	client, err := a.env.Fleet.SSH(ctx, h)
	switch {
	case err == nil && client.Fingerprint() == p.Effect.Identity:
		return runbook.Evidence{Took: runbook.TookYes, Text: runbook.T("enrol.satisfied", "host", h.Name, "fingerprint", client.Fingerprint())}, nil
	case err != nil && unknown(err):
		return runbook.Evidence{Took: runbook.TookNo, Text: runbook.T("enrol.not_pinned", "host", h.Name)}, nil
	case err != nil:
		return runbook.Evidence{}, err
	}
	return runbook.Evidence{Took: runbook.TookUnclear, Text: runbook.T("enrol.other_key", "host", h.Name, "planned", p.Effect.Identity, "now", client.Fingerprint())}, nil
}

func same(a, b fleet.Host) bool {
	return a.Name == b.Name && a.Address == b.Address && a.Port == b.Port && a.User == b.User && a.DNSIP == b.DNSIP &&
		slices.Equal(a.Roles, b.Roles)
}

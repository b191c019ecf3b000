package nginx

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	udiff "github.com/aymanbagabas/go-udiff"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/fleet"
)

// change is the effect: what is done to which files, and what adding will put back.
type change struct {
	Conf    string    `json:"conf"`
	Do      string    `json:"do"` // remove, add, adopt, reload
	Machine string    `json:"machine"`
	Files   []file    `json:"files,omitempty"`
	Removed []removed `json:"removed,omitempty"`
	Open    []stays   `json:"open,omitempty"`
}

type file struct {
	Path   string `json:"path"` // symbolic links resolved
	Before string `json:"before"`
	After  string `json:"after"`
	Ops    []op   `json:"ops"`
	Diff   string `json:"diff"` // masked
}

// stays is a mention of a removed machine that nothing takes the place of.
type stays struct {
	File string `json:"file"`
	Line int    `json:"line"`
}

// Plan reads the configuration of the running master and works out the edits.
func (a *nginx) Plan(ctx context.Context) (runbook.Plan, error) {
	p, err := a.plan(ctx)
	if err != nil {
		return action.Cannot(p, err)
	}
	return p, nil
}

func (a *nginx) plan(ctx context.Context) (p runbook.Plan, err error) {
	target, err := a.env.Target()
	if err != nil {
		return p, err
	}
	if len(a.spec.Adopt) > 0 {
		return a.planAdopt(ctx, target)
	}
	other, err := a.machine()
	if err != nil {
		return p, err
	}
	p.Summary = runbook.T("nginx."+a.spec.mode(), "machine", other.Name, "address", strings.Join(other.Names(), ", "), "host", target.Name)
	m, err := a.look(ctx)
	if err != nil {
		return p, err
	}
	defer m.close()
	if err := a.passes(ctx, m); err != nil {
		return p, err
	}
	e, err := a.edits(m.tree, other)
	if err != nil {
		return p, err
	}
	ch, err := m.change(e, other.Name, a.spec.mode())
	if err != nil {
		return p, err
	}
	p.Warnings = mentioned(m.tree, a.spec, other)
	return a.finish(p, m, e, ch)
}

// passes is an error where nginx refuses its configuration before any change.
func (a *nginx) passes(ctx context.Context, m *machine) error {
	refusal, err := m.test(ctx)
	if err == nil && refusal != "" {
		err = runbook.Errorf(runbook.Unavailable, "nginx.broken", "host", m.host.Name, "why", a.env.Fleet.Redactor().Redact(refusal))
	}
	return err
}

// machine is what is taken out or put in. Several machines that are taken out together count as one that has all of
// their names.
func (a *nginx) machine() (fleet.Host, error) {
	if a.spec.Add != "" {
		return a.env.Host(a.spec.Add)
	}
	hosts, err := a.env.Hosts(a.spec.Remove)
	if err != nil {
		return fleet.Host{}, err
	}
	if len(hosts) == 0 {
		return fleet.Host{}, runbook.Errorf(runbook.Invalid, "fleet.not_one_host", "ref", a.spec.Remove, "count", 0)
	}
	one := hosts[0]
	one.Aliases = slices.Clone(one.Aliases)
	for _, h := range hosts[1:] {
		one.Name, one.Aliases = one.Name+", "+h.Name, append(one.Aliases, h.Names()...)
	}
	return one, nil
}

// edits works out what to do; a reference that is not known yet is a NeedsError.
func (a *nginx) edits(t *tree, other fleet.Host) (*edits, error) {
	if a.spec.Add != "" {
		port, err := a.env.Value(a.spec.Port)
		if err != nil {
			return nil, err
		}
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return nil, runbook.Errorf(runbook.Invalid, "nginx.bad_port", "port", port)
		}
		return checked(t.insert(other.Names(), other.Address, port, a.past()))
	}
	replacement := ""
	if a.spec.Replacement != "" {
		h, err := a.env.Host(a.spec.Replacement)
		if err != nil {
			return nil, err
		}
		replacement = h.Address
	}
	return checked(t.remove(other.Names(), replacement))
}

func checked(e *edits, err error) (*edits, error) {
	if err != nil {
		return nil, &runbook.Error{Code: runbook.Invalid, Msg: runbook.T("nginx.cannot_edit", "why", err.Error()), Err: err}
	}
	return e, nil
}

// past collects what earlier steps of the run took out of this host's configuration.
func (a *nginx) past() []removed {
	var out []removed
	for _, s := range a.env.Run.Steps {
		if s.Def.Kind != a.env.Step.Def.Kind || s.Host != a.env.Step.Host || s.ID == a.env.Step.ID {
			continue
		}
		var ch change
		switch {
		case s.Result != nil && s.Result.Values["removed"] != "":
			_ = json.Unmarshal([]byte(s.Result.Values["removed"]), &ch.Removed) // written below
		case s.Plan != nil && s.State == runbook.Done: // settled by evidence, without a result of its own
			_ = json.Unmarshal(s.Plan.Effect.Data, &ch)
		}
		out = append(out, ch.Removed...)
	}
	return out
}

// change turns edits into the effect, and proves that the new text still parses.
func (m *machine) change(e *edits, name, do string) (change, error) {
	ch := change{Conf: m.conf, Do: do, Machine: name, Removed: e.removed}
	for _, p := range e.open {
		ch.Open = append(ch.Open, stays{p.file, p.stmt.line})
	}
	seen := map[string]bool{}
	after := map[string][]byte{}
	for _, name := range slices.Sorted(maps.Keys(e.ops)) {
		real, err := m.sftp.RealPath(name)
		if err != nil {
			return ch, fmt.Errorf("resolve %s: %w", name, err)
		}
		old := m.tree.files[name]
		text, err := splice(old, e.ops[name])
		if err != nil {
			return ch, err
		}
		after[name] = text
		if seen[real] { // included by two names
			continue
		}
		seen[real] = true
		ch.Files = append(ch.Files, file{Path: real, Before: hash(old), After: hash(text), Ops: e.ops[name],
			Diff: mask(udiff.Unified(real, real, string(old), string(text)))})
	}
	if _, err := parse(m.conf, edited{m, after}); err != nil {
		return ch, &runbook.Error{Code: runbook.Invalid, Msg: runbook.T("nginx.cannot_edit", "why", err.Error()), Err: err}
	}
	return ch, nil
}

// finish decides the verdict.
func (a *nginx) finish(p runbook.Plan, m *machine, e *edits, ch change) (runbook.Plan, error) {
	p.Open = openItems(ch, m.host.Name)
	if len(ch.Files) == 0 {
		reloaded, err := m.inForce()
		if err != nil {
			return p, err
		}
		if reloaded || (a.spec.Add != "" && !e.found) {
			p.Verdict, p.Why = runbook.Satisfied, runbook.T("nginx.already_"+ch.Do, "machine", ch.Machine, "host", m.host.Name)
			if a.spec.Add != "" && !e.found {
				p.Why = runbook.T("nginx.no_upstream", "host", m.host.Name)
			}
			return p, nil
		}
		ch.Do = "reload"
		p.Summary = runbook.T("nginx.reload_only", "host", m.host.Name)
	}
	data, err := json.Marshal(ch)
	if err != nil {
		return p, fmt.Errorf("encode effect: %w", err)
	}
	p.Verdict = runbook.Ready
	p.Effect = runbook.Effect{Host: m.host.Name, Identity: m.is, Data: data, Exact: exact(ch, m.master != nil)}
	if m.master == nil {
		p.Facts = append(p.Facts, runbook.T("nginx.not_running", "host", m.host.Name, "conf", m.conf, "files", len(m.tree.files)))
		return p, nil
	}
	p.Facts = append(p.Facts, runbook.T("nginx.running", "pid", m.master.pid, "conf", m.conf, "files", len(m.tree.files)))
	return p, nil
}

func exact(ch change, runs bool) []runbook.Part {
	var parts []runbook.Part
	for _, f := range ch.Files {
		parts = append(parts, runbook.Part{Format: "diff", Label: f.Path, Text: f.Diff})
	}
	command := "nginx -t -c " + ch.Conf
	if runs {
		command += " && nginx -s reload -c " + ch.Conf
	}
	return append(parts, runbook.Part{Format: "command", Text: command})
}

func openItems(ch change, host string) []runbook.OpenItem {
	var out []runbook.OpenItem
	for _, s := range ch.Open {
		out = append(out, runbook.OpenItem{Text: runbook.T("nginx.left_in", "machine", ch.Machine, "host", host,
			"file", path.Base(s.File), "line", s.Line)})
	}
	return out
}

func mentioned(t *tree, spec *Spec, h fleet.Host) []runbook.Msg {
	if spec.Remove == "" {
		return nil
	}
	var out []runbook.Msg
	for _, p := range t.mentions(h.Names()) {
		out = append(out, runbook.T("nginx.mentioned", "machine", h.Name, "file", p.file, "line", p.stmt.line))
	}
	return out
}

var (
	secretValue = regexp.MustCompile(`(?i)((?:password|passwd|secret|token|api[-_]?key|authorization)["']?[\s=:]+)[^;\n]+`)
	urlUser     = regexp.MustCompile(`://[^\s/@]+@`)
)

// mask hides what may be a secret, equally on both sides of a diff.
func mask(diff string) string {
	var b strings.Builder
	for line := range strings.Lines(diff) {
		line = secretValue.ReplaceAllString(line, "${1}•••")
		b.WriteString(urlUser.ReplaceAllString(line, "://•••@"))
	}
	return b.String()
}

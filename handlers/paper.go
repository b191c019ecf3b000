package handlers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"recoverbot/locale"
	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/paper"
)

// PaperActions is what a paper runbook asks of package action.
type PaperActions interface {
	New(run runbook.Run, step runbook.StepRun) (runbook.Action, error)
	Probe(ctx context.Context, run runbook.Run, probes []runbook.Probe) []runbook.Finding
}

// PaperRequest says what to print.
type PaperRequest struct {
	Actions  PaperActions
	Run      runbook.Run // an ended dry run
	Language string
	Version  string
	Timeout  time.Duration // of one step that the dry run did not plan; 0: a minute
}

// Paper is a dry run as one document of commands, for the night when the bot itself is dead. It changes nothing.
func (h *Handlers) Paper(ctx context.Context, req PaperRequest) string {
	d := &paperwork{h: h, req: req, cfg: h.Fleet.Config(), say: h.printer(req.Language), run: req.Run}
	d.run.Steps = slices.Clone(req.Run.Steps)
	if d.req.Timeout == 0 {
		d.req.Timeout = time.Minute
	}
	var steps strings.Builder
	for i := range d.run.Steps {
		d.step(ctx, &steps, i)
	}
	return h.Fleet.Redactor().Redact(d.head(ctx) + steps.String())
}

// paperwork is one document in the making.
type paperwork struct {
	h      *Handlers
	req    PaperRequest
	cfg    *fleet.Config
	say    *locale.Printer
	run    runbook.Run // with what steps would leave to later ones
	top    []runbook.Msg
	blanks []runbook.Blank
	binds  []string // machines that are not known yet
}

// comment writes text as comments, whatever is in it.
func comment(b *strings.Builder, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		line = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) {
				return ' '
			}
			return r
		}, line)
		b.WriteString(strings.TrimRight("# "+line, " ") + "\n")
	}
}

func (d *paperwork) note(b *strings.Builder, id string, pairs ...any) {
	comment(b, d.say.T(id, pairs...))
}

// head is the top of the document: what it is, how the machines were, what is to be filled in.
func (d *paperwork) head(ctx context.Context) string {
	var b strings.Builder
	b.WriteString("#!/bin/sh\n")
	d.note(&b, "paper.title", "title", d.say.Text(d.run.Scenario.Title))
	if d.cfg.Drill {
		d.note(&b, "paper.drill")
	}
	command := commandOf(d.run.Scenario.Name, d.run.Params)
	now := d.h.Clock().UTC()
	d.note(&b, "paper.printed", "utc", now.Format("2006-01-02 15:04:05"), "at", now.Format(time.RFC3339), "version", d.req.Version, "scenario", command)
	comment(&b, "")
	for _, id := range []string{"paper.dead", "paper.alone", "paper.how", "paper.mysql", "paper.age"} {
		d.note(&b, id)
	}
	comment(&b, "  0 6 * * 1 cd /etc/recoverbot && /usr/local/bin/recoverbot plan "+command+" --as-shell | lp")
	if g, ok := d.run.Scenario.Guards["default"]; ok {
		d.note(&b, "paper.guard", "guard", g.Title)
	}
	comment(&b, "")
	d.note(&b, "paper.hosts")
	var probes []runbook.Probe
	for _, host := range d.cfg.Hosts {
		if !host.Retired {
			probes = append(probes, runbook.Probe{Kind: "ssh", Host: "host:" + host.Name})
		}
	}
	for _, f := range d.req.Actions.Probe(ctx, d.run, probes) {
		if host, ok := d.cfg.Host(f.Host); ok {
			d.note(&b, "paper.host", "state", f.Text, "address", host.Address, "port", host.Port, "roles", strings.Join(host.Roles, ", "))
		}
	}
	said := map[string]bool{}
	for _, m := range d.top {
		if text := d.say.Say(m); !said[text] {
			said[text] = true
			comment(&b, text)
		}
	}
	fmt.Fprintf(&b, "\ncase $- in *i*) ;; *) echo %s >&2; exit 1 ;; esac\n", paper.Quote(d.say.T("paper.whole")))
	b.WriteString("ask() { printf '%s ' \"$1\"; read -r RB_ANSWER; [ \"$RB_ANSWER\" = yes ]; }\n")
	if len(d.blanks) > 0 {
		b.WriteString("\n")
		d.note(&b, "paper.fill")
		check := ""
		for _, v := range d.blanks {
			b.WriteString(v.Name + "=" + paper.Quote(v.Value) + "   ")
			comment(&b, d.say.Say(v.Note))
			check += "$" + v.Name
		}
		fmt.Fprintf(&b, "case %s in *[!A-Za-z0-9._:-]*) echo %s >&2", check, paper.Quote(d.say.T("paper.bad_value")))
		for _, v := range d.blanks {
			b.WriteString("; " + v.Name + "=")
		}
		b.WriteString(" ;; esac\n")
	}
	return b.String()
}

// step writes one step, and notes what it would leave to later ones.
func (d *paperwork) step(ctx context.Context, b *strings.Builder, i int) {
	s := &d.run.Steps[i]
	title := d.say.Text(s.Def.Title)
	if s.Member != "" {
		title += " · " + s.Member
	}
	begin := b.Len()
	b.WriteString("\n")
	comment(b, strings.Repeat("─", 70))
	d.note(b, "paper.step", "number", i+1, "of", len(d.run.Steps), "title", title)
	if s.Def.DocLine != "" {
		d.note(b, "paper.doc", "line", s.Def.DocLine)
	}
	if s.Def.Danger {
		d.note(b, "paper.danger")
	}
	if s.Def.PointOfNoReturn {
		d.note(b, "paper.no_return")
	}
	if len(s.Def.Needs) > 0 {
		d.note(b, "paper.needs", "steps", strings.Join(d.titles(s.Def.Needs), "; "))
	}
	d.when(b, i)
	if s.Note.ID == "engine.no_members" {
		comment(b, d.say.Say(s.Note))
		return
	}
	sheet, err := d.sheet(ctx, b, s)
	if err != nil {
		d.note(b, "paper.not_planned", "why", d.say.Say(messageOf(err)))
		return
	}
	for _, t := range sheet.Typed {
		if t.Script == "" && strings.Contains(b.String()[begin:], d.say.Say(t.Note)) {
			continue // the plan's summary said so
		}
		d.typed(b, t)
	}
	d.top = append(d.top, sheet.Head...)
	for _, v := range sheet.Blanks {
		if slices.ContainsFunc(d.blanks, func(o runbook.Blank) bool { return o.Name == v.Name }) {
			continue
		}
		d.blanks = append(d.blanks, v)
	}
	if sheet.Machine != "" {
		d.binds = append(d.binds, sheet.Machine)
	}
	s.State, s.Result = runbook.Done, &runbook.Result{Outcome: runbook.OutcomeDone, Values: sheet.Values}
}

// when says in which case a step is done at all: the machine may answer by the time the paper is used, or no longer.
func (d *paperwork) when(b *strings.Builder, i int) {
	s := d.run.Steps[i]
	next := 0
	if i+1 < len(d.run.Steps) {
		next = i + 2
	}
	for _, p := range s.Def.When {
		host := strings.Join(d.run.Bindings[p.Host], ", ")
		switch {
		case p.Host == "member":
			host = s.Member
		case host == "":
			host = strings.TrimPrefix(p.Host, "host:")
		}
		id, down := "paper.when", p.Expect == "down"
		switch {
		case p.Kind == "ssh" && down:
			id = "paper.when_no_ssh"
		case p.Kind == "ssh":
			id = "paper.when_ssh"
		}
		d.note(b, id, "host", host, "what", strings.TrimSpace(p.Kind+" "+p.Service+p.Database), "down", down, "next", next)
	}
}

// onNew reports whether something is done on a machine that nobody has yet.
func (d *paperwork) onNew(t runbook.Typed, text string) bool {
	if _, known := d.cfg.Host(t.Host); t.Host != "" && !known {
		return true
	}
	return slices.ContainsFunc(d.binds, func(bind string) bool { return strings.Contains(text, "${"+paper.Variable(bind, "USER")+":?}") })
}

func messageOf(err error) runbook.Msg {
	var e *runbook.Error
	if errors.As(err, &e) {
		return e.Msg
	}
	return runbook.T("paper.no_paper")
}

// titles are those of the steps and groups that a step needs.
func (d *paperwork) titles(refs []string) []string {
	var out []string
	for _, ref := range refs {
		name := ref
		for n, s := range d.run.Steps {
			if s.ID == ref || s.Group == ref {
				name = fmt.Sprintf("%d %s", n+1, d.say.Text(s.Def.Title))
				break
			}
		}
		out = append(out, name)
	}
	return out
}

// sheet asks the step's action, with the plan of the dry run, or one made now where the dry run needed none.
func (d *paperwork) sheet(ctx context.Context, b *strings.Builder, s *runbook.StepRun) (runbook.Sheet, error) {
	s.Result = nil
	a, err := d.req.Actions.New(d.run, *s)
	if err != nil {
		return runbook.Sheet{}, err
	}
	p, ok := a.(runbook.Paper)
	if !ok {
		return runbook.Sheet{}, runbook.Errorf(runbook.Invalid, "paper.no_paper")
	}
	var plan runbook.Plan
	if s.Plan != nil {
		plan = *s.Plan
	}
	if s.Note.ID == "engine.not_needed" {
		ctx, cancel := context.WithTimeout(ctx, d.req.Timeout)
		defer cancel()
		if plan, err = a.Plan(ctx); err != nil {
			plan = runbook.Plan{Verdict: runbook.Blocked, Why: messageOf(err)}
		}
	}
	switch {
	case s.State == runbook.Failed:
		d.note(b, "paper.not_planned", "why", s.Note)
	case plan.Verdict == runbook.Satisfied && !plan.Why.IsZero():
		d.note(b, "paper.satisfied", "why", plan.Why)
	case len(plan.Effect.Data) == 0 && plan.Verdict == runbook.Blocked:
		d.note(b, "paper.not_planned", "why", plan.Why)
	case !plan.Summary.IsZero():
		d.note(b, "paper.ready", "summary", plan.Summary)
	}
	return p.Paper(plan), nil
}

// typed writes one thing to type.
func (d *paperwork) typed(b *strings.Builder, t runbook.Typed) {
	if !t.Note.IsZero() {
		comment(b, paper.Shown(d.say.Say(t.Note), d.binds))
	}
	if t.Script == "" {
		return
	}
	text := paper.Own(t.Script, d.binds)
	if t.Host != "" {
		host, ok := d.cfg.Host(t.Host)
		if !ok {
			host = paper.Unknown(t.Host)
			d.note(b, "paper.on", "host", host.Name, "address", "$"+paper.Variable(host.Name, "ADDRESS"))
		} else {
			d.note(b, "paper.on", "host", host.Name, "address", host.Address)
		}
		text = paper.On(d.cfg, host, t, d.binds)
	}
	if d.cfg.Drill && d.onNew(t, text) {
		text = "if :; then echo " + paper.Quote(d.say.T("paper.drill_refuses")) + " >&2; else\n" + text + "fi\n"
	}
	if t.Ask {
		text = "if ask " + paper.Quote(d.say.T("paper.ask")) + "; then\n" + text + "fi\n"
	}
	b.WriteString(text + "\n")
}

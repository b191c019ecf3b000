package restore

import (
	"context"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/fleet"
)

// rehearsal loads the newest dump as a restore would, into a scratch schema of its own name and at low priority, compares
// and measures it, and drops it again. It never comes near the live schema, nor in the way of a restore.
type rehearsal struct{ r *restore }

var (
	_ runbook.Action   = (*rehearsal)(nil)
	_ runbook.Resumer  = (*rehearsal)(nil)
	_ runbook.Looker   = (*rehearsal)(nil)
	_ runbook.Canceler = (*rehearsal)(nil)
)

// gentleScript is helperScript for a machine that has other work.
const gentleScript = `chmod 700 "$RB_HELPER" || exit 1
command -v ionice >/dev/null && exec nice -n 19 ionice -c 3 "$RB_HELPER" load-dump
exec nice -n 19 "$RB_HELPER" load-dump
`

const rehearsalMark = "_rehearsal_"

var rehearsalSuffix = regexp.MustCompile(`^` + rehearsalMark + `[0-9a-f]{6}$`)

// Plan shows which dump would be tried where.
func (a *rehearsal) Plan(ctx context.Context) (runbook.Plan, error) {
	var p runbook.Plan
	r := a.r
	x, err := r.reach(ctx, "")
	if err != nil {
		return action.Cannot(p, err)
	}
	defer x.s.close()
	p.Summary = runbook.T("restore.rehearse_none", "database", x.d.Schema, "host", x.h.Name)
	p.Effect.Host = x.h.Name
	hosts, err := r.env.Hosts(r.spec.From...)
	if err != nil {
		return action.Cannot(p, err)
	}
	f, e, err := r.pick(ctx, &p, hosts, x.d, x.h)
	if err != nil || f.chosen == nil {
		return p, err
	}
	p.Summary = runbook.T("restore.rehearse", "database", x.d.Schema, "host", x.h.Name, "file", f.chosen.name, "source", f.chosen.host.Name)
	e.Scratch, e.Rehearse = clip(x.d.Schema)+rehearsalMark+f.in.sha[:6], true
	t, err := r.lookAtTarget(ctx, x.h, x.d, nil)
	if err != nil {
		return action.Cannot(p, err)
	}
	left, err := leftOvers(ctx, x.s, x.d.Schema)
	if err != nil {
		return action.Cannot(p, sqlError(err, x.h))
	}
	e.Leftover = left
	e.Dir, e.Stream = t.dir, !t.barred.IsZero()
	if err := r.room(ctx, &t, e, x.h); err != nil {
		return action.Cannot(p, err)
	}
	if p.Effect, err = toEffect(e, x.h.Name, t.identity); err != nil {
		return p, err
	}
	r.judge(ctx, &p, f.all, *f.chosen, e, t, x.h)
	r.previous(ctx, &p, *f.chosen, f.in, rank(f.all, x.h), x.d.Schema)
	p.Facts = append(p.Facts, runbook.T("restore.rehearse_gentle", "stream", e.Stream))
	p.Values = nil // nothing live is touched, and nothing is lost
	if x.h.HasRole("primary") {
		p.Verdict, p.Why = runbook.Blocked, runbook.T("restore.rehearse_primary", "host", x.h.Name)
	}
	return p, nil
}

// leftOvers are the scratch schemas of rehearsals that were cut off.
func leftOvers(ctx context.Context, s *session, schema string) ([]string, error) {
	var all, out []string
	if err := s.conn.SelectContext(ctx, &all, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA ORDER BY SCHEMA_NAME"); err != nil {
		return nil, err
	}
	for _, name := range all {
		if rest, ok := strings.CutPrefix(name, clip(schema)); ok && rehearsalSuffix.MatchString(rest) {
			out = append(out, name)
		}
	}
	return out, nil
}

// Apply brings the dump, loads it and drops it again.
func (a *rehearsal) Apply(ctx context.Context, p runbook.Plan, job runbook.Job, out runbook.Output) (runbook.Result, error) {
	r := a.r
	lctx, at, end := r.attempts.begin(ctx, job, false)
	defer end()
	e, x, err := r.asPlanned(ctx, p)
	if err != nil {
		return runbook.Result{}, err
	}
	defer x.s.close()
	m := newMeter(out)
	defer m.close()
	for _, name := range e.Leftover {
		if err := r.dropScratch(ctx, x.h, x.d, effect{Schema: e.Schema, Scratch: name, Rehearse: true}); err != nil {
			return runbook.Result{}, action.Refuse(err)
		}
	}
	l := &lines{out: out, meter: m}
	ended, brought, err := r.carry(lctx, at, p, e, x.h, x.d, x.c, job, l)
	if err != nil {
		r.cleanRefused(ctx, x.c, e, x.h, job, err)
		return runbook.Result{}, err
	}
	return a.ended(ctx, p, e, x.h, x.d, job, ended, l, brought)
}

// Resume waits for a load that goes on without the bot.
func (a *rehearsal) Resume(ctx context.Context, p runbook.Plan, job runbook.Job, out runbook.Output) (runbook.Result, error) {
	_, _, end := a.r.attempts.begin(ctx, job, true)
	defer end()
	e, h, d, err := a.r.planned(p)
	if err != nil {
		return runbook.Result{}, err
	}
	m := newMeter(out)
	defer m.close()
	l := &lines{out: out, meter: m}
	ended, err := a.r.reattach(ctx, e, h, p.Effect.Identity, job, l)
	if err != nil {
		return runbook.Result{}, err
	}
	return a.ended(ctx, p, e, h, d, job, ended, l, 0)
}

// ended drops what was loaded and says what is known of the dump now.
func (a *rehearsal) ended(ctx context.Context, p runbook.Plan, e effect, h fleet.Host, d fleet.Database, job runbook.Job, ended action.Ended, l *lines, brought time.Duration) (runbook.Result, error) {
	r := a.r
	if c, err := r.env.Connect(ctx, h, p.Effect.Identity); err == nil {
		r.clean(ctx, c, e, h, job)
		r.removeCopy(ctx, e, h, c)
	}
	res := runbook.Result{Outcome: runbook.OutcomeDone, Values: map[string]string{
		"rehearsed": e.Database, "dump": e.Name, "dump_host": e.Source, "load_host": h.Name,
	}}
	switch {
	case l.report != nil && ended.Status == fleet.JobExited && ended.Exit == 0:
		var rows int64
		newest := ""
		for _, t := range l.report.Tables {
			rows += t.Rows
			newest = max(newest, t.Newest)
		}
		res.Values["bytes"], res.Values["load_seconds"] = strconv.FormatInt(e.Bytes, 10), seconds(l.report.Seconds)
		res.Text = runbook.T("restore.rehearsed", "lacks", join(lacking(p, e)), "file", e.Name, "source", e.Source, "host", h.Name, "tables", len(l.report.Tables), "rows", rows,
			"newest", newest, "seconds", l.report.Seconds, "brought", brought.Seconds(), "bytes", e.Bytes)
	default:
		why := l.why(e, h, ended)
		res.Outcome, res.Text = runbook.OutcomeFailed, runbook.T("restore.rehearsal_failed", "file", e.Name, "source", e.Source, "why", why)
		if !l.bad { // that tells nothing of the dump
			delete(res.Values, "rehearsed")
			res.Text = runbook.T("restore.rehearsal_stopped", "file", e.Name, "host", h.Name, "why", why)
		}
	}
	err := r.dropScratch(ctx, h, d, e)
	if l.report == nil && l.changed { // since the plan: it is made anew, and people are asked anew
		refusal := &runbook.Refusal{Text: l.why(e, h, ended), Stale: true}
		if err != nil {
			refusal.Text = runbook.T("restore.scratch_left", "why", refusal.Text, "scratch", e.Scratch)
		}
		return runbook.Result{}, refusal
	}
	if err != nil {
		res.Open = append(res.Open, runbook.OpenItem{Text: runbook.T("restore.rehearsal_left", "scratch", e.Scratch, "host", h.Name)})
	}
	return res, nil
}

// lacking are the tables that the plan has missed in the dump.
func lacking(p runbook.Plan, e effect) []string {
	var out []string
	if e.NotEmpty != "" && !slices.Contains(e.Tables, e.NotEmpty) {
		out = append(out, e.NotEmpty)
	}
	for _, m := range p.Warnings {
		tables, _ := m.Args["tables"].(string)
		if m.ID != "restore.tables_missing" {
			continue
		}
		for _, name := range strings.Split(tables, ", ") {
			if !slices.Contains(out, name) {
				out = append(out, name)
			}
		}
	}
	return out
}

func seconds(v float64) string { return strconv.FormatFloat(v, 'f', 1, 64) }

// Cancel ends the helper and drops what it has loaded: a recovery needs the machine.
func (a *rehearsal) Cancel(ctx context.Context, p runbook.Plan, job runbook.Job) error {
	return a.r.Cancel(ctx, p, job)
}

// Look says what a rehearsal has left; it never has an effect on anything live.
func (a *rehearsal) Look(ctx context.Context, p runbook.Plan, job runbook.Job) (runbook.Evidence, error) {
	e, x, err := a.r.asPlanned(ctx, p)
	if err != nil {
		return runbook.Evidence{}, err
	}
	defer x.s.close()
	state, err := x.c.Job(ctx, job.ID())
	if err != nil {
		return runbook.Evidence{}, err
	}
	left, err := leftOvers(ctx, x.s, e.Schema)
	if err != nil {
		return runbook.Evidence{}, sqlError(err, x.h)
	}
	if state.Status == fleet.JobRunning {
		return runbook.Evidence{Took: runbook.TookUnclear, Text: runbook.T("restore.look_running", "host", x.h.Name)}, nil
	}
	return runbook.Evidence{Took: runbook.TookNo, Text: runbook.T("restore.rehearsal_look", "host", x.h.Name, "left", strings.Join(left, ", "))}, nil
}

// Paper says how it is done by hand: as a restore, up to the comparison.
func (a *rehearsal) Paper(p runbook.Plan) runbook.Sheet {
	s := a.r.Paper(p)
	for i, t := range s.Typed {
		if t.Note.ID == "paper.restore_compare" {
			s.Typed = s.Typed[:i+1]
			break
		}
	}
	return s
}

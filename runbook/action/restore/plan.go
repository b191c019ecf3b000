package restore

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/dump"
	"recoverbot/runbook/fleet"
)

// bigLoss is from when on the loss of data is a warning.
const bigLoss = time.Hour

// Plan looks for dumps on all hosts and at the target, and changes nothing.
func (r *restore) Plan(ctx context.Context) (runbook.Plan, error) {
	var p runbook.Plan
	d, err := r.database()
	if err != nil {
		return action.Cannot(p, err)
	}
	h, err := r.env.Target()
	if err != nil {
		return action.Cannot(p, err)
	}
	p.Summary = runbook.T("restore.summary_none", "database", d.Schema, "host", h.Name)
	p.Effect.Host = h.Name
	hosts, err := r.env.Hosts(r.spec.From...)
	if err != nil {
		return action.Cannot(p, err)
	}
	f, e, err := r.pick(ctx, &p, hosts, d, h)
	if err != nil || f.chosen == nil {
		return p, err
	}
	p.Summary = runbook.T("restore.summary", "database", d.Schema, "host", h.Name, "file", f.chosen.name, "source", f.chosen.host.Name)
	e.Scratch, e.Old = scratchName(d.Schema, f.in.sha), clip(d.Schema)+"_"+keptByRestore+"_MMDDHHMM"
	t, err := r.lookAtTarget(ctx, h, d, f.in.tables)
	if err != nil {
		return action.Cannot(p, err)
	}
	e.Dir, e.Stream = t.dir, !t.barred.IsZero()
	if err := r.room(ctx, &t, e, h); err != nil {
		return action.Cannot(p, err)
	}
	if p.Effect, err = toEffect(e, h.Name, t.identity); err != nil {
		return p, err
	}
	r.judge(ctx, &p, f.all, *f.chosen, e, t, h)
	r.previous(ctx, &p, *f.chosen, f.in, rank(f.all, h), d.Schema)
	if b, ok := r.boxed(d.Name); ok {
		b.lacking(&p, e)
	}
	return p, nil
}

// pick searches the hosts and begins the effect with the best dump. Where there is none, the plan says why.
func (r *restore) pick(ctx context.Context, p *runbook.Plan, hosts []fleet.Host, d fleet.Database, h fleet.Host) (f found, e effect, err error) {
	f, err = r.best(ctx, hosts, d.Schema, h)
	if ctx.Err() != nil {
		return f, e, ctx.Err()
	}
	c := f.chosen
	if c == nil || err != nil {
		f.chosen = nil
		p.Facts = r.refusals(f.all)
		p.Tables = []runbook.Table{candidates(f.all, rank(f.all, h), nil)}
		r.unsearched(p, f.all)
		if err == nil {
			err = runbook.Errorf(runbook.NotFound, "restore.no_dump", "database", d.Schema, "hosts", len(hosts), "files", files(f.all))
		}
		*p, err = action.Cannot(*p, err)
		return f, e, err
	}
	p.Tables = []runbook.Table{candidates(f.all, rank(f.all, h), c)}
	e = effect{
		Database: d.Name, Schema: d.Schema, Source: c.host.Name, SourceIdentity: c.identity, Path: c.path, Name: c.name,
		Size: c.size, SHA256: f.in.sha, Gzip: dump.IsGzip(c.name), Complete: c.ends.Complete,
		Start: c.start.UTC(), End: c.end.UTC(), Bytes: f.in.bytes, Tables: f.in.tables,
	}
	if list := r.env.Fleet.Config().DomainList; list.Database == "" || list.Database == d.Name {
		e.NotEmpty = cmp.Or(list.Table, "t_app_dns")
	}
	return f, e, nil
}

// found is what a search came to; chosen is nil where nothing can be restored.
type found struct {
	all    []candidate
	chosen *candidate
	in     inspected
}

// best searches the hosts for the best dump. An error says that the search is not over, or what is wrong with the dump
// that a person named.
func (r *restore) best(ctx context.Context, hosts []fleet.Host, schema string, target fleet.Host) (f found, err error) {
	f.all = r.find(ctx, hosts, schema)
	if err := ctx.Err(); err != nil {
		return f, err
	}
	ranked := rank(f.all, target)
	if err = r.awaited(f.all, ranked); err == nil {
		f.chosen, f.in, err = r.choose(ctx, f.all, ranked, schema, target)
	}
	if err == nil && f.chosen != nil { // what was passed over may be older than what is still being read
		err = r.awaited(f.all, []candidate{*f.chosen})
	}
	return f, err
}

// files counts the files among what was found: a host may stand there, too.
func files(all []candidate) int {
	n := 0
	for _, c := range all {
		n += yes(c.path != "")
	}
	return n
}

// refusals says in words why files and hosts were left out, where nothing is left to choose.
func (r *restore) refusals(all []candidate) []runbook.Msg {
	var out []runbook.Msg
	for _, c := range all {
		switch {
		case len(out) >= 12:
			return out
		case c.name == "" && slices.Contains(r.env.Run.Bindings["dead"], c.host.Name): // of any other host it is a warning
			out = append(out, runbook.T("restore.host_left_out", "host", c.host.Name, "why", c.refused))
		case c.name != "" && !c.usable():
			out = append(out, runbook.T("restore.file_left_out", "host", c.host.Name, "file", printable(c.name), "why", c.refused))
		}
	}
	return out
}

// choose takes the best candidate that stands a look through the whole file. What a look refuses is marked in all.
func (r *restore) choose(ctx context.Context, all, ranked []candidate, schema string, h fleet.Host) (*candidate, inspected, error) {
	wanted := r.env.Run.Params["dump"]
	if wanted != "" {
		c, err := override(all, wanted, h)
		if err != nil {
			return nil, inspected{}, err
		}
		ranked = []candidate{c}
	}
	for _, c := range ranked {
		in, err := r.inspect(ctx, c, schema, r.patience)
		if err == nil {
			err = in.err
		}
		if err == nil {
			return &c, in, nil
		}
		if ctx.Err() != nil {
			return nil, in, ctx.Err()
		}
		if stillReading(err) {
			return nil, in, err
		}
		var e *runbook.Error
		why := runbook.T("dump.unreadable")
		if errors.As(err, &e) {
			why = e.Msg
		}
		for i := range all {
			if all[i].host.Name == c.host.Name && all[i].path == c.path {
				all[i].refused = why
			}
		}
		if wanted != "" {
			return nil, in, runbook.Errorf(runbook.Invalid, "restore.dump_refused", "dump", wanted, "why", why)
		}
	}
	return nil, inspected{}, nil
}

// unsearched warns of hosts that could not be searched: a newer dump may lie there. Of the dead one nothing else is
// expected, and of one that keeps no backups no directory of dumps.
func (r *restore) unsearched(p *runbook.Plan, all []candidate) {
	for _, c := range all {
		text := runbook.T("restore.host_left_out", "host", c.host.Name, "why", c.refused)
		switch {
		case c.name != "" || slices.Contains(r.env.Run.Bindings["dead"], c.host.Name):
		case c.refused.ID == "restore.no_directory" && !c.host.HasRole("backup"):
			p.Facts = append(p.Facts, text)
		default:
			p.Warnings = append(p.Warnings, text)
		}
	}
}

func (p problems) add(danger bool, id string, pairs ...any) {
	p.plan.Warnings = append(p.plan.Warnings, runbook.T(id, pairs...))
	p.plan.Danger = p.plan.Danger || danger
}

type problems struct{ plan *runbook.Plan }

// needed is the disk that a restore takes, as measured: 1.6 of the uncompressed dump for the data, 1 for the binlog, and the copy.
func needed(e effect, brought, binlog bool) int64 {
	n := float64(e.Bytes) * 1.6
	if binlog {
		n += float64(e.Bytes)
	}
	if brought {
		n += float64(e.Size)
	}
	return int64(n)
}

// judge writes down what was found: facts, warnings, verdict.
func (r *restore) judge(ctx context.Context, p *runbook.Plan, all []candidate, c candidate, e effect, t target, h fleet.Host) {
	remote := e.Source != h.Name
	var facts []runbook.Msg
	switch loss, known := r.loss(e.Start); {
	case c.dated && !known:
		p.Warnings = append(p.Warnings, runbook.T("restore.fact_loss_unknown"))
	case c.dated:
		p.Values = map[string]string{"loss_seconds": strconv.FormatFloat(loss, 'f', 0, 64)}
		text := runbook.T("restore.fact_loss", "seconds", loss, "at", e.Start.Format(time.RFC3339))
		if loss > bigLoss.Seconds() {
			p.Warnings = append(p.Warnings, text)
		} else {
			facts = append(facts, text)
		}
	}
	facts = append(facts, runbook.T("restore.fact_dump", "file", e.Name, "host", e.Source, "size", e.Size,
		"newest", e.Complete && r.env.Run.Params["dump"] == ""))
	if !t.newest.IsZero() {
		facts = append(facts, runbook.T("restore.fact_newest", "table", t.newestIn, "at", t.newest.UTC().Format(time.RFC3339)))
	}
	brought := remote && !e.Stream
	need := needed(e, brought, t.binlog && !e.Rehearse) - t.copied
	facts = append(facts, runbook.T("restore.fact_disk", "free", t.free, "need", need))
	facts = append(facts, r.estimate(ctx, p, e, remote)...)
	if len(t.tables) == 0 {
		facts = append(facts, runbook.T("restore.fact_bare", "database", e.Schema, "host", h.Name))
	}
	var stay []string
	for _, name := range t.tables {
		if !slices.Contains(e.Tables, name) {
			stay = append(stay, name)
		}
	}
	if len(stay) > 0 {
		facts = append(facts, runbook.T("restore.fact_stay", "tables", join(stay)))
	}
	p.Facts = facts

	w := problems{p}
	r.unsearched(p, all)
	if e.NotEmpty != "" && !slices.Contains(e.Tables, e.NotEmpty) {
		w.add(true, "restore.no_list", "file", e.Name, "table", e.NotEmpty)
	}
	if !c.ends.Complete {
		w.add(true, "restore.not_proven", "file", e.Name)
	}
	if !c.dated {
		w.add(true, "restore.no_date", "file", e.Name)
	} else if _, known := r.loss(e.Start); !known {
		w.add(true, "restore.future", "file", e.Name, "at", e.Start.Format(time.RFC3339))
	} else if c.ends.At != "" && c.mtime.Add(5*time.Minute).Before(c.end) {
		w.add(false, "restore.zone_doubt", "file", e.Name)
	}
	if !t.newest.IsZero() && c.dated && t.newest.After(c.end.Add(time.Minute)) {
		w.add(true, "restore.target_newer", "table", t.newestIn, "at", t.newest.UTC().Format(time.RFC3339), "dump", e.End.Format(time.RFC3339))
	}
	if e.Stream {
		w.add(false, "restore.streams", "why", t.barred)
	}
	if t.replica != "" {
		w.add(true, "restore.replica", "host", h.Name, "source", t.replica)
	}
	p.Verdict = runbook.Ready
	switch {
	case t.free < need:
		p.Verdict, p.Why = runbook.Blocked, runbook.T("restore.disk", "host", h.Name, "free", t.free, "need", need)
	case brought && t.room < e.Size:
		p.Verdict, p.Why = runbook.Blocked, runbook.T("restore.disk_copy", "host", h.Name, "path", h.Path(stateDir), "free", t.room, "need", e.Size)
	case t.outside != "":
		p.Verdict, p.Why = runbook.Blocked, runbook.T("restore.foreign_key", "table", t.outside)
	}
}

// loss is how many seconds of data are lost: from the dump's start to when service stopped. Of a dump that is dated in
// the future nobody knows.
func (r *restore) loss(start time.Time) (seconds float64, known bool) {
	until := r.env.Now()
	if start.After(until.Add(10 * time.Minute)) {
		return 0, false
	}
	if !r.env.Run.DownSince.IsZero() {
		until = r.env.Run.DownSince
	}
	return max(0, until.Sub(start).Seconds()), true
}

// previous compares the chosen dump with the one before it.
func (r *restore) previous(ctx context.Context, p *runbook.Plan, c candidate, in inspected, ranked []candidate, schema string) {
	for _, o := range ranked {
		if o.same(c) || !o.ends.Complete || !o.end.Before(c.end) || dump.IsGzip(o.name) != dump.IsGzip(c.name) {
			continue
		}
		w := problems{p}
		if c.size*10 < o.size*8 {
			w.add(c.size*2 < o.size, "restore.smaller", "size", c.size, "file", o.name, "before", o.size)
		}
		was, err := r.inspect(ctx, o, schema, min(r.patience, 3*time.Second))
		if stillReading(err) {
			w.add(false, "restore.not_compared", "file", o.name)
		}
		if err != nil || was.err != nil {
			return
		}
		var missing []string
		for _, t := range was.tables {
			if !slices.Contains(in.tables, t) {
				missing = append(missing, t)
			}
		}
		if len(missing) > 0 {
			w.add(true, "restore.tables_missing", "tables", join(missing), "file", o.name)
		}
		return
	}
}

func join(names []string) string {
	const most = 12
	s := ""
	for i, n := range names {
		if i == most {
			return s + " …"
		}
		if i > 0 {
			s += ", "
		}
		s += n
	}
	return s
}

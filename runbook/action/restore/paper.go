package restore

import (
	"encoding/json"
	"path"
	"strings"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/paper"
)

// Paper loads today's dump into a scratch schema, has it compared, and exchanges the tables. A newer dump may lie there
// by the time the paper is used: it is looked for first.
func (r *restore) Paper(p runbook.Plan) runbook.Sheet {
	var s runbook.Sheet
	add := func(t runbook.Typed) { s.Typed = append(s.Typed, t) }
	fail := func(err error) runbook.Sheet {
		return runbook.Sheet{Typed: []runbook.Typed{{Note: action.Refuse(err).Text}}}
	}
	d, err := r.database()
	if err != nil {
		return fail(err)
	}
	h, err := r.env.Target()
	if err != nil {
		return fail(err)
	}
	hosts, err := r.env.Hosts(r.spec.From...)
	if err != nil {
		return fail(err)
	}
	cfg := r.env.Fleet.Config()
	e := r.known(p, d)
	w := wording{h: h, d: d, dir: first(cfg.PathOn(h, "sql_backup"))}
	if e.Path != "" {
		m := runbook.T("paper.restore_dump", "host", e.Source, "path", e.Path, "size", e.Size, "at", e.Start.Format(time.RFC3339))
		s.Head = []runbook.Msg{m}
		add(runbook.Typed{Note: m})
	} else {
		add(runbook.Typed{Note: runbook.T("paper.restore_no_dump")})
	}
	add(runbook.Typed{Note: runbook.T("paper.restore_look"), Script: listing(cfg, hosts)})
	src, from := w.dir+"/FILE.sql", e.Source
	if e.Path != "" {
		src = e.Path
	}
	if host, ok := cfg.Host(from); ok && from != h.Name {
		to := path.Join(w.dir, path.Base(src))
		add(runbook.Typed{Note: runbook.T("paper.restore_copy", "host", from, "target", h.Name), Script: "ssh -n " + paper.Login(cfg, host) + " " +
			paper.Quote("cat "+paper.Quote(src)) + " |\nssh " + paper.Login(cfg, h) + " " +
			paper.Quote("umask 077; mkdir -p "+paper.Quote(w.dir)+" && cat >"+paper.Quote(to)) + "\n"})
		src = to
	}
	w.file, w.scratch, w.old = src, clip(d.Schema)+"_paper", clip(d.Schema)+"_old_paper"
	add(runbook.Typed{Host: h.Name, Note: runbook.T("paper.restore_load", "scratch", w.scratch, "schema", d.Schema), Script: w.load(e)})
	add(runbook.Typed{Host: h.Name, Note: runbook.T("paper.restore_compare"), Script: w.count(w.scratch) + w.count(d.Schema)})
	add(runbook.Typed{Host: h.Name, Ask: true, Note: runbook.T("paper.restore_swap", "old", w.old), Script: w.swap()})
	add(runbook.Typed{Host: h.Name, Note: runbook.T("paper.see"), Script: w.count(d.Schema)})
	for _, m := range []runbook.Msg{
		runbook.T("paper.restore_undo", "old", w.old, "scratch", w.scratch),
		runbook.T("paper.line", "text", "DROP DATABASE "+paper.Name(w.scratch)+";"),
		runbook.T("paper.restore_undo_after", "old", w.old),
		runbook.T("paper.line", "text", "RENAME TABLE "+paper.Name(d.Schema)+".`T` TO "+paper.Name(w.scratch)+".`T`, "+paper.Name(w.old)+".`T` TO "+paper.Name(d.Schema)+".`T`;"),
		runbook.T("paper.restore_plain"),
		runbook.T("paper.line", "text", paper.MySQL(h, d)+" "+paper.Quote(d.Schema)+" <"+paper.Quote(src)),
	} {
		add(runbook.Typed{Note: m})
	}
	return s
}

// Paper lists the dumps that there are.
func (s *survey) Paper(runbook.Plan) runbook.Sheet {
	hosts, err := s.r.env.Hosts(s.r.spec.From...)
	if err != nil {
		return runbook.Sheet{Typed: []runbook.Typed{{Note: action.Refuse(err).Text}}}
	}
	return runbook.Sheet{Typed: []runbook.Typed{
		{Script: listing(s.r.env.Fleet.Config(), hosts)},
		{Note: runbook.T("paper.restore_survey")},
	}}
}

// listing shows the newest files of every host's dumps.
func listing(cfg *fleet.Config, hosts []fleet.Host) string {
	var b strings.Builder
	for _, h := range hosts {
		dir, _ := cfg.PathOn(h, "sql_backup")
		b.WriteString("echo " + paper.Quote("-- "+h.Name) + "; ssh -n " + paper.Login(cfg, h) + " " +
			paper.Quote("ls -lt "+paper.Quote(dir)+" | head -n 5") + "\n")
	}
	return b.String()
}

func first(v string, _ bool) string { return v }

// known is the effect of this plan; where it found no dump, that of another step of the run that did.
func (r *restore) known(p runbook.Plan, d fleet.Database) effect {
	plans := []*runbook.Plan{&p}
	for _, s := range r.env.Run.Steps {
		if s.Def.Kind == r.env.Step.Def.Kind && s.Plan != nil {
			plans = append(plans, s.Plan)
		}
	}
	for _, q := range plans {
		var e effect
		if len(q.Effect.Data) > 0 && json.Unmarshal(q.Effect.Data, &e) == nil && e.Database == d.Name && e.Path != "" {
			return e
		}
	}
	return effect{}
}

// wording is a restore in the words of a shell.
type wording struct {
	h                       fleet.Host
	d                       fleet.Database
	dir, file, scratch, old string
}

func (w wording) mysql(flags, text string) string {
	return paper.Here(paper.MySQL(w.h, w.d)+flags, text)
}

// load refuses a dump that is cut off or names its schema itself, and one that is not the dump that was found.
func (w wording) load(e effect) string {
	read := "cat"
	if strings.HasSuffix(w.file, ".gz") {
		read = "gzip -dc"
	}
	b := "set -e\nF=" + paper.Quote(w.file) + "\n"
	if e.SHA256 != "" {
		b += "echo " + paper.Quote(e.SHA256+"  "+w.file) + " | sha256sum -c || echo 'another file than when this was printed'\n"
	}
	b += read + " \"$F\" | tail -n 1 | grep 'Dump completed' || { echo 'FAILED: the dump is cut off'; exit 1; }\n"
	// Lines of data begin with INSERT: mysqldump writes the ends of lines in them as \\n.
	own := paper.Regexp(paper.Name(w.d.Schema))
	b += "own() { " + read + " \"$F\" | sed " + paper.Quote("/^USE "+own+";$/d; /^CREATE DATABASE .*"+own+"/d; /^\\/\\*!40000 DROP DATABASE IF EXISTS "+own+"\\*\\/;$/d") + "; }\n"
	b += "if own | grep -qaE " + paper.Quote("^(USE |CREATE DATABASE|/[*]!40000 DROP DATABASE)|^[^('\"]*(INTO|TABLE|EXISTS) `[^`]*`\\.`") +
		"; then echo 'FAILED: it is for another schema'; exit 1; fi\n"
	b += w.mysql("", "CREATE DATABASE "+paper.Name(w.scratch)+";")
	b += "own | " + paper.MySQL(w.h, w.d) + " " + paper.Quote(w.scratch) + " && echo OK\n"
	return b
}

// count prints how many rows each table of a schema has.
func (w wording) count(schema string) string {
	return "echo " + paper.Quote("-- "+schema) + "\n" + paper.HereTo(paper.MySQL(w.h, w.d)+" -N -r",
		"SELECT CONCAT('SELECT ''', REPLACE(TABLE_NAME, '''', ''''''), ''', COUNT(*) FROM `', TABLE_SCHEMA, '`.`', REPLACE(TABLE_NAME, '`', '``'), '`;')\n"+
			"FROM information_schema.TABLES WHERE TABLE_SCHEMA="+paper.Literal(schema)+" AND TABLE_TYPE='BASE TABLE' ORDER BY TABLE_NAME;\n", paper.MySQL(w.h, w.d)+" -N")
}

// swap makes one RENAME of all tables: all of it happens, or nothing.
func (w wording) swap() string {
	live, scratch, old := paper.Name(w.d.Schema), paper.Name(w.scratch), paper.Name(w.old)
	q := func(s string) string { return strings.ReplaceAll(s, "'", "''") }
	table := "REPLACE(s.TABLE_NAME, '`', '``')"
	return "set -e\nN=$(" + paper.MySQL(w.h, w.d) + " -N -e " + paper.Quote("SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA="+paper.Literal(w.scratch)) +
		")\n[ \"$N\" -gt 0 ] || { echo 'FAILED: nothing is loaded'; exit 1; }\n" + w.mysql("", "CREATE DATABASE IF NOT EXISTS "+live+";\nCREATE DATABASE "+old+";") +
		paper.HereTo(paper.MySQL(w.h, w.d)+" -N -r",
			"SET SESSION group_concat_max_len=1000000;\nSELECT CONCAT('SET foreign_key_checks=0; RENAME TABLE ', GROUP_CONCAT(CONCAT("+
				"IF(l.TABLE_NAME IS NULL, '', CONCAT('"+q(live)+".`', "+table+", '` TO "+q(old)+".`', "+table+", '`, ')),\n"+
				"'"+q(scratch)+".`', "+table+", '` TO "+q(live)+".`', "+table+", '`') SEPARATOR ', '), ';')\n"+
				"FROM information_schema.TABLES s LEFT JOIN information_schema.TABLES l ON l.TABLE_SCHEMA="+paper.Literal(w.d.Schema)+
				" AND l.TABLE_NAME=s.TABLE_NAME\nWHERE s.TABLE_SCHEMA="+paper.Literal(w.scratch)+" AND s.TABLE_TYPE='BASE TABLE';\n", paper.MySQL(w.h, w.d)+" && echo OK")
}

// Paper exchanges the kept tables for the live ones.
func (u *undo) Paper(p runbook.Plan) runbook.Sheet {
	h, d, kept, err := u.r.keptOnPaper(p)
	if err != nil {
		return runbook.Sheet{Typed: []runbook.Typed{{Note: action.Refuse(err).Text}}}
	}
	w := wording{h: h, d: d, scratch: kept, old: clip(d.Schema) + "_undone_paper"}
	return runbook.Sheet{Typed: []runbook.Typed{
		{Host: h.Name, Note: runbook.T("paper.restore_compare"), Script: w.count(kept) + w.count(d.Schema)},
		{Host: h.Name, Ask: true, Note: runbook.T("paper.restore_swap", "old", w.old), Script: w.swap()},
		{Host: h.Name, Note: runbook.T("paper.see"), Script: w.count(d.Schema)},
	}}
}

// Paper drops a kept schema.
func (a *drop) Paper(p runbook.Plan) runbook.Sheet {
	h, d, kept, err := a.r.keptOnPaper(p)
	if err != nil {
		return runbook.Sheet{Typed: []runbook.Typed{{Note: action.Refuse(err).Text}}}
	}
	w := wording{h: h, d: d}
	return runbook.Sheet{Typed: []runbook.Typed{
		{Host: h.Name, Ask: true, Note: runbook.T("restore.drop_final", "kept", kept), Script: w.mysql("", "DROP DATABASE "+paper.Name(kept)+";")},
	}}
}

// keptOnPaper is the kept schema of the plan, else the one that was named.
func (r *restore) keptOnPaper(p runbook.Plan) (h fleet.Host, d fleet.Database, kept string, err error) {
	if d, err = r.database(); err != nil {
		return h, d, "", err
	}
	if h, err = r.env.Target(); err != nil {
		return h, d, "", err
	}
	kept = r.env.Run.Params["kept"]
	if e, err := fromPlan(p); err == nil && e.Scratch != "" {
		kept = e.Scratch
	}
	if kept == "" {
		kept = clip(d.Schema) + "_old_MMDDHHMM"
	}
	return h, d, kept, nil
}

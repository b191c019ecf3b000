package copy

import (
	"encoding/json"
	"path"
	"slices"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/paper"
)

// Paper streams what the step says from one host through the person's machine to the other.
func (c *copier) Paper(p runbook.Plan) runbook.Sheet {
	var s runbook.Sheet
	target, err := c.env.Target()
	if err != nil {
		return runbook.Sheet{Typed: []runbook.Typed{{Note: action.Refuse(err).Text}}}
	}
	var planned []item
	_ = json.Unmarshal(p.Effect.Data, &planned) // without a plan the first candidate is the source
	for _, f := range c.spec.Files {
		from, others, err := c.source(f, planned, target.Name)
		if err != nil {
			s.Typed = append(s.Typed, runbook.Typed{Note: action.Refuse(err).Text})
			continue
		}
		if len(others) > 0 {
			s.Typed = append(s.Typed, runbook.Typed{Note: runbook.T("paper.copy_from", "host", from.name(), "others", strings.Join(others, ", "))})
		}
		if from.box {
			s.Typed = append(s.Typed, c.boxedOnPaper(f, from.Host, target))
			continue
		}
		src, err := c.on(from.Host, f.Path)
		if err != nil {
			s.Typed = append(s.Typed, runbook.Typed{Note: action.Refuse(err).Text})
			continue
		}
		dst, err := c.on(target, f.ToPath)
		if err != nil {
			s.Typed = append(s.Typed, runbook.Typed{Note: action.Refuse(err).Text})
			continue
		}
		src, dst = path.Clean(src), path.Clean(dst)
		take := "tar -C " + paper.Quote(path.Dir(src)) + " -cf - -- " + paper.Quote(path.Base(src))
		put := "mkdir -p " + paper.Quote(path.Dir(dst)) + " && tar -C " + paper.Quote(path.Dir(dst)) + " -xpf -"
		if path.Base(src) != path.Base(dst) {
			take, put = "cat "+paper.Quote(src), "mkdir -p "+paper.Quote(path.Dir(dst))+" && cat >"+paper.Quote(dst)
		}
		if c.spec.OnlyMissing {
			put = "if [ -e " + paper.Quote(dst) + " ]; then echo 'there already: left alone' >&2; else " + put + "; fi"
		}
		cfg := c.env.Fleet.Config()
		s.Typed = append(s.Typed, runbook.Typed{Note: runbook.T("paper.copy", "source", from.Name, "from", src, "host", target.Name, "to", dst),
			Script: "ssh -n " + paper.Login(cfg, from.Host) + " " + paper.Quote(take) + " |\nssh " + paper.Login(cfg, target) + " " + paper.Quote(put) + "\n"},
			runbook.Typed{Host: target.Name, Note: runbook.T("paper.copy_see"), Script: "ls -la " + paper.Quote(dst) + "\n"})
		if all, err := c.candidates(f.From); err == nil {
			if i := slices.IndexFunc(all, func(k candidate) bool { return k.box }); i >= 0 {
				s.Typed = append(s.Typed, c.boxedOnPaper(f, all[i].Host, target))
			}
		}
	}
	return s
}

// boxedOnPaper says how a file is got out of the black box by hand.
func (c *copier) boxedOnPaper(f File, from, target fleet.Host) runbook.Typed {
	src, err := c.on(from, f.Path)
	if err != nil {
		return runbook.Typed{Note: action.Refuse(err).Text}
	}
	dst, err := c.on(target, f.ToPath)
	if err != nil {
		return runbook.Typed{Note: action.Refuse(err).Text}
	}
	return runbook.Typed{Note: runbook.T("paper.copy_box", "host", from.Name, "path", src, "target", target.Name, "to", dst,
		"command", "recoverbot blackbox get "+paper.Quote(from.Name)+" "+paper.Quote(src))}
}

// source is the candidate of the plan, else the first that is not the dead machine, nor the target itself.
func (c *copier) source(f File, planned []item, target string) (from candidate, others []string, err error) {
	all, err := c.candidates(f.From)
	if err != nil {
		return from, nil, err
	}
	dead := c.env.Run.Bindings["dead"]
	var usable []candidate
	for _, k := range all {
		if !k.box && k.Name != target && !slices.Contains(dead, k.Name) {
			usable = append(usable, k)
		}
	}
	if len(usable) == 0 {
		usable = all
	}
	at := slices.IndexFunc(usable, func(k candidate) bool {
		return slices.ContainsFunc(planned, func(i item) bool { return i.Source == k.name() })
	})
	for i, k := range usable {
		if i == max(at, 0) {
			from = k
		} else {
			others = append(others, k.name())
		}
	}
	if from.Name == "" {
		err = runbook.Errorf(runbook.NotFound, "copy.nowhere", "path", f.Path, "tried", strings.Join(f.From, ", "))
	}
	return from, others, err
}

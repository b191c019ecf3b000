package edit

import (
	"encoding/json"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/edit/rewrite"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/paper"
)

// Paper saves the file, changes it line by line, and shows the difference. The file's own text is never on the paper.
func (e *edit) Paper(p runbook.Plan) runbook.Sheet {
	fail := func(err error) runbook.Sheet {
		return runbook.Sheet{Typed: []runbook.Typed{{Note: action.Refuse(err).Text}}}
	}
	h, err := e.env.Target()
	if err != nil {
		return fail(err)
	}
	name, err := e.path(h)
	if err != nil {
		return fail(err)
	}
	ops, err := e.ops()
	if err != nil {
		return fail(err)
	}
	var eff effect
	if len(p.Effect.Data) > 0 && json.Unmarshal(p.Effect.Data, &eff) == nil && eff.Path != "" {
		name = eff.Path
	}
	var s runbook.Sheet
	redact := e.env.Fleet.Redactor().Redact
	var names []string
	var hand []runbook.Typed
	b := "F=" + paper.Quote(name) + "\nif [ ! -f \"$F\" ]; then echo \"no $F\"; exit 0; fi\n" + paper.Keep(h.Path("/var/lib/recoverbot"))
	change := "cat \"$SAVED\""
	for _, op := range ops {
		switch op.Kind {
		case "rehost":
			names = append(names, op.From...)
			for _, from := range op.From {
				x := paper.Quote(paper.Rehost(from, op.To))
				change += " |\nsed -E -e " + x + " -e " + x // twice: two hosts may share one separator
			}
		case "remove_line":
			change += " |\nsed " + paper.Quote("/^"+paper.Regexp(strings.TrimRight(redact(op.Line), " \t\r\n"))+"[[:space:]]*$/d")
		case "add_line":
			line := paper.Quote(strings.TrimRight(redact(op.Line), " \t\r\n"))
			change += " |\n{ cat; grep -qxF -- " + line + " \"$SAVED\" || printf '%s\\n' " + line + "; }"
		case "list":
			script, by := paper.Sed(eff.Diff)
			if script == "" || len(by) > 0 {
				hand = append(hand, runbook.Typed{Host: h.Name, Session: true, Script: "vi " + paper.Quote(name),
					Note: runbook.T("paper.edit_by_hand", "list", op.List, "want", addresses(op.Want), "drop", addresses(op.Drop))})
				continue
			}
			change += " |\nsed " + paper.Quote(script)
			s.Typed = append(s.Typed, runbook.Typed{Note: listed(op)})
		}
	}
	if len(hand) == len(ops) {
		return e.byHand(h, name, b, hand)
	}
	s.Typed = append(s.Typed, hand...)
	b += change + " >\"$F\"\n"
	if e.spec.Verify != "" {
		b += "( export FILE=\"$F\"\n" + strings.TrimRight(redact(e.spec.Verify), "\n") + "\n)\nif [ $? -ne 0 ]; then cp -p \"$SAVED\" \"$F\"; echo 'FAILED: the file is as before'; exit 1; fi\n"
	}
	b += "diff \"$SAVED\" \"$F\" | sed -E 's#(://|[\"'\\'' ])[^[:space:]\"]*@#\\1***@#g; s/((password|passwd|secret|token)[^:=]*[:=]).*/\\1 ***/'\n"
	if len(names) > 0 {
		b += "echo '-- still named:'\n"
		for _, n := range names {
			b += "grep -nF -- " + paper.Quote(n) + " \"$F\" | cut -d: -f1\n"
		}
	}
	b += "echo \"undo: cp -p $SAVED $F\"\n"
	s.Typed = append(s.Typed, runbook.Typed{Host: h.Name, Script: b, Note: runbook.T("paper.edit", "path", name)},
		runbook.Typed{Note: runbook.T("paper.edit_see")})
	return s
}

func listed(op rewrite.Op) runbook.Msg {
	return runbook.T("paper.edit_list", "list", op.List, "want", addresses(op.Want), "drop", addresses(op.Drop))
}

// byHand is for a list that could not be read, so that nobody knows how its elements are written.
func (e *edit) byHand(h fleet.Host, name, keep string, hand []runbook.Typed) runbook.Sheet {
	s := runbook.Sheet{Typed: append([]runbook.Typed{{Host: h.Name, Note: runbook.T("paper.edit", "path", name), Script: keep + "echo \"undo: cp -p $SAVED $F\"\n"}}, hand...)}
	if e.spec.Verify != "" {
		s.Typed = append(s.Typed, runbook.Typed{Host: h.Name, Note: runbook.T("paper.see"),
			Script: "export FILE=" + paper.Quote(name) + "\n" + paper.Judged(e.env.Fleet.Redactor().Redact(e.spec.Verify))})
	}
	return s
}

func addresses(hs []rewrite.Host) string {
	var out []string
	for _, h := range hs {
		out = append(out, h.Address)
	}
	return strings.Join(out, " ")
}

package nginx

import (
	"encoding/json"
	"path"
	"strconv"
	"strings"

	"recoverbot/runbook"
	"recoverbot/runbook/action"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/paper"
)

// Paper changes the lines that the plan found, only where they still say the same; then tests and reloads.
func (a *nginx) Paper(p runbook.Plan) runbook.Sheet {
	var s runbook.Sheet
	note := func(m runbook.Msg) { s.Typed = append(s.Typed, runbook.Typed{Note: m}) }
	target, err := a.env.Target()
	if err != nil {
		note(action.Refuse(err).Text)
		return s
	}
	other := target
	if a.spec.mode() != "adopt" {
		other, err = a.machine()
	}
	if err != nil {
		note(action.Refuse(err).Text)
		return s
	}
	conf, _ := a.env.Fleet.Config().PathOn(target, "nginx_conf")
	var ch change
	if len(p.Effect.Data) > 0 && json.Unmarshal(p.Effect.Data, &ch) == nil && ch.Conf != "" {
		conf = ch.Conf
	}
	var b, undo strings.Builder
	for i, f := range ch.Files {
		script, by := paper.Sed(f.Diff)
		for _, line := range by {
			note(runbook.T("paper.nginx_line", "file", f.Path, "line", line))
		}
		n := strconv.Itoa(i + 1)
		b.WriteString("F=" + paper.Quote(f.Path) + "\n" + paper.Keep(target.Path("/var/lib/recoverbot")) + "S" + n + "=$SAVED\n")
		b.WriteString("sed " + paper.Quote(script) + " \"$SAVED\" >\"$F\"\ndiff \"$SAVED\" \"$F\"\n")
		undo.WriteString("cp -p \"$S" + n + "\" " + paper.Quote(f.Path) + "\n")
	}
	if len(ch.Files) == 0 {
		switch a.spec.mode() {
		case "add":
			script, what := a.added(target, other, conf)
			note(what)
			b.WriteString(script)
		case "adopt":
			b.WriteString(a.listens(target, conf))
		default:
			note(runbook.T("paper.nginx_generic", "machine", other.Name))
			b.WriteString(a.generic(target, other, conf))
		}
		undo.WriteString(genericUndo)
	}
	reload := "nginx -s reload -c " + paper.Quote(conf) + " && "
	if a.spec.mode() == "adopt" { // it does not run yet
		reload = ""
	}
	b.WriteString("PATH=$PATH:/usr/sbin:/usr/local/sbin\nif nginx -t -c " + paper.Quote(conf) + "; then\n" + reload + "echo OK\nelse\n" + undo.String() + "echo 'FAILED: the files are as before'\nfi\n")
	s.Typed = append(s.Typed, runbook.Typed{Host: target.Name, Script: b.String()}, a.see(target, other, conf))
	return s
}

// see lists where the machine is still named.
func (a *nginx) see(target, other fleet.Host, conf string) runbook.Typed {
	id := "paper.nginx_see_in"
	if a.spec.mode() == "remove" {
		id = "paper.nginx_see_out"
	}
	return runbook.Typed{Host: target.Name, Note: runbook.T(id, "machine", other.Name), Script: a.find(other, conf) + "true\n"}
}

func (a *nginx) find(other fleet.Host, conf string) string {
	out := "grep -rnF"
	for _, n := range other.Names() {
		out += " -e " + paper.Quote(n)
	}
	return out + " " + paper.Quote(path.Dir(conf)) + "\n"
}

// generic takes the machine's server lines out of all files; where it stands elsewhere, its replacement takes its place.
func (a *nginx) generic(target, other fleet.Host, conf string) string {
	var edits strings.Builder
	replacement := ""
	if h, err := a.env.Host(a.spec.Replacement); a.spec.Replacement != "" && err == nil {
		replacement = h.Address
	}
	for _, n := range other.Names() {
		edits.WriteString("/^[[:space:]]*server[[:space:]]+" + paper.Regexp(n) + "(:[0-9]+)?([[:space:]][^;]*)?;/d\n")
		if replacement != "" {
			edits.WriteString(paper.Rehost(n, replacement) + "\n")
		}
	}
	list := strings.TrimSpace(strings.Replace(a.find(other, conf), "-rnF", "-rlF", 1))
	return a.files(conf, target, list, "sed -E "+paper.Quote(edits.String()))
}

const genericUndo = "cp -Rp \"$KEPT\"/. \"$D\"\n"

// added puts the machine behind the first server of its port in every upstream.
func (a *nginx) added(target, other fleet.Host, conf string) (script string, note runbook.Msg) {
	port, err := a.env.Value(a.spec.Port)
	if err != nil {
		port = "PORT"
	}
	line := "server " + bracketed(other.Address) + ":" + port + ";"
	program := `/^[ \t]*upstream/ { u = 1; done = 0 } /^[ \t]*}/ { u = 0 } { print } ` +
		`u && !done && /^[ \t]*server[ \t]+[^;]*:` + paper.Regexp(port) + `[ \t;]/ { print "    " line; done = 1 }`
	return a.files(conf, target, "grep -rlE "+paper.Quote(`server[[:space:]]+[^;]*:`+port)+" "+paper.Quote(path.Dir(conf)),
		"grep -qF -- "+paper.Quote(line)+" \"$F\" || awk -v line="+paper.Quote(line)+" "+paper.Quote(program)), runbook.T("paper.nginx_add", "line", line, "port", port)
}

// listens has a copied configuration listen on its new machine.
func (a *nginx) listens(target fleet.Host, conf string) string {
	from, err := a.env.Hosts(a.spec.Adopt...)
	if err != nil {
		from = nil // there is nothing to replace then
	}
	var edits strings.Builder
	for _, h := range from {
		for _, n := range h.Names() {
			edits.WriteString("/^[[:space:]]*listen[[:space:]]/" + paper.Rehost(n, target.Address) + "\n")
		}
	}
	return a.files(conf, target, "grep -rlE '^[[:space:]]*listen' "+paper.Quote(path.Dir(conf)), "sed -E "+paper.Quote(edits.String()))
}

// files keeps the whole directory of the configuration, and sends every file that list names through filter.
func (a *nginx) files(conf string, target fleet.Host, list, filter string) string {
	dir := path.Dir(conf)
	old := `"$KEPT/${F#"$D"/}"`
	return "D=" + paper.Quote(dir) + "\nKEPT=" + paper.Quote(target.Path("/var/lib/recoverbot/paper")) + "/nginx-$(date +%Y%m%d%H%M%S)\n" +
		"(umask 077; mkdir -p \"$KEPT\")\ncp -Rp \"$D\"/. \"$KEPT\" || { echo 'FAILED: nothing is changed'; exit 1; }\nfor F in $(" + list + "); do\n" +
		filter + " " + old + " >\"$F\"\ndiff " + old + " \"$F\"\ndone\n"
}

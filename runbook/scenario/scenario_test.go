package scenario

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"recoverbot/runbook"
)

type spec struct {
	Script    string            `yaml:"script"`
	Provision string            `yaml:"provision"`
	Satisfied string            `yaml:"satisfied"`
	Look      string            `yaml:"look"`
	Env       map[string]string `yaml:"env"`
}

type checks struct {
	Probes []runbook.Probe `yaml:"probes"`
}

func (s *spec) Validate() error {
	if strings.Contains(s.Script, "{{") {
		return errors.New("with.script: {{ }} is not expanded; pass values by env")
	}
	return nil
}

// oneKind knows the kind "ssh" strictly, and any other known kind loosely.
type oneKind struct{}

func (oneKind) Prototype(kind string) (any, bool) {
	switch kind {
	case "ssh":
		return &spec{}, true
	case "check":
		return &checks{}, true
	case "sql", "restore", "edit", "nginx", "copy", "manual", "service", "enrol", "roles":
		return &map[string]any{}, true
	}
	return nil, false
}

func (oneKind) Names() []string { return []string{"check", "manual", "ssh"} }
func (oneKind) Probes() []string {
	return []string{"disk", "domains", "dump", "http", "mysql", "nginx", "redis", "service", "silent", "ssh", "tcp", "tls"}
}
func (oneKind) Reference(ref string) bool {
	head, _, _ := strings.Cut(ref, ".")
	return slices.Contains([]string{"$param", "$step", "$host", "$hosts", "$path", "$service", "$backup", "$spare", "$database", "$domain_list"}, head)
}

func write(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "own.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

const good = `
name: own
title: {en: Own, zh: 自定}
params:
  - {name: which, type: host, required: true}
  - {name: how, type: enum, enum: [slow, fast], default: slow}
bind: {dead: $param.which, rest: {from: [nginx], except: [dead], many: true}}
when: [{kind: nginx, host: $param.which, expect: down}]
guards:
  default: {title: {en: a, zh: b}, all: [{kind: ssh, host: nginx}]}
steps:
  - id: one
    title: {en: One, zh: 一}
    kind: ssh
    host: nginx
    timeout: 90s
    with:
      env: {A: $param.which}
      script: |
        set -eu
        echo "a: $A"   # keeps  spaces
  - id: two
    title: {en: Two, zh: 二}
    kind: check
    needs: [one, "param:which"]
    if: {dns_via: sql, param.how: fast}
    with:
      probes:
        - {kind: service, host: rest, service: go-api}
        - {kind: dump, host: backup, database: speed, since: one}
  - id: three
    title: {en: Three, zh: 三}
    kind: ssh
    host: dead
    fence: true
    if: {dns_via: sql, param.how: fast}
    with: {script: "true", env: {B: $step.two.x}}
`

func TestOwnScenariosAddToTheBuiltInOnes(t *testing.T) {
	t.Parallel()
	set, err := Load(write(t, good), oneKind{})
	if err != nil {
		t.Fatal(err)
	}
	own, ok := set["own"]
	if !ok || len(own.Steps) != 3 {
		t.Fatalf("own is %+v", own)
	}
	if _, ok := set["primary"]; !ok {
		t.Errorf("the built-in scenario primary is gone: %v", set.Names())
	}
	if with := own.Steps[0].With; !strings.Contains(with, `echo \"a: $A\"   # keeps  spaces\n`) {
		t.Errorf("script is changed: %s", with)
	}
}

func TestProblemsSayWhereAndAllAtOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, from, to string
		want           []string
	}{
		{"unknown key", "host: nginx\n    timeout", "hosst: nginx\n    timeout", []string{"own.yaml:15:5", "hosst", "near:host"}},
		{"a command's name", "name: own", "name: status", []string{"own.yaml:2:7", "scenario.name_taken"}},
		{"unknown key in with", "env: {A", "envs: {A", []string{"own.yaml:18:7", "envs", "near:env"}},
		{"unknown key at the top", "params:", "parms:", []string{"own.yaml:4:1", "parms", "near:params"}},
		{"unknown key of a parameter", "required: true", "requird: true", []string{"own.yaml:5:31", "requird", "near:required"}},
		{"unknown key of a probe", "service: go-api", "servise: go-api", []string{"own.yaml:", "servise", "near:service"}},
		{"unknown kind", "kind: check", "kind: chekc", []string{"own.yaml:24:11", "scenario.unknown_kind", "chekc", "best:check"}},
		{"templating", `echo "a: $A"`, `echo {{.A}}`, []string{"own.yaml:", "{{ }} is not expanded"}},
		{"needs a later step", "needs: [one,", "needs: [three,", []string{"own.yaml:25:", "scenario.needs", "three"}},
		{"needs itself", "needs: [one,", "needs: [two,", []string{"scenario.needs", "two"}},
		{"same id twice", "id: two", "id: one", []string{"own.yaml:22:9", "scenario.id_twice", "one"}},
		{"unknown guard", "host: nginx\n    timeout", "guard: defualt\n    timeout", []string{"scenario.no_guard", "best:default"}},
		{"bad id", "id: two", "id: Two!", []string{"scenario.bad_id", "Two!"}},
		{"bad duration", "90s", "ninety", []string{"own.yaml:", `invalid duration "ninety"`}},
		{"missing language", "{en: Two, zh: 二}", "{en: Two}", []string{"own.yaml:23:", "scenario.step_title"}},
		{"unknown parameter type", "type: host", "type: hosst", []string{"own.yaml:5:5", "scenario.param_type", "best:host"}},
		{"parameter there twice", "name: how", "name: which", []string{"own.yaml:6:", "scenario.param_twice"}},
		{"default of another type", "default: slow", "default: slwo", []string{"own.yaml:6:", "scenario.param_default", "slwo"}},
		{"values without enum", "type: enum", "type: string", []string{"scenario.param_enum"}},
		{"role of a parameter", "required: true", "required: true, role: king", []string{"scenario.param_role", "king"}},
		{"bad pattern", "required: true", "pattern: '('", []string{"scenario.param_pattern"}},
		{"bind from no parameter", "$param.which, rest", "$param.wich, rest", []string{"own.yaml:7:", "scenario.bind_param", "best:which"}},
		{"bind from no role", "from: [nginx]", "from: [nginks]", []string{"scenario.bind_role", "best:nginx"}},
		{"bind without what is not there", "except: [dead]", "except: [deadd]", []string{"scenario.bind_except", "best:dead"}},
		{"bind in a circle", "{dead: $param.which", "{dead: {from: [nginx], except: [rest]}", []string{"scenario.bind_circle", "dead → rest → dead"}},
		{"bind to a role's name", "rest: {from", "primary: {from", []string{"scenario.bind_taken", "primary"}},
		{"bind from nothing", "from: [nginx]", "from: []", []string{"scenario.bind_from"}},
		{"bind with a bad name", "rest: {from", "The Rest: {from", []string{"scenario.bad_name", "The Rest"}},
		{"when with no parameter", "host: $param.which, expect", "host: $param.how, expect", []string{"own.yaml:8:", "scenario.probe_host"}},
		{"when with an unknown probe", "{kind: nginx, host: $", "{kind: ngnix, host: $", []string{"own.yaml:8:", "scenario.probe_kind", "best:nginx"}},
		{"guard with an unknown probe", "all: [{kind: ssh", "all: [{kind: shh", []string{"own.yaml:10:", "scenario.probe_kind", "best:ssh"}},
		{"a choice with an unknown probe", "all: [{kind: ssh", "any: [{kind: shh", []string{"own.yaml:10:", "scenario.probe_kind", "best:ssh"}},
		{"guard without probes", "all: [{kind: ssh, host: nginx}]", "all: []", []string{"own.yaml:10:", "scenario.guard"}},
		{"check with an unknown probe", "{kind: service", "{kind: servise", []string{"own.yaml:29:", "scenario.probe_kind", "best:service"}},
		{"what a probe expects", "service: go-api}", "service: go-api, expect: dead}", []string{"scenario.probe_expect", "dead"}},
		{"since no step", "since: one", "since: three", []string{"own.yaml:30:", "scenario.probe_since", "three"}},
		{"a probe's host", "host: rest", "host: $param.which", []string{"own.yaml:29:", "scenario.probe_host"}},
		{"unknown parameter", "A: $param.which", "A: $param.whcih", []string{"own.yaml:18:", "scenario.no_param", "best:which"}},
		{"unknown reference", "A: $param.which", "A: $parm.which", []string{"own.yaml:18:", "scenario.bad_reference"}},
		{"unknown step", "B: $step.two.x", "B: $step.tw.x", []string{"scenario.no_step", "best:two"}},
		{"reference to what may be left out", "fence: true\n    if: {dns_via: sql, ", "fence: true\n    if: {", []string{"scenario.step_left_out", "two"}},
		{"unknown condition", "if: {dns_via: sql", "if: {dns: sql", []string{"scenario.if_key", "dns"}},
		{"condition that never holds", "if: {dns_via: sql", "if: {dns_via: dig", []string{"scenario.if_value", "dig", "sql, admin"}},
		{"value that never is", "param.how: fast", "param.how: quick", []string{"scenario.if_value", "quick", "slow, fast"}},
		{"condition on no parameter", "param.how: fast", "param.hw: fast", []string{"scenario.no_param", "best:how"}},
		{"host that is several", "host: dead\n    fence", "host: rest\n    fence", []string{"scenario.host_many", "rest"}},
		{"bad host", "host: dead\n    fence", "host: $param.which\n    fence", []string{"own.yaml:34:11", "scenario.bad_host"}},
		{"fence of nothing", "host: dead\n    fence", "fence", []string{"scenario.fence_host"}},
		{"broken YAML", "steps:", "steps: [", []string{"own.yaml:"}},
		{"unknown fragment", "id: two\n    title: {en: Two, zh: 二}\n    kind: check\n", "include: backupjob\n", []string{"scenario.no_fragment", "best:backup-job"}},
		{"include with more", "id: two\n    title: {en: Two, zh: 二}\n    kind: check\n", "include: backup-job\n    kind: check\n", []string{"own.yaml:22:", "scenario.include_alone"}},
		{"include that needs nothing known", "id: two\n    title: {en: Two, zh: 二}\n    kind: check\n    needs: [one", "include: backup-job\n    needs: [nothing", []string{"own.yaml:23:", "scenario.needs", "nothing"}},
		{"two at once", "kind: ssh\n", "kind: shh\n    typo: 1\n", []string{"typo", "scenario.unknown_kind", "best:ssh"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(good, c.from, c.to, 1)
			if text == good {
				t.Fatal("the case changes nothing")
			}
			dir := write(t, text)
			fragment := "fragment: backup-job\nsteps: [{id: job, title: {en: Job, zh: 任务}, kind: ssh}]\n"
			if err := os.WriteFile(filepath.Join(dir, "job.yaml"), []byte(fragment), 0o600); err != nil {
				t.Fatal(err)
			}
			set, err := load([]source{{os.DirFS(dir), dir}}, oneKind{}) // without the built-in ones: quicker
			if err == nil || set != nil {
				t.Fatalf("loaded %v, %v", set.Set.Names(), err)
			}
			for _, w := range c.want {
				if !strings.Contains(err.Error(), w) {
					t.Errorf("error lacks %q:\n%v", w, err)
				}
			}
		})
	}
}

func TestProblemsOfSeveralStepsAreToldTogether(t *testing.T) {
	t.Parallel()
	text := good
	for from, to := range map[string]string{
		"env: {A": "envs: {A", "kind: check": "kind: chekc", "type: enum": "type: enmu", "all: [{kind: ssh": "all: [{kind: shh", "bind:": "bnid:", "90s": "ninety",
	} {
		text = strings.Replace(text, from, to, 1)
	}
	_, err := Load(write(t, text), oneKind{})
	var p *Problems
	if !errors.As(err, &p) {
		t.Fatal(err)
	}
	var ids []string
	line := 0
	for _, x := range p.List {
		ids = append(ids, x.Msg.ID)
		if x.Line < line || x.Column == 0 || x.Excerpt == "" {
			t.Errorf("problem without a place, or not in the file's order: %+v", x)
		}
		line = x.Line
	}
	want := "scenario.param scenario.unknown_key scenario.probe scenario.yaml scenario.unknown_kind"
	if got := strings.Join(ids, " "); got != want {
		t.Errorf("problems %s, want %s:\n%v", got, want, err)
	}
}

func TestOwnScenariosDoNotReplaceOneAnother(t *testing.T) {
	t.Parallel()
	dir := write(t, good)
	if err := os.WriteFile(filepath.Join(dir, "second.yaml"), []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir, oneKind{}); err == nil || !strings.Contains(err.Error(), "scenario.twice") {
		t.Errorf("two scenarios of one name: %v", err)
	}
}

// A fragment takes the document line, needs and conditions of its include.
func TestInclude(t *testing.T) {
	t.Parallel()
	fragment := `
fragment: small
steps:
  - {id: a, title: {en: A, zh: 甲}, kind: ssh, doc_line: "3.9", if: {param.how: fast}}
  - {id: b, title: {en: B, zh: 乙}, kind: ssh, needs: [a]}
`
	include := "  - {include: small, doc_line: \"2.4\", needs: [one], if: {dns_via: admin}}\n"
	for _, c := range []struct{ name, fragment, include, want string }{
		{"as it should be", fragment, include, ""},
		{"what can never be", fragment, strings.Replace(include, "dns_via: admin", "param.how: slow", 1), "own.yaml:38:57: scenario.if_never"},
		{"a fragment in a fragment", fragment + "  - {include: backup-job}\n", include, "small.yaml:6:15: scenario.include_in_fragment"},
		{"a problem in the fragment", strings.Replace(fragment, "needs: [a]", "needs: [c]", 1), include, "small.yaml:5:54: scenario.needs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			dir := write(t, good+c.include)
			if err := os.WriteFile(filepath.Join(dir, "small.yaml"), []byte(c.fragment), 0o600); err != nil {
				t.Fatal(err)
			}
			set, err := Load(dir, oneKind{})
			if c.want != "" {
				if err == nil || set != nil || !strings.Contains(err.Error(), c.want) {
					t.Errorf("%v, %v; want %s", set.Names(), err, c.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			steps := set["own"].Steps
			a, b := steps[len(steps)-2], steps[len(steps)-1]
			if a.DocLine != "2.4" || strings.Join(a.Needs, " ") != "one" || a.If["dns_via"] != "admin" || a.If["param.how"] != "fast" {
				t.Errorf("a is %+v", a)
			}
			if b.DocLine != "2.4" || strings.Join(b.Needs, " ") != "one a" || len(b.If) != 1 {
				t.Errorf("b is %+v", b)
			}
		})
	}
}

// What nothing fills in is no reference; a shell would make nothing of it, silently.
func TestReferencesInsideScripts(t *testing.T) {
	t.Parallel()
	const head = "name: own\ntitle: {en: a, zh: b}\nparams: [{name: which, type: host, required: true}]\nsteps:\n  - id: one\n    title: {en: a, zh: b}\n    kind: ssh\n    host: nginx\n    with:\n"
	for with, wrong := range map[string]bool{
		"      script: ping $param.which\n":                                    true,
		"      script: |\n        ping \"${host.nginx.address}\"\n":            true,
		"      script: \"true\"\n      look: test $step.one.x\n":               true,
		"      script: cp $file.bak $1.old\n      env: {NAME: $param.which}\n": false,
	} {
		set, err := load([]source{{os.DirFS(write(t, head+with)), "own"}}, oneKind{})
		if got := err != nil && strings.Contains(err.Error(), "scenario.reference_in_script"); got != wrong || (set == nil) != wrong {
			t.Errorf("%s: %v", with, err)
		}
	}
}

func TestPlaceAndReplaced(t *testing.T) {
	t.Parallel()
	dir := write(t, strings.Replace(good, "name: own", "name: primary", 1))
	l, err := Read(dir, oneKind{})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "own.yaml")
	if len(l.Replaced) != 1 || l.Replaced[0] != (Replacement{Name: "primary", File: file}) {
		t.Errorf("replaced %v", l.Replaced)
	}
	at := 1 + strings.Count(good[:strings.Index(good, "host: nginx\n")], "\n")
	if f, line, ok := l.Place("primary", "one", "nginx"); !ok || f != file || line != at {
		t.Errorf("place %s:%d %v, want line %d", f, line, ok, at)
	}
	if f, line, ok := l.Place("nginx", "when", "nginx"); ok {
		t.Errorf("an embedded file has a place: %s:%d", f, line)
	}
	if _, _, ok := l.Place("primary", "one", "sik"); ok {
		t.Error("a word that is not there has a place")
	}
}

package scenario

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

type spec struct {
	Script    string            `yaml:"script"`
	Provision string            `yaml:"provision"`
	Satisfied string            `yaml:"satisfied"`
	Look      string            `yaml:"look"`
	Env       map[string]string `yaml:"env"`
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
	case "check", "sql", "restore", "edit", "nginx", "copy", "manual", "service", "enrol", "roles":
		return &map[string]any{}, true
	}
	return nil, false
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
`

func TestOwnScenariosAddToTheBuiltInOnes(t *testing.T) {
	t.Parallel()
	set, err := Load(write(t, good), oneKind{})
	if err != nil {
		t.Fatal(err)
	}
	own, ok := set["own"]
	if !ok || len(own.Steps) != 2 {
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
		{"unknown key", "host: nginx\n    timeout", "hots: nginx\n    timeout", []string{"own.yaml:12:5", "hots"}},
		{"unknown key in with", "env: {A", "envs: {A", []string{"own.yaml:15:7", "envs"}},
		{"unknown kind", "kind: check", "kind: chekc", []string{"own.yaml:", "scenario.unknown_kind", "chekc"}},
		{"templating", `echo "a: $A"`, `echo {{.A}}`, []string{"own.yaml:", "{{ }} is not expanded"}},
		{"needs a later step", "needs: [one,", "needs: [three,", []string{"scenario.needs", "three"}},
		{"same id twice", "id: two", "id: one", []string{"scenario.id_twice", "one"}},
		{"unknown guard", "host: nginx\n    timeout", "guard: nope\n    timeout", []string{"scenario.no_guard", "nope"}},
		{"bad id", "id: two", "id: Two!", []string{"scenario.bad_id", "Two!"}},
		{"bad duration", "90s", "ninety", []string{"own.yaml:", `invalid duration "ninety"`}},
		{"missing language", "{en: Two, zh: 二}", "{en: Two}", []string{"scenario.step_title"}},
		{"unknown parameter type", "type: host", "type: hots", []string{"scenario.param_type", "hots"}},
		{"broken YAML", "steps:", "steps: [", []string{"own.yaml:"}},
		{"unknown fragment", "id: two\n", "include: nowhere\n    id: two\n", []string{"scenario.no_fragment", "nowhere"}},
		{"two at once", "kind: ssh\n", "kind: shh\n    typo: 1\n", []string{"typo"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(good, c.from, c.to, 1)
			if text == good {
				t.Fatal("the case changes nothing")
			}
			set, err := Load(write(t, text), oneKind{})
			if err == nil || set != nil {
				t.Fatalf("loaded %v, %v", set.Names(), err)
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
	text := strings.Replace(strings.Replace(good, "env: {A", "envs: {A", 1), "kind: check", "kind: chekc", 1)
	_, err := Load(write(t, text), oneKind{})
	var p *Problems
	if !errors.As(err, &p) || len(p.List) != 2 {
		t.Fatalf("want two problems, have %v", err)
	}
	for _, x := range p.List {
		if x.Line == 0 || x.Column == 0 || x.Excerpt == "" {
			t.Errorf("problem without a place: %+v", x)
		}
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

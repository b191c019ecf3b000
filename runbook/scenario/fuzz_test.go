package scenario

import (
	"errors"
	"fmt"
	"io/fs"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"recoverbot/runbook"
)

// FuzzLoad: no file panics, what is wrong has a place in it, and what is taken means the same each time it is read.
func FuzzLoad(f *testing.F) {
	err := fs.WalkDir(embedded, "builtin", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		text, err := fs.ReadFile(embedded, name)
		f.Add(text)
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []string{"", good, "name: a\nsteps: &a [*a]\n", "name: ../../x\ntitle: {en: a, zh: b}\nsteps: [{include: ../x}]\n", "steps: [1, a, [], {}, null]\n", "name: !!str a\nwhen: [{kind: x}]\n",
		"name: own\ntitle: {en: a, zh: b}\nsteps:\n- {id: one, title: {en: a, zh: b}, kind: ssh, host: \"nginx; id\", with: {script: \"echo ${$param.x}\"}}\n", "<<: {name: x}\n", "- a\n", "name: a\nname: b\n", "params: [{name: x, pattern: \"(\"}]\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if len(text) > 64<<10 {
			return
		}
		read := func() (*Library, error) {
			return load([]source{{files: fstest.MapFS{"own.yaml": {Data: text}}}}, oneKind{})
		}
		l, err := read()
		if err != nil {
			var bad *Problems
			if !errors.As(err, &bad) || len(bad.List) == 0 {
				t.Fatalf("%v", err)
			}
			lines := strings.Count(strings.ReplaceAll(string(text), "\r", "\n"), "\n") + 1
			for _, p := range bad.List {
				if p.File != "own.yaml" || p.Line < 1 || p.Line > lines+1 || p.Column < 0 {
					t.Errorf("%d lines, %+v", lines, p)
				}
			}
			return
		}
		again, err := read()
		if err != nil || !reflect.DeepEqual(l.Set, again.Set) {
			t.Errorf("read again: %v\n%+v\n%+v", err, l.Set, again.Set)
		}
		for name, s := range l.Set {
			if !idPattern.MatchString(name) || name != s.Name {
				t.Errorf("scenario %q is called %q", name, s.Name)
			}
			for _, step := range s.Steps {
				if !idPattern.MatchString(step.ID) || step.Host != "" && !hostPattern.MatchString(step.Host) {
					t.Errorf("step %+v", step)
				}
			}
		}
	})
}

// TestWaysRoundACircle: names that leave out each other in many ways are no reason to wait (fault 34).
func TestWaysRoundACircle(t *testing.T) {
	t.Parallel()
	bind := map[string]runbook.Binding{}
	for i := range 60 {
		b := runbook.Binding{From: []string{"nginx"}}
		for j := i + 1; j < 60; j++ {
			b.Except = append(b.Except, fmt.Sprintf("b%d", j))
		}
		bind[fmt.Sprintf("b%d", i)] = b
	}
	done := make(chan []string, 1)
	go func() { done <- circle(bind, "b0") }()
	select {
	case got := <-done:
		if got != nil {
			t.Errorf("a circle: %v", got)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("looks at each way")
	}
}

package main

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"recoverbot/locale"
	"recoverbot/runbook/action"
	"recoverbot/runbook/action/builtin"
	"recoverbot/runbook/blackbox"
	"recoverbot/runbook/scenario"
)

// builtInScenarios are those that come with the bot, with the real kinds of action.
func builtInScenarios(t *testing.T) scenario.Set {
	t.Helper()
	b, err := action.NewBuilder(nil, builtin.Kinds(), (*blackbox.Store)(nil), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	set, err := scenario.Load("", b)
	if err != nil {
		t.Fatalf("load built-in scenarios:\n%v", err)
	}
	return set
}

// Every built-in scenario must be valid for the real kinds of action, and every line of scenario 3 of the operators'
// document must have a step.
func TestBuiltInScenarios(t *testing.T) {
	t.Parallel()
	set := builtInScenarios(t)
	lines := map[string]bool{}
	for _, s := range set["primary"].Steps {
		lines[s.DocLine] = true
	}
	for _, l := range []string{"3.1", "3.2", "3.3", "3.4", "3.5", "3.6", "3.7", "3.8", "3.9", "3.10"} {
		if !lines[l] {
			t.Errorf("no step of scenario primary does document line %s", l)
		}
	}
}

// A folded text has a space where its lines meet: in Chinese that is a gap.
func TestNoGapsInChineseTexts(t *testing.T) {
	t.Parallel()
	gap := regexp.MustCompile(`[\p{Han}。，；：！？、（）]\s+[\p{Han}。，；：！？、（）]|[。，；：！？、]\s+\S`)
	found := 0
	err := filepath.WalkDir("runbook/scenario/builtin", func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yaml" {
			return err
		}
		text, err := os.ReadFile(path) //nolint:gosec // of this repository
		if err != nil {
			return err
		}
		var content any
		if err := yaml.Unmarshal(text, &content); err != nil {
			return err
		}
		plain, err := json.Marshal(content)
		for _, bad := range gap.FindAllString(string(plain), -1) {
			t.Errorf("%s: gap in %q", path, bad)
		}
		found++
		return err
	})
	if err != nil || found < 5 {
		t.Fatalf("%d scenarios, %v", found, err)
	}
}

// A bad scenario is told in the settings' language, with its place.
func TestBadScenarioIsToldInBothLanguages(t *testing.T) {
	t.Parallel()
	b, err := action.NewBuilder(nil, builtin.Kinds(), (*blackbox.Store)(nil), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	text := "name: own\ntitle: {en: Own, zh: 自己}\nsteps:\n  - {id: one, title: {en: One, zh: 一}, kind: nonsense}\n"
	if err := os.WriteFile(filepath.Join(dir, "own.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	bundle, err := locale.Load()
	if err != nil {
		t.Fatal(err)
	}
	_, err = scenario.Load(dir, b)
	for lang, want := range map[string]string{"en": "own.yaml:4:46: Step one: unknown kind nonsense.", "zh": "own.yaml:4:46: 步骤 one：未知的 kind nonsense。"} {
		if got := (settings{Language: lang, zone: time.UTC}).localised(bundle, err).Error(); !strings.Contains(got, want) || !strings.Contains(got, "kind: nonsense") {
			t.Errorf("%s: %s", lang, got)
		}
	}
}

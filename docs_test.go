package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"recoverbot/bot/slack"
)

// pages are what a person reads, in each language.
var pages = map[string][]string{
	"en": {"README.md", "docs/guide.md"},
	"zh": {"README.zh-CN.md", "docs/guide.zh.md"},
}

func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestPagesTellOfEveryCommandAndScenario(t *testing.T) {
	t.Parallel()
	set := builtInScenarios(t)
	for _, names := range pages {
		for _, name := range names {
			text := page(t, name)
			for _, s := range set.Names() {
				if !strings.Contains(text, "`"+s) {
					t.Errorf("%s does not tell of scenario %s", name, s)
				}
			}
		}
		for _, c := range newRoot().Commands() {
			if text := page(t, names[0]); !strings.Contains(text, "`"+c.Name()) {
				t.Errorf("%s does not tell of the command %s", names[0], c.Name())
			}
		}
	}
}

// Both languages give the same commands to type.
func TestPagesGiveTheSameCommands(t *testing.T) {
	t.Parallel()
	typed := regexp.MustCompile(`(?m)^(make [a-z]+[A-Z0-9="a-z _-]*|recoverbot [a-z]+ [a-z]+|[05] 6 .*|(?:GET|POST) +/api/[a-z]+)`)
	for i := range pages["en"] {
		en, zh := pages["en"][i], pages["zh"][i]
		if diff := cmp.Diff(typed.FindAllString(page(t, en), -1), typed.FindAllString(page(t, zh), -1)); diff != "" {
			t.Errorf("%s and %s differ:\n%s", en, zh, diff)
		}
	}
}

func TestLinksOfPages(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	link := regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`)
	for _, name := range append(files, "README.md", "README.zh-CN.md") {
		for _, m := range link.FindAllStringSubmatch(page(t, name), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(name), m[1])); err != nil {
				t.Errorf("%s links to nothing: %s", name, m[1])
			}
		}
	}
}

func TestProvisionExamplesAreShell(t *testing.T) {
	t.Parallel()
	for _, role := range []string{"standby", "primary", "nginx"} {
		if out, err := exec.Command("sh", "-n", "provision.example/"+role+".sh").CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", role, err, out)
		}
	}
}

// The page of each chat says the same in both languages, and tells of every setting.
func TestPagesOfChats(t *testing.T) {
	t.Parallel()
	shape := regexp.MustCompile(`(?m)^(#+ |\d+\. |\|)`)
	code := func(text string) []string {
		text = strings.ReplaceAll(text, "```", "")
		return slices.Sorted(slices.Values(regexp.MustCompile("`[^`\n]+`").FindAllString(text, -1)))
	}
	for _, chat := range []string{"slack", "telegram"} {
		en, zh := page(t, "docs/"+chat+".md"), page(t, "docs/"+chat+".zh.md")
		if diff := cmp.Diff(shape.FindAllString(en, -1), shape.FindAllString(zh, -1)); diff != "" {
			t.Errorf("%s: headings, steps and rows differ:\n%s", chat, diff)
		}
		told := code(en)
		if diff := cmp.Diff(told, code(zh)); diff != "" {
			t.Errorf("%s: names in code differ:\n%s", chat, diff)
		}
		if chat == "slack" {
			for _, scope := range slack.Scopes {
				if !slices.Contains(told, "`"+scope+"`") {
					t.Errorf("docs/slack.md does not say what %s is for", scope)
				}
			}
		}
		for _, key := range keys() {
			if strings.HasPrefix(key, strings.ToUpper(chat)+"_") && key != "SLACK_API_URL" && !slices.Contains(told, "`"+key+"`") {
				t.Errorf("docs/%s.md does not say where %s comes from", chat, key)
			}
		}
	}
}

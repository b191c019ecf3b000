package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
	"strings"
	"testing"
)

// allowed says which packages of the house a package may import, by prefix: imports point one way, as the design
// draws them. The longest matching prefix counts. Tests may import what they like.
var allowed = map[string][]string{
	"recoverbot":                        {"recoverbot/"},
	"recoverbot/bot":                    {},
	"recoverbot/bot/bottest":            {"recoverbot/bot"},
	"recoverbot/bot/door":               {},
	"recoverbot/bot/web":                {"recoverbot/bot", "recoverbot/bot/door"},
	"recoverbot/bot/slack":              {"recoverbot/bot"},
	"recoverbot/bot/telegram":           {"recoverbot/bot"},
	"recoverbot/bot/terminal":           {"recoverbot/bot"},
	"recoverbot/handlers":               {"recoverbot/bot", "recoverbot/handlers/alert", "recoverbot/locale", "recoverbot/runbook"},
	"recoverbot/handlers/alert":         {"recoverbot/handlers/alert", "recoverbot/runbook"},
	"recoverbot/locale":                 {"recoverbot/runbook"},
	"recoverbot/runbook":                {},
	"recoverbot/runbook/appconfig":      {"recoverbot/runbook/strictyaml"},
	"recoverbot/runbook/blackbox":       {"recoverbot/runbook", "recoverbot/runbook/fleet"},
	"recoverbot/runbook/dump":           {"recoverbot/runbook", "recoverbot/runbook/dump"},
	"recoverbot/runbook/engine":         {"recoverbot/runbook"},
	"recoverbot/runbook/fleet":          {"recoverbot/runbook", "recoverbot/runbook/strictyaml"},
	"recoverbot/runbook/journal":        {"recoverbot/runbook"},
	"recoverbot/runbook/paper":          {"recoverbot/runbook", "recoverbot/runbook/fleet"},
	"recoverbot/runbook/probe":          {"recoverbot/runbook", "recoverbot/runbook/fleet", "recoverbot/runbook/dump"},
	"recoverbot/runbook/scenario":       {"recoverbot/runbook", "recoverbot/runbook/strictyaml"},
	"recoverbot/runbook/strictyaml":     {},
	"recoverbot/runbook/transfer":       {"recoverbot/runbook", "recoverbot/runbook/fleet"},
	"recoverbot/runbook/action":         {"recoverbot/runbook"},
	"recoverbot/runbook/action/builtin": {"recoverbot/runbook/action"},
	"recoverbot/drill":                  {"recoverbot/drill", "recoverbot/locale", "recoverbot/runbook"},
}

// exact are packages that only name what they import themselves, not what lies below it.
var exact = map[string]bool{"recoverbot/runbook": true, "recoverbot/bot": true}

type listed struct {
	ImportPath string
	Imports    []string
}

func TestImportsPointOneWay(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	seen := 0
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		seen++
		for _, i := range p.Imports {
			if (i == "recoverbot" || strings.HasPrefix(i, "recoverbot/")) && !mayImport(p.ImportPath, i) {
				t.Errorf("%s must not import %s", p.ImportPath, i)
			}
		}
	}
	if seen < 10 {
		t.Errorf("only %d packages were seen", seen)
	}
}

func mayImport(from, to string) bool {
	if strings.HasPrefix(from, "recoverbot/runbook/action/") && strings.HasPrefix(to, "recoverbot/runbook/action/") {
		kind := func(p string) string {
			return strings.Split(strings.TrimPrefix(p, "recoverbot/runbook/action/"), "/")[0]
		}
		return kind(from) == "builtin" || kind(from) == kind(to) || kind(from) == "actiontest"
	}
	if strings.HasSuffix(from, "test") || strings.Contains(from, "test/") { // contract suites and test companies
		return true
	}
	if to == "recoverbot/runbook/failpoint" { // of standard packages alone, and empty but for tests
		return true
	}
	rule := ""
	for prefix := range allowed {
		if (from == prefix || strings.HasPrefix(from, prefix+"/")) && len(prefix) > len(rule) {
			rule = prefix
		}
	}
	for _, a := range allowed[rule] {
		if to == a || strings.HasSuffix(a, "/") && strings.HasPrefix(to, a) {
			return true
		}
		below := strings.HasPrefix(to, a+"/")
		if below && (!exact[a] || strings.HasPrefix(from, "recoverbot/handlers") || strings.HasPrefix(from, "recoverbot/runbook/action") || strings.HasPrefix(from, "recoverbot/drill")) {
			return true
		}
	}
	return false
}

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"recoverbot/runbook/journal"
)

const checkedFleet = `
hosts:
  - {name: app1, address: 192.0.2.21, dns_ip: 192.0.2.21, roles: [primary]}
databases: [{name: speed, password: "${SPEED_PASSWORD}"}]
people: [{name: ops1, roles: [approver, danger]}]
provision: {primary: {script: make.sh, env: [REGISTRY_KEY]}}
watch:
  roles: [{role: primary, scenario: primari}]
  together: [{roles: [primary, standby], scenario: nowhere}]
`

// command runs the program in a directory of its own with these files, and returns all that it says.
func command(t *testing.T, files map[string]string, args ...string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.ReplaceAll(text, "DIR/", dir+"/")), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	root := newRoot()
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(append(args, "--env-file", filepath.Join(dir, "env")))
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func TestCheckNamesWhatNothingReads(t *testing.T) {
	t.Parallel()
	out, err := command(t, map[string]string{"fleet.yaml": checkedFleet,
		"env": "FLEET_FILE=DIR/fleet.yaml\nSSH_KNOWN_HOST=x\nSPEED_PASSWORD=x\nREGISTRY_KEY=x\nOLD_PASSWORD=x\nHTTP_ADDR=127.0.0.1:0\n"}, "check")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"no scenario is called primari.", "no scenario is called nowhere.", "nothing reads OLD_PASSWORD.",
		"nothing reads SSH_KNOWN_HOST. Did you mean SSH_KNOWN_HOSTS?"} {
		if !strings.Contains(out, want) {
			t.Errorf("check does not say %q:\n%s", want, out)
		}
	}
	for _, key := range []string{"SPEED_PASSWORD", "REGISTRY_KEY", "FLEET_FILE", "HTTP_ADDR"} {
		if strings.Contains(out, "reads "+key) {
			t.Errorf("check says that nothing reads %s:\n%s", key, out)
		}
	}
}

func TestUnreadableFilesAreNamedWithTheReason(t *testing.T) {
	t.Parallel()
	for want, files := range map[string]map[string]string{
		"nowhere.yaml cannot be read: it does not exist.": {"env": "FLEET_FILE=DIR/nowhere.yaml\n"},
		"无法读取 SSH 密钥":                                     {"env": "LANGUAGE=zh\nFLEET_FILE=DIR/fleet.yaml\nSPEED_PASSWORD=x\nSSH_KEY_FILE=DIR/env\n", "fleet.yaml": checkedFleet},
		"fleet.yaml：不是私钥。":                                {"env": "LANGUAGE=zh\nFLEET_FILE=DIR/fleet.yaml\nSPEED_PASSWORD=x\nSSH_KEY_FILE=DIR/fleet.yaml\n", "fleet.yaml": checkedFleet},
	} {
		if _, err := command(t, files, "check"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}

// A second bot says that there is one, whatever else is in its way.
func TestASecondServeSaysSo(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	dsn := "sqlite://" + filepath.Join(dir, "journal.db")
	j, err := journal.Open(t.Context(), dsn, time.Now, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer j.Close()
	_, err = command(t, map[string]string{"fleet.yaml": checkedFleet,
		"env": "FLEET_FILE=DIR/fleet.yaml\nSPEED_PASSWORD=x\nDATABASE_URL=" + dsn + "\nHTTP_ADDR=192.0.2.1:1\n"}, "serve")
	if err == nil || !strings.Contains(err.Error(), "A bot is already running here") {
		t.Errorf("got %v", err)
	}
}

func TestTokenOfAStrangerIsDoubted(t *testing.T) {
	t.Parallel()
	files := map[string]string{"fleet.yaml": checkedFleet, "env": "FLEET_FILE=DIR/fleet.yaml\nSPEED_PASSWORD=x\n"}
	for name, doubted := range map[string]bool{"ops1": false, "ops9": true} {
		out, err := command(t, files, "token", name)
		if err != nil || strings.Contains(out, "Nobody is called") != doubted || !strings.Contains(out, "token_hash: sha256:") {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
}

func TestCheckNamesRulesForAlertsThatCannotWork(t *testing.T) {
	t.Parallel()
	const rules = checkedFleet + `
alerts:
  rules:
    - {match: {a: b}, scenario: flood}
    - {match: {a: c}, scenario: nginx}
    - {match: {a: d}, host: app1, scenario: primary, params: {witch: app1}}
    - {match: {a: e}, host: nginx, scenario: nginx, params: {which: $host}}
    - {match: {a: f}, host: app1, scenario: auto}
`
	out, err := command(t, map[string]string{"fleet.yaml": rules, "env": "FLEET_FILE=DIR/fleet.yaml\nSPEED_PASSWORD=x\nREGISTRY_KEY=x\n"}, "check")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"the scenario flood, which does not exist", "scenario nginx: ", "which=… is missing", "role nginx as its host; 0 hosts", "scenario primary: ", "witch", "ALERT_TOKEN is not set: no alert is taken"} {
		if !strings.Contains(out, want) {
			t.Errorf("check does not say %q:\n%s", want, out)
		}
	}
}

func TestCheckSaysWhereAndWhatIsMeant(t *testing.T) {
	t.Parallel()
	const doubtful = `hosts:
  - {name: app1, address: 192.0.2.1, roles: [primary]}
  - {name: app2, address: 192.0.2.2, roles: [standby]}
  - {name: nginx1, address: 192.0.2.3, roles: [nginx]}
alerts:
  rules:
    - {match: {a: b}, scenario: ngnix}
    - {match: {a: c}, scenario: nginx}
    - match: {a: d}
      scenario: nginx
      params: {which: nginx7}
watch:
  roles: [{role: nginx, scenario: ngnix}, {role: nginx, scenario: nginx}]
  together:
    - {roles: [primary, standby], scenario: nginx}
dns_via:
  foo: sql
  fence: admin
  nginx: admin
  primary: admin
`
	const own = `name: fence
title: {en: Own, zh: 自定}
steps:
  - id: one
    title: {en: One, zh: 一}
    kind: ssh
    on: [sik]
    with: {script: "true"}
`
	out, err := command(t, map[string]string{"fleet.yaml": doubtful, "own.yaml": own,
		"env": "FLEET_FILE=DIR/fleet.yaml\nRUNBOOK_DIR=DIR/own\n"}, "check")
	if err == nil {
		t.Fatalf("a directory that is not there was read:\n%s", out)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "own.yaml"), []byte(own), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err = command(t, map[string]string{"fleet.yaml": doubtful, "env": "FLEET_FILE=DIR/fleet.yaml\nRUNBOOK_DIR=" + dir + "\n"}, "check")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"fleet.yaml:7: alerts.rules calls for the scenario ngnix, which does not exist. Did you mean nginx?",
		"fleet.yaml:8: alerts.rules, scenario nginx: which=… is missing",
		"fleet.yaml:11: alerts.rules, scenario nginx: ",
		"fleet.yaml:13: watch: no scenario is called ngnix. Did you mean nginx?",
		"fleet.yaml:15: watch: nginx needs which",
		"fleet.yaml:17: dns_via: no scenario is called foo",
		"fleet.yaml:18: dns_via: fence has no step that depends on it; the line changes nothing",
		"fleet.yaml:19: dns_via sends nginx to the back-end, but domain_list.admin",
		"fleet.yaml:20: dns_via: primary: ",
		dir + "/own.yaml:7: Scenario fence, one: ",
		dir + "/own.yaml replaces the built-in fence.",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("check does not say %q", want)
		}
	}
	for _, never := range []string{"Nothing was started", "yaml:13: watch: nginx", ": both.yaml", ": fragments/"} {
		if strings.Contains(out, never) {
			t.Errorf("check says %q", never)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}

func TestMisuseIsSaidInTheSettingsLanguage(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		args   string
		en, zh string
	}{
		{"serv", "There is no command serv. Did you mean serve?", "没有命令 serv。是否想输入 serve？"},
		{"audit x", "There is no command x. Known: export, verify.", "没有命令 x"},
		{"report", "Write: recoverbot report RUN.", "写法：recoverbot report RUN。"},
		{"check a b", "Write: recoverbot check (a b is too much).", "多余"},
		{"check --conect", "no option --conect here. Did you mean --connect?", "没有选项 --conect。是否想输入 --connect？"},
		{"check -x", "no option -x here.", "没有选项 -x。"},
		{"drill --chain x", "x cannot be the value of --chain.", "x 不能作为 --chain 的值"},
		{"drill break app1", "The option --dir is needed here.", "必须给出选项 --dir"},
	} {
		for lang, want := range map[string]string{"en": c.en, "zh": c.zh} {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "env"), []byte("LANGUAGE="+lang+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			root := newRoot()
			root.SetArgs(append([]string{"--env-file", filepath.Join(dir, "env")}, strings.Fields(c.args)...))
			if err := root.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s (%s): %v", c.args, lang, err)
			}
		}
	}
}

func TestPlanAloneListsTheScenarios(t *testing.T) {
	t.Parallel()
	out, err := command(t, map[string]string{"env": "LANGUAGE=zh\n"}, "plan")
	if err != nil || !strings.Contains(out, "  nginx which=…") || !strings.Contains(out, "应用服务器主挂") {
		t.Errorf("%v\n%s", err, out)
	}
}

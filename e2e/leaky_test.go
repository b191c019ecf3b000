package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// leaky prints what it should not, in every way that programs have, and fails.
const leaky = `name: leaky
title: {en: A script that tells too much, zh: 话太多的脚本}
steps:
  - id: tell
    title: {en: Tell, zh: 说}
    kind: ssh
    host: standby
    with:
      script: |
        exec 2>&1
        p=$(sed -n 's/^password *= *"*\([^"]*\)"*$/\1/p' %[1]s)
        echo "mysql -u root -p$p --host x"
        echo "{\"dsn\": \"root:$p@tcp(db)/speed\"}"
        printf %%s "$p" | base64
        printf %%s "root:$p" | base64
        printf %%s "$p" | od -An -v -tx1 | tr -d ' \n'
        echo
        printf %%s "$p" | tr a-z A-Z
        echo
        cat %[2]s
        mysql speed -e "INSERT INTO canaries SELECT id + 1, name FROM canaries"
        mysql speed -e "UPDATE canaries SET id = name"
        c=row-
        mysql speed -e "SELECT FROM canaries '${c}canary'"
        mysql speed -e "DELETE FROM canaries"
        echo "the end, $p"
        exit 3
`

// TestScriptsThatTellTooMuch: a script prints passwords, a key, and errors of MySQL with rows in them. They reach no page, no
// journal, no log and no report; that it failed, and about which key, does. Its own output
// stays on the host, for its owner alone (fault 40).
func TestScriptsThatTellTooMuch(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.mysql("standby", "CREATE TABLE speed.canaries (id INT PRIMARY KEY, name VARCHAR(40) UNIQUE); INSERT INTO speed.canaries VALUES (1, 'row-canary'); "+
		"CREATE TRIGGER speed.keep BEFORE DELETE ON speed.canaries FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'row-canary stays'")
	own := filepath.Join(c.dir, "own")
	if err := os.Mkdir(own, 0o700); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf(leaky, c.path("standby", "root/.my.cnf"), filepath.Join(c.dir, "keys", "id_ed25519"))
	if err := os.WriteFile(filepath.Join(own, "leaky.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	settings, err := os.ReadFile(c.d.Bot.EnvFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.d.Bot.EnvFile, append(settings, "\nRUNBOOK_DIR="+own+"\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	c.killBot()
	id := c.recover("/recover leaky")
	c.at(id, "tell", "waiting")
	c.answer(id, "tell", "approve")
	s := c.at(id, "tell", "failed")
	for _, want := range []string{"-p<redacted> --host", "the end, <redacted>", "Duplicate entry '‹cut›' for key 'name'", "nteger value: '‹cut›'", "near '‹cut›'", "ERROR 1644 (45000) at line 1: ‹cut›"} {
		if s.Result == nil || !strings.Contains(s.Result.Output, want) {
			t.Errorf("the output lacks %q: %+v", want, s.Result)
		}
	}
	c.kept([]string{"row-canary", strings.ToUpper(c.d.Hosts["standby"].MySQL.Password)}, nil, []string{"plan", "primary"}, []string{"plan", "primary", "--as-shell"})
}

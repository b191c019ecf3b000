package sql

import (
	"encoding/hex"
	"strings"
	"testing"

	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/paper"
)

// A literal on paper is the same value under every mode of the server.
func TestLiteralsOnPaper(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	c.StartMariaDB("standby")
	h, _ := c.Fleet.Config().Host("standby")
	d, _ := c.Fleet.Config().Database("speed")
	client, err := c.Fleet.SSH(t.Context(), h)
	if err != nil {
		t.Fatal(err)
	}
	for _, mode := range []string{"", "NO_BACKSLASH_ESCAPES", "ANSI_QUOTES,NO_BACKSLASH_ESCAPES"} {
		var text strings.Builder
		text.WriteString("SET sql_mode='" + mode + "';\n")
		values := []string{"", "0", "17", "007", "192.0.2.1", "2001:db8::1", `\' OR 1=1 -- `, `'; DROP DATABASE speed; --`, "a\nb\rc", "\x1a%_`\"", "主", "\xff\xfe", "-- ", "/*", "x' UNION SELECT 1"}
		for _, v := range values {
			text.WriteString("SELECT HEX(" + paper.Literal(v) + ");\n")
		}
		ran, err := client.Run(t.Context(), fleet.Command{Script: paper.Here(paper.MySQL(h, d)+" -N", text.String())})
		if err != nil || ran.Exit != 0 {
			t.Fatalf("%v %+v", err, ran)
		}
		got := strings.Split(strings.TrimSuffix(ran.Stdout, "\n"), "\n")
		if len(got) != len(values) {
			t.Fatalf("%s: %d answers: %q", mode, len(got), got)
		}
		for i, v := range values {
			want := strings.ToUpper(hex.EncodeToString([]byte(v)))
			if v == "0" || v == "17" { // numbers are numbers
				want = map[string]string{"0": "0", "17": "11"}[v]
			}
			if got[i] != want {
				t.Errorf("%s: %q became %s, want %s", mode, v, got[i], want)
			}
		}
	}
	if got := paper.Bind("update t set a=?, b='?' where c=?", []string{"x'y", "3"}, paper.Literal); got != "update t set a=CONVERT(X'782779' USING utf8mb4), b='?' where c=3" {
		t.Error(got)
	}
}

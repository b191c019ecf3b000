package transfer_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"recoverbot/runbook"
	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/transfer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const from, to = "/shell/sql_backup/speed.sql", "/var/lib/recoverbot/load/copy.sql"

// content is about size bytes that a compressor makes smaller.
func content(size int) string {
	line := "INSERT INTO `users` VALUES (1,'\x00\xff 用户','" + strings.Repeat("é", 300) + "');\n"
	return strings.Repeat(line, size/len(line)+1)
}

func job(c *actiontest.Company, text string) transfer.Job {
	sum := sha256.Sum256([]byte(text))
	return transfer.Job{
		From: c.Client("report"), To: c.Client("standby"), FromPath: c.Path("report", from), ToPath: c.Path("standby", to),
		Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:]), Mode: 0o600,
	}
}

// A copy goes on where it was when the connection to either side breaks, packed or plain.
func TestGoesOnAfterABrokenConnection(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "report", "standby")
	text := content(17 << 20)
	c.WriteFile("report", from, text, 0o600)
	c.WriteFile("report", from+".gz", text, 0o600)
	for _, way := range []struct{ file, breaks string }{{from, "standby"}, {from + ".gz", "report"}} {
		j := job(c, text)
		j.FromPath = c.Path("report", way.file) // what is packed already is not packed again
		var seen []int64
		j.Progress = func(done int64) {
			seen = append(seen, done)
			if len(seen) == 3 {
				if err := c.SSHD(way.breaks).Kill(); err != nil {
					t.Error(err)
				}
				c.RestartSSHD(way.breaks)
			}
		}
		redialled := 0
		j.Redial = func(context.Context) (*fleet.Client, *fleet.Client, error) {
			redialled++
			return c.Client("report"), c.Client("standby"), nil
		}
		if err := transfer.Run(t.Context(), j); err != nil {
			t.Fatalf("%s: %v", way.file+" "+way.breaks, err)
		}
		if got, err := os.ReadFile(j.ToPath); err != nil || !bytes.Equal(got, []byte(text)) {
			t.Errorf("%s: the copy differs, %v", way.file+" "+way.breaks, err)
		}
		if redialled == 0 || seen[3] < seen[2] {
			t.Errorf("%s: dialled %d times again, progress %v", way.file+" "+way.breaks, redialled, seen)
		}
		if err := os.Remove(j.ToPath); err != nil {
			t.Fatal(err)
		}
	}
}

// What differs from the plan is never put in place.
func TestRefusesAnotherSource(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "report", "standby")
	text := content(9 << 20)
	j := job(c, text)
	for name, other := range map[string]string{"same size": strings.Replace(text, "用户", "用用", 1), "shorter": text[:len(text)-1], "longer": text + "x"} {
		c.WriteFile("report", from, other, 0o600)
		if err := transfer.Run(t.Context(), j); runbook.CodeOf(err) != runbook.Conflicting {
			t.Errorf("%s: %v", name, err)
		}
		if c.Exists("standby", to) {
			t.Errorf("%s: a copy is in place", name)
		}
	}
}

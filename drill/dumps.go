package drill

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"time"

	"recoverbot/drill/server"
)

// dumpNames is what the dumps are, for the facts that a recovery is judged by.
type dumpNames struct {
	oldest, older, newest string // texts, with the trailer's date still that of now
	right                 string // base name of the newest complete dump
	orders                int    // its rows of orders
}

// dump runs the operators' mysqldump on the primary; user_logs is not in backups.
func (c *Company) dump(ctx context.Context, args ...string) (string, error) {
	path, err := server.Find("mysqldump")
	if err != nil {
		return "", err
	}
	h := c.must("primary")
	cmd := exec.CommandContext(ctx, path, append([]string{"--defaults-file=" + h.path("root/.my.cnf"), "--single-transaction", "--ignore-table=speed.user_logs"}, args...)...)
	var problem bytes.Buffer
	cmd.Stderr, cmd.Env = &problem, h.env()
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("dump the primary's database: %w: %s", err, problem.String())
	}
	return string(out), nil
}

func (c *Company) oldestDump(ctx context.Context) (err error) {
	c.dumps.oldest, err = c.dump(ctx, "speed")
	return err
}

func (c *Company) olderDump(ctx context.Context) (err error) {
	c.dumps.older, err = c.dump(ctx, "speed")
	return err
}

func (c *Company) rightDump(ctx context.Context) (err error) {
	c.dumps.newest, err = c.dump(ctx, "--databases", "speed")
	return err
}

var trailer = regexp.MustCompile(`-- Dump completed on \d{4}-\d\d-\d\d +\d?\d:\d\d:\d\d`)

// dated gives a dump the trailer of another time.
func dated(dump string, at time.Time) string {
	return trailer.ReplaceAllLiteralString(dump, fmt.Sprintf("-- Dump completed on %s %2d:%02d:%02d", at.Format("2006-01-02"), at.Hour(), at.Minute(), at.Second()))
}

// withoutSandbox drops the client command in the first line, which only the mysql client understands.
func withoutSandbox(dump string) string {
	if strings.HasPrefix(dump, "/*M!999999") {
		_, dump, _ = strings.Cut(dump, "\n")
	}
	return dump
}

// cutAtStatement ends a dump after the statement that holds orders' first rows: mysql takes it without an error.
func cutAtStatement(dump string) string {
	i := strings.Index(dump, "INSERT INTO `orders`")
	end := strings.Index(dump[i:], ";\n")
	return dump[:i+end+2]
}

// spread writes the right dump, and those that a hurried operator might take for it, to the machines that keep backups.
func (c *Company) spread(now time.Time) error {
	ago := func(d time.Duration) time.Time { return now.Add(-d).Truncate(time.Second) }
	day := func(t time.Time) string { return t.Format("20060102150405") }
	oldest, older, right, cut, half := ago(50*time.Hour), ago(26*time.Hour), ago(2*time.Hour), ago(time.Hour), ago(30*time.Minute)
	c.dumps.right = "speed-" + day(right) + ".sql"
	newest := dated(c.dumps.newest, right)
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte(dated(c.dumps.oldest, oldest))); err != nil {
		return fmt.Errorf("pack a dump: %w", err)
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("pack a dump: %w", err)
	}
	dumps := []struct {
		name, text string
		mtime      time.Time
		on         string
	}{
		{c.dumps.right, newest, right, "standby report hongkong"},
		// Complete and older: plain and packed, with other forms of the date. The second was copied just now.
		{"speed-" + older.Format("2006-01-02_15-04") + ".sql", dated(c.dumps.older, older), now, "standby report hongkong"},
		{"speed-" + oldest.Format("2006-01-02_15-04") + ".sql.gz", packed.String(), oldest, "standby report"},
		// Newer and worthless: broken off within a row, cut at a statement's end, empty.
		{"speed-" + day(cut) + ".sql", newest[:len(newest)*6/10], cut, "standby report"},
		{"speed-" + day(half) + ".sql", cutAtStatement(newest), half, "standby hongkong"},
		{"speed-" + day(ago(10*time.Minute)) + ".sql", "", ago(10 * time.Minute), "hongkong"},
		{"other-" + day(ago(5*time.Minute)) + ".sql", "-- not speed\n", ago(5 * time.Minute), "report"},
	}
	for _, d := range dumps {
		for name := range strings.FieldsSeq(d.on) {
			path := c.must(name).path("shell/sql_backup/" + d.name)
			if err := put(path, 0o644, []byte(d.text)); err != nil {
				return err
			}
			if err := os.Chtimes(path, d.mtime, d.mtime); err != nil {
				return fmt.Errorf("date a dump: %w", err)
			}
		}
	}
	return nil
}

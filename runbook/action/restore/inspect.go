package restore

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"recoverbot/runbook"
	"recoverbot/runbook/dump"
	"recoverbot/runbook/fleet"
)

// inspected is what a look through a whole dump found, without reading it as strictly as the helper will.
type inspected struct {
	sha    string
	tables []string
	bytes  int64 // uncompressed
	err    error // a *runbook.Error: the dump is refused
}

// seen remembers inspections by host, path, size, inode and change time, which no one can set back.
var seen sync.Map

const statScript = `stat -c '%s %i %z' -- "$RB_FILE"`

// lookScript prints the lines that name tables and schemas, each with its offset in the uncompressed dump, and then the
// file's hash; both read the file at the same time.
const lookScript = `exec 3>&1
sum=$(
	sha256sum <"$RB_FILE" &
	{ if [ "$RB_GZIP" = 1 ]; then gzip -dc -- "$RB_FILE"; else cat -- "$RB_FILE"; fi; } |
	LC_ALL=C grep -a -b -E '^(CREATE TABLE|USE |CREATE DATABASE|-- Dump completed)' | cut -c1-400 >&3
	wait
)
echo "sha256:${sum%% *}"
`

// inspect looks through a whole dump. One that is too big to wait for is an error that stillReading knows.
func (r *restore) inspect(ctx context.Context, c candidate, schema string, patience time.Duration) (inspected, error) {
	client, err := r.env.Connect(ctx, c.host, c.identity)
	if err != nil {
		return inspected{}, err
	}
	env := map[string]string{"RB_FILE": c.path, "RB_GZIP": strconv.Itoa(yes(dump.IsGzip(c.name)))}
	stat, err := client.Run(ctx, fleet.Command{Script: statScript, Env: env})
	if err != nil {
		return inspected{}, err
	}
	if stat.Exit != 0 {
		return inspected{}, runbook.Errorf(runbook.NotFound, "dump.gone")
	}
	key := strings.Join([]string{c.host.Name, c.identity, schema, c.path, stat.Stdout}, "\x00")
	if v, ok := seen.Load(key); ok {
		return v.(inspected), nil
	}
	var i inspected
	text, err := r.read(ctx, client, c, stat.Stdout, lookScript, env, patience)
	if err != nil {
		return i, err
	}
	rules := dump.Rules{Schema: schema, Scratch: schema + "_new"}
	i.bytes = c.size
	for _, line := range strings.Split(text, "\n") {
		offset, text, ok := strings.Cut(line, ":")
		if !ok {
			continue
		}
		if offset == "sha256" {
			i.sha = text
			continue
		}
		if n, err := strconv.ParseInt(offset, 10, 64); err == nil && dump.IsGzip(c.name) {
			i.bytes = max(i.bytes, n)
		}
		if strings.HasPrefix(text, "--") {
			continue
		}
		if name, ok := strings.CutPrefix(text, "CREATE TABLE "); ok {
			name = strings.TrimPrefix(strings.TrimSpace(name), "IF NOT EXISTS ")
			if _, after, ok := strings.Cut(name, "`"); ok {
				name, _, _ = strings.Cut(after, "`")
			} else {
				name, _, _ = strings.Cut(name, " ")
			}
			if !slices.Contains(i.tables, name) {
				i.tables = append(i.tables, name)
			}
			continue
		}
		if _, err := rules.Check([]byte(strings.TrimRight(text, " ;\r"))); err != nil {
			i.err = err
		}
	}
	slices.Sort(i.tables)
	if len(i.tables) == 0 && i.err == nil {
		i.err = runbook.Errorf(runbook.Invalid, "dump.no_tables")
	}
	if len(i.sha) != 64 {
		return i, errors.New("hash dump: no answer")
	}
	seen.Store(key, i)
	return i, nil
}

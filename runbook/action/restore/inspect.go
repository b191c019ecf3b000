package restore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"recoverbot/runbook"
	"recoverbot/runbook/dump"
	"recoverbot/runbook/fleet"
	"recoverbot/runbook/transfer"
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

// lookScript prints the lines that name tables and schemas, each with its offset in the uncompressed dump.
const lookScript = `{ if [ "$RB_GZIP" = 1 ]; then gzip -dc -- "$RB_FILE"; else cat -- "$RB_FILE"; fi; } |
LC_ALL=C grep -a -b -E '^(CREATE TABLE|USE |CREATE DATABASE|-- Dump completed)' | cut -c1-400
exit 0
`

func (r *restore) inspect(ctx context.Context, c candidate, schema string) (inspected, error) {
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
	ran, err := client.Run(ctx, fleet.Command{Script: lookScript, Env: env, Max: 4 << 20})
	if err != nil {
		return i, err
	}
	rules := dump.Rules{Schema: schema, Scratch: schema + "_new"}
	i.bytes = c.size
	for _, line := range strings.Split(ran.Stdout, "\n") {
		offset, text, ok := strings.Cut(line, ":")
		if !ok {
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
	if i.sha, err = transfer.Hash(ctx, client, c.path); err != nil {
		var e *runbook.Error
		if errors.As(err, &e) {
			return i, err
		}
		return i, fmt.Errorf("hash dump: %w", err)
	}
	seen.Store(key, i)
	return i, nil
}

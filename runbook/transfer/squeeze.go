package transfer

import (
	"context"
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"recoverbot/runbook"
	"recoverbot/runbook/fleet"
)

// ahead is how many pieces the source packs before the target has taken the one that is next: links can be long.
const ahead = 3

// tool packs and unpacks a stream; both hosts have it.
type tool struct{ pack, unpack string }

var tools = map[string]tool{
	"zstd": {"zstd -q -c -1", "zstd -q -d -c"},
	"gzip": {"gzip -c -1", "gzip -d -c"},
}

// packed are the endings of files that get no smaller.
var packed = []string{".gz", ".zst", ".xz", ".bz2", ".zip"}

const whichScript = `for t in zstd gzip; do command -v "$t" >/dev/null && echo "$t"; done; true`

// compressor is the best tool that both hosts have; without one it is empty.
func compressor(ctx context.Context, j Job) tool {
	if slices.Contains(packed, path.Ext(j.FromPath)) {
		return tool{}
	}
	from, err := j.From.Run(ctx, fleet.Command{Script: whichScript})
	if err != nil {
		return tool{}
	}
	to, err := j.To.Run(ctx, fleet.Command{Script: whichScript})
	if err != nil {
		return tool{}
	}
	for _, name := range strings.Fields(from.Stdout) {
		if slices.Contains(strings.Fields(to.Stdout), name) {
			return tools[name]
		}
	}
	return tool{}
}

// Every piece is written at its own place, so that one of a broken connection that arrives late does no harm.
const (
	packScript   = `dd if="$RB_FILE" iflag=skip_bytes,count_bytes,fullblock bs=1M skip="$RB_AT" count="$RB_SIZE" status=none | $RB_TOOL`
	unpackScript = `$RB_TOOL | dd of="$RB_FILE" oflag=seek_bytes iflag=fullblock bs=1M seek="$RB_AT" conv=notrunc,nocreat status=none && stat -c %s -- "$RB_FILE"`
)

// squeeze brings the rest of a file over, from the offset on, packed on its way.
func (j Job) squeeze(ctx context.Context, t tool, part string, off int64) error {
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	type piece struct {
		data string
		err  error
	}
	next := make(chan chan piece, ahead-1)
	wg.Go(func() {
		defer close(next)
		for at := off; at < j.Size; at += window {
			one := make(chan piece, 1)
			select {
			case next <- one:
			case <-ctx.Done():
				return
			}
			wg.Go(func() {
				data, err := j.pack(ctx, t, at)
				one <- piece{data, err}
			})
		}
	})
	for one := range next {
		p := <-one
		if p.err != nil {
			return fmt.Errorf("read source: %w", p.err)
		}
		end := min(off+window, j.Size)
		ran, err := j.To.Run(ctx, fleet.Command{Script: unpackScript, Stdin: strings.NewReader(p.data),
			Env: map[string]string{"RB_FILE": part, "RB_TOOL": t.unpack, "RB_AT": strconv.FormatInt(off, 10)}})
		if err != nil {
			return fmt.Errorf("write copy: %w", err)
		}
		if have, err := strconv.ParseInt(strings.TrimSpace(ran.Stdout), 10, 64); ran.Exit != 0 || err != nil || have < end {
			return fmt.Errorf("write copy: exit %d", ran.Exit)
		}
		off = end
		j.Progress(off)
	}
	return ctx.Err()
}

// pack reads one piece of the source.
func (j Job) pack(ctx context.Context, t tool, at int64) (string, error) {
	size := min(window, j.Size-at)
	limit := int(size + size/8 + 64<<10)
	ran, err := j.From.Run(ctx, fleet.Command{Script: packScript, Max: limit, Env: map[string]string{
		"RB_FILE": j.FromPath, "RB_TOOL": t.pack, "RB_AT": strconv.FormatInt(at, 10), "RB_SIZE": strconv.FormatInt(size, 10),
	}})
	if err != nil {
		return "", err
	}
	if ran.Exit != 0 || len(ran.Stdout) == 0 || len(ran.Stdout) >= limit {
		return "", runbook.Errorf(runbook.Conflicting, "copy.source_changed", "file", path.Base(j.FromPath))
	}
	return ran.Stdout, nil
}

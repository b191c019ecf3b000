package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"recoverbot/drill/server"
	"recoverbot/runbook/dump"
	"recoverbot/runbook/dump/load"
)

// pair is one measurement of both ways.
type pair struct {
	plain, ours time.Duration
	memory      int64 // bytes that the helper had at most
	// busy is the processor time of the server, and of the client beside it, each way.
	plainBusy, oursBusy, helperBusy time.Duration
}

func (p pair) ratio() float64 { return p.ours.Seconds() / p.plain.Seconds() }

// timed runs one way into an empty schema, and compares what it made with the source.
func (b *bench) timed(ctx context.Context, way func(context.Context) error) (took, busy time.Duration, err error) {
	if err := b.db.exec(ctx, "DROP DATABASE IF EXISTS "+quote(b.schema), "CREATE DATABASE "+quote(b.schema)+" CHARACTER SET utf8mb4"); err != nil {
		return 0, 0, err
	}
	began, before := time.Now(), b.db.busy()
	if err := way(ctx); err != nil {
		return 0, 0, err
	}
	took, busy = time.Since(began), b.db.busy()-before
	made, err := b.db.states(ctx, b.schema)
	if err != nil {
		return 0, 0, err
	}
	if b.source == nil {
		b.source = made
	}
	return took, busy, differ(b.source, made)
}

// plain is what the document tells people to do.
func (b *bench) plain(ctx context.Context) error {
	client, err := server.Find("mysql")
	if err != nil {
		return err
	}
	f, err := os.Open(b.file)
	if err != nil {
		return err
	}
	defer f.Close()
	cmd := exec.CommandContext(ctx, client, "--no-defaults", "--socket="+b.db.socket, "-uroot", b.schema)
	cmd.Stdin = f
	if dump.IsGzip(b.file) {
		z, err := gzip.NewReader(f)
		if err != nil {
			return err
		}
		cmd.Stdin = z
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// restore is the action's path: the helper as a process of its own checks, loads, adds keys and compares; then the
// tables are exchanged by one RENAME.
func (b *bench) restore(ctx context.Context, p *pair) error {
	scratch := b.schema + "_new_bench"
	cfg := load.Config{File: b.file, Gzip: dump.IsGzip(b.file), SHA256: b.sha256, Schema: b.schema, Scratch: scratch, Network: "unix", Address: b.db.socket, User: "root"}
	text, err := json.Marshal(cfg)
	if err != nil {
		return err
	}
	file := filepath.Join(b.dir, "config.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, b.binary, "load-dump")
	cmd.Env = append(os.Environ(), load.ConfigVariable+"="+file)
	out, err := cmd.Output()
	lines := bytes.Split(bytes.TrimSpace(out), []byte("\n"))
	var last load.Line
	if json.Unmarshal(lines[len(lines)-1], &last) != nil || last.Report == nil {
		return fmt.Errorf("helper: %w: %s", err, lines[len(lines)-1])
	}
	p.helperBusy = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	p.memory = cmd.ProcessState.SysUsage().(*syscall.Rusage).Maxrss << 10
	if b.verbose {
		fmt.Fprintf(b.out, "%s\n", out)
	}
	var moves []string
	for _, t := range last.Report.Tables {
		moves = append(moves, quote(scratch)+"."+quote(t.Name)+" TO "+quote(b.schema)+"."+quote(t.Name))
	}
	return b.db.exec(ctx, "RENAME TABLE "+strings.Join(moves, ", "), "DROP DATABASE "+quote(scratch))
}

// hash is taken when a restore is planned, not when it runs.
func hash(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, f); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

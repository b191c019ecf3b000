package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"recoverbot/drill/server"
	"recoverbot/runbook/dump"
)

type database struct {
	*sql.DB
	socket string
	pid    int
}

func openDatabase(m *server.MariaDB) (*database, error) {
	db, err := sql.Open("mysql", m.DSN("", ""))
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return &database{db, m.Socket, m.Pid()}, nil
}

func (d *database) close() { _ = d.Close() }

func (d *database) exec(ctx context.Context, statements ...string) error {
	for _, s := range statements {
		if _, err := d.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%.60s: %w", s, err)
		}
	}
	return nil
}

func (d *database) setting(name string) (v string) {
	_ = d.QueryRow("SELECT @@" + name).Scan(&v) // for people only
	return v
}

// busy is the processor time that the server has used.
func (d *database) busy() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", d.pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	if len(f) < 13 {
		return 0
	}
	user, _ := strconv.Atoi(f[11]) // hundredths of a second, by proc(5)
	system, _ := strconv.Atoi(f[12])
	return time.Duration(user+system) * 10 * time.Millisecond
}

func quote(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

// state is what two copies of a table must have in common.
type state struct{ checksum, create string }

var counter = regexp.MustCompile(` AUTO_INCREMENT=\d+`)

// states reads every table's checksum and definition.
func (d *database) states(ctx context.Context, schema string) (map[string]state, error) {
	rows, err := d.QueryContext(ctx, "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA=? AND TABLE_TYPE='BASE TABLE'", schema)
	if err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	out := map[string]state{}
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, fmt.Errorf("list tables: %w", err)
		}
		out[name] = state{}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, fmt.Errorf("list tables: %w", err)
	}
	for name := range out {
		var s state
		var full string
		if err := d.QueryRowContext(ctx, "CHECKSUM TABLE "+quote(schema)+"."+quote(name)).Scan(&full, &s.checksum); err != nil {
			return nil, fmt.Errorf("checksum of %s: %w", name, err)
		}
		if err := d.QueryRowContext(ctx, "SHOW CREATE TABLE "+quote(schema)+"."+quote(name)).Scan(&full, &s.create); err != nil {
			return nil, fmt.Errorf("definition of %s: %w", name, err)
		}
		s.create = counter.ReplaceAllString(s.create, "")
		out[name] = s
	}
	return out, nil
}

func differ(source, made map[string]state) error {
	if len(source) != len(made) {
		return fmt.Errorf("there are %d tables, the source has %d", len(made), len(source))
	}
	for name, want := range source {
		switch have := made[name]; {
		case have.checksum != want.checksum:
			return fmt.Errorf("the checksum of %s is %s, the source's is %s", name, have.checksum, want.checksum)
		case have.create != want.create:
			return fmt.Errorf("%s is defined as %s, in the source as %s", name, have.create, want.create)
		}
	}
	return nil
}

// make fills a source database, dumps it and drops it.
func (b *bench) make(ctx context.Context, megabytes int) error {
	fmt.Fprintf(b.out, "making a database of about %d MB\n", megabytes)
	const source = "source"
	if err := b.db.exec(ctx, "CREATE DATABASE "+source+" CHARACTER SET utf8mb4"); err != nil {
		return err
	}
	conn, err := b.db.Conn(ctx)
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	defer conn.Close()
	steps := []string{"USE " + source, "SET sql_log_bin=0, time_zone='+00:00', unique_checks=0"}
	for _, p := range parts {
		rows := max(100, megabytes<<20/100*p.share/p.bytes)
		create := "CREATE TABLE " + quote(p.name) + " (" + p.create + ") ENGINE=InnoDB DEFAULT CHARSET=utf8mb4"
		bare, keys, ok := dump.Lex{}.SplitKeys([]byte(create))
		if !ok {
			return fmt.Errorf("split %s: not understood", p.name)
		}
		steps = append(steps, string(bare))
		const piece = 100_000
		for from := 1; from <= rows; from += piece {
			steps = append(steps, fmt.Sprintf("INSERT INTO %s SELECT %s FROM seq_%d_to_%d", quote(p.name), p.row, from, min(from+piece-1, rows)))
		}
		steps = append(steps, string(keys))
	}
	for _, s := range steps {
		if _, err := conn.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%.60s: %w", s, err)
		}
	}
	b.file = filepath.Join(b.dir, "speed.sql")
	if err := b.dump(ctx, source); err != nil {
		return err
	}
	if b.source, err = b.db.states(ctx, source); err != nil {
		return err
	}
	return b.db.exec(ctx, "DROP DATABASE "+source)
}

func (b *bench) dump(ctx context.Context, schema string) error {
	program, err := server.Find("mysqldump")
	if err != nil {
		return err
	}
	f, err := os.Create(b.file)
	if err != nil {
		return fmt.Errorf("make dump: %w", err)
	}
	var complaint strings.Builder
	cmd := exec.CommandContext(ctx, program, "--no-defaults", "--socket="+b.db.socket, "-uroot", "--single-transaction", schema)
	cmd.Stdout, cmd.Stderr = f, &complaint
	if err := errors.Join(cmd.Run(), f.Close()); err != nil {
		return fmt.Errorf("make dump: %w: %s", err, complaint.String())
	}
	return nil
}

// Command restore measures a restore of a dump by the helper's path against the document's `mysql < file`, on the same
// private MariaDB with durable settings, in turn. It fails where a table differs from the source.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"syscall"

	"recoverbot/drill/server"
	"recoverbot/runbook/dump"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench-restore:", err)
		os.Exit(1)
	}
}

// bench is one run of the measurement.
type bench struct {
	dir, binary, file string
	schema            string // of the dump
	sha256            string
	pairs             int
	verbose           bool
	db                *database
	out               io.Writer
	source            map[string]state // by table; nil: what the first mysql < file makes
}

func run(ctx context.Context, args []string, out io.Writer) (err error) {
	b := &bench{out: out, schema: "speed"}
	flags := flag.NewFlagSet("bench-restore", flag.ContinueOnError)
	flags.StringVar(&b.binary, "binary", "bin/recoverbot", "the helper's `file`")
	flags.StringVar(&b.file, "dump", "", "a dump `file` of your own (.sql or .sql.gz)")
	size := flags.Int("size", 1100, "`megabytes` of the dump that is made otherwise")
	flags.IntVar(&b.pairs, "pairs", 3, "how often each way is measured")
	flags.BoolVar(&b.verbose, "v", false, "print what the helper says")
	pool := flags.String("pool", "128M", "the server's innodb_buffer_pool_size")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if b.pairs < 1 || *size < 1 {
		return errors.New("PAIRS and SIZE must be 1 or more")
	}
	if b.dir, err = os.MkdirTemp("", "rbench"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	m, err := server.StartMariaDB(ctx, server.MariaDBOptions{Dir: filepath.Join(b.dir, "mysql"), Address: "127.0.0.1", Socket: filepath.Join(b.dir, "s.sock"),
		Durable: true, Flags: []string{"--innodb-buffer-pool-size=" + *pool, "--innodb-log-file-size=96M", "--innodb-log-buffer-size=16M"}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, m.Stop()) }()
	if b.db, err = openDatabase(m); err != nil {
		return err
	}
	defer b.db.close()
	if b.file == "" {
		err = b.make(ctx, *size)
	} else {
		err = b.given()
	}
	if err != nil {
		return err
	}
	return b.measure(ctx)
}

// given looks at a dump that somebody else has made.
func (b *bench) given() error {
	f, err := os.Open(b.file)
	if err != nil {
		return fmt.Errorf("open dump: %w", err)
	}
	defer f.Close()
	d, err := dump.Open(f, dump.IsGzip(b.file))
	if err != nil {
		return err
	}
	defer d.Close()
	head := make([]byte, dump.EdgeBytes)
	n, err := io.ReadFull(d, head)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("read dump: %w", err)
	}
	if s := dump.Edges(head[:n], nil).Schema; s != "" {
		b.schema = s
	}
	return nil
}

// measure times each way in turn and prints what came of it.
func (b *bench) measure(ctx context.Context) error {
	info, err := os.Stat(b.file)
	if err != nil {
		return fmt.Errorf("look at dump: %w", err)
	}
	if b.sha256, err = hash(b.file); err != nil {
		return fmt.Errorf("hash dump: %w", err)
	}
	fmt.Fprintf(b.out, "dump: %s, %d MB; buffer pool %s, flush at commit %s, sync_binlog %s\n", filepath.Base(b.file), info.Size()>>20,
		b.db.setting("innodb_buffer_pool_size"), b.db.setting("innodb_flush_log_at_trx_commit"), b.db.setting("sync_binlog"))
	var pairs []pair
	for i := range b.pairs {
		var p pair
		if p.plain, p.plainBusy, err = b.timed(ctx, b.plain); err != nil {
			return fmt.Errorf("mysql < file: %w", err)
		}
		if p.ours, p.oursBusy, err = b.timed(ctx, func(ctx context.Context) error { return b.restore(ctx, &p) }); err != nil {
			return fmt.Errorf("restore: %w", err)
		}
		fmt.Fprintf(b.out, "pair %d: mysql < file %.1f s, restore %.1f s, ratio %.3f; helper's memory %d MB; checksums and definitions equal\n",
			i+1, p.plain.Seconds(), p.ours.Seconds(), p.ratio(), p.memory>>20)
		if b.verbose {
			fmt.Fprintf(b.out, "  processor: server %.1f s and %.1f s, helper %.1f s\n", p.plainBusy.Seconds(), p.oursBusy.Seconds(), p.helperBusy.Seconds())
		}
		pairs = append(pairs, p)
	}
	slices.SortFunc(pairs, func(x, y pair) int { return cmp.Compare(x.ratio(), y.ratio()) })
	median := pairs[len(pairs)/2]
	fmt.Fprintf(b.out, "median: mysql < file %.1f s, restore %.1f s\n", median.plain.Seconds(), median.ours.Seconds())
	fmt.Fprintf(b.out, "worst ratio: %.3f\nratio: %.3f\n", pairs[len(pairs)-1].ratio(), median.ratio())
	return nil
}

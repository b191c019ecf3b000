package load

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// clean asserts that a load that failed has left nothing, and the live data as it was.
func (p *place) clean(cfg Config) {
	p.t.Helper()
	if left := p.list("SELECT SCHEMA_NAME, '' FROM information_schema.SCHEMATA WHERE SCHEMA_NAME=?", cfg.Scratch); len(left) > 0 {
		p.t.Error("the scratch schema is left")
	}
	if live := p.list("SELECT COUNT(*), MAX(a) FROM live.t"); live[0] != [2]string{"1", "7"} {
		p.t.Errorf("live data is %v", live)
	}
}

// wide is a dump of two tables with keys of some megabytes.
func (p *place) wide() string {
	p.exec("wide", "CREATE TABLE IF NOT EXISTS a (id int PRIMARY KEY, s varchar(200), n int DEFAULT 1, KEY s (s))", "CREATE TABLE IF NOT EXISTS b LIKE a",
		"INSERT IGNORE INTO a (id, s) SELECT seq, REPEAT(MD5(seq), 5) FROM seq_1_to_20000", "INSERT IGNORE INTO b SELECT * FROM a")
	return p.client("mysqldump", "", "wide")
}

// TestRefused takes dumps that the server or the counts refuse in the middle of an import (fault 38).
func TestRefused(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.exec("live", "CREATE TABLE t (a int)", "INSERT INTO t VALUES (7)")
	text := p.wide()
	for name, c := range map[string]struct {
		text string
		id   string
	}{
		"a key twice, found when keys are added": {strings.ReplaceAll(text, "KEY `s` (`s`)", "UNIQUE KEY `s` (`s`(1))"), "dump.server_error"},
		"the primary key twice":                  {strings.Replace(text, "\n(2,", "\n(1,", 1), "dump.server_error"},
		"a view of nothing":                      {text + "CREATE VIEW v AS SELECT * FROM nothing;\n", "dump.server_error"},
		"rows that are lost":                     {strings.Replace(text, "INSERT INTO `b` VALUES\n(1,", "INSERT IGNORE INTO `b` VALUES\n(2,'x',1),\n(1,", 1), "dump.rows_differ"},
		"another schema's table":                 {strings.Replace(text, "INSERT INTO `b`", "INSERT INTO `live`.`t` VALUES (1);\nINSERT INTO `b`", 1), "dump.rows_without_table"},
	} {
		cfg := p.file(c.text, false)
		last := p.load(t.Context(), cfg, nil)
		if last.Refused == nil || last.Refused.ID != c.id || last.Left {
			t.Errorf("%s: %+v %+v, want %s", name, last, last.Refused, c.id)
		}
		p.clean(cfg)
	}
	cfg := p.file(text, false)
	cfg.SHA256 = strings.Repeat("0", 64)
	if last := p.load(t.Context(), cfg, nil); !last.Changed {
		t.Errorf("a changed file: %+v", last)
	}
	p.clean(cfg)
}

// TestChanged holds that what was put in the dump's place after the check never reaches the server (fault 38).
func TestChanged(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.exec("live", "CREATE TABLE t (a int)", "INSERT INTO t VALUES (7)")
	text := p.wide()
	cfg := p.file(text, false)
	src, done, err := localFile(cfg.File)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	opened := 0
	open := src.Open
	src.Far = true // one reader at a time
	src.Open = func(ctx context.Context, offset int64) (io.ReadCloser, error) {
		if opened++; opened == 2 {
			if err := os.WriteFile(cfg.File, []byte(strings.ReplaceAll(text, "VALUES\n(1,'", "VALUES\n(1,'evil")), 0o600); err != nil {
				return nil, err
			}
		}
		return open(ctx, offset)
	}
	last := Run(t.Context(), cfg, src, dialer(cfg), func(Line) {})
	if !last.Changed || last.Refused == nil || last.Refused.ID != "dump.changed" {
		t.Errorf("%+v", last)
	}
	p.clean(cfg)
}

func TestCanceled(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.exec("live", "CREATE TABLE t (a int)", "INSERT INTO t VALUES (7)")
	cfg := p.file(p.wide(), false)
	src, done, err := localFile(cfg.File)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	opened := 0
	open := src.Open
	src.Far = true
	src.Open = func(c context.Context, offset int64) (io.ReadCloser, error) {
		if opened++; opened == 2 {
			cancel() // rows are about to be loaded
		}
		return open(c, offset)
	}
	last := Run(ctx, cfg, src, dialer(cfg), func(Line) {})
	if last.Refused == nil || last.Refused.ID != "dump.canceled" || last.Left {
		t.Errorf("%+v %+v", last, last.Refused)
	}
	p.clean(cfg)
}

// TestCanceledWithinAStatement cancels while the session that has the lock waits for the server.
func TestCanceledWithinAStatement(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.exec("live", "CREATE TABLE t (a int)", "INSERT INTO t VALUES (7)")
	cfg := p.file("CREATE TABLE `a` (`id` int NOT NULL) ENGINE=InnoDB;\nDELIMITER ;;\nINSERT INTO `a` VALUES (1);;\nDELIMITER ;\n", false) // in order
	src, done, err := localFile(cfg.File)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	freezer, err := p.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer freezer.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stuck := func(want int) {
		for {
			n := p.list("SELECT COUNT(*), '' FROM information_schema.PROCESSLIST WHERE DB=? AND COMMAND='Query'", cfg.Scratch)
			if n[0][0] == strconv.Itoa(want) {
				return
			}
		}
	}
	opened, released, plain := 0, make(chan error, 1), src
	open := src.Open
	src.Far = true
	src.Open = func(c context.Context, offset int64) (io.ReadCloser, error) {
		if opened++; opened == 2 {
			if _, err := freezer.ExecContext(c, "FLUSH TABLES WITH READ LOCK"); err != nil {
				return nil, err
			}
			go func() {
				stuck(1)
				cancel()
				stuck(0)
				_, err := freezer.ExecContext(t.Context(), "UNLOCK TABLES")
				released <- err
			}()
		}
		return open(c, offset)
	}
	last := Run(ctx, cfg, src, dialer(cfg), func(Line) {})
	if last.Refused == nil || last.Refused.ID != "dump.canceled" || last.Left {
		t.Errorf("%+v %+v", last, last.Refused)
	}
	if err := <-released; err != nil {
		t.Error(err)
	}
	p.clean(cfg)

	// The session that has the lock is kept alive by pings: no row may go over it, nor a statement that a ping would meet.
	var mu sync.Mutex
	var taps []*tap
	last = Run(t.Context(), cfg, plain, func(ctx context.Context) (net.Conn, error) {
		c, err := dialer(cfg)(ctx)
		if err != nil {
			return nil, err
		}
		mu.Lock()
		defer mu.Unlock()
		taps = append(taps, &tap{Conn: c})
		return taps[len(taps)-1], nil
	}, func(Line) {})
	if last.Report == nil {
		t.Errorf("%+v", last.Refused)
	}
	rows := 0
	for _, x := range taps {
		if sent := x.sent.String(); strings.Contains(sent, "INSERT INTO") {
			rows++
			if strings.Contains(sent, "GET_LOCK") {
				t.Error("rows go over the session that is kept alive")
			}
		}
	}
	if rows != 1 {
		t.Errorf("%d sessions load in order", rows)
	}
}

// tap keeps what is sent over a connection.
type tap struct {
	net.Conn
	sent bytes.Buffer
}

func (c *tap) Write(p []byte) (int, error) {
	c.sent.Write(p)
	return c.Conn.Write(p)
}

func TestAnotherLoad(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.exec("live", "CREATE TABLE t (a int)", "INSERT INTO t VALUES (7)")
	cfg := p.file(p.wide(), false)
	other, err := p.db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	for _, q := range []string{"DO GET_LOCK('" + LockName("live", false) + "', 0)", "CREATE DATABASE " + quote(cfg.Scratch)} {
		if _, err := other.ExecContext(t.Context(), q); err != nil {
			t.Fatal(err)
		}
	}
	last := p.load(t.Context(), cfg, nil)
	if last.Refused == nil || last.Refused.ID != "dump.another_load" {
		t.Errorf("%+v", last)
	}
	if left := p.list("SELECT SCHEMA_NAME, '' FROM information_schema.SCHEMATA WHERE SCHEMA_NAME=?", cfg.Scratch); len(left) != 1 {
		t.Error("the other load's scratch schema is gone")
	}
}

// TestMemory loads statements of 15 MB by four sessions with a helper that is a process of its own.
func TestMemory(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "--max-allowed-packet=64M")
	p.exec("live", "CREATE TABLE t (a int)", "INSERT INTO t VALUES (7)")
	var text strings.Builder
	for _, table := range []string{"a", "b", "c", "d"} {
		quoted, plain := 15<<20, 17<<20
		if race && table != "d" { // no peak is held against the race detector
			quoted, plain = quoted/8, plain/8
		}
		text.WriteString("CREATE TABLE `" + table + "` (`id` int NOT NULL, `s` longtext, PRIMARY KEY (`id`)) ENGINE=InnoDB;\nINSERT INTO `" + table + "` VALUES (1,'" +
			strings.Repeat("it\\'s ", quoted/6) + "');\nINSERT INTO `" + table + "` VALUES (2,'" + strings.Repeat("x", plain) + "');\n")
	}
	cfg := p.file(text.String(), false)
	cfg.Sessions = 4
	config, err := json.Marshal(cfg)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(p.dir, "config.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0])
	cmd.Env = append(os.Environ(), ConfigVariable+"="+file)
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := cmd.Output()
	if err != nil || !bytes.Contains(out, []byte(`"report"`)) {
		t.Fatalf("%v: %s", err, out)
	}
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindStringSubmatch(complaint.String())
	if m == nil {
		t.Fatal(complaint.String())
	}
	if peak, _ := strconv.Atoi(m[1]); peak > 64<<10 && !race {
		t.Errorf("the helper had %d MB at its peak", peak>>10)
	}
	if sizes := p.list("SELECT SUM(LENGTH(s)), COUNT(*) FROM " + quote(cfg.Scratch) + ".d"); sizes[0][1] != "2" {
		t.Error(sizes)
	}
}

// TestLost kills the server in the middle of a load (fault 4): the scratch schema is left, and said to be.
func TestLost(t *testing.T) {
	t.Parallel()
	p := newPlace(t)
	p.exec("live", "CREATE TABLE t (a int)", "INSERT INTO t VALUES (7)")
	cfg := p.file(p.wide(), false)
	src, done, err := localFile(cfg.File)
	if err != nil {
		t.Fatal(err)
	}
	defer done()
	opened := 0
	open := src.Open
	src.Far = true
	src.Open = func(ctx context.Context, offset int64) (io.ReadCloser, error) {
		if opened++; opened == 2 {
			if err := p.Kill(); err != nil {
				return nil, err
			}
		}
		return open(ctx, offset)
	}
	last := Run(t.Context(), cfg, src, dialer(cfg), func(Line) {})
	if last.Refused == nil || last.Refused.ID != "dump.server_gone" || !last.Left {
		t.Errorf("%+v %+v", last, last.Refused)
	}
}

// TestFull holds that a server that finds no more room in the middle of an import is understood, that what was
// loaded is gone or said to be left, and the live data as it was (fault 39). What has an end here is a table's memory and InnoDB's own space: a
// disk that is full to the last byte also takes the server's logs, and with them the server.
func TestFull(t *testing.T) {
	t.Parallel()
	p := newPlace(t, "--max-heap-table-size=1M", "--innodb-file-per-table=0", "--innodb-data-file-path=ibdata1:12M:autoextend:max:20M")
	p.exec("live", "CREATE TABLE t (a int)", "INSERT INTO t VALUES (7)")
	for engine, row := range map[string]string{"MEMORY": "varchar(5000)", "InnoDB": "longtext"} {
		size := map[string]int{"MEMORY": 5000, "InnoDB": 20000}[engine]
		var text strings.Builder
		text.WriteString("CREATE TABLE `a` (`id` int NOT NULL, `s` " + row + ", PRIMARY KEY (`id`)) ENGINE=" + engine + ";\n")
		for i := range 800 {
			text.WriteString("INSERT INTO `a` VALUES (" + strconv.Itoa(i) + ",'" + strings.Repeat("x", size) + "');\n")
		}
		cfg := p.file(text.String(), false)
		last := p.load(t.Context(), cfg, nil)
		if last.Refused == nil || last.Refused.ID != "dump.disk_full" || last.Left && engine == "MEMORY" { // InnoDB may have no room to drop a table, either
			t.Errorf("%s: %+v %+v", engine, last, last.Refused)
		}
		if left := p.list("SELECT COUNT(*), '' FROM information_schema.SCHEMATA WHERE SCHEMA_NAME=?", cfg.Scratch); (left[0][0] == "1") != last.Left {
			t.Errorf("%s: left %v, schemas %v", engine, last.Left, left)
		}
		if live := p.list("SELECT COUNT(*), MAX(a) FROM live.t"); live[0] != [2]string{"1", "7"} {
			t.Errorf("%s: live data is %v", engine, live)
		}
	}
}

package restore

import (
	"bytes"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"recoverbot/runbook"
)

// deaf stands between the bot and a server. From the first RENAME on it keeps that connection's side to the server open
// and tells the bot nothing any more: the server never learns that nobody listens.
type deaf struct {
	net.Listener
	cut  atomic.Bool
	late bool // the RENAME gets lost on its way, too

	mu   sync.Mutex
	open []net.Conn
	wait sync.WaitGroup
}

func newDeaf(t *testing.T, at, server string, late bool) *deaf {
	t.Helper()
	l, err := net.Listen("unix", at)
	if err != nil {
		t.Fatal(err)
	}
	d := &deaf{Listener: l, late: late}
	d.wait.Go(func() {
		for {
			bot, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("unix", server)
			if err != nil {
				_ = bot.Close()
				continue
			}
			d.mu.Lock()
			d.open = append(d.open, bot, far)
			d.mu.Unlock()
			var lost atomic.Bool
			d.wait.Go(func() { d.pass(far, bot, &lost, true) })
			d.wait.Go(func() { d.pass(bot, far, &lost, false) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		d.mu.Lock()
		for _, c := range d.open {
			_ = c.Close()
		}
		d.mu.Unlock()
		d.wait.Wait()
	})
	return d
}

func (d *deaf) pass(to, from net.Conn, lost *atomic.Bool, toServer bool) {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		switch {
		case toServer && bytes.Contains(buf[:n], []byte("RENAME TABLE")) && !d.cut.Swap(true):
			lost.Store(true)
			if d.late {
				_ = from.Close()
				return
			}
			_, _ = to.Write(buf[:n])
		case lost.Load():
			if !toServer {
				_ = to.Close()
			}
			return
		default:
			_, _ = to.Write(buf[:n])
		}
		if err != nil && !lost.Load() {
			_ = to.Close()
		}
		if err != nil {
			return
		}
	}
}

// The answer to the RENAME is lost while the server keeps the connection, and with it the lock: what really came of it
// is found out, never guessed.
func TestLostRename(t *testing.T) {
	t.Parallel()
	const live = "SELECT COUNT(*) FROM information_schema.triggers WHERE trigger_schema='speed' AND trigger_name='live_trigger'"
	for _, c := range []struct {
		name string
		late bool
		want runbook.Outcome
	}{{"answer", false, runbook.OutcomeDone}, {"statement", true, runbook.OutcomeFailed}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.Exec(w.db, "CREATE TRIGGER speed.live_trigger AFTER INSERT ON speed.t_app_dns FOR EACH ROW INSERT INTO speed.only_here VALUES (NEW.id)")
			w.put("standby", "speed-20261122.sql", w.dump())
			a, job, p := w.plan()
			k := w.hold(a, job, p).(*held)
			d := newDeaf(t, w.Path("standby", "/run/mysqld/deaf.sock"), w.Path("standby", "/run/mysqld/mysqld.sock"), c.late)
			k.d.Socket = "/run/mysqld/deaf.sock"
			res, err := k.Commit(t.Context())
			if err != nil || res.Outcome != c.want || !d.cut.Load() {
				t.Fatalf("commit: %v %s %s", err, res.Outcome, say(t, res.Text))
			}
			if c.late {
				if got := w.text(live); got != "1" || len(res.Open) != 0 {
					t.Errorf("trigger %s, open %+v", got, res.Open)
				}
				if err := k.Rollback(t.Context()); err != nil {
					t.Error(err)
				}
				w.untouched()
				return
			}
			if got, want := w.sums("speed"), w.sums("made"); got != want {
				t.Errorf("checksums %s, want %s", got, want)
			}
			if got := w.text("SELECT COUNT(*) FROM speed.v_a"); got != "1" {
				t.Errorf("a view has %s rows", got)
			}
			if got := w.text("SELECT trigger_name FROM information_schema.triggers WHERE trigger_schema='" + res.Values["old_schema"] + "'"); got != "live_trigger" {
				t.Errorf("the old schema's trigger: %q", got)
			}
		})
	}
}

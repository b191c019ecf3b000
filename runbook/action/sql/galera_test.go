package sql

import (
	"testing"

	"recoverbot/runbook"
	"recoverbot/runbook/action/actiontest"
)

// newCluster is a world whose MariaDB is the one node of a Galera cluster.
func newCluster(t *testing.T) *world {
	t.Helper()
	w := &world{Company: actiontest.New(t, "standby"), t: t}
	at := w.Host("standby").Address
	w.db = w.StartMariaDB("standby", "--wsrep-on=ON", "--wsrep-provider=/usr/lib/galera/libgalera_smm.so", "--wsrep-cluster-address=gcomm://",
		"--wsrep-new-cluster", "--wsrep-node-address="+at, "--binlog-format=ROW", "--innodb-autoinc-lock-mode=2",
		"--wsrep-provider-options=gmcast.listen_addr=tcp://"+at+":4567;gcache.size=4M;gcache.page_size=4M;pc.wait_prim=no;pc.announce_timeout=PT0.1S")
	w.makeList()
	return w
}

// cut parts the node from its cluster: it looks for one where nobody is.
func (w *world) cut() {
	w.Exec(w.db, "SET GLOBAL wsrep_cluster_address='gcomm://"+w.Host("standby").Address+"9'")
	w.until(ready, "OFF")
}

func (w *world) heal() {
	w.Exec(w.db, "SET GLOBAL wsrep_cluster_address='gcomm://'")
	w.until(ready, "ON")
}

const ready = "SELECT VARIABLE_VALUE FROM information_schema.GLOBAL_STATUS WHERE VARIABLE_NAME='wsrep_ready'"

// TestGalera has a real node do what a cluster does to a change that waits. What another node ordered before it wins, and
// only COMMIT tells: error 1213, all is gone, and a new preview wants a new approval (fault 17). A node without its cluster
// is not written to: not planned, not begun, not committed (fault 20).
func TestGalera(t *testing.T) {
	t.Parallel()
	w := newCluster(t)
	w.fill(ips...)
	r, env := w.rows(operators("192.0.2.2"), nil)

	h := w.hold(r, env)
	r.beforeCommit = func() { w.Exec(w.db, "ALTER TABLE speed.t_app_dns COMMENT 'ordered before'") }
	res, err := h.Commit(t.Context())
	if err != nil || res.Outcome != runbook.OutcomeFailed || res.Text.ID != "sql.deadlock" || w.statuses() != "1 1 2 1" {
		t.Fatalf("certification: %v %v, rows %s", res, err, w.statuses())
	}

	r.beforeCommit = nil
	p := plan(t, r, runbook.Ready)
	h = w.hold(r, env)
	w.cut()
	if res, err = h.Commit(t.Context()); err != nil || res.Outcome != runbook.OutcomeFailed {
		t.Errorf("committed without the cluster: %v %v", res, err)
	}
	_, err = r.Hold(t.Context(), p, w.Job(env), actiontest.NewRecorder())
	refused(t, err, "sql.non_primary", false)
	if p := plan(t, r, runbook.Blocked); p.Why.ID != "sql.non_primary" {
		t.Errorf("planned without the cluster: %v", p.Why)
	}
	w.heal()
	if w.statuses() != "1 1 2 1" {
		t.Errorf("rows %s", w.statuses())
	}
}

package watch

import (
	"errors"
	"testing"
	"time"

	"recoverbot/runbook/fleet"
)

// allRoles watches every machine; the report server calls for no scenario of its own.
func allRoles() *world {
	v := newWorld()
	v.cfg.Hosts = append(v.cfg.Hosts, fleet.Host{Name: "report", Address: "192.0.2.31", Roles: []string{"report", "backup"}})
	v.cfg.Watch.Roles = append(v.cfg.Watch.Roles, fleet.WatchRole{Role: "nginx", Scenario: "nginx"}, fleet.WatchRole{Role: "report"})
	return v
}

func TestEachRole(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		down []string
		says map[string]string
		took map[string]time.Duration
		want []string
	}{
		"a standby's services need the primary": {
			down: append([]string{"http standby"}, deadPrimary...), want: []string{"watch-primary-primary silent from bot,nginx1"}},
		"a standby's service alone": {
			down: []string{"http standby", "http standby<nginx1"}, want: []string{"watch-standby-standby service_down from bot,nginx1"}},
		"a standby's MySQL alone": {
			down: []string{"mysql standby"}, want: []string{"watch-standby-standby ssh from bot"}},
		"a standby that is a replica": {
			down: []string{"mysql standby", "redis standby"},
			says: map[string]string{"mysql standby": "probe.mysql_replica", "redis standby": "probe.redis_replica"}},
		"a primary that became a replica": {
			down: []string{"mysql primary"}, says: map[string]string{"mysql primary": "probe.mysql_replica"},
			want: []string{"watch-primary-primary ssh from bot"}},
		"both are frozen": {
			down: append([]string{"silent standby", "silent standby<nginx1", "ssh standby", "mysql standby", "redis standby", "http standby"}, deadPrimary...),
			want: []string{"watch-primary-primary silent from bot,nginx1", "watch-standby-standby silent from bot,nginx1"}},
		"nginx does not run": {
			down: []string{"http nginx1", "nginx nginx1"}, want: []string{"watch-nginx-nginx1 service_down from bot"}},
		"nginx is frozen": {
			down: []string{"http nginx1", "nginx nginx1"}, took: map[string]time.Duration{"http nginx1": 3 * time.Second},
			want: []string{"watch-nginx-nginx1 service_down from bot"}},
		"nginx waits for a frozen primary": {
			down: append([]string{"http nginx1", "nginx nginx1"}, deadPrimary...),
			took: map[string]time.Duration{"http nginx1": 3 * time.Second, "nginx nginx1": 3 * time.Second},
			want: []string{"watch-primary-primary silent from bot,nginx1"}},
		"nginx dies with the primary": {
			down: append([]string{"silent nginx1", "ssh nginx1", "http nginx1", "nginx nginx1"}, deadPrimary...),
			want: []string{"watch-nginx-nginx1 silent from bot", "watch-primary-primary silent from bot"}},
		"somebody edits nginx": {
			down: []string{"nginx nginx1"}, says: map[string]string{"nginx nginx1": "probe.nginx_bad_config"}},
		"the report server": {
			down: []string{"silent report", "ssh report", "silent report<nginx1"},
			want: []string{"watch-report-report silent (shown) from bot,nginx1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := allRoles()
			v.rounds(t, 3)
			v.says, v.took = c.says, c.took
			v.set(true, c.down...)
			want(t, v.rounds(t, 6), c.want...)
			v.set(false, c.down...)
			v.rounds(t, 3)
			for _, a := range v.alerts {
				if !a.Resolved {
					t.Errorf("all is well, and yet: %+v", a)
				}
			}
			if len(v.alerts) != len(c.want) {
				t.Errorf("%d alerts are closed of %d", len(v.alerts), len(c.want))
			}
		})
	}
}

// What the bot alone cannot reach is told, and becomes a call when others cannot reach it any more either.
func TestPartition(t *testing.T) {
	t.Parallel()
	v := newWorld()
	v.rounds(t, 3)
	v.set(true, "silent primary", "ssh primary", "mysql primary", "redis primary", "service primary")
	want(t, v.rounds(t, 5), "watch-primary-primary cut_off (shown) from nginx1")
	began := v.alerts[0].Since
	v.set(true, "silent primary<nginx1")
	want(t, v.rounds(t, 5), "watch-primary-primary silent from bot,nginx1")
	if !v.alerts[0].Since.Equal(began) {
		t.Errorf("since %s, not %s", v.alerts[0].Since, began)
	}
	v.set(false, deadPrimary...)
	want(t, v.rounds(t, 5), "watch-primary-primary resolved")
}

// All that a round has to say is one batch, so that what belongs together can be seen together.
func TestOneBatchARound(t *testing.T) {
	t.Parallel()
	v := allRoles()
	v.rounds(t, 3)
	v.batches = 0
	v.set(true, "silent standby", "silent standby<nginx1", "ssh standby", "mysql standby", "silent report", "silent report<nginx1", "ssh report")
	v.set(true, deadPrimary...)
	if v.rounds(t, 6); len(v.alerts) != 3 || v.batches != 1 {
		t.Errorf("%d alerts in %d batches", len(v.alerts), v.batches)
	}
	v.refuse = errors.New("disk full")
	v.set(false, "silent report", "silent report<nginx1", "ssh report")
	want(t, v.rounds(t, 4))
	v.refuse = nil
	want(t, v.rounds(t, 2), "watch-report-report resolved")
}

// A host that hangs is counted by its own answers; the rounds of the others go on without it.
func TestAHostThatHangsKeepsUpNobody(t *testing.T) {
	t.Parallel()
	v := newWorld()
	v.rounds(t, 3)
	hang := make(chan struct{})
	v.hangs["standby"] = hang
	v.w.Wait = func(time.Duration) <-chan time.Time {
		c := make(chan time.Time, 1)
		time.AfterFunc(20*time.Millisecond, func() { c <- time.Now() })
		return c
	}
	v.set(true, deadPrimary...)
	want(t, v.rounds(t, 4), "watch-primary-primary silent from bot,nginx1")
	if n := v.w.hosts["watch-standby-standby"].bad; n != 0 {
		t.Errorf("the standby failed %d times without an answer", n)
	}
	close(hang)
	v.w.asking.Wait()
	v.rounds(t, 1)
	if h := v.w.hosts["watch-standby-standby"]; h.good < 4 {
		t.Errorf("the answer that came late is lost: %+v", h)
	}
}

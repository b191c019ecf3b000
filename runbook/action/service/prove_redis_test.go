package service_test

import (
	"fmt"
	"strings"
	"testing"

	"recoverbot/runbook"
	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/action/service"
)

// What a redis refuses is told apart, since each has another cure.
func TestProveRedis(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "standby")
	c.Unit("standby", "go-api", "")
	c.WriteFile("standby", "/wwwroot/go/go-api/config.yaml", "redis: {addr: \"localhost:6379\", password: canary-pw, db: 1}\n", 0o644)
	const master, noHello = "$11\r\nrole:master", "-ERR unknown command 'HELLO'"
	for name, tc := range map[string]struct {
		replies map[string]string
		want    string
	}{
		"well":            {map[string]string{"INFO": master}, ""},
		"before 6":        {map[string]string{"HELLO": noHello, "INFO": master}, ""},
		"wrong password":  {map[string]string{"HELLO": "-WRONGPASS invalid username-password pair", "AUTH": "-WRONGPASS invalid username-password pair"}, "service.redis_denied"},
		"wrong, before 6": {map[string]string{"HELLO": noHello, "AUTH": "-ERR invalid password"}, "service.redis_denied"},
		"not logged in":   {map[string]string{"PING": "-NOAUTH Authentication required."}, "service.redis_denied"},
		"may not":         {map[string]string{"INFO": "-NOPERM this user has no permissions to run the 'info' command"}, "service.redis_denied"},
		"loading":         {map[string]string{"PING": "-LOADING Redis is loading the dataset in memory"}, "service.redis_loading"},
		"replica":         {map[string]string{"INFO": "$10\r\nrole:slave"}, "service.redis_replica"},
		"became one":      {map[string]string{"INFO": master, "SET": "-READONLY You can't write against a read only replica."}, "service.redis_replica"},
		"disk is full":    {map[string]string{"INFO": master, "SET": "-MISCONF Redis is configured to save RDB snapshots"}, "service.redis_not_writable"},
		"memory is full":  {map[string]string{"INFO": master, "SET": "-OOM command not allowed"}, "service.redis_not_writable"},
		"no such number":  {map[string]string{"SELECT": "-ERR DB index is out of range"}, "service.redis_unreachable"},
	} {
		t.Run(name, func(t *testing.T) {
			fake := c.FakeRedis("standby", tc.replies)
			defer fake.Close()
			a, _ := build(t, c, service.Spec{Service: "go-api", Do: "start", Prove: true})
			if tc.want == "" {
				plan(t, a, runbook.Ready)
				return
			}
			p := plan(t, a, runbook.Blocked)
			if inner, _ := p.Why.Args["why"].(runbook.Msg); inner.ID != tc.want || strings.Contains(fmt.Sprintf("%+v", p), "canary") {
				t.Errorf("%+v, want %s", p.Why, tc.want)
			}
		})
	}
}

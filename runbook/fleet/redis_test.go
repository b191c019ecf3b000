package fleet_test

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gomodule/redigo/redis"

	"recoverbot/runbook/action/actiontest"
	"recoverbot/runbook/fleet"
)

func TestRedis(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "a")
	cl := c.Client("a")
	if _, err := cl.Redis(t.Context(), fleet.RedisLogin{Port: actiontest.RedisPort}); err == nil {
		t.Error("a closed port was dialled")
	}
	r := c.StartRedis("a")
	login := fleet.RedisLogin{Host: "localhost", Port: actiontest.RedisPort, Password: "any", DB: 3} // taken: the server wants none
	conn, err := cl.Redis(t.Context(), login)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := redis.DoContext(conn, t.Context(), "SET", "k", "v"); err != nil {
		t.Error(err)
	}
	for _, args := range [][]any{{"SET", "requirepass", "default-canary"}, {"SET", "maxclients", 100}} {
		if _, err := redis.DoContext(conn, t.Context(), "CONFIG", args...); err != nil {
			t.Fatal(err)
		}
	}
	for _, command := range [][]any{{"SETUSER", "app", "on", ">app-canary", "+@all", "~*"}, {"SETUSER", "idle", "off"}} {
		if _, err := redis.DoContext(conn, t.Context(), "ACL", command...); err != nil {
			t.Fatal(err)
		}
	}
	for name, tc := range map[string]struct {
		login fleet.RedisLogin
		want  string // what the reply begins with
	}{
		"default user":   {fleet.RedisLogin{Password: "default-canary", DB: 3}, ""},
		"user":           {fleet.RedisLogin{User: "app", Password: "app-canary", DB: 3}, ""},
		"wrong password": {fleet.RedisLogin{Password: "wrong-canary"}, "WRONGPASS"},
		"no such user":   {fleet.RedisLogin{User: "idle", Password: "app-canary"}, "WRONGPASS"},
		"no password":    {fleet.RedisLogin{DB: 3}, "NOAUTH"},
		"no such number": {fleet.RedisLogin{Password: "default-canary", DB: 99}, "ERR"},
	} {
		tc.login.Port = actiontest.RedisPort
		conn, err := cl.Redis(t.Context(), tc.login)
		if tc.want == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if v, err := redis.String(redis.DoContext(conn, t.Context(), "GET", "k")); err != nil || v != "v" {
				t.Errorf("%s: %q %v", name, v, err)
			}
			_ = conn.Close()
			continue
		}
		var reply redis.Error
		if !errors.As(err, &reply) || !strings.HasPrefix(string(reply), tc.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v, want %s", name, err, tc.want)
		}
	}
	if err := r.Kill(); err != nil {
		t.Fatal(err)
	}
	if _, err := redis.DoContext(conn, t.Context(), "PING"); err == nil {
		t.Error("a dead server answers")
	}
}

// A server that says nothing holds nobody up, and one that repeats what it was sent gives no password away.
func TestRedisThatMisbehaves(t *testing.T) {
	t.Parallel()
	c := actiontest.New(t, "a")
	cl := c.Client("a")
	login := fleet.RedisLogin{Port: actiontest.RedisPort, User: "app", Password: "canary"}
	echo := c.FakeRedis("a", map[string]string{"HELLO": "-ERR unknown command 'HELLO', with args beginning with: '2' 'AUTH' 'app' 'canary'",
		"AUTH": "-ERR unknown command 'AUTH', with args beginning with: 'app' 'canary'"})
	if _, err := cl.Redis(t.Context(), login); err == nil || strings.Contains(err.Error(), "canary") || !strings.Contains(err.Error(), "unknown command 'AUTH'") {
		t.Errorf("echo: %v", err)
	}
	_ = echo.Close()
	_ = c.FakeRedis("a", map[string]string{"HELLO": "", "PING": ""})
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := cl.Redis(ctx, login); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("silent: %v", err)
	}
	conn, err := cl.Redis(t.Context(), fleet.RedisLogin{Port: actiontest.RedisPort})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := redis.DoContext(conn, ctx, "PING"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("held up for %s", took)
	}
}

package service

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"recoverbot/runbook"
	"recoverbot/runbook/appconfig"
	"recoverbot/runbook/fleet"
)

var errReplica = errors.New("it is a replica")

// proveRedis logs in as the service does, sees a master, and writes a key that is its own, expires, and is deleted.
func proveRedis(ctx context.Context, c *fleet.Client, r appconfig.Redis) error {
	ctx, cancel := context.WithTimeoutCause(ctx, proofTimeout, errors.New("prove redis log-in: no answer within 10s"))
	defer cancel()
	addr := hostPort(r.Host, r.Port)
	db := redis.NewClient(&redis.Options{
		Addr: addr, Username: r.User, Password: r.Password, DB: r.DB, Protocol: 2, DisableIdentity: true,
		MaxRetries: -1, DialerRetries: 1, ContextTimeoutEnabled: true,
		Dialer: func(ctx context.Context, _, _ string) (net.Conn, error) { return c.Dial(ctx, "tcp", addr) },
	})
	defer db.Close()
	if err := tryRedis(ctx, db); err != nil {
		return &runbook.Error{Code: runbook.Unavailable, Err: fmt.Errorf("prove redis %s: %w", addr, err),
			Msg: runbook.T(redisProblem(err), "address", addr)}
	}
	return nil
}

func tryRedis(ctx context.Context, db *redis.Client) error {
	if err := db.Ping(ctx).Err(); err != nil {
		return err
	}
	info, err := db.Info(ctx, "replication").Result()
	if err != nil {
		return err
	}
	if !strings.Contains(info, "role:master") {
		return errReplica
	}
	key := "recoverbot:proof:" + rand.Text()
	if err := db.Set(ctx, key, "1", 10*time.Second).Err(); err != nil {
		return err
	}
	return db.Del(ctx, key).Err()
}

func redisProblem(err error) string {
	text := err.Error()
	switch {
	case errors.Is(err, errReplica), strings.HasPrefix(text, "READONLY"):
		return "service.redis_replica"
	case strings.HasPrefix(text, "WRONGPASS"), strings.HasPrefix(text, "NOAUTH"), strings.HasPrefix(text, "ERR AUTH"),
		strings.HasPrefix(text, "NOPERM"), strings.Contains(text, "invalid password"):
		return "service.redis_denied"
	case strings.HasPrefix(text, "MISCONF"), strings.HasPrefix(text, "OOM"):
		return "service.redis_not_writable"
	case strings.HasPrefix(text, "LOADING"):
		return "service.redis_loading"
	}
	return "service.redis_unreachable"
}

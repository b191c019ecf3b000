package service

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"

	"github.com/gomodule/redigo/redis"

	"recoverbot/runbook"
	"recoverbot/runbook/appconfig"
	"recoverbot/runbook/fleet"
)

var errReplica = errors.New("it is a replica")

// proveRedis logs in as the service does, sees a master, and writes a key that is its own, expires, and is deleted.
func proveRedis(ctx context.Context, c *fleet.Client, r appconfig.Redis) error {
	ctx, cancel := context.WithTimeoutCause(ctx, proofTimeout, errors.New("prove redis log-in: no answer within 10s"))
	defer cancel()
	if err := tryRedis(ctx, c, fleet.RedisLogin{Host: r.Host, Port: r.Port, User: r.User, Password: r.Password, DB: r.DB}); err != nil {
		addr := hostPort(r.Host, r.Port)
		return &runbook.Error{Code: runbook.Unavailable, Err: fmt.Errorf("prove redis %s: %w", addr, err),
			Msg: runbook.T(redisProblem(err), "address", addr)}
	}
	return nil
}

func tryRedis(ctx context.Context, c *fleet.Client, login fleet.RedisLogin) error {
	db, err := c.Redis(ctx, login)
	if err != nil {
		return err
	}
	defer db.Close()
	if _, err := redis.DoContext(db, ctx, "PING"); err != nil {
		return err
	}
	info, err := redis.String(redis.DoContext(db, ctx, "INFO", "replication"))
	if err != nil {
		return err
	}
	if !strings.Contains(info, "role:master") {
		return errReplica
	}
	key := "recoverbot:proof:" + rand.Text()
	if _, err := redis.DoContext(db, ctx, "SET", key, "1", "EX", 10); err != nil {
		return err
	}
	_, err = redis.DoContext(db, ctx, "DEL", key)
	return err
}

func redisProblem(err error) string {
	var reply redis.Error
	errors.As(err, &reply)
	text := string(reply)
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

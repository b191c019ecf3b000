package probe

import (
	"context"
	"strings"

	"github.com/gomodule/redigo/redis"

	"recoverbot/runbook/fleet"
)

// redisWritable asks the host's redis, on the host itself, whether it is a master that takes writes.
func redisWritable(ctx context.Context, a *asking) answer {
	bad := func(err error) answer {
		return down("probe.redis_down", "host", a.host.Name, "why", why(a.fleet, err))
	}
	cfg := a.fleet.Config()
	c, err := a.fleet.SSH(ctx, a.host)
	if err != nil {
		return bad(err)
	}
	port := a.probe.Port
	if port == 0 {
		port = redisPort(cfg)
	}
	r, err := c.Redis(ctx, fleet.RedisLogin{Port: port, Password: cfg.Redis.Password.Reveal()})
	if err != nil {
		return bad(err)
	}
	defer r.Close()
	info, err := redis.String(redis.DoContext(r, ctx, "INFO"))
	if err != nil {
		return bad(err)
	}
	have := map[string]string{}
	for line := range strings.Lines(info) {
		if k, v, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			have[k] = v
		}
	}
	if have["role"] != "master" {
		return down("probe.redis_replica", "host", a.host.Name)
	}
	if have["loading"] == "1" {
		return down("probe.redis_loading", "host", a.host.Name)
	}
	if have["aof_last_write_status"] == "err" || (have["rdb_last_bgsave_status"] == "err" && stopsWrites(ctx, r)) {
		return down("probe.redis_no_writes", "host", a.host.Name)
	}
	return up("probe.redis_up", "host", a.host.Name)
}

// stopsWrites reports whether a failed save makes this server refuse writes, which is its default.
func stopsWrites(ctx context.Context, r redis.Conn) bool {
	v, err := redis.StringMap(redis.DoContext(r, ctx, "CONFIG", "GET", "stop-writes-on-bgsave-error"))
	return err != nil || v["stop-writes-on-bgsave-error"] != "no"
}

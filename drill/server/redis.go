package server

import (
	"context"
	"path/filepath"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Redis is a private redis-server.
type Redis struct {
	*Process
	Address string
	Port    int
}

// RedisOptions configure StartRedis. Port 0 picks a free one.
type RedisOptions struct {
	Dir, Address, Password string
	Port                   int
}

// StartRedis starts redis-server and returns when it answers.
func StartRedis(ctx context.Context, o RedisOptions) (*Redis, error) {
	path, err := Find("redis-server")
	if err != nil {
		return nil, err
	}
	if o.Dir, err = makeDir(o.Dir); err != nil {
		return nil, err
	}
	if o.Port == 0 {
		if o.Port, err = FreePort(o.Address); err != nil {
			return nil, err
		}
	}
	args := []string{"--bind", o.Address, "--port", strconv.Itoa(o.Port), "--dir", o.Dir, "--daemonize", "no", "--protected-mode", "no", "--save", ""}
	if o.Password != "" {
		args = append(args, "--requirepass", o.Password)
	}
	p, err := Spawn(Command{Name: "redis-server", Path: path, Args: args, Dir: o.Dir, Env: Environment(), Log: filepath.Join(o.Dir, "redis.log")})
	if err != nil {
		return nil, err
	}
	r := &Redis{Process: p, Address: o.Address, Port: o.Port}
	c := redis.NewClient(&redis.Options{Addr: o.Address + ":" + strconv.Itoa(o.Port), Password: o.Password, DialTimeout: time.Second, MaxRetries: -1})
	defer c.Close()
	return r, ready(ctx, p, func(ctx context.Context) error { return c.Ping(ctx).Err() })
}

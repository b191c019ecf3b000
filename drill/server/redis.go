package server

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/gomodule/redigo/redis"
)

const redisTimeout = 5 * time.Second

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
	var args []string
	if o.Password != "" { // not on the command line, which everybody on the machine can read
		file := filepath.Join(o.Dir, "auth.conf")
		if err := os.WriteFile(file, []byte("requirepass "+strconv.Quote(o.Password)+"\n"), 0o600); err != nil {
			return nil, err
		}
		args = append(args, file)
	}
	args = append(args, "--bind", o.Address, "--port", strconv.Itoa(o.Port), "--dir", o.Dir, "--daemonize", "no", "--protected-mode", "no", "--save", "")
	p, err := Spawn(Command{Name: "redis-server", Path: path, Args: args, Dir: o.Dir, Env: Environment(), Log: filepath.Join(o.Dir, "redis.log")})
	if err != nil {
		return nil, err
	}
	r := &Redis{Process: p, Address: o.Address, Port: o.Port}
	return r, ready(ctx, p, func(ctx context.Context) error {
		c, err := r.Connect(ctx, o.Password)
		if err != nil {
			return err
		}
		defer c.Close()
		_, err = redis.DoContext(c, ctx, "PING")
		return err
	})
}

// Connect logs in.
func (r *Redis) Connect(ctx context.Context, password string) (redis.Conn, error) {
	return redis.DialContext(ctx, "tcp", net.JoinHostPort(r.Address, strconv.Itoa(r.Port)), redis.DialPassword(password),
		redis.DialConnectTimeout(time.Second), redis.DialReadTimeout(redisTimeout), redis.DialWriteTimeout(redisTimeout))
}

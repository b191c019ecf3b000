package fleet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/gomodule/redigo/redis"
)

// redisTimeout bounds the dial and every command of a redis connection, within the caller's own deadline.
const redisTimeout = 5 * time.Second

// RedisLogin says how to log in to a redis server as this host sees it.
type RedisLogin struct {
	Host           string // empty: this host itself
	User, Password string
	Port, DB       int
}

// Redis logs in to a redis server through the SSH connection. The caller closes it. Every command must be given a
// context: redis.DoContext. What the server itself answers is a redis.Error in the chain.
func (c *Client) Redis(ctx context.Context, l RedisLogin) (redis.Conn, error) {
	dctx, cancel := context.WithTimeout(ctx, redisTimeout)
	defer cancel()
	far, err := c.Dial(dctx, "tcp", net.JoinHostPort(or(l.Host, "localhost"), strconv.Itoa(l.Port)))
	if err != nil {
		return nil, err
	}
	r := redis.NewConn(far, redisTimeout, redisTimeout)
	if err := l.start(ctx, r); err != nil {
		_ = r.Close()
		return nil, err
	}
	return r, nil
}

func (l RedisLogin) start(ctx context.Context, r redis.Conn) error {
	if l.Password != "" {
		if err := l.authenticate(ctx, r); err != nil {
			return fmt.Errorf("authenticate: %w", err)
		}
	}
	if l.DB == 0 {
		return nil
	}
	if _, err := redis.DoContext(r, ctx, "SELECT", l.DB); err != nil {
		return fmt.Errorf("select database %d: %w", l.DB, err)
	}
	return nil
}

// authenticate says HELLO first, which a server without a password takes with any password, as the services' own
// drivers do; servers before 6 know only AUTH.
func (l RedisLogin) authenticate(ctx context.Context, r redis.Conn) error {
	var reply redis.Error
	_, err := redis.DoContext(r, ctx, "HELLO", 2, "AUTH", or(l.User, "default"), l.Password)
	if !errors.As(err, &reply) {
		return err
	}
	args := []any{l.Password}
	if l.User != "" {
		args = []any{l.User, l.Password}
	}
	if _, err = redis.DoContext(r, ctx, "AUTH", args...); errors.As(err, &reply) {
		text, _, _ := strings.Cut(string(reply), ", with args") // a server that lacks AUTH repeats the password
		return redis.Error(text)
	}
	return err
}

package actiontest

import (
	"fmt"
	"io"
	"net"
	"strconv"

	"github.com/gomodule/redigo/redis"
)

// FakeRedis answers at the host's redis port as told: the raw reply to each command by its name, +OK to others, and
// nothing at all to a command whose reply is empty.
func (c *Company) FakeRedis(host string, replies map[string]string) io.Closer {
	c.t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(c.machine(host).address, strconv.Itoa(RedisPort)))
	c.must(err)
	c.t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() { // until the client hangs up
				defer conn.Close()
				in := redis.NewConn(conn, 0, 0)
				for {
					command, err := redis.Strings(in.Receive())
					if err != nil {
						return
					}
					reply, told := replies[command[0]]
					if !told {
						reply = "+OK"
					}
					if reply != "" {
						_, _ = fmt.Fprint(conn, reply+"\r\n")
					}
				}
			}()
		}
	}()
	return l
}

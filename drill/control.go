package drill

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"recoverbot/drill/service"
)

// listen serves the shims of a host until ctx ends.
func (h *Host) listen(work *sync.WaitGroup, ctx context.Context) error {
	return serveCalls(ctx, work, h.control(), func(c service.Call) service.Answer {
		switch c.Tool {
		case "systemctl":
			return h.systemctl(ctx, c.Args)
		case "crontab":
			return h.crontab(c.Args, c.Input)
		}
		return service.Answer{Exit: 127, Stderr: c.Tool + ": not found\n"}
	})
}

// serveCalls answers one call a connection on a unix socket.
func serveCalls(ctx context.Context, work *sync.WaitGroup, socket string, answer func(service.Call) service.Answer) error {
	if err := os.Remove(socket); err != nil && !os.IsNotExist(err) {
		return fmt.Errorf("clear a control socket: %w", err)
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return fmt.Errorf("open a control socket: %w", err)
	}
	if err := os.Chmod(socket, 0o600); err != nil {
		return errors.Join(fmt.Errorf("protect a control socket: %w", err), l.Close())
	}
	stop := context.AfterFunc(ctx, func() { _ = l.Close() })
	work.Go(func() {
		defer stop()
		for {
			conn, err := l.Accept()
			if err != nil {
				return // closed
			}
			work.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(90 * time.Second))
				var c service.Call
				if json.NewDecoder(conn).Decode(&c) == nil {
					_ = json.NewEncoder(conn).Encode(answer(c)) // a shim that went away needs no answer
				}
			})
		}
	})
	return nil
}

// command does `break HOST [--how HOW]` and `heal HOST`, with or without a leading /drill.
func (c *Company) command(ctx context.Context, args []string) service.Answer {
	if len(args) > 0 && (args[0] == "/drill" || args[0] == "drill") {
		args = args[1:]
	}
	how := "kill"
	var words []string
	for i := 0; i < len(args); i++ {
		switch v, ok := strings.CutPrefix(args[i], "--how="); {
		case ok:
			how = v
		case args[i] == "--how" && i+1 < len(args):
			i++
			how = args[i]
		default:
			words = append(words, args[i])
		}
	}
	var err error
	switch {
	case len(words) == 2 && words[0] == "break":
		err = c.Break(words[1], how)
	case len(words) == 2 && words[0] == "heal":
		how = ""
		err = c.Heal(ctx, words[1])
	default:
		return service.Answer{Exit: 2, Stderr: "/drill break HOST [--how kill|freeze|partial] · /drill heal HOST\n"}
	}
	if err != nil {
		return service.Answer{Exit: 1, Stderr: err.Error() + "\n"}
	}
	return service.Answer{Stdout: strings.TrimSpace(words[0]+" "+words[1]+" "+how) + ": done\n"}
}

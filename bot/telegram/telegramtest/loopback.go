package telegramtest

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"
)

// loopback is a server that can stop and come back on its port, wakes whoever waits for a change, and waits for
// everything that it started. Its lock is never held while another one is taken.
type loopback struct {
	ctx  context.Context // ends with close
	end  context.CancelFunc
	work sync.WaitGroup

	state   sync.Mutex
	addr    string
	http    *http.Server // nil while stopped
	changed chan struct{}
}

func (l *loopback) start(addr string, h http.Handler) error {
	l.ctx, l.end = context.WithCancel(context.Background())
	l.addr, l.changed = addr, make(chan struct{})
	if err := l.resume(h); err != nil {
		l.end()
		return err
	}
	return nil
}

func (l *loopback) resume(h http.Handler) error {
	l.state.Lock()
	defer l.state.Unlock()
	if l.http != nil || l.ctx.Err() != nil {
		return nil
	}
	listener, err := net.Listen("tcp", l.addr)
	if err != nil {
		return fmt.Errorf("listen as Telegram: %w", err)
	}
	l.addr = listener.Addr().String()
	// Without HTTP/2, so that every fault can simply cut a connection.
	server := &http.Server{Handler: l.counted(h), ReadHeaderTimeout: 10 * time.Second, TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}}
	l.http = server
	l.work.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			panic(err)
		}
	})
	return nil
}

// counted lets close wait for every request.
func (l *loopback) counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !l.enter() {
			panic(http.ErrAbortHandler)
		}
		defer l.work.Done()
		h.ServeHTTP(w, r)
	})
}

func (l *loopback) enter() bool {
	l.state.Lock()
	defer l.state.Unlock()
	if l.ctx.Err() != nil {
		return false
	}
	l.work.Add(1)
	return true
}

// spawn runs work that close waits for; it ends with ctx.
func (l *loopback) spawn(work func()) {
	if l.enter() {
		go func() {
			defer l.work.Done()
			work()
		}()
	}
}

func (l *loopback) stop() {
	l.state.Lock()
	server := l.http
	l.http = nil
	l.state.Unlock()
	if server != nil {
		_ = server.Close()
	}
	l.change()
}

func (l *loopback) close() {
	l.state.Lock()
	l.end()
	l.state.Unlock()
	l.stop()
	l.work.Wait()
}

// Addr is the host and port that the server listens on. It stays the same across Stop and Resume.
func (l *loopback) Addr() string {
	l.state.Lock()
	defer l.state.Unlock()
	return l.addr
}

func (l *loopback) next() <-chan struct{} {
	l.state.Lock()
	defer l.state.Unlock()
	return l.changed
}

func (l *loopback) change() {
	l.state.Lock()
	defer l.state.Unlock()
	close(l.changed)
	l.changed = make(chan struct{})
}

func (l *loopback) until(ctx context.Context, ok func() bool) error {
	for {
		c := l.next()
		if ok() {
			return nil
		}
		select {
		case <-c:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

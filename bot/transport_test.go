package bot

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"
)

// hole passes connections on, until it swallows all that goes over those which it has.
type hole struct {
	net.Listener
	to string

	mu    sync.Mutex
	lost  chan struct{} // closed: those that were made so far are lost
	conns []net.Conn
	work  sync.WaitGroup
}

func (h *hole) pass() {
	for {
		near, err := h.Accept()
		if err != nil {
			return
		}
		far, err := net.Dial("tcp", h.to)
		if err != nil {
			return
		}
		h.mu.Lock()
		lost := h.lost
		h.conns = append(h.conns, near, far)
		h.mu.Unlock()
		for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
			h.work.Go(func() {
				buf := make([]byte, 1<<16)
				for {
					n, err := way[0].Read(buf)
					if err != nil {
						return
					}
					select {
					case <-lost:
					default:
						if _, err := way[1].Write(buf[:n]); err != nil {
							return
						}
					}
				}
			})
		}
	}
}

func (h *hole) swallow() {
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.lost)
	h.lost = make(chan struct{})
}

func (h *hole) end() {
	_ = h.Close()
	h.mu.Lock()
	for _, c := range h.conns {
		_ = c.Close()
	}
	h.mu.Unlock()
	h.work.Wait()
}

func TestSilentConnectionIsDropped(t *testing.T) {
	t.Parallel()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(rw, r.Proto) }))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	t.Cleanup(srv.Close)
	near, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h := &hole{Listener: near, to: srv.Listener.Addr().String(), lost: make(chan struct{})}
	h.work.Go(h.pass)
	t.Cleanup(h.end)
	transport, ok := lively(100*time.Millisecond, 100*time.Millisecond).(*http.Transport)
	if !ok {
		t.Fatal("no transport of its own")
	}
	transport.TLSClientConfig = srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	t.Cleanup(transport.CloseIdleConnections)
	ask := func() (string, error) {
		ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
		defer cancel()
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, "https://"+near.Addr().String(), nil)
		if err != nil {
			return "", err
		}
		resp, err := transport.RoundTrip(r)
		if err != nil {
			return "", err
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		return string(body), err
	}
	if got, err := ask(); got != "HTTP/2.0" {
		t.Fatalf("the first answer is %q: %v", got, err)
	}
	h.swallow()
	for range 3 {
		if got, err := ask(); err == nil && got == "HTTP/2.0" {
			return
		}
	}
	t.Error("no answer by another connection")
}

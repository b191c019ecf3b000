package door

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wrong tries a wrong token from an address.
func wrong(g *Guesses, remote string) (slow bool, retry string) {
	r := httptest.NewRequest(http.MethodPost, "/login?token=canary", strings.NewReader("token=canary"))
	r.Header.Set("Authorization", "Bearer canary")
	r.RemoteAddr = remote
	w := httptest.NewRecorder()
	slow = g.Wrong(w, r, "log-in")
	return slow, w.Header().Get("Retry-After")
}

func TestGuessesAreSlowed(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	now := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	g := NewGuesses(slog.New(slog.NewTextHandler(&log, nil)), func() time.Time { return now })
	tries := func(n int, remote string) (slowed int) {
		for range n {
			if slow, retry := wrong(g, remote); slow {
				slowed++
				if retry == "" {
					t.Error("no Retry-After")
				}
			}
		}
		return slowed
	}
	if n := tries(15, "192.0.2.1:1000"); n != 5 {
		t.Errorf("%d of 15 tries of one address were slowed", n)
	}
	if n := tries(5, "192.0.2.2:1000"); n != 0 {
		t.Errorf("%d of 5 tries of another address were slowed", n)
	}
	now = now.Add(3 * time.Second)
	if n := tries(4, "192.0.2.1:2000"); n != 1 {
		t.Errorf("three seconds later, %d of 4 tries were slowed", n)
	}
	now = now.Add(time.Minute)
	slowed := 0
	for i := range 100 { // a network of IPv6 is one address
		slowed += tries(1, fmt.Sprintf("[2001:db8::%x]:1", i))
	}
	if slowed != 90 {
		t.Errorf("%d of 100 tries of a network were slowed", slowed)
	}
	now = now.Add(time.Minute)
	slowed = 0
	for i := range remembered + 100 {
		slowed += tries(1, fmt.Sprintf("198.51.%d.%d:1", i/250, i%250))
	}
	if slowed < remembered+100-burstOfAll || len(g.from) > remembered {
		t.Errorf("%d tries of as many addresses were slowed; %d are remembered", slowed, len(g.from))
	}
	if tries(1, "@") != 1 {
		t.Error("an address that is none has a limit of its own")
	}
	text := log.String()
	if strings.Contains(text, "canary") || !strings.Contains(text, "remote=192.0.2.1:1000") || strings.Count(text, "too fast") != 3 {
		t.Errorf("logged was %s", text)
	}
}

func TestTooManyConnections(t *testing.T) {
	t.Parallel()
	l := &listener{of: map[netip.Addr]int{}}
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
	for range connsOfAddress {
		if !l.enter(a) {
			t.Fatal("refused too early")
		}
	}
	if l.enter(a) || !l.enter(b) {
		t.Error("one address may have more than it should, or keeps out another")
	}
	l.leave(a)
	if !l.enter(a) {
		t.Error("a closed connection still counts")
	}
	for i := 0; l.all < connsOfAll; i++ {
		l.enter(netip.MustParseAddr(fmt.Sprintf("192.0.2.%d", 3+i/connsOfAddress)))
	}
	if l.enter(netip.MustParseAddr("192.0.2.200")) {
		t.Error("there is no limit of all")
	}
}

func TestListenCountsConnections(t *testing.T) {
	t.Parallel()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l := Listen(inner).(*listener)
	defer l.Close()
	dial := func() net.Conn {
		c, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		return c
	}
	dial()
	c, err := l.Accept()
	if err != nil || l.all != 1 {
		t.Fatalf("%d connections, %v", l.all, err)
	}
	_ = c.Close()
	_ = c.Close() // counted once
	l.mu.Lock()
	l.of[netip.MustParseAddr("127.0.0.1")], l.all = connsOfAddress, connsOfAddress
	l.mu.Unlock()
	refused := dial()
	accepted := make(chan error, 1)
	go func() {
		c, err := l.Accept()
		if err == nil {
			_ = c.Close()
		}
		accepted <- err
	}()
	_ = refused.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := refused.Read(make([]byte, 1)); err == nil || strings.Contains(err.Error(), "timeout") {
		t.Errorf("one too many was not closed: %v", err)
	}
	l.leave(netip.MustParseAddr("127.0.0.1"))
	dial()
	if err := <-accepted; err != nil {
		t.Error(err)
	}
}

func TestStreamsOfOnePerson(t *testing.T) {
	t.Parallel()
	var s Streams
	first, leave := s.Enter(t.Context(), "ops1")
	other, leaveOther := s.Enter(t.Context(), "ops2")
	var last context.Context
	var leaves []func()
	for range perPerson {
		var l func()
		last, l = s.Enter(t.Context(), "ops1")
		leaves = append(leaves, l)
	}
	if first.Err() == nil || last.Err() != nil || other.Err() != nil {
		t.Errorf("the oldest: %v, the newest: %v, another's: %v", first.Err(), last.Err(), other.Err())
	}
	for _, f := range append(leaves, leave, leaveOther) {
		f()
	}
	if len(s.open) != 0 || last.Err() == nil {
		t.Errorf("left over: %v", s.open)
	}
}

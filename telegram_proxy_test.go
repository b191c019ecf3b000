package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"recoverbot/bot/telegram/telegramtest"
)

// The calls of the bot go through the proxy that the env file names, and what is said through it is what is heard. It takes
// a process of its own: what the environment says of a proxy is read once.
func TestTelegramThroughAProxy(t *testing.T) {
	t.Parallel()
	if lines := os.Getenv("TEST_TELEGRAM_PROXY"); lines != "" {
		out, err := command(t, map[string]string{"fleet.yaml": checkedFleet, "env": lines + "\nTELEGRAM_BOT_TOKEN=" + telegramtest.DefaultToken +
			"\nTELEGRAM_CHAT_ID=-1001000000001\nFLEET_FILE=DIR/fleet.yaml\nSSH_KNOWN_HOSTS=DIR/env\nSPEED_PASSWORD=x\n"}, "check")
		if want := os.Getenv("TEST_TELEGRAM_WANT"); err != nil || !strings.Contains(out, want) || strings.Contains(out, "nothing reads HTTP") || strings.Contains(out, "s3cret") {
			t.Errorf("check: %v, want %q\n%s", err, want, out)
		}
		return
	}
	fake, err := telegramtest.Start(telegramtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(fake.Close)
	there := strings.TrimPrefix(fake.URL(), "http://")
	const well = "and posts to ops"
	for _, c := range []struct {
		name  string
		proxy func(*testing.T, string, chan<- string) string
		key   string
		api   string
		want  string
		asked string
	}{
		{"HTTP", httpProxy, "HTTP_PROXY", "http://telegram.test", well, "POST telegram.test"},
		{"HTTP, to https", httpProxy, "HTTPS_PROXY", "https://telegram.test", "telegram.test does not answer", "CONNECT telegram.test:443"},
		{"SOCKS5", socksProxy, "HTTP_PROXY", "http://telegram.test", well, "ops:s3cret telegram.test:80"},
		{"SOCKS5, to https", socksProxy, "HTTPS_PROXY", "https://telegram.test", "telegram.test does not answer", "ops:s3cret telegram.test:443"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			asked := make(chan string, 99)
			proxy := c.proxy(t, there, asked)
			child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestTelegramThroughAProxy$")
			child.Env = append(os.Environ(), "TEST_TELEGRAM_WANT="+c.want, "TEST_TELEGRAM_PROXY="+c.key+"="+proxy+"\nTELEGRAM_API_ENDPOINT="+c.api)
			if out, err := child.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			select {
			case got := <-asked:
				if got != c.asked {
					t.Errorf("the proxy was asked for %s, want %s", got, c.asked)
				}
			default:
				t.Error("the proxy was not asked")
			}
		})
	}
}

// httpProxy hands everything to the server there, but tunnels nothing.
func httpProxy(t *testing.T, there string, asked chan<- string) string {
	pass := httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: there}) }}
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.Method + " " + r.Host
		if r.Method == http.MethodConnect {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		pass.ServeHTTP(w, r)
	}))
	t.Cleanup(proxy.Close)
	return proxy.URL
}

// socksProxy is as little of SOCKS5 (RFC 1928, 1929) as it takes to hand everything at port 80 to the server there.
func socksProxy(t *testing.T, there string, asked chan<- string) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				if target, err := socksHello(c); err == nil {
					asked <- target
					socksPass(c, target, there)
				}
			}()
		}
	}()
	return "socks5://ops:s3cret@" + l.Addr().String()
}

// socksHello hears who wants to go where: "name:password host:port".
func socksHello(c net.Conn) (string, error) {
	var err error
	some := func(n byte) []byte {
		b := make([]byte, n)
		if _, e := io.ReadFull(c, b); e != nil && err == nil {
			err = e
		}
		return b
	}
	text := func() string { return string(some(some(1)[0])) }
	say := func(b ...byte) { _, _ = c.Write(b) } // who has gone away reads nothing
	some(1)                                      // version
	text()                                       // methods
	say(5, 2)                                    // name and password
	some(1)
	name, password := text(), text()
	say(1, 0)
	some(3)                            // version, CONNECT, reserved
	if kind := some(1)[0]; kind != 3 { // names are the proxy's to look up
		return "", fmt.Errorf("address of kind %d: %w", kind, err)
	}
	host, port := text(), binary.BigEndian.Uint16(some(2))
	say(5, 0, 0, 1, 0, 0, 0, 0, 0, 0)
	return fmt.Sprintf("%s:%s %s:%d", name, password, host, port), err
}

func socksPass(c net.Conn, target, there string) {
	if !strings.HasSuffix(target, ":80") {
		return
	}
	to, err := net.Dial("tcp", there)
	if err != nil {
		return
	}
	defer to.Close()
	go func() { _, _ = io.Copy(to, c) }() // ends with either connection
	_, _ = io.Copy(c, to)
}

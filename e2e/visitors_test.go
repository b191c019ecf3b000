package e2e

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// visitors ask a URL ten times a second until they are sent home.
type visitors struct {
	asked, lost atomic.Int64
	leave       context.CancelFunc
	work        sync.WaitGroup
}

func visit(t *testing.T, at string) *visitors {
	t.Helper()
	ctx, leave := context.WithCancel(t.Context())
	v := &visitors{leave: leave}
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	v.work.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
			v.work.Go(func() {
				req, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
				if err != nil {
					return
				}
				res, err := client.Do(req)
				if ctx.Err() != nil {
					return
				}
				v.asked.Add(1)
				if err != nil || res.StatusCode != http.StatusOK {
					v.lost.Add(1)
				}
				if err == nil {
					res.Body.Close()
				}
			})
		}
	})
	t.Cleanup(func() { v.home() })
	return v
}

// home sends them home and counts.
func (v *visitors) home() (asked, lost int64) {
	v.leave()
	v.work.Wait()
	return v.asked.Load(), v.lost.Load()
}

// trap listens in the place of a dead machine and counts who calls.
type trap struct {
	calls     atomic.Int64
	listeners []net.Listener
	work      sync.WaitGroup
}

func (c *company) trap(host string, ports ...string) *trap {
	c.t.Helper()
	p := &trap{}
	c.t.Cleanup(p.close)
	for _, port := range ports {
		l, err := net.Listen("tcp", net.JoinHostPort(c.address(host), port))
		if err != nil {
			c.t.Fatal(err)
		}
		p.listeners = append(p.listeners, l)
		p.work.Go(func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return // closed
				}
				p.calls.Add(1)
				conn.Close()
			}
		})
	}
	return p
}

func (p *trap) close() {
	for _, l := range p.listeners {
		_ = l.Close() // it may be closed already
	}
	p.work.Wait()
}

// byName asks a machine over TLS for one of its names, whose certificate must be right.
func (c *company) byName(host, name string) error {
	authority, err := os.ReadFile(c.d.CA)
	if err != nil {
		return err
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(authority)
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool, ServerName: name, MinVersion: tls.VersionTLS12},
	}}
	req, err := http.NewRequest(http.MethodGet, "https://"+net.JoinHostPort(c.address(host), "8443")+"/", nil)
	if err != nil {
		return err
	}
	req.Host = name
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", name, res.Status)
	}
	return nil
}

// console is a person at the web console.
type console struct {
	c      *company
	client *http.Client
	csrf   string
}

type card struct {
	Key, State, Title, Code string
	Priority                int
	RunID                   string `json:"run_id"`
	Lines                   []string
	Buttons                 []struct{ Choice, Action, Label string }
}

func (c *company) console() *console {
	c.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		c.t.Fatal(err)
	}
	w := &console{c: c, client: &http.Client{Timeout: 20 * time.Second, Jar: jar, Transport: &http.Transport{DisableKeepAlives: true}}}
	res, err := w.client.PostForm(c.d.Console+"/login", url.Values{"token": {c.d.Token}})
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	m := regexp.MustCompile(`data-csrf="([0-9a-f]+)"`).FindSubmatch(page)
	if m == nil {
		c.t.Fatalf("no console: %s", res.Status)
	}
	w.csrf = string(m[1])
	return w
}

// cards are all that the console shows now whose key begins so.
func (w *console) cards(prefix string) ([]card, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.c.d.Console+"/console/events", nil)
	if err != nil {
		return nil, err
	}
	res, err := w.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	var out []card
	in := bufio.NewScanner(res.Body)
	in.Buffer(nil, 8<<20)
	event := ""
	for in.Scan() {
		if name, ok := strings.CutPrefix(in.Text(), "event: "); ok {
			event = name
		}
		data, ok := strings.CutPrefix(in.Text(), "data: ")
		if event == "sync" {
			return out, nil
		}
		if !ok || event != "card" {
			continue
		}
		var x struct{ Message card }
		if err := json.Unmarshal([]byte(data), &x); err != nil {
			return nil, err
		}
		if strings.HasPrefix(x.Message.Key, prefix) {
			out = append(out, x.Message)
		}
	}
	return out, in.Err()
}

// press clicks the button of that choice on the first card that ok takes, and returns the run that it is about.
func (w *console) press(choice string, ok func(card) bool) string {
	w.c.t.Helper()
	var got struct {
		Text, Run string
		Refused   bool
	}
	eventually(w.c.t, 30*time.Second, "press "+choice, func() error {
		cards, err := w.cards("alert/")
		if err != nil {
			return err
		}
		for _, x := range cards {
			for _, b := range x.Buttons {
				if b.Choice != choice || !ok(x) {
					continue
				}
				body, err := json.Marshal(map[string]string{"action": b.Action, "reason": "test"})
				if err != nil {
					return err
				}
				req, err := http.NewRequest(http.MethodPost, w.c.d.Console+"/console/press", bytes.NewReader(body))
				if err != nil {
					return err
				}
				req.Header.Set("X-CSRF-Token", w.csrf)
				res, err := w.client.Do(req)
				if err != nil {
					return err
				}
				defer res.Body.Close()
				if err := json.NewDecoder(res.Body).Decode(&got); err != nil {
					return err
				}
				if got.Refused {
					w.c.t.Fatalf("press %s: %s", choice, got.Text)
				}
				return nil
			}
		}
		return fmt.Errorf("no such card: %+v", cards)
	})
	return got.Run
}

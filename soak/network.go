package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"recoverbot/drill"
)

// proxyPort is where the bot finds each host's sshd, and through that its MySQL.
const proxyPort = 2322

// network is what stands between the bot and the hosts: one proxy a host.
type network struct{ proxies map[string]*toxiproxy.Proxy }

func newNetwork(d drill.Description) (*network, error) {
	server := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(prometheus.NewRegistry()), zerolog.Nop())
	n := &network{proxies: map[string]*toxiproxy.Proxy{}}
	for name, h := range d.Hosts {
		p := toxiproxy.NewProxy(server, name, net.JoinHostPort(h.Address, strconv.Itoa(proxyPort)), net.JoinHostPort(h.Address, strconv.Itoa(h.SSHPort)))
		if err := p.Start(); err != nil {
			n.close()
			return nil, fmt.Errorf("start the proxy of %s: %w", name, err)
		}
		n.proxies[name] = p
	}
	return n, nil
}

func (n *network) close() {
	for _, p := range n.proxies {
		p.Stop()
	}
}

// toxic is one way in which a network misbehaves: of toxiproxy, but for down.
type toxic struct {
	kind       string
	attributes map[string]int
	stream     string // both ways where it is ""
}

// suffer lets a host's network misbehave for a while.
func (n *network) suffer(ctx context.Context, host string, t toxic, lasts time.Duration) error {
	p := n.proxies[host]
	if t.kind == "down" {
		p.Stop()
		pause(ctx, lasts)
		if err := p.Start(); err != nil && !errors.Is(err, toxiproxy.ErrProxyAlreadyStarted) { // by another fault's end
			return fmt.Errorf("start the proxy of %s: %w", host, err)
		}
		return nil
	}
	streams := []string{"upstream", "downstream"}
	if t.stream != "" {
		streams = []string{t.stream}
	}
	var names []string
	for _, s := range streams {
		b, err := json.Marshal(map[string]any{"type": t.kind, "stream": s, "attributes": t.attributes})
		if err != nil {
			return fmt.Errorf("encode a toxic: %w", err)
		}
		w, err := p.Toxics.AddToxicJson(strings.NewReader(string(b)))
		if errors.Is(err, toxiproxy.ErrToxicAlreadyExists) {
			continue // another fault of the schedule does the same now
		}
		if err != nil {
			return fmt.Errorf("add %s to %s: %w", t.kind, host, err)
		}
		names = append(names, w.Name)
	}
	pause(ctx, lasts)
	for _, name := range names {
		if err := p.Toxics.RemoveToxic(context.Background(), name); err != nil {
			return fmt.Errorf("remove %s from %s: %w", t.kind, host, err)
		}
	}
	return nil
}

// pause waits for a moment of the schedule.
func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}

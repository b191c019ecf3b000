package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"

	"recoverbot/runbook"
)

// CertificateMargin is how long a certificate must be valid still; with less, the finding's text is probe.tls_soon.
const CertificateMargin = 14 * 24 * time.Hour

// public is where users reach the host: the address that the domain list has of it.
func (a *asking) public() string {
	if a.host.DNSIP.IsValid() {
		return a.host.DNSIP.String()
	}
	return a.host.Address
}

func (a *asking) name() string {
	if a.probe.Name != "" {
		return a.probe.Name
	}
	return a.host.Domain
}

// certificate shakes hands as a browser would: with the public address, under the domain.
func certificate(ctx context.Context, a *asking) answer {
	port := a.probe.Port
	if port == 0 {
		port = 443
	}
	name := a.name()
	bad := func(err error) answer {
		return down("probe.tls_down", "host", a.host.Name, "name", name, "why", a.whyTLS(err))
	}
	dial, err := a.dialer(ctx)
	if err != nil {
		return bad(err)
	}
	conn, err := dial(ctx, "tcp", net.JoinHostPort(a.public(), strconv.Itoa(port)))
	if err != nil {
		return bad(err)
	}
	defer conn.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = conn.SetDeadline(deadline)
	}
	t := tls.Client(conn, &tls.Config{ServerName: name, MinVersion: tls.VersionTLS12})
	if err := t.HandshakeContext(ctx); err != nil {
		return bad(err)
	}
	left := time.Until(t.ConnectionState().PeerCertificates[0].NotAfter)
	if left < CertificateMargin {
		return up("probe.tls_soon", "host", a.host.Name, "name", name, "left", left.Seconds())
	}
	return up("probe.tls_up", "host", a.host.Name, "name", name, "left", left.Seconds())
}

// whyTLS has words for what is wrong with a certificate.
func (a *asking) whyTLS(err error) runbook.Msg {
	var name x509.HostnameError
	var unknown x509.UnknownAuthorityError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(err, &name):
		names := slices.Clone(name.Certificate.DNSNames)
		if len(names) > 5 {
			names = append(names[:5], "…")
		}
		return runbook.T("probe.why_cert_name", "names", lastLine(a.fleet, strings.Join(names, ", ")))
	case errors.As(err, &unknown):
		return runbook.T("probe.why_cert_unknown")
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return runbook.T("probe.why_cert_expired", "at", invalid.Cert.NotAfter.UTC().Format(time.RFC3339))
	}
	return why(a.fleet, err)
}

// resolves asks what users would be told: the name must lead to the host's public address, and nowhere else.
func resolves(ctx context.Context, a *asking) answer {
	name, want := a.name(), a.public()
	r := &net.Resolver{PreferGo: true}
	if server := a.fleet.Config().DomainList.Resolver; server != "" {
		r.Dial = func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, server)
		}
	}
	found, err := r.LookupNetIP(ctx, "ip", strings.TrimSuffix(name, ".")+".") // no search list
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		return down("probe.name_none", "name", name, "ip", want)
	case errors.As(err, &dns):
		return down("probe.name_unknown", "name", name, "why", runbook.T("probe.why_timeout"))
	case err != nil:
		return down("probe.name_unknown", "name", name, "why", why(a.fleet, err))
	}
	ip, err := netip.ParseAddr(want)
	if err != nil {
		return down("probe.name_unknown", "name", name, "why", runbook.T("fleet.no_dns_ip", "host", a.host.Name))
	}
	var others []string
	right := false
	for _, f := range found {
		if f.Unmap() == ip.Unmap() {
			right = true
		} else {
			others = append(others, f.Unmap().String())
		}
	}
	slices.Sort(others)
	others = slices.Compact(others)
	if len(others) > 5 {
		others = append(others[:5], "…")
	}
	switch {
	case !right:
		return down("probe.name_elsewhere", "name", name, "found", strings.Join(others, ", "), "ip", want)
	case len(others) > 0:
		return down("probe.name_also", "name", name, "found", strings.Join(others, ", "), "ip", want)
	}
	return up("probe.name_up", "name", name, "ip", want)
}

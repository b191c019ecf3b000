// Package probetest gives tests an authority whose certificates this process trusts, and servers that show them.
package probetest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// CA signs certificates.
type CA struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// Trust makes an authority and lets the process trust it alone. Call it in TestMain: the system's authorities are read
// once, at the first handshake.
func Trust() (ca *CA, done func(), err error) {
	dir, err := os.MkdirTemp("", "ca")
	if err != nil {
		return nil, nil, err
	}
	done = func() { _ = os.RemoveAll(dir) }
	ca = &CA{}
	if ca.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, done, err
	}
	der, err := ca.sign(nil, time.Now().AddDate(1, 0, 0), &ca.key.PublicKey)
	if err != nil {
		return nil, done, err
	}
	if ca.cert, err = x509.ParseCertificate(der); err != nil {
		return nil, done, err
	}
	file := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		return nil, done, err
	}
	if err := os.Setenv("SSL_CERT_DIR", dir); err != nil {
		return nil, done, err
	}
	return ca, done, os.Setenv("SSL_CERT_FILE", file)
}

func (ca *CA) sign(names []string, until time.Time, key *ecdsa.PublicKey) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, big.NewInt(1<<62))
	if err != nil {
		return nil, err
	}
	t := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "test"}, DNSNames: names,
		NotBefore: time.Now().AddDate(-1, 0, 0), NotAfter: until}
	parent := ca.cert
	if parent == nil {
		parent, t.IsCA, t.BasicConstraintsValid, t.KeyUsage = t, true, true, x509.KeyUsageCertSign
	}
	return x509.CreateCertificate(rand.Reader, t, parent, key, ca.key)
}

// Serve shakes hands at address (host:port) with a certificate for names; a nil ca signs it with nobody's key.
func (ca *CA) Serve(t testing.TB, address string, until time.Time, names ...string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if ca == nil {
		ca = &CA{key: key}
	}
	der, err := ca.sign(names, until, &key.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	config := &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
			_ = tls.Server(conn, config).Handshake() // the client tells what it thinks of it
			_ = conn.Close()
		}
	}()
	t.Cleanup(func() { _ = l.Close(); <-ended })
}

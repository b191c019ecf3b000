package drill

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"path/filepath"
	"time"
)

const tlsPort = 8443

func (c *Company) authorityFile() string   { return filepath.Join(c.Dir, "keys", "ca.pem") }
func (c *Company) certificateFile() string { return filepath.Join(c.Dir, "keys", "site.pem") }

// writeCertificate makes the drill's own authority, whose key is forgotten at once, and the certificate of all its
// domains, with its key in the same file.
func (c *Company) writeCertificate() error {
	now := time.Now()
	authority := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "drill"}, NotBefore: now.Add(-time.Hour),
		NotAfter: now.AddDate(1, 0, 0), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	site := &x509.Certificate{SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "*" + domainSuffix}, DNSNames: []string{"*" + domainSuffix},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(0, 6, 0), KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make the drill's certificates: %w", err)
	}
	siteKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return fmt.Errorf("make the drill's certificates: %w", err)
	}
	authorityDER, err := x509.CreateCertificate(rand.Reader, authority, authority, authorityKey.Public(), authorityKey)
	if err != nil {
		return fmt.Errorf("make the drill's certificates: %w", err)
	}
	siteDER, err := x509.CreateCertificate(rand.Reader, site, authority, siteKey.Public(), authorityKey)
	if err != nil {
		return fmt.Errorf("make the drill's certificates: %w", err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(siteKey)
	if err != nil {
		return fmt.Errorf("make the drill's certificates: %w", err)
	}
	block := func(kind string, der []byte) []byte { return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}) }
	if err := put(c.authorityFile(), 0o644, block("CERTIFICATE", authorityDER)); err != nil {
		return err
	}
	c.secrets.site = string(bytes.Join([][]byte{block("CERTIFICATE", siteDER), block("PRIVATE KEY", keyDER)}, nil))
	return put(c.certificateFile(), 0o600, []byte(c.secrets.site))
}

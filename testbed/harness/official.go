package harness

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// official is a provider's own host, as far as a channel without a base_url can tell: the channel's proxy leads to it, and its
// certificate is for the provider's name.
type official struct {
	*Upstream
	Proxy       *Tunnel
	certificate *x509.Certificate
}

// NewOfficial plays the host of that name.
func NewOfficial(t *testing.T, host string, handle http.HandlerFunc) *official {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	signed, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	o := &official{}
	o.certificate, err = x509.ParseCertificate(signed)
	require.NoError(t, err)
	o.Upstream = StartUpstream(t, handle, func(u *Upstream) {
		u.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{{Certificate: [][]byte{signed}, PrivateKey: key}}}
		u.StartTLS()
	})
	speaks := Connecting()
	greet := speaks.greet
	speaks.greet = func(conn net.Conn) (string, string, error) {
		_, passOn, err := greet(conn)
		return o.Listener.Addr().String(), passOn, err
	}
	o.Proxy = NewTunnel(t, speaks)
	return o
}

// TrustingOfficial makes the relay trust its certificate.
func TrustingOfficial(o *official) RelayOption {
	return func(c *RelayConfig) { c.Roots.AddCert(o.certificate) }
}

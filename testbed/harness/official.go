package harness

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net"
	"net/http"
	"testing"
	"time"

	"one-api/testbed/internal/cert"

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
	return NewOfficials(t, []string{host}, handle)
}

// NewOfficials plays several hosts. A name may begin with *. as certificates have it.
func NewOfficials(t *testing.T, hosts []string, handle http.HandlerFunc) *official {
	t.Helper()
	c, err := cert.SelfSigned(time.Now().Add(time.Hour), hosts...)
	require.NoError(t, err)
	o := &official{certificate: c.Leaf}
	o.Upstream = StartUpstream(t, handle, func(u *Upstream) {
		u.TLS = &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{c}}
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

// PEM is its certificate, as a file of authorities has it.
func (o *official) PEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: o.certificate.Raw})
}

// TrustingOfficial makes the relay trust its certificate.
func TrustingOfficial(o *official) RelayOption {
	return func(c *RelayConfig) { c.Roots.AddCert(o.certificate) }
}

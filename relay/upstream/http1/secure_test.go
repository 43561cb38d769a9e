package http1

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"io"
	"math/big"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// language is what a connection speaks below HTTP: a version of TLS, or 0.
type language uint16

// spoken is the one of the test that runs.
var spoken language

// overEach runs a test without TLS, and over each version of it.
func overEach(t *testing.T, test func(t *testing.T)) {
	for name, version := range map[string]language{"plain": 0, "TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			spoken = version
			defer func() { spoken = 0 }()
			test(t)
		})
	}
}

// certified is a certificate, and who believes it.
var certified = sync.OnceValues(func() (tls.Certificate, *x509.CertPool) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		BasicConstraintsValid: true, IsCA: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, DNSNames: []string{"upstream"},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		panic(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, roots
})

func (l language) serverSide(c net.Conn) net.Conn {
	if l == 0 {
		return c
	}
	return tls.Server(c, served()[l])
}

// served is the servers' side of each version, which lasts, so that sessions can be resumed.
var served = sync.OnceValue(func() map[language]*tls.Config {
	certificate, _ := certified()
	all := map[language]*tls.Config{}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		all[language(version)] = &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: version, MaxVersion: version}
	}
	return all
})

func (l language) clientSide() func(context.Context, *Wire) (*tls.Conn, bool, error) {
	if l == 0 {
		return nil
	}
	_, roots := certified()
	secure := &tls.Config{
		RootCAs: roots, ServerName: "upstream", MinVersion: tls.VersionTLS12, ClientSessionCache: tls.NewLRUClientSessionCache(2),
		DynamicRecordSizingDisabled: true,
	}
	return func(_ context.Context, over *Wire) (*tls.Conn, bool, error) {
		c := tls.Client(over, secure)
		return c, false, c.Handshake()
	}
}

func TestWhatComesBehindAnAnswerIsNobodysAnswer(t *testing.T) {
	overEach(t, testWhatComesBehindAnAnswerIsNobodysAnswer)
}

func testWhatComesBehindAnAnswerIsNobodysAnswer(t *testing.T) {
	const evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
	for name, first := range map[string]string{
		"in one piece": short + evil, "behind chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n" + evil,
		"half of one": short + "HTTP/1.1 2",
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, func(c net.Conn, ask func() *http.Request) {
				_, _ = io.WriteString(c, first)
				for ask() != nil {
					_, _ = io.WriteString(c, first)
				}
			})
			p := s.pool(t)
			for i := range 5 {
				_, body, err := ask(t, p)
				require.NoError(t, err)
				require.Equal(t, "{}", body)
				require.EqualValues(t, i+1, s.connections.Load())
			}
		})
	}
}

func TestRecordsThatHaveComeTogetherAreReadTogether(t *testing.T) {
	spoken = tls.VersionTLS13
	defer func() { spoken = 0 }()
	wrote := make(chan struct{})
	p := serve(t, func(c net.Conn, ask func() *http.Request) {
		_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		for range 50 {
			_, _ = io.WriteString(c, "5\r\nhello\r\n")
		}
		close(wrote)
		ask()
	}).pool(t)
	a, _, err := p.Do(&on{}, hello)
	require.NoError(t, err)
	<-wrote
	b := make([]byte, 4<<10)
	reads, total := 0, 0
	for total < 50*5 {
		n, err := a.Read(b)
		require.NoError(t, err)
		total += n
		reads++
	}
	require.Less(t, reads, 25)
	require.NoError(t, a.Close())
}

func TestASessionIsResumed(t *testing.T) {
	for name, version := range map[string]language{"TLS 1.2": tls.VersionTLS12, "TLS 1.3": tls.VersionTLS13} {
		t.Run(name, func(t *testing.T) {
			spoken = version
			defer func() { spoken = 0 }()
			var resumed []bool
			p := serve(t, func(c net.Conn, _ func() *http.Request) {
				resumed = append(resumed, c.(*tls.Conn).ConnectionState().DidResume)
				_, _ = io.WriteString(c, short)
			}).pool(t)
			for range 3 {
				_, _, err := ask(t, p)
				require.NoError(t, err)
			}
			require.Equal(t, []bool{false, true, true}, resumed)
		})
	}
}

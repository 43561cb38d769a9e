package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"os"
	"time"
)

// nobody is whom the sinks' servers complain to.
var nobody = log.New(io.Discard, "", 0)

// papers are an authority's certificate in a file, and two that it has signed for the loopback address.
type papers struct {
	authority      string // file
	valid, expired tls.Certificate
}

func newPapers(file string) (*papers, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	now := time.Now()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "the check's authority"}, NotBefore: now.Add(-48 * time.Hour), NotAfter: now.Add(24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, authority, authority, key.Public(), key)
	if err != nil {
		return nil, err
	}
	p := &papers{authority: file}
	for serial, to := range map[int64]*tls.Certificate{2: &p.valid, 3: &p.expired} {
		leaf := &x509.Certificate{
			SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: loopback}, NotBefore: now.Add(-24 * time.Hour), NotAfter: now.Add(24 * time.Hour),
			KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, IPAddresses: []net.IP{net.ParseIP(loopback)},
		}
		if to == &p.expired {
			leaf.NotAfter = now.Add(-time.Hour)
		}
		signed, err := x509.CreateCertificate(rand.Reader, leaf, authority, key.Public(), key)
		if err != nil {
			return nil, err
		}
		*to = tls.Certificate{Certificate: [][]byte{signed}, PrivateKey: key}
	}
	return p, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
}

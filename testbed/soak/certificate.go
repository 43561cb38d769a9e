package main

import (
	"crypto/tls"
	"time"

	"one-api/testbed/internal/cert"
)

// newCertificate makes a certificate for the loopback interface, signed by itself. authority is what a client has to trust, PEM.
func newCertificate() (certificate *tls.Certificate, authority []byte, err error) {
	c, err := cert.SelfSigned(time.Now().Add(7 * 24 * time.Hour))
	if err != nil {
		return nil, nil, err
	}
	authority, _, err = cert.PEM(c)
	return &c, authority, err
}

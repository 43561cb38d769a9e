package main

import (
	"errors"
	"os"
	"path/filepath"
	"time"

	"one-api/testbed/internal/cert"
)

// Files of the upstream's certificate, signed by itself, in the directory that every process of a run works in.
const (
	certificateFile = "upstream.pem"
	keyFile         = "upstream-key.pem"
)

// writeCertificate makes one for the loopback interface.
func writeCertificate(directory string) error {
	c, err := cert.SelfSigned(time.Now().Add(24 * time.Hour))
	if err != nil {
		return err
	}
	certificate, key, err := cert.PEM(c)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(filepath.Join(directory, certificateFile), certificate, 0o600), os.WriteFile(filepath.Join(directory, keyFile), key, 0o600))
}

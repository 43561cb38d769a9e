package upstream

import (
	"compress/flate"
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"syscall"

	"one-api/relay/sse"
)

// IsCorrupt reports whether what came could not be unpacked.
func IsCorrupt(err error) bool {
	var corrupt flate.CorruptInputError
	return errors.As(err, &corrupt)
}

// Describe says in plain words what went wrong on the way to an upstream, without an address.
func Describe(err error) string {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var errno syscall.Errno
	switch {
	case errors.As(err, &dns):
		if dns.IsNotFound {
			return "the host name does not resolve"
		}
		return "the host name could not be resolved"
	case errors.As(err, &authority):
		return "TLS: the certificate's authority is unknown"
	case errors.As(err, &host):
		return "TLS: the certificate is for another host"
	case errors.As(err, &invalid):
		return "TLS: the certificate is expired or may not be used for this"
	case errors.As(err, &certificate):
		return "TLS: the certificate could not be verified"
	case errors.As(err, &record):
		return "TLS: the other end does not speak TLS"
	case errors.As(err, &alert):
		return "TLS: " + alert.Error()
	case errors.As(err, &errno):
		return errno.Error()
	case errors.Is(err, os.ErrDeadlineExceeded), isTimeout(err):
		return "timeout"
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "the connection was closed early"
	case errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum), IsCorrupt(err):
		return "the gzip encoding is broken"
	case errors.Is(err, sse.ErrTooLarge):
		return "an event is over its bound"
	}
	var op *net.OpError // says between which addresses, as SOCKS proxies' refusals do
	if errors.As(err, &op) && op.Err != nil {
		err = op.Err
	}
	// Short and without an address in it: net/http's own words, such as "http2: stream closed", say most.
	text := err.Error()
	if len(text) < 120 && !strings.ContainsAny(text, "/@[]") && !strings.Contains(text, "dial") && !strings.Contains(text, ":443") {
		return text
	}
	return "the connection failed"
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

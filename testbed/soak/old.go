package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"one-api/testbed/internal/process"
	"one-api/testbed/soak/oldway"
)

// oldBases is where the old way finds the upstream of a lane and a protocol.
func oldBases(u *upstreams) map[string]string {
	return map[string]string{
		"patient.h1": u.plain.url, "patient.t1": u.secure.url, "patient.h2": u.http2.url,
		"hasty.h1": u.plain.url, "hasty.t1": u.secure.url, "hasty.h2": u.http2.url,
		"rude.h2": u.rude.url, "refused.h1": nowhere, "untrusted.h2": u.untrusted.url,
	}
}

// startOld starts this program again, as the old way.
func startOld(ctx context.Context, work string, u *upstreams) (*subject, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	ports, err := process.FreePorts(1)
	if err != nil {
		return nil, err
	}
	trust := filepath.Join(work, "authority.pem")
	if err := os.WriteFile(trust, u.authority, 0o600); err != nil {
		return nil, err
	}
	address := "127.0.0.1:" + ports[0]
	var bases []string
	for of, url := range oldBases(u) {
		bases = append(bases, of+"="+url)
	}
	// The limit is the machine's protection, far above what the run needs.
	return start(ctx, &subject{name: "the old way", url: "http://" + address}, work, self,
		[]string{"GOMEMLIMIT=6GiB"}, "-old", address, "-old-trust", trust, "-old-upstreams", strings.Join(bases, ","))
}

// serveOld is the old way's process.
func serveOld(ctx context.Context, address, trust, upstreams string) error {
	bases := map[string]string{}
	for _, pair := range strings.Split(upstreams, ",") {
		of, url, _ := strings.Cut(pair, "=")
		bases[of] = url
	}
	authority, err := os.ReadFile(trust)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(authority)
	server := &http.Server{
		Addr: address, ReadHeaderTimeout: 10 * time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
		Handler: (&oldway.Server{
			Client: oldway.NewClient(&http.Transport{
				TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
				DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext, MaxIdleConnsPerHost: 128, IdleConnTimeout: 30 * time.Minute,
			}),
			Upstreams: func(model string) (string, bool) {
				parts := strings.Split(model, ".")
				if len(parts) != 4 {
					return "", false
				}
				base, ok := bases[parts[0]+"."+parts[2]]
				return base, ok
			},
		}).Handler(),
	}
	context.AfterFunc(ctx, func() { _ = server.Close() })
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

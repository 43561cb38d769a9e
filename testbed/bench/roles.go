package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	_ "net/http/pprof" // the proxy is asked for its allocations as the relay is
	"net/url"
	"strings"
)

const upstreamRole = "upstream"

// serveRole is one of the benchmark's other processes, until the context ends. overTLS is a second address; empty: there is none.
func serveRole(ctx context.Context, role, address, overTLS string) error {
	var handler http.Handler
	switch {
	case role == upstreamRole:
		handler = newUpstream()
	case role == "sink":
		handler = http.HandlerFunc(swallow)
	case strings.HasPrefix(role, "http://"):
		to, err := url.Parse(role)
		if err != nil {
			return err
		}
		handler = bareProxy(to)
	default:
		return fmt.Errorf("%w: unknown role %q", errUsage, role)
	}
	server := &http.Server{Addr: address, Handler: handler}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	ended := make(chan error, 2)
	if overTLS != "" { // where the client may choose HTTP/2
		listener, err := net.Listen("tcp", overTLS)
		if err != nil {
			return err
		}
		go func() { ended <- server.ServeTLS(listener, certificateFile, keyFile) }()
	}
	go func() { ended <- server.ListenAndServe() }()
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// swallow is a collector that takes everything.
func swallow(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// bareProxy is what the standard library offers, with connections to the upstream kept as the relay keeps them. It reads
// nothing, counts nothing, and has no clock.
func bareProxy(to *url.URL) http.Handler {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, 1024
	transport.DisableCompression = true
	proxy := &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport: transport,
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/debug/pprof/") {
			http.DefaultServeMux.ServeHTTP(w, r)
			return
		}
		// Otherwise net/http (Go 1.26) closes the request's body when the answer begins. An upstream that answers before the
		// transport has looked whether the body goes on then costs that look an error, and the answer its connection.
		_ = http.NewResponseController(w).EnableFullDuplex() // fails only over HTTP/2
		proxy.ServeHTTP(w, r)
	})
}

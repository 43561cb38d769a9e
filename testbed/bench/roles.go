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

const (
	upstreamRole = "upstream"
	sinkRole     = "sink"
)

// serveRole is one of the benchmark's other processes, until the context ends. secure is the upstream's address over TLS.
func serveRole(ctx context.Context, role, address, secure string) error {
	var handler http.Handler
	switch {
	case role == upstreamRole:
		handler = newUpstream()
	case role == sinkRole:
		handler = http.HandlerFunc(swallow)
	case strings.HasPrefix(role, "http://"):
		to, err := url.Parse(role)
		if err != nil {
			return err
		}
		handler = bareProxies(to, &url.URL{Scheme: "https", Host: secure})
	default:
		return fmt.Errorf("%w: unknown role %q", errUsage, role)
	}
	server := &http.Server{Addr: address, Handler: handler}
	defer context.AfterFunc(ctx, func() { _ = server.Close() })()
	ended := make(chan error, 2)
	if secure != "" && role == upstreamRole { // where the client may choose HTTP/2
		listener, err := net.Listen("tcp", secure)
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

// bareProxies is a bare proxy to the upstream, and for each way over TLS one below a path of its own.
func bareProxies(to, secure *url.URL) http.Handler {
	plain := bareProxy(to, nil)
	ways := map[string]http.Handler{}
	for _, way := range overTLS {
		spoken := new(http.Protocols)
		spoken.SetHTTP1(way == overHTTP1)
		spoken.SetHTTP2(way == overHTTP2)
		ways[way.name] = http.StripPrefix("/"+way.name, bareProxy(secure, spoken))
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/debug/pprof/") {
			http.DefaultServeMux.ServeHTTP(w, r)
			return
		}
		// Otherwise net/http (Go 1.26) closes the request's body when the answer begins. An upstream that answers before the
		// transport has looked whether the body goes on then costs that look an error, and the answer its connection.
		_ = http.NewResponseController(w).EnableFullDuplex() // fails only over HTTP/2
		first, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		if way := ways[first]; way != nil {
			way.ServeHTTP(w, r)
			return
		}
		plain.ServeHTTP(w, r)
	})
}

// bareProxy is what the standard library offers, with connections to the upstream kept as the relay keeps them. It reads
// nothing, counts nothing, and has no clock. spoken is what it speaks; nil leaves that to net/http.
func bareProxy(to *url.URL, spoken *http.Protocols) http.Handler {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, 1024
	transport.DisableCompression = true
	if spoken != nil {
		transport.Protocols, transport.TLSClientConfig = spoken, nil // which the clone has made ready for both
	}
	return &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(to) },
		Transport: transport,
	}
}

package main

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"one-api/testbed/internal/voice"
)

// upstreams are the providers, as far as the relay can tell. They run in the soak's own process.
type upstreams struct {
	plain, secure, http2, rude, untrusted, fallback *upstream

	authority []byte // the certificate that the relay has to trust, PEM
	waiting   sync.Map
	open      atomic.Int64
	asked     atomic.Int64
}

type upstream struct {
	url    string
	server *http.Server
}

func startUpstreams() (*upstreams, error) {
	u := &upstreams{}
	trusted, authority, err := newCertificate()
	if err != nil {
		return nil, err
	}
	u.authority = authority
	stranger, _, err := newCertificate()
	if err != nil {
		return nil, err
	}
	for _, s := range []struct {
		to          **upstream
		certificate *tls.Certificate
		http2       bool
		second      bool // of two channels
	}{
		{to: &u.plain}, {to: &u.secure, certificate: trusted}, {to: &u.http2, certificate: trusted, http2: true},
		{to: &u.rude, certificate: trusted, http2: true}, {to: &u.untrusted, certificate: stranger, http2: true}, {to: &u.fallback, second: true},
	} {
		if *s.to, err = u.start(s.certificate, s.http2, s.second); err != nil {
			u.stop()
			return nil, err
		}
	}
	return u, nil
}

// start runs one over HTTP/1.1, with a certificate over TLS, and with http2 over HTTP/2.
func (u *upstreams) start(certificate *tls.Certificate, http2, second bool) (*upstream, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { u.serve(w, r, second) }),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connectionKey{}, &connection{Conn: c})
		},
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 250},
	}
	if !http2 {
		server.TLSNextProto = map[string]func(*http.Server, *tls.Conn, http.Handler){} // net/http's way to say so
	}
	s := &upstream{url: "http://" + listener.Addr().String(), server: server}
	serve := func() error { return server.Serve(listener) }
	if certificate != nil {
		s.url = "https://" + listener.Addr().String()
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS12}
		serve = func() error { return server.ServeTLS(listener, "", "") }
	}
	go func() {
		if err := serve(); !errors.Is(err, http.ErrServerClosed) {
			slog.Error("an upstream has stopped", "error", err.Error())
		}
	}()
	return s, nil
}

// goodbye closes the connections, once they are idle.
func (u *upstreams) goodbye(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for _, s := range u.all() {
		_ = s.server.Shutdown(ctx) // what is left then shows in the relay
	}
}

// stop ends them at once.
func (u *upstreams) stop() {
	for _, s := range u.all() {
		_ = s.server.Close()
	}
}

func (u *upstreams) all() (started []*upstream) {
	for _, s := range []*upstream{u.plain, u.secure, u.http2, u.rude, u.untrusted, u.fallback} {
		if s != nil {
			started = append(started, s)
		}
	}
	return started
}

// serve does what the order in the prompt says, or what stands before or behind the channel that it is for.
func (u *upstreams) serve(w http.ResponseWriter, r *http.Request, second bool) {
	u.open.Add(1)
	defer u.open.Add(-1)
	if r.Method == http.MethodGet { // the relay asks for the list of models by itself, to find out whether a key is good
		s := &stage{w: w, r: r}
		s.begin(http.StatusOK, "application/json")
		s.say(`{"object":"list","data":[]}`)
		return
	}
	u.asked.Add(1)
	beginning := make([]byte, 1<<10) // the order is in it
	n, err := io.ReadFull(r.Body, beginning)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return
	}
	o, ok := parseBrief(string(beginning[:n]))
	if !ok {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s := &stage{w: w, r: r, order: o, voice: voice.For(r), tell: func() { u.tell(o.id) }, unasked: func() { u.asked.Add(-1) }, gone: r.Context().Done()}
	if conn := s.connection(); conn != nil {
		conn.requests.Add(1)
	}
	if !o.what().early || second || o.position == last {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return
		}
	}
	switch {
	case o.position == last && !second:
		errorProper(s)
	case o.position == first && second:
		good(s)
	default:
		o.what().act(s)
	}
}

// await has leave called when the upstream tells the client of that call to.
func (u *upstreams) await(id int64, leave context.CancelFunc) (forget func()) {
	u.waiting.Store(id, leave)
	return func() { u.waiting.Delete(id) }
}

func (u *upstreams) tell(id int64) {
	if leave, ok := u.waiting.Load(id); ok {
		leave.(context.CancelFunc)()
	}
}

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
)

// upstreams are the providers, as far as the relay can tell. They run in the soak's own process.
type upstreams struct {
	plain, secure, rude, untrusted, fallback *upstream

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
		second      bool // of two channels
	}{
		{&u.plain, nil, false}, {&u.secure, trusted, false}, {&u.rude, trusted, false}, {&u.untrusted, stranger, false}, {&u.fallback, nil, true},
	} {
		if *s.to, err = u.start(s.certificate, s.second); err != nil {
			u.stop()
			return nil, err
		}
	}
	return u, nil
}

// start runs one over HTTP/1.1 or, with a certificate, over HTTP/2.
func (u *upstreams) start(certificate *tls.Certificate, second bool) (*upstream, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := &http.Server{
		Handler:           http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { u.serve(w, r, second) }),
		ReadHeaderTimeout: 10 * time.Second,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connectionKey{}, c)
		},
		HTTP2: &http.HTTP2Config{MaxConcurrentStreams: 250},
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
	for _, s := range []*upstream{u.plain, u.secure, u.rude, u.untrusted, u.fallback} {
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
	u.asked.Add(1)
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	o, ok := parseBrief(string(body))
	if !ok {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	s := &stage{w: w, r: r, order: o, voice: voiceFor(r), tell: func() { u.tell(o.id) }, gone: r.Context().Done()}
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

package harness

import (
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
)

// Flood is an upstream that says more than the sockets between it and a client can hold.
type Flood struct {
	Variant
	Said   atomic.Int64
	Served atomic.Int64
}

func NewFlood(v Variant) *Flood { return &Flood{Variant: v} }

func (f *Flood) Handle(w http.ResponseWriter, r *http.Request) {
	defer f.Served.Add(1)
	f.Header(w)
	if !f.Stream {
		Say(w, VoiceFor(r).Whole(strings.Repeat("x", 512<<10)))
		return
	}
	Say(w, VoiceFor(r).Opening(FromFaulty))
	more := VoiceFor(r).More(strings.Repeat("x", 64<<10))
	for r.Context().Err() == nil {
		if _, err := w.Write([]byte(more)); err != nil {
			return
		}
		f.Said.Add(1)
	}
}

// Narrow gives the relay's side of each client's connection a small buffer.
func Narrow(l net.Listener) net.Listener { return narrowListener{l} }

type narrowListener struct{ net.Listener }

func (l narrowListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		err = conn.(*net.TCPConn).SetWriteBuffer(16 << 10)
	}
	return conn, err
}

// LazyClient has small buffers too.
func LazyClient() *http.Client {
	dialer := net.Dialer{}
	return &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dialer.DialContext(ctx, network, address)
		if err == nil {
			err = conn.(*net.TCPConn).SetReadBuffer(16 << 10)
		}
		return conn, err
	}}}
}

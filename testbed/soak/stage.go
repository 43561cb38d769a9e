package main

import (
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"one-api/testbed/internal/voice"
)

// stage is a call as its upstream sees it.
type stage struct {
	w     http.ResponseWriter
	r     *http.Request
	order order
	voice voice.Voice
	tell  func() // the client that waits to be told
	// unasked takes back that the upstream was asked: the relay makes the same attempt again.
	unasked func()
	gone    <-chan struct{}
}

// say sends text now.
func (s *stage) say(text string) {
	_, _ = io.WriteString(s.w, text)
	_ = http.NewResponseController(s.w).Flush()
}

// header begins an answer of the kind that was asked for.
func (s *stage) header() {
	kind := "application/json"
	if s.order.stream {
		kind = "text/event-stream"
	}
	s.begin(http.StatusOK, kind)
}

func (s *stage) begin(status int, kind string) {
	s.w.Header().Set("Content-Type", kind)
	s.w.WriteHeader(status)
	_ = http.NewResponseController(s.w).Flush()
}

// hold waits until nobody wants the answer any more.
func (s *stage) hold() { <-s.gone }

// pace does something again and again, until it says that it is done or nobody wants the answer any more.
func (s *stage) pace(each time.Duration, do func(i int) bool) {
	tick := time.NewTicker(each)
	defer tick.Stop()
	for i := 0; do(i); i++ {
		select {
		case <-s.gone:
			return
		case <-tick.C:
		}
	}
}

// half is the first part of an answer: a stream up to the text, or most of a whole answer.
func (s *stage) half() {
	s.header()
	if s.order.stream {
		s.say(s.voice.Opening("some words"))
		return
	}
	whole := s.voice.Whole("some words")
	s.say(whole[:len(whole)*3/4])
}

// abort breaks the answer off: the connection in HTTP/1.1, the stream (RST_STREAM) in HTTP/2.
func (s *stage) abort() {
	if conn := s.connection(); conn != nil && s.r.ProtoMajor == 1 {
		reset(conn.Conn)
	}
	panic(http.ErrAbortHandler) // net/http's way to break an answer off
}

type connectionKey struct{}

// connection is one of an upstream's.
type connection struct {
	net.Conn
	requests atomic.Int64 // that came on it
}

// connection is the one that the request came on.
func (s *stage) connection() *connection {
	conn, _ := s.r.Context().Value(connectionKey{}).(*connection)
	return conn
}

// reset ends a connection with a RST.
func reset(conn net.Conn) {
	if inner, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = inner.NetConn()
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// raw takes the connection over and writes what net/http would not.
func (s *stage) raw(text string) {
	conn, _, err := http.NewResponseController(s.w).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(conn, text)
	_ = conn.Close()
}

var words = strings.Repeat("word ", 200)

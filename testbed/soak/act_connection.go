package main

import (
	"io"
	"net/http"
	"strings"
	"time"
)

// What upstreams do with a connection, and with the lines of a stream.

func resetAtOnce(s *stage) { s.abort() }

func resetHalfWay(s *stage) {
	s.half()
	s.abort()
}

// goodbye answers well and ends the connection: with "Connection: close" in HTTP/1.1, with GOAWAY in HTTP/2.
func goodbye(s *stage) {
	s.w.Header().Set("Connection", "close")
	good(s)
}

// dropConnection takes every other stream of the connection with it.
func dropConnection(s *stage) {
	s.half()
	if conn := s.connection(); conn != nil {
		reset(conn.Conn)
	}
}

func noTerminator(s *stage) {
	s.header()
	s.say(s.voice.Opening("some words") + s.voice.More(" and more"))
}

func cutEvent(s *stage) {
	s.header()
	more := s.voice.More(" and more")
	s.say(s.voice.Opening("some words") + more[:len(more)/2])
}

func longLine(s *stage, n int) {
	s.header()
	s.say(s.voice.Opening(strings.Repeat("x", n)))
	s.say(s.voice.Closing())
}

func line70K(s *stage) { longLine(s, 70<<10) }
func line1M(s *stage)  { longLine(s, 1<<20) }

var block = strings.Repeat("x", 64<<10)

// line17M goes a block at a time and stops with the relay: it is over the bound.
func line17M(s *stage) {
	s.header()
	text := s.voice.More("")
	s.say(text[:len(text)-len("\n\n")-1])
	for range 17 * 16 {
		select {
		case <-s.gone:
			return
		default:
			s.say(block)
		}
	}
	s.say("\n\n")
}

func noNewline(s *stage) {
	s.header()
	for range 4 {
		s.say(block)
	}
}

// switchingProtocols agrees to what nobody proposed, and waits.
func switchingProtocols(s *stage) {
	conn, _, err := http.NewResponseController(s.w).Hijack()
	if err != nil {
		return
	}
	defer func() { _ = conn.Close() }()
	_, _ = io.WriteString(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
	_ = conn.SetReadDeadline(time.Now().Add(longestPings))
	_, _ = conn.Read(make([]byte, 1)) // the relay hangs up
}

// diesWhenReused answers well on a new connection. One that has been used before it closes without a word, as load balancers do
// whose idle timeout is just over.
func diesWhenReused(s *stage) {
	if conn := s.connection(); conn != nil && conn.requests.Load() > 1 {
		s.unasked()
		if taken, _, err := http.NewResponseController(s.w).Hijack(); err == nil {
			_ = taken.Close()
		}
		return
	}
	good(s)
}

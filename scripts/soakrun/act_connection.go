package main

import "strings"

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
		reset(conn)
	}
}

func noTerminator(s *stage) {
	s.header()
	s.say(s.voice.opening("some words") + s.voice.more(" and more"))
}

func cutEvent(s *stage) {
	s.header()
	more := s.voice.more(" and more")
	s.say(s.voice.opening("some words") + more[:len(more)/2])
}

func longLine(s *stage, n int) {
	s.header()
	s.say(s.voice.opening(strings.Repeat("x", n)))
	s.say(s.voice.closing())
}

func line70K(s *stage) { longLine(s, 70<<10) }
func line1M(s *stage)  { longLine(s, 1<<20) }

var block = strings.Repeat("x", 64<<10)

// line17M goes a block at a time and stops with the relay: it is over the bound.
func line17M(s *stage) {
	s.header()
	text := s.voice.more("")
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

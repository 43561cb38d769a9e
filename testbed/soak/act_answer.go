package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"sync"
	"time"
)

// What upstreams do with the whole of an answer, or with its encoding.

func good(s *stage) {
	s.header()
	if !s.order.stream {
		s.say(s.voice.Whole(words))
		return
	}
	s.say(s.voice.Opening("some"))
	for range 4 {
		s.say(s.voice.More(" more words"))
	}
	s.say(s.voice.Closing())
}

// longStream outlasts every clock of the hasty channels, and is never silent for long.
func longStream(s *stage) {
	s.header()
	s.say(s.voice.Opening("some"))
	const events = 25
	s.pace(hastyClock/10, func(i int) bool {
		s.say(s.voice.More(" more"))
		return i < events
	})
	s.say(s.voice.Closing())
}

// oddButGood is a stream as the standard allows it and few write it: a byte order mark, comments, CRLF, and flushes in the
// middle of a rune.
func oddButGood(s *stage) {
	s.header()
	text := strings.ReplaceAll(s.voice.Opening("some 字")+": a comment\n\n"+s.voice.More("words 流")+s.voice.Closing(), "\n", "\r\n")
	rune1 := strings.Index(text, "字") + 1
	s.say("\ufeff" + text[:rune1])
	s.say(text[rune1:])
}

func noJSON(s *stage) {
	s.header()
	if s.order.stream {
		s.say("data: this is no JSON\n\n")
		return
	}
	s.say("this is no JSON")
}

func cutJSON(s *stage) {
	s.header()
	if s.order.stream {
		s.say("data: {\"choices\": [{\n\n")
		return
	}
	whole := s.voice.Whole("some words")
	s.say(whole[:len(whole)/2])
}

func webPage(s *stage) {
	s.begin(200, "text/html; charset=utf-8")
	s.say("<!doctype html><title>Welcome</title><p>The proxy says hello.</p>")
}

func emptyAnswer(s *stage) { s.header() }

func notAStream(s *stage) {
	s.begin(200, "application/json")
	s.say(s.voice.Whole("some words"))
}

func brokenGzip(s *stage) {
	s.w.Header().Set("Content-Encoding", "gzip")
	s.header()
	text := packed(s.voice.Opening("some words") + s.voice.Closing())
	s.say(text[:len(text)/2] + "this is not gzip's")
}

// packedBomb is 20 KB that become 20 MiB of a single line.
var packedBomb = sync.OnceValue(func() string { return packed("data: " + strings.Repeat("a", 20<<20)) })

func bomb(s *stage) {
	s.w.Header().Set("Content-Encoding", "gzip")
	s.header()
	s.say(packedBomb())
}

func packed(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.String()
}

func malformedChunk(s *stage) {
	kind := "application/json"
	if s.order.stream {
		kind = "text/event-stream"
	}
	s.raw("HTTP/1.1 200 OK\r\nContent-Type: " + kind + "\r\nTransfer-Encoding: chunked\r\n\r\nthis is no length\r\n")
}

func shorterThanSaid(s *stage) {
	whole := s.voice.Whole("some words")
	s.raw(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", len(whole)+100, whole))
}

// What upstreams do when a client is about to leave.

// heard tells the client to leave, and says nothing.
func heard(s *stage) {
	s.tell()
	s.hold()
}

func headerOnly(s *stage) {
	s.header()
	heard(s)
}

func halfAnswer(s *stage) {
	s.half()
	heard(s)
}

func silentHalfWay(s *stage) {
	s.half()
	s.hold()
}

func streamThenHeard(s *stage) {
	s.header()
	s.say(s.voice.Opening("some words") + s.voice.More(" and more") + s.voice.More(" and more"))
	s.hold()
}

// endlessStream goes on for as long as anybody wants it; longestStream bounds it for relays that never let go.
func endlessStream(s *stage) {
	const longestStream = 2 * time.Minute
	const each = 20 * time.Millisecond
	s.header()
	s.say(s.voice.Opening("some"))
	s.pace(each, func(i int) bool {
		s.say(s.voice.More(" more"))
		return i < int(longestStream/each)
	})
}

// flood fills every buffer on the way to a client that does not read. It is bounded for relays that would keep it all.
func flood(s *stage) {
	s.header()
	s.say(s.voice.Opening("some"))
	text := s.voice.More(strings.Repeat("flood ", 10<<10))
	for range 400 {
		select {
		case <-s.gone:
			return
		default:
			s.say(text)
		}
	}
	s.hold()
}

// endsUnterminated is a whole stream but for the terminator that some providers never send.
func endsUnterminated(s *stage) {
	s.header()
	s.say(s.voice.Opening("some words") + s.voice.More(" and more") + s.voice.BeforeTerminator())
}

func markedWhole(s *stage) {
	s.header()
	s.say("\ufeff" + s.voice.Whole("some words"))
}

func endlessLength(s *stage) {
	s.raw("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9223372036854775807\r\n\r\n{}")
}

// What upstreams say before they say something.

func preambleThenError(s *stage) {
	s.header()
	s.say(s.voice.Preamble())
	s.say(s.voice.ComplaintInside("overloaded_error", "overloaded", says))
}

func preambleThenSilence(s *stage) {
	s.header()
	s.say(s.voice.Preamble())
	s.hold()
}

func preambleThenEnd(s *stage) {
	s.header()
	s.say(s.voice.Preamble())
}

// longestPings bounds what goes on for ever, for relays that never let go.
const (
	pingEvery    = 50 * time.Millisecond
	longestPings = 30 * time.Second
)

// pingsForEver says, before its first word or behind it, that it is still there, and nothing else.
func pingsForEver(s *stage) {
	s.header()
	if s.order.id%2 == 0 {
		s.say(s.voice.Opening("some words"))
	} else {
		s.say(s.voice.Preamble())
	}
	s.pace(pingEvery, func(i int) bool {
		s.say(ping(s.voice, s.order.id%3 == 0))
		return i < int(longestPings/pingEvery)
	})
}

// bytesForEver is an event that grows and never ends.
func bytesForEver(s *stage) {
	s.header()
	if s.order.id%2 == 0 {
		s.say(s.voice.Opening("some words"))
	}
	s.say("data: ")
	s.pace(pingEvery, func(i int) bool {
		s.say("x")
		return i < int(longestPings/pingEvery)
	})
}

package faults

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"net"
	"net/http"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"one-api/relay/outcome"
	"one-api/relay/wire"
	"one-api/testbed/harness"
)

// F10, what HTTP/2 has of its own: streams that are reset and connections that say goodbye.

func TestAnUpstreamThatEndsHTTP2StreamsIsUnderstood(t *testing.T) {
	harness.InMatrix(t, "F10")
	reset := harness.Ending{Outcome: outcome.UpstreamReset, Status: http.StatusBadGateway, Code: "upstream_reset"}
	cut := reset
	cut.Cut = true
	answered := harness.Ending{Outcome: outcome.Completed}
	for name, tc := range map[string]struct {
		script   script
		requests int // of each call, as the upstream sees them
		ending   harness.Ending
	}{
		"RST_STREAM before the header": {func(s *frameStream, _ int) { s.reset(http2.ErrCodeInternal) }, 1, reset},
		"RST_STREAM behind the header": {func(s *frameStream, _ int) {
			s.header()
			s.reset(http2.ErrCodeInternal)
		}, 1, reset},
		"RST_STREAM in the middle of the body": {func(s *frameStream, _ int) {
			s.begin()
			s.reset(http2.ErrCodeCancel)
		}, 1, cut},
		"RST_STREAM without an error in the middle of the body": {func(s *frameStream, _ int) {
			s.begin()
			s.reset(http2.ErrCodeNo)
		}, 1, cut},
		"RST_STREAM because the request was refused unseen": {func(s *frameStream, before int) {
			if before == 0 {
				s.reset(http2.ErrCodeRefusedStream)
				return
			}
			s.answer()
		}, 2, answered},
		"GOAWAY that leaves the request out": {func(s *frameStream, before int) {
			if before == 0 {
				s.goAway(0, http2.ErrCodeNo)
				return
			}
			s.answer()
		}, 2, answered},
		"GOAWAY that includes the request, which is answered": {func(s *frameStream, _ int) {
			s.goAway(s.id, http2.ErrCodeNo)
			s.answer()
		}, 1, answered},
		"GOAWAY before the header, and the connection closes": {func(s *frameStream, _ int) {
			s.goAway(s.id, http2.ErrCodeEnhanceYourCalm)
			s.hangUp()
		}, 1, reset},
		"GOAWAY in the middle of the body, and the connection closes": {func(s *frameStream, _ int) {
			s.begin()
			s.goAway(s.id, http2.ErrCodeInternal)
			s.hangUp()
		}, 1, cut},
		"GOAWAY that disowns the request in the middle of its answer": {func(s *frameStream, _ int) {
			s.begin()
			s.goAway(0, http2.ErrCodeNo)
		}, 1, cut},
	} {
		t.Run(name, func(t *testing.T) {
			harness.InEveryVariant(t, harness.OverHTTP2, func(t *testing.T, v harness.Variant) {
				donor := harness.NewUpstreamOver(t, v.Transport, http.NotFound) // of its certificate
				frames := newFrameUpstream(t, donor.TLS.Certificates, v, tc.script)
				s := newScene(t, v, plan{at: frames.url, options: []harness.RelayOption{harness.Trusting(donor)}})
				s.requireEnding(t, s.callAll(context.Background(), harness.Ear{}), tc.ending)
				for _, w := range harness.Ways {
					require.Equal(t, tc.requests+s.triesAt(w, tc.ending)-1, frames.asked(w.Name), w.Name)
				}
			})
		})
	}
}

// script is what becomes of a request. before is how many there were for the same model.
type script func(s *frameStream, before int)

// frameUpstream speaks HTTP/2 frame by frame.
type frameUpstream struct {
	url    string
	v      harness.Variant
	script script
	conns  sync.WaitGroup

	mu     sync.Mutex
	models map[string]int
}

func newFrameUpstream(t *testing.T, certificates []tls.Certificate, v harness.Variant, script script) *frameUpstream {
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: certificates, NextProtos: []string{http2.NextProtoTLS}})
	require.NoError(t, err)
	u := &frameUpstream{url: "https://" + listener.Addr().String(), v: v, script: script, models: map[string]int{}}
	u.conns.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			u.conns.Go(func() { u.serve(conn) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		u.conns.Wait()
	})
	return u
}

// asked is how many requests came for a model.
func (u *frameUpstream) asked(model string) int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.models[model]
}

func (u *frameUpstream) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	streams := map[uint32]*frameStream{}
	harness.ServeFrames(conn, func(framer *http2.Framer, f *http2.MetaHeadersFrame) {
		streams[f.StreamID] = &frameStream{id: f.StreamID, conn: conn, framer: framer, v: u.v,
			voice: harness.Voice{Anthropic: f.PseudoValue("path") == wire.Messages.Path()}}
	}, func(framer *http2.Framer, f *http2.DataFrame) {
		s := streams[f.StreamID]
		s.asked.Write(f.Data())
		if n := uint32(len(f.Data())); n > 0 { // and it may send as much again
			_ = framer.WriteWindowUpdate(0, n)
			_ = framer.WriteWindowUpdate(f.StreamID, n)
		}
		if f.StreamEnded() {
			u.script(s, u.count(s.asked.Bytes()))
		}
	})
}

// count counts a request, and tells how many there were before it for its model.
func (u *frameUpstream) count(body []byte) (before int) {
	var request struct{ Model string }
	_ = json.Unmarshal(body, &request)
	u.mu.Lock()
	defer u.mu.Unlock()
	before = u.models[request.Model]
	u.models[request.Model]++
	return before
}

// frameStream is one request.
type frameStream struct {
	id     uint32
	conn   net.Conn
	framer *http2.Framer
	v      harness.Variant
	voice  harness.Voice
	asked  bytes.Buffer
}

// header says how long the answer is, or does not.
func (s *frameStream) header(lengths ...string) {
	kind := "application/json"
	if s.v.Stream {
		kind = "text/event-stream"
	}
	var block bytes.Buffer
	encoder := hpack.NewEncoder(&block)
	_ = encoder.WriteField(hpack.HeaderField{Name: ":status", Value: "200"})
	_ = encoder.WriteField(hpack.HeaderField{Name: "content-type", Value: kind})
	for _, length := range lengths {
		_ = encoder.WriteField(hpack.HeaderField{Name: "content-length", Value: length})
	}
	_ = s.framer.WriteHeaders(http2.HeadersFrameParam{StreamID: s.id, BlockFragment: block.Bytes(), EndHeaders: true})
}

// begin sends the header and the first part of the body.
func (s *frameStream) begin() {
	s.header()
	text := s.voice.Whole(harness.FromFaulty)[:100]
	if s.v.Stream {
		text = s.voice.Opening(harness.FromFaulty)
	}
	_ = s.framer.WriteData(s.id, false, []byte(text))
}

func (s *frameStream) answer() {
	s.header()
	_ = s.framer.WriteData(s.id, true, []byte(s.text()))
}

// text is a good answer.
func (s *frameStream) text() string {
	if s.v.Stream {
		return s.voice.Opening(harness.FromFaulty) + s.voice.Closing()
	}
	return s.voice.Whole(harness.FromFaulty)
}

func (s *frameStream) reset(code http2.ErrCode) { _ = s.framer.WriteRSTStream(s.id, code) }

func (s *frameStream) goAway(last uint32, code http2.ErrCode) {
	_ = s.framer.WriteGoAway(last, code, []byte("so long"))
}

func (s *frameStream) hangUp() { _ = s.conn.Close() }

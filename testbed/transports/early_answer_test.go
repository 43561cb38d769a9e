package transports

import (
	"bytes"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"

	"one-api/testbed/harness"
)

const tooManyWords = `{"error":{"message":"too many words","type":"invalid_request_error","code":"request_too_large"}}`

// TestAnAnswerThatOvertakesItsRequestOverHTTP2IsNeverLost is for upstreams that refuse a request while its body is still on its way, in
// every manner in which they end the stream then (RFC 9113, section 8.1): that the body cannot be written any more must not count for
// more than the answer. It is done a thousand times, since it is a race.
func TestAnAnswerThatOvertakesItsRequestOverHTTP2IsNeverLost(t *testing.T) {
	ahead := func(t *testing.T, bodyFirst bool) (string, harness.RelayOption) {
		u := harness.NewUpstreamAhead(t, harness.TlsHTTP2, true, func(w http.ResponseWriter, r *http.Request) {
			if bodyFirst {
				_, _ = io.ReadFull(r.Body, make([]byte, 64<<10))
			}
			harness.Answers(http.StatusRequestEntityTooLarge, tooManyWords)(w, r)
		})
		return u.URL, harness.Trusting(u)
	}
	for name, at := range map[string]func(t *testing.T) (url string, trusts harness.RelayOption){
		"nothing of it was read": func(t *testing.T) (string, harness.RelayOption) { return ahead(t, false) },
		"a part of it was read":  func(t *testing.T) (string, harness.RelayOption) { return ahead(t, true) },
		"the stream is reset without an error": func(t *testing.T) (string, harness.RelayOption) {
			return overtaking(t, http2.ErrCodeNo), trustingCertificate()
		},
		"the stream is cancelled": func(t *testing.T) (string, harness.RelayOption) {
			return overtaking(t, http2.ErrCodeCancel), trustingCertificate()
		},
	} {
		t.Run(name, func(t *testing.T) {
			url, trusts := at(t)
			r := harness.StartRelay(t, channelOver(t, harness.TlsHTTP2, url, ""), trusts, harness.WithEnv("RETRY_TIMES", "0"))
			before := runtime.NumGoroutine()
			body := strings.Replace(harness.Chat, "hi", strings.Repeat("many words ", 48<<10), 1)
			var left, lost atomic.Int64
			left.Store(250)
			var clients sync.WaitGroup
			for range 8 {
				clients.Go(func() {
					for left.Add(-1) >= 0 {
						status, answer, _ := r.Ask("/v1/chat/completions", body)
						if status != http.StatusRequestEntityTooLarge || !strings.Contains(answer, "too many words") {
							lost.Add(1)
						}
					}
				})
			}
			clients.Wait()
			require.Zero(t, lost.Load(), "of 250 answers: %s", r.Log.String())
			r.Eventually("connections to upstreams", func() bool {
				r.Server.Pool().Close()
				return r.OpenConnections() == 0
			})
			r.RequireQuiet(before)
		})
	}
}

// overtaking is an HTTP/2 upstream that answers when the first part of a body has come, and then resets the stream.
func overtaking(t *testing.T, code http2.ErrCode) (url string) {
	t.Helper()
	config := serverTLS()
	config.NextProtos = []string{http2.NextProtoTLS}
	listener, err := tls.Listen("tcp", "127.0.0.1:0", config)
	require.NoError(t, err)
	newWireCount(t, listener, func(conn net.Conn) {
		answered := map[uint32]bool{}
		harness.ServeFrames(conn, func(*http2.Framer, *http2.MetaHeadersFrame) {}, func(framer *http2.Framer, f *http2.DataFrame) {
			if n := uint32(len(f.Data())); n > 0 {
				_ = framer.WriteWindowUpdate(0, n) // else other streams would wait for the room that this one has taken
			}
			if answered[f.StreamID] {
				return
			}
			answered[f.StreamID] = true
			var block bytes.Buffer
			encoder := hpack.NewEncoder(&block)
			for _, field := range [][2]string{{":status", "413"}, {"content-type", "application/json"}, {"content-length", strconv.Itoa(len(tooManyWords))}} {
				_ = encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]})
			}
			_ = framer.WriteHeaders(http2.HeadersFrameParam{StreamID: f.StreamID, BlockFragment: block.Bytes(), EndHeaders: true})
			_ = framer.WriteData(f.StreamID, true, []byte(tooManyWords))
			_ = framer.WriteRSTStream(f.StreamID, code)
		})
	})
	return "https://" + listener.Addr().String()
}

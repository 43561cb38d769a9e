package http2

import (
	"bytes"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/upstream/http1"
)

// The transport alone, beside net/http's, at the same server: ratios of the two say something, each alone does not.

func BenchmarkACall(b *testing.B)         { benchmark(b, "/call", true) }
func BenchmarkACallTheirs(b *testing.B)   { benchmark(b, "/call", false) }
func BenchmarkAStream(b *testing.B)       { benchmark(b, "/stream", true) }
func BenchmarkAStreamTheirs(b *testing.B) { benchmark(b, "/stream", false) }

func benchmark(b *testing.B, path string, own bool) {
	answer := bytes.Repeat([]byte("x"), 700)
	s, p := talking(b, func(c *talker) {
		c.settings()
		for id := c.request(); id != 0; id = c.request() {
			c.header(id, false, ":status", "200", "content-type", "application/json")
			if path == "/stream" {
				for range 100 {
					_ = c.WriteData(id, false, answer[:250])
				}
			}
			_ = c.WriteData(id, true, answer)
		}
	})
	request := http1.Request{Path: path, Host: "example.com", Body: bytes.Repeat([]byte("y"), 500), Header: http.Header{
		"Content-Type": {"application/json"}, "Authorization": {"Bearer sk-of-some-length-0123456789"}, "Accept-Encoding": {"identity"},
		"User-Agent": {"one"},
	}}
	one := func(buffer []byte) error {
		a, _, err := p.Do(&on{}, request)
		if err != nil {
			return err
		}
		defer func() { _ = a.Close() }()
		for err == nil {
			_, err = a.Read(buffer)
		}
		return nil
	}
	if !own {
		transport := &http.Transport{ForceAttemptHTTP2: true, DisableCompression: true, TLSClientConfig: s.like}
		defer transport.CloseIdleConnections()
		one = func(buffer []byte) error {
			r, err := http.NewRequest(http.MethodPost, "https://"+p.Address+path, bytes.NewReader(request.Body)) //nolint:noctx // a benchmark
			if err != nil {
				return err
			}
			r.Header = request.Header
			got, err := transport.RoundTrip(r)
			if err != nil {
				return err
			}
			for err == nil {
				_, err = got.Body.Read(buffer)
			}
			return got.Body.Close()
		}
	}
	require.NoError(b, one(make([]byte, 4<<10)))
	b.ReportAllocs()
	b.ResetTimer()
	b.SetParallelism(16)
	b.RunParallel(func(pb *testing.PB) {
		buffer := make([]byte, 4<<10)
		for pb.Next() {
			if err := one(buffer); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

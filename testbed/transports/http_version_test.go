package transports

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

// newUpstreamOfAnyVersion speaks HTTP/1.1 and HTTP/2, with TLS or without, and says in its answer which it was asked in.
func newUpstreamOfAnyVersion(t *testing.T, secure bool) *harness.Upstream {
	return harness.StartUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), `"stream":true`) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%q},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n", r.Proto)
			return
		}
		_, _ = fmt.Fprintf(w, `{"choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"stop"}]}`, r.Proto)
	}, func(u *harness.Upstream) {
		u.Forgets = true
		u.Config.Protocols = new(http.Protocols)
		u.Config.Protocols.SetHTTP1(true)
		u.Config.Protocols.SetHTTP2(true)
		u.Config.Protocols.SetUnencryptedHTTP2(true)
		if !secure {
			u.Start()
			return
		}
		u.EnableHTTP2 = true
		u.TLS = &tls.Config{Certificates: []tls.Certificate{harness.Certificate()}, MinVersion: tls.VersionTLS12}
		u.StartTLS()
	})
}

func TestAChannelSaysInWhichVersionOfHTTPItsUpstreamIsSpokenTo(t *testing.T) {
	for _, test := range []struct {
		http, plain, secure string
	}{
		{"auto", "HTTP/1.1", "HTTP/2.0"},
		{"1", "HTTP/1.1", "HTTP/1.1"},
		{"2", "HTTP/2.0", "HTTP/2.0"},
	} {
		for _, secure := range []bool{false, true} {
			t.Run(fmt.Sprintf("http %s, TLS %v", test.http, secure), func(t *testing.T) {
				want := test.plain
				if secure {
					want = test.secure
				}
				u := newUpstreamOfAnyVersion(t, secure)
				r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: openai, base_url: %q, keys: [sk-up], models: [m], http: %s}\n", u.URL, test.http), trustingCertificate())
				before := runtime.NumGoroutine()
				for range 3 {
					for _, body := range []string{harness.Chat, strings.Replace(harness.Chat, "{", `{"stream":true,`, 1), bodies["large"]} {
						status, answer := askInTurn(r, body)
						require.Equal(t, 200, status, answer)
						require.Contains(t, answer, want)
					}
				}
				require.Len(t, r.Outcomes(9), 9)
				r.Server.Pool().Close()
				r.RequireQuiet(before)
			})
		}
	}
}

// TestACallOverHTTP2WithoutTLSIsCancelledWithItsClient leaves the connection to the others.
func TestACallOverHTTP2WithoutTLSIsCancelledWithItsClient(t *testing.T) {
	gone := make(chan struct{}, 1)
	u := harness.StartUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if !strings.Contains(string(body), `"stream":true`) {
			harness.Answers(200, harness.WholeAnswer)(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		gone <- struct{}{}
	}, func(u *harness.Upstream) {
		u.Forgets = true
		u.Config.Protocols = new(http.Protocols)
		u.Config.Protocols.SetUnencryptedHTTP2(true)
		u.Start()
	})
	r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: openai, base_url: %q, keys: [sk-up], models: [m], http: 2}\n", u.URL))
	before := runtime.NumGoroutine()
	status, answer := askInTurn(r, harness.Chat)
	require.Equal(t, 200, status, answer)
	ctx, leave := context.WithCancel(context.Background())
	response, err := r.Post(ctx, "/v1/chat/completions", strings.Replace(harness.Chat, "{", `{"stream":true,`, 1))
	require.NoError(t, err)
	_, err = response.Body.Read(make([]byte, 1))
	require.NoError(t, err)
	leave()
	_ = response.Body.Close()
	<-gone
	status, answer = askInTurn(r, harness.Chat)
	require.Equal(t, 200, status, answer)
	require.EqualValues(t, 1, r.Server.Pool().Set().All()[0].Snapshot(time.Now()).OpenConnections, "its connection is still the one")
	r.Server.Pool().Close()
	r.RequireQuiet(before)
}

// TestAConnectionThatNoCallHasTakenIsClosedWhileTheCallsWait has calls that all make a connection at once and then share one.
func TestAConnectionThatNoCallHasTakenIsClosedWhileTheCallsWait(t *testing.T) {
	const calls = 50 // of the 250 that the upstream lets share a connection
	mute := make(chan struct{})
	u := harness.StartUpstream(t, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-mute:
		case <-r.Context().Done():
		}
		harness.Answers(200, harness.WholeAnswer)(w, r)
	}, func(u *harness.Upstream) {
		u.Forgets = true
		u.EnableHTTP2 = true
		u.TLS = &tls.Config{Certificates: []tls.Certificate{harness.Certificate()}, MinVersion: tls.VersionTLS12}
		u.StartTLS()
	})
	r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: openai, base_url: %q, keys: [sk-up], models: [m], timeouts: {connect: 5m}}\n", u.URL),
		trustingCertificate())
	before := runtime.NumGoroutine()
	var clients sync.WaitGroup
	for range calls {
		clients.Go(func() {
			if response, err := r.Post(t.Context(), "/v1/chat/completions", harness.Chat); err == nil {
				_, _ = io.Copy(io.Discard, response.Body)
				_ = response.Body.Close()
			}
		})
	}
	r.Eventually("all calls wait for their answer", func() bool { return u.Open.Load() == calls })
	r.Eventually("they share the first connection, and at most the one that was being made for those behind is open beside it", func() bool {
		return r.Server.Pool().Set().All()[0].Snapshot(time.Now()).OpenConnections <= 2
	})
	close(mute)
	clients.Wait()
	r.Server.Pool().Close()
	r.RequireQuiet(before)
}

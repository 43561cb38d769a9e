package suite

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/jsonscan"
)

// upstream is a provider on a real socket. Its handler is the test's; it counts the requests that are open.
type upstream struct {
	*httptest.Server
	open     atomic.Int64
	requests atomic.Int64
	forgets  bool // keeps nothing of them
	ahead    bool // answers before it has their bodies
	mu       sync.Mutex
	bodies   [][]byte
	headers  []http.Header
	paths    []string
}

// newUpstream starts one, over HTTP/1.1 or, with TLS, over HTTP/2. The request's body has been read when handle is called.
func newUpstream(t *testing.T, http2 bool, handle http.HandlerFunc) *upstream {
	t.Helper()
	return startUpstream(t, handle, func(u *upstream) {
		if http2 {
			u.EnableHTTP2 = true
			u.StartTLS()
		} else {
			u.Start()
		}
	})
}

func startUpstream(t *testing.T, handle http.HandlerFunc, start func(*upstream)) *upstream {
	t.Helper()
	u := &upstream{}
	u.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.open.Add(1)
		defer u.open.Add(-1)
		u.requests.Add(1)
		if u.ahead {
			handle(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		if !u.forgets {
			u.mu.Lock()
			u.bodies, u.headers, u.paths = append(u.bodies, body), append(u.headers, r.Header.Clone()), append(u.paths, r.URL.RequestURI())
			u.mu.Unlock()
		}
		r.Body = readBody{bytes.NewReader(body), body} // for a handle that looks at what it was asked
		handle(w, r)
	}))
	u.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	start(u)
	t.Cleanup(func() {
		u.CloseClientConnections()
		u.Close()
	})
	return u
}

// readBody is a request's body that has come whole. It may be read once, and looked at any number of times.
type readBody struct {
	*bytes.Reader
	whole []byte
}

func (readBody) Close() error { return nil }

// asked is what a request asks for, as far as its upstream has to know. It may be long, so that it is not decoded for that.
func asked(r *http.Request) (v struct {
	Model  string
	Stream bool
}) {
	_ = jsonscan.Object(r.Body.(readBody).whole, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "model":
			v.Model, _ = jsonscan.String(m.Value)
		case "stream":
			v.Stream = string(m.Value) == "true"
		}
	})
	return v
}

// lastBody is what the newest request sent.
func (u *upstream) lastBody(t *testing.T) map[string]any {
	t.Helper()
	u.mu.Lock()
	defer u.mu.Unlock()
	require.NotEmpty(t, u.bodies, "the upstream was not asked")
	var v map[string]any
	require.NoError(t, json.Unmarshal(u.bodies[len(u.bodies)-1], &v))
	return v
}

func (u *upstream) lastHeader() http.Header {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.headers[len(u.headers)-1]
}

func (u *upstream) lastPath() string {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.paths[len(u.paths)-1]
}

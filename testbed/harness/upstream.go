package harness

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

// Upstream is a provider on a real socket. Its handler is the test's; it counts the requests that are open.
type Upstream struct {
	*httptest.Server
	Open     atomic.Int64
	Requests atomic.Int64
	Forgets  bool // keeps nothing of them
	ahead    bool // answers before it has their bodies
	Mu       sync.Mutex
	Bodies   [][]byte
	Headers  []http.Header
	paths    []string
}

// NewUpstream starts one, over HTTP/1.1 or, with TLS, over HTTP/2. The request's body has been read when handle is called.
func NewUpstream(t *testing.T, http2 bool, handle http.HandlerFunc) *Upstream {
	t.Helper()
	return StartUpstream(t, handle, func(u *Upstream) {
		if http2 {
			u.EnableHTTP2 = true
			u.StartTLS()
		} else {
			u.Start()
		}
	})
}

func StartUpstream(t *testing.T, handle http.HandlerFunc, start func(*Upstream)) *Upstream {
	t.Helper()
	u := &Upstream{}
	u.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		u.Open.Add(1)
		defer u.Open.Add(-1)
		u.Requests.Add(1)
		if u.ahead {
			handle(w, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		if !u.Forgets {
			u.Mu.Lock()
			u.Bodies, u.Headers, u.paths = append(u.Bodies, body), append(u.Headers, r.Header.Clone()), append(u.paths, r.URL.RequestURI())
			u.Mu.Unlock()
		}
		r.Body = ReadBody{bytes.NewReader(body), body} // for a handle that looks at what it was asked
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

// ReadBody is a request's body that has come whole. It may be read once, and looked at any number of times.
type ReadBody struct {
	*bytes.Reader
	Whole []byte
}

func (ReadBody) Close() error { return nil }

// asked is what a request asks for, as far as its upstream has to know. It may be long, so that it is not decoded for that.
func asked(r *http.Request) (v struct {
	Model  string
	Stream bool
}) {
	_ = jsonscan.Object(r.Body.(ReadBody).Whole, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "model":
			v.Model, _ = jsonscan.String(m.Value)
		case "stream":
			v.Stream = string(m.Value) == "true"
		}
	})
	return v
}

// LastBody is what the newest request sent.
func (u *Upstream) LastBody(t *testing.T) map[string]any {
	t.Helper()
	u.Mu.Lock()
	defer u.Mu.Unlock()
	require.NotEmpty(t, u.Bodies, "the upstream was not asked")
	var v map[string]any
	require.NoError(t, json.Unmarshal(u.Bodies[len(u.Bodies)-1], &v))
	return v
}

func (u *Upstream) LastHeader() http.Header {
	u.Mu.Lock()
	defer u.Mu.Unlock()
	return u.Headers[len(u.Headers)-1]
}

func (u *Upstream) LastPath() string {
	u.Mu.Lock()
	defer u.Mu.Unlock()
	return u.paths[len(u.paths)-1]
}

package clients

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay"
	"one-api/testbed/harness"
)

func TestStrangersWhoOnlyConnectMakeRoomForWhoAsks(t *testing.T) {
	harness.Long(t)
	const most = 24
	for name, sends := range map[string]string{
		"silent":             "",
		"kept alive":         "GET /api/status HTTP/1.1\r\nHost: x\r\n\r\n",
		"half a header":      "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX-A: ",
		"a body without key": "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer bad\r\nContent-Length: 1000000\r\n\r\n{\"model\":",
	} {
		t.Run(name, func(t *testing.T) {
			release := make(chan struct{})
			u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
				select {
				case <-release:
				case <-r.Context().Done():
				}
				harness.Answers(200, harness.WholeAnswer)(w, r)
			})
			r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("MAX_CLIENT_CONNECTIONS", fmt.Sprint(most)))
			before := runtime.NumGoroutine()
			early := make(chan int, 1)
			go func() { early <- statusOf(r.Post(context.Background(), "/v1/chat/completions", harness.Chat)) }()
			r.Eventually("the first call", func() bool { return u.Open.Load() == 1 })

			conns := r.Strangers(3*most, sends)
			require.LessOrEqual(t, r.Clients(), int64(most))
			late := make(chan int, 1)
			go func() {
				client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
				for { // it may come while those before it are being refused, and wait as it is told
					request, _ := http.NewRequest(http.MethodPost, r.URL+"/v1/chat/completions", strings.NewReader(harness.Chat))
					request.Header.Set("Authorization", "Bearer "+harness.Key)
					if status := statusOf(client.Do(request)); status != http.StatusServiceUnavailable && status != 0 {
						late <- status
						return
					}
				}
			}()
			r.Eventually("the second call", func() bool { return u.Open.Load() == 2 })
			close(release)
			require.Equal(t, 200, <-early, "a call that is served is not closed to make room")
			require.Equal(t, 200, <-late)
			for _, conn := range conns {
				_ = conn.Close()
			}
			r.RequireQuiet(before, u)
			r.Eventually("no idle connections", func() bool {
				_, idle := r.Server.ClientConnections()
				return idle == 0
			})
		})
	}
}

func statusOf(response *http.Response, err error) int {
	if err != nil {
		return 0
	}
	_, _ = io.Copy(io.Discard, response.Body)
	_ = response.Body.Close()
	return response.StatusCode
}

func TestWhereEveryConnectionIsBusyTheNextOneIsToldSo(t *testing.T) {
	release := make(chan struct{})
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		harness.Answers(200, harness.WholeAnswer)(w, r)
	})
	const most = 4
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("MAX_CLIENT_CONNECTIONS", fmt.Sprint(most)))
	before := runtime.NumGoroutine()
	ended := make(chan int, most)
	for range most {
		go func() { ended <- statusOf(r.Post(context.Background(), "/v1/chat/completions", harness.Chat)) }()
	}
	r.Eventually("calls", func() bool { return u.Open.Load() == most })
	for range 100 { // more than linger, and more than are let in beyond the bound
		response, answer := raw(r, "GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n")
		require.Equal(t, 503, response.StatusCode)
		require.Equal(t, "1", response.Header.Get("Retry-After"))
		require.NotEmpty(t, response.Header.Get("X-Oneapi-Request-Id"))
		require.Equal(t, "too_many_connections", harness.ErrorOf(t, answer)["code"])
	}
	r.Eventually("a line of the log", func() bool { return strings.Contains(r.Log.String(), "client connections were refused") })
	close(release)
	for range most {
		require.Equal(t, 200, <-ended)
	}
	r.RequireQuiet(before, u)
	response, _ := raw(r, "GET /api/status HTTP/1.1\r\nHost: x\r\n\r\n")
	require.Equal(t, 200, response.StatusCode)
}

// TestMonitorsGetInWhereOneClientHoldsEveryConnection has it do so with a valid key and bodies that do not come.
func TestMonitorsGetInWhereOneClientHoldsEveryConnection(t *testing.T) {
	const most = 4
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("MAX_CLIENT_CONNECTIONS", fmt.Sprint(most)))
	before := runtime.NumGoroutine()
	conns := r.Strangers(most, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+harness.Key+"\r\nContent-Length: 1000\r\n\r\n{")
	r.Eventually("calls", func() bool { return r.Server.Active() == most })
	look := func() {
		for _, path := range []string{"GET /api/monitor/health", "HEAD /api/monitor/health", "GET /api/status", "HEAD /api/status"} {
			response, answer := raw(r, path+" HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n")
			require.Equal(t, 200, response.StatusCode, "%s %s", path, answer)
			require.True(t, response.Close, "it does not stay")
			require.NotEmpty(t, response.Header.Get("X-Oneapi-Request-Id"))
		}
		for _, line := range []string{"POST /api/status", "GET /api/monitor/channels", "GET /api/status/x", "POST /v1/chat/completions", "OPTIONS /api/status"} {
			response, answer := raw(r, line+" HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer "+harness.Key+"\r\nContent-Length: 2\r\n\r\n{}")
			require.Equal(t, 503, response.StatusCode, line)
			require.Equal(t, "too_many_connections", harness.ErrorOf(t, answer)["code"])
		}
	}
	look()
	// Whoever takes those places, too, and says nothing, makes room for the next one.
	conns = append(conns, r.Strangers(5*relay.ReservedSeats, "")...)
	conns = append(conns, r.Strangers(5*relay.ReservedSeats, "GET /api/status HTTP/1.1\r\nX-A: ")...)
	conns = append(conns, r.Strangers(5*relay.ReservedSeats, "POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n{")...)
	look()
	require.LessOrEqual(t, r.Clients(), int64(most))
	require.LessOrEqual(t, r.Server.ReservedConnections(), int64(relay.ReservedSeats))
	r.Eventually("nothing unexplained", func() bool {
		_, unexplained := r.Server.Goroutines()
		return unexplained <= 1 // what looks here has one, too
	})
	for _, conn := range conns {
		_ = conn.Close()
	}
	r.RequireQuiet(before, u)
	r.Eventually("an empty reserve", func() bool { return r.Server.ReservedConnections() == 0 })
}

// shortOf is a listener whose system is short of something for a while.
type shortOf struct {
	net.Listener
	errors atomic.Int64
}

func (l *shortOf) Accept() (net.Conn, error) {
	if n := l.errors.Add(-1); n >= 0 {
		return nil, &net.OpError{Op: "accept", Err: [...]error{syscall.EMFILE, errors.New("something new"), syscall.ENOBUFS}[n%3]}
	}
	return l.Listener.Accept()
}

func TestAnErrorOfAcceptIsAWarningAndNeverTheEnd(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithListener(func(l net.Listener) net.Listener {
		f := &shortOf{Listener: l}
		f.errors.Store(6)
		return f
	}))
	status, _, _ := r.Ask("/v1/chat/completions", harness.Chat)
	require.Equal(t, 200, status)
	r.Eventually("a warning", func() bool { return strings.Contains(r.Log.String(), "client connections could not be accepted") })
	require.Equal(t, 1, strings.Count(r.Log.String(), "could not be accepted"))
}

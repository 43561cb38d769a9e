package faults

import (
	"context"
	"crypto/sha1" //nolint:gosec // so RFC 6455 has it
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"one-api/relay/exchange"
	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

// The fault matrix on the realtime tunnel. What an upstream does before it has agreed to a session moves on to another channel, whose
// session the client gets; what it does later ends the session, and the client is told.

// sessionFault is what the channel that fails does.
type sessionFault struct {
	class, name string
	refuses     http.HandlerFunc // in the place of an agreement; nil: there is one
	serves      func(ctx context.Context, conn *websocket.Conn)
	raw         http.HandlerFunc // instead of both
	timeouts    string
	session     exchange.SessionOptions
	outcome     string
	code        websocket.StatusCode // with which the client's side is closed
	event       string               // the code of the error that it is told before; empty: none
}

// over is a transport that sessions are made by.
type sessionOver struct {
	name string
	over harness.Transport
}

var sessionsOver = []sessionOver{{"HTTP 1.1", harness.PlainHTTP}, {"HTTP 1.1 with TLS", harness.TlsHTTP1}, {"HTTP 2", harness.TlsHTTP2}}

func answers(status int, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		harness.Say(w, body)
	}
}

var audio = []byte(`{"type":"response.output_audio.delta","delta":"` + strings.Repeat("QUJD", 8<<10) + `"}`)

// reads has pings answered until the other side closes.
func reads(ctx context.Context, conn *websocket.Conn) {
	for {
		if _, _, err := conn.Read(ctx); err != nil {
			return
		}
	}
}

var sessionFaults = []sessionFault{
	{class: "F2", name: "an error in the place of a session", refuses: answers(503, `{"error":{"message":"busy"}}`), outcome: "upstream_status"},
	{class: "F2", name: "an error without a body", refuses: answers(500, ""), outcome: "upstream_status"},
	{class: "F2", name: "an error whose body is reset half-way", outcome: "upstream_status", refuses: func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		harness.Say(w, `{"error":{"mess`)
		panic(http.ErrAbortHandler)
	}},
	{class: "F2", name: "an endless error", outcome: "upstream_status", refuses: func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
		for r.Context().Err() == nil {
			if _, err := w.Write([]byte(padding)); err != nil {
				return
			}
		}
	}},
	{class: "F3", name: "a web page in the place of a session", refuses: answers(200, "<html><body>welcome</body></html>"), outcome: "upstream_status"},
	{class: "F8", name: "silence in the place of a session", timeouts: "header: 1500ms", refuses: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, outcome: "header_timeout"},
	{class: "F8", name: "an upstream that is dead", session: exchange.SessionOptions{Ping: 500 * time.Millisecond, Pong: 2 * time.Second}, outcome: "idle_timeout", code: websocket.StatusInternalError, event: "idle_timeout",
		serves: func(ctx context.Context, _ *websocket.Conn) { <-ctx.Done() }},
	{class: "F8", name: "a session in which nobody says anything", session: exchange.SessionOptions{Ping: 500 * time.Millisecond, Idle: 2 * time.Second}, outcome: "completed", code: websocket.StatusNormalClosure, event: "session_expired", serves: reads},
	{class: "F10", name: "a reset in the place of a session", refuses: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, outcome: "upstream_reset"},
	{class: "F10", name: "a session that breaks off", outcome: "upstream_reset", code: websocket.StatusInternalError, event: "upstream_reset",
		serves: func(_ context.Context, conn *websocket.Conn) { _ = conn.CloseNow() }},
	{class: "F10", name: "a session that breaks off behind something", outcome: "upstream_reset", code: websocket.StatusInternalError, event: "upstream_reset",
		serves: func(ctx context.Context, conn *websocket.Conn) {
			_ = conn.Write(ctx, websocket.MessageText, audio)
			_ = conn.CloseNow()
		}},
	{class: "F10", name: "a session that breaks off in the midst of a message", outcome: "upstream_reset", code: websocket.StatusInternalError, // and no event inside of another
		serves: func(ctx context.Context, conn *websocket.Conn) { halfAMessage(ctx, conn) }},
	{class: "F8", name: "silence in the midst of a message", session: exchange.SessionOptions{Ping: 500 * time.Millisecond, Idle: 2 * time.Second}, outcome: "completed", code: websocket.StatusNormalClosure,
		serves: func(ctx context.Context, conn *websocket.Conn) {
			halfAMessage(ctx, conn)
			reads(ctx, conn)
		}},
	{class: "F10", name: "a session that breaks off in the midst of a short message", outcome: "upstream_reset", code: websocket.StatusInternalError, event: "upstream_reset", raw: cutFrame},
	{class: "F14", name: "an error as the end", outcome: "upstream_truncated", code: websocket.StatusInternalError,
		serves: func(_ context.Context, conn *websocket.Conn) { _ = conn.Close(websocket.StatusInternalError, "oops") }},
	{class: "F14", name: "an end of the provider's own", outcome: "completed", code: 4001,
		serves: func(_ context.Context, conn *websocket.Conn) { _ = conn.Close(4001, "expired") }},
	{class: "F19", name: "pings for ever", session: exchange.SessionOptions{Ping: 500 * time.Millisecond, Idle: 2 * time.Second}, outcome: "completed", code: websocket.StatusNormalClosure, event: "session_expired",
		serves: func(ctx context.Context, conn *websocket.Conn) {
			ctx = conn.CloseRead(ctx)
			for conn.Ping(ctx) == nil {
				select {
				case <-ctx.Done():
					return
				case <-time.After(20 * time.Millisecond):
				}
			}
		}},
	{class: "F19", name: "events for ever", session: exchange.SessionOptions{Ping: 500 * time.Millisecond, Longest: 2 * time.Second}, outcome: "completed", code: websocket.StatusNormalClosure, event: "session_expired",
		serves: func(ctx context.Context, conn *websocket.Conn) {
			ctx = conn.CloseRead(ctx)
			for conn.Write(ctx, websocket.MessageText, []byte(`{"type":"rate_limits.updated","rate_limits":[]}`)) == nil {
				select {
				case <-ctx.Done():
					return
				case <-time.After(20 * time.Millisecond):
				}
			}
		}},
}

// cutFrame agrees to a session, and breaks off within the first frame, of 256 bytes, that says that it is a whole message.
func cutFrame(w http.ResponseWriter, r *http.Request) {
	sum := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // so RFC 6455 has it
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	_, _ = buffered.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: " + base64.StdEncoding.EncodeToString(sum[:]) +
		"\r\n\r\n\x81\x7e\x01\x00" + `{"type":"error","error":{"code":"cut"}}`)
	_ = buffered.Flush()
	_ = conn.Close()
}

// halfAMessage says the beginning of one, which is more than the relay keeps of any.
func halfAMessage(ctx context.Context, conn *websocket.Conn) {
	w, err := conn.Writer(ctx, websocket.MessageText)
	if err == nil {
		_, _ = w.Write(audio)
	}
}

const sessionModel = "gpt-realtime-2"

// sessionScene is a relay in front of a channel that fails and, perhaps, a healthy one.
func sessionScene(t *testing.T, fault sessionFault, over sessionOver, second bool, options ...harness.RelayOption) (*harness.Relay, []*harness.Upstream) {
	t.Helper()
	failing := &standin.Realtime{Model: sessionModel, Serve: func(ctx context.Context, conn *websocket.Conn) {
		ctx, cancel := context.WithTimeout(ctx, harness.Patience)
		defer cancel()
		fault.serves(ctx, conn)
	}}
	handle := failing.ServeHTTP
	if fault.refuses != nil {
		handle = fault.refuses
	} else if fault.raw != nil {
		handle = fault.raw
	}
	upstreams := []*harness.Upstream{harness.NewUpstreamOver(t, over.over, handle)}
	if second {
		upstreams = append(upstreams, harness.NewUpstreamOver(t, over.over, (&standin.Realtime{Model: sessionModel}).ServeHTTP))
	}
	var yaml strings.Builder
	yaml.WriteString("channels:\n")
	for i, u := range upstreams {
		timeouts := ""
		if i == 0 {
			timeouts = fault.timeouts
		}
		fmt.Fprintf(&yaml, "  - {name: c%d, type: openai, base_url: %q, keys: [%s], models: [m], model_mapping: {m: %s}, priority: %d, timeouts: {%s}}\n", i, over.over.At(u.URL), standin.Key, sessionModel, -i, timeouts)
	}
	r := harness.StartRelay(t, yaml.String(), append(options, harness.Trusting(upstreams...), harness.WithSession(fault.session), harness.WithEnv("RETRY_TIMES", fmt.Sprint(len(upstreams)-1)))...)
	position := map[bool]string{true: "first of two", false: "only one"}[second]
	r.Tried = func() []harness.Tried {
		return []harness.Tried{{About: fault.name, Under: []string{over.name, "small", "stream", position, "realtime"}}}
	}
	return r, upstreams
}

// session asks for one. response is what there is instead.
func session(ctx context.Context, r *harness.Relay) (conn *websocket.Conn, response *http.Response, err error) {
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	conn, response, err = websocket.Dial(ctx, r.URL+"/v1/realtime?model=m", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport}, HTTPHeader: http.Header{"Authorization": {"Bearer " + harness.Key}},
	})
	if err == nil {
		conn.SetReadLimit(-1)
	}
	return conn, response, err
}

// heardIn is what a session says until it is closed: the code of the last error, and how it was closed.
func heardIn(ctx context.Context, conn *websocket.Conn) (code string, closed websocket.StatusCode) {
	for {
		_, message, err := conn.Read(ctx)
		if err != nil {
			return code, websocket.CloseStatus(err)
		}
		var event struct {
			Error struct{ Code string }
		}
		if json.Unmarshal(message, &event) == nil && event.Error.Code != "" {
			code = event.Error.Code
		}
	}
}

func requireSessionFaults(t *testing.T, class string) {
	harness.InMatrix(t, class)
	for n, fault := range sessionFaults {
		if fault.class != class {
			continue
		}
		for i, over := range sessionsOver {
			for _, second := range []bool{true, false} {
				if (n+i+harness.Number(second))%len(sessionsOver) != 0 && harness.Thorough() <= harness.EachOnce {
					continue
				}
				t.Run(fmt.Sprintf("%s, %s, second %t", fault.name, over.name, second), func(t *testing.T) {
					requireSessionFault(t, fault, over, second)
				})
			}
		}
	}
}

func requireSessionFault(t *testing.T, fault sessionFault, over sessionOver, second bool) {
	r, upstreams := sessionScene(t, fault, over, second)
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	conn, response, err := session(ctx, r)
	outcomes := []string{fault.outcome}
	switch {
	case fault.refuses != nil && second:
		require.NoError(t, err)
		_, message, err := conn.Read(ctx)
		require.NoError(t, err)
		require.Contains(t, string(message), "session.created")
		require.NoError(t, conn.Close(websocket.StatusNormalClosure, ""))
		outcomes = append(outcomes, "completed")
	case fault.refuses != nil:
		require.Error(t, err)
		require.GreaterOrEqual(t, response.StatusCode, 500)
		require.NotEmpty(t, response.Header.Get("X-Oneapi-Request-Id"))
	default:
		require.NoError(t, err)
		code, closed := heardIn(ctx, conn)
		require.Equal(t, fault.event, code)
		require.Equal(t, fault.code, closed)
	}
	require.Equal(t, outcomes, r.Outcomes(len(outcomes)))
	r.Eventually("ends", func() bool { return len(r.RequestEnds()) == 1 })
	if fault.serves != nil {
		upstreams[0].CloseClientConnections() // what was hijacked the imitation holds itself
	}
	r.RequireQuiet(before, upstreams...)
}

func TestErrorsInThePlaceOfSessionsMoveOn(t *testing.T)        { requireSessionFaults(t, "F2") }
func TestWhatIsNoSessionIsUnderstood(t *testing.T)             { requireSessionFaults(t, "F3") }
func TestSilenceOfSessionsIsBounded(t *testing.T)              { requireSessionFaults(t, "F8") }
func TestResetsOfSessionsAreUnderstood(t *testing.T)           { requireSessionFaults(t, "F10") }
func TestSessionsThatAnUpstreamEndsAreUnderstood(t *testing.T) { requireSessionFaults(t, "F14") }
func TestSignsOfLifeHoldNoSessionForEver(t *testing.T)         { requireSessionFaults(t, "F19") }

// TestClientsThatLeaveTakeTheirSessionsAlong: many at once, before their upstream has agreed and in the midst.
func TestClientsThatLeaveTakeTheirSessionsAlong(t *testing.T) {
	harness.InMatrix(t, "F1")
	const clients = 40
	for _, over := range sessionsOver {
		for _, begun := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s, begun %t", over.name, begun), func(t *testing.T) {
				fault := sessionFault{name: map[bool]string{true: "in the midst of a session", false: "before there is one"}[begun], serves: func(ctx context.Context, conn *websocket.Conn) {
					for conn.Write(ctx, websocket.MessageText, audio) == nil {
						time.Sleep(5 * time.Millisecond)
					}
				}}
				if !begun {
					fault.refuses = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
				}
				r, upstreams := sessionScene(t, fault, over, false)
				before := runtime.NumGoroutine()
				ctx, leave := context.WithCancel(context.Background())
				defer leave()
				var calls sync.WaitGroup
				for range clients {
					calls.Go(func() {
						conn, _, err := session(ctx, r)
						if err != nil {
							return
						}
						conn.SetReadLimit(-1)
						for err == nil {
							_, _, err = conn.Read(ctx)
						}
						_ = conn.CloseNow()
					})
				}
				r.Eventually("all are open", func() bool { return r.Server.Pool().InFlight() == clients && upstreams[0].Requests.Load() == clients })
				leave()
				calls.Wait()
				for _, o := range r.Outcomes(clients) {
					require.Equal(t, "client_gone", o)
				}
				r.RequireQuiet(before, upstreams...)
			})
		}
	}
}

// TestAClientThatStopsReadingLosesItsSession and its upstream is let go.
func TestAClientThatStopsReadingLosesItsSession(t *testing.T) {
	harness.InMatrix(t, "F7")
	for _, over := range sessionsOver {
		t.Run(over.name, func(t *testing.T) {
			r, upstreams := sessionScene(t, sessionFault{name: "a client that stops reading", serves: func(ctx context.Context, conn *websocket.Conn) {
				for conn.Write(ctx, websocket.MessageText, audio) == nil {
				}
			}}, over, false, harness.WithListener(harness.Narrow), harness.WithEnv("CLIENT_WRITE_TIMEOUT", "2"))
			before := runtime.NumGoroutine()
			conn, _, err := session(context.Background(), r)
			require.NoError(t, err)
			require.Equal(t, []string{"client_stalled"}, r.Outcomes(1))
			_ = conn.CloseNow()
			r.RequireQuiet(before, upstreams...)
		})
	}
}

// TestHealthAnswersWhileSessionsAreOpen and silent ones wait for their upstream.
func TestHealthAnswersWhileSessionsAreOpen(t *testing.T) {
	harness.InMatrix(t, "F17")
	const clients = 60
	r, upstreams := sessionScene(t, sessionFault{name: "sessions that are open", serves: reads}, sessionsOver[0], false)
	before := runtime.NumGoroutine()
	ctx, leave := context.WithCancel(context.Background())
	defer leave()
	var calls sync.WaitGroup
	for range clients {
		calls.Go(func() {
			if conn, _, err := session(ctx, r); err == nil {
				_, _, _ = conn.Read(ctx)
				_ = conn.CloseNow()
			}
		})
	}
	r.Eventually("all are open", func() bool { return r.Server.Pool().InFlight() == clients })
	for range 20 {
		status, health := r.Get("/api/monitor/health")
		require.Equal(t, http.StatusOK, status)
		require.Equal(t, "ok", health["status"])
		require.EqualValues(t, clients, health["in_flight"])
	}
	leave()
	calls.Wait()
	r.Outcomes(clients)
	r.RequireQuiet(before, upstreams...)
}

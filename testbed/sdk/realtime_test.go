package sdk

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	openaioption "github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/realtime"
	"github.com/stretchr/testify/require"

	"one-api/relay"
	"one-api/relay/exchange"
	"one-api/relay/wire"
	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
	"one-api/testbed/standin"
)

const realtimeModel = "gpt-realtime-2"

// conversing is a relay in front of an imitation of the Realtime API.
func conversing(t *testing.T, server *standin.Realtime, options ...harness.RelayOption) (*harness.Relay, *harness.Upstream) {
	t.Helper()
	server.Model = realtimeModel
	u := harness.StartUpstream(t, server.ServeHTTP, func(u *harness.Upstream) { u.Start() })
	return harness.StartRelay(t, realtimeChannels(u.URL, ""), options...), u
}

func realtimeChannels(url, more string) string {
	return fmt.Sprintf("channels:\n  - {name: a, type: openai, base_url: %q, keys: [%s], models: [m], model_mapping: {m: %s}%s}\n", url, standin.Key, realtimeModel, more)
}

// sessionUsage is what a session costs that has had one response, and one transcription.
var sessionUsage = wire.Usage{Uncached: 59, CacheRead: 64, AudioIn: 9 + 13, Text: 30 + 9, AudioOut: 91}

func byCONNECT(t *testing.T) *harness.Tunnel { return harness.NewTunnel(t, harness.Connecting()) }

func bySOCKS(t *testing.T) *harness.Tunnel { return harness.NewTunnel(t, harness.Socks5()) }

func TestASessionPassesOverEveryTransportAndIsCounted(t *testing.T) {
	for name, c := range map[string]struct {
		over  harness.Transport
		proxy func(*testing.T) *harness.Tunnel
	}{
		"plain": {harness.PlainHTTP, nil}, "TLS, HTTP/1.1": {harness.TlsHTTP1, nil}, "TLS, HTTP/2": {harness.TlsHTTP2, nil}, "plain by an HTTP proxy": {harness.ProxiedHTTP, byCONNECT},
		"TLS by an HTTP proxy": {harness.ProxiedTLS, byCONNECT}, "plain by a SOCKS proxy": {harness.SocksHTTP, bySOCKS}, "TLS by a SOCKS proxy": {harness.SocksHTTP2, bySOCKS},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &standin.Realtime{Model: realtimeModel}
			u := harness.NewUpstreamOver(t, c.over, server.ServeHTTP)
			more := ""
			if c.proxy != nil {
				more = fmt.Sprintf(", proxy: %q", c.proxy(t).Url())
			}
			r := harness.StartRelay(t, realtimeChannels(c.over.At(u.URL), more), harness.Trusting(u))
			before := r.Server.ExpectedGoroutines()
			client := connects(r, t, "/v1/realtime?model=m")
			require.Equal(t, "session.created", client.hears()["type"])
			long := strings.Repeat("QUJD", 64<<10)
			client.says(`{"type":"input_audio_buffer.append","audio":"` + long + `"}`)
			require.EqualValues(t, len(long), client.hears()["audio_start_ms"], "a message of many parts comes whole")
			client.says(`{"type":"input_audio_buffer.commit"}`)
			require.Equal(t, "hello", client.hears()["transcript"])
			client.says(`{"type":"response.create"}`)
			heard := client.until("response.done")
			require.Len(t, heard[1]["delta"], 64<<10)
			require.Equal(t, "response.done", client.hears()["type"])
			require.NoError(t, client.conn.Close(4321, "that is all"))
			require.Equal(t, []string{"completed"}, r.Outcomes(1))
			require.Equal(t, sessionUsage, r.Attempt(0).Usage)
			r.Eventually("the upstream hears how the client has closed", func() bool { return len(server.Closed()) == 1 })
			require.Equal(t, []websocket.CloseError{{Code: 4321, Reason: "that is all"}}, server.Closed())
			r.Eventually("the end", func() bool { return len(r.RequestEnds()) == 1 })
			end := r.RequestEnd(0)
			require.Equal(t, http.StatusSwitchingProtocols, end.Status)
			require.Equal(t, wire.Realtime, end.Endpoint)
			require.Equal(t, "m", end.Model)
			require.Equal(t, realtimeModel, server.Asked()[0].URL.Query().Get("model"))
			r.RequireQuiet(harness.AmongOthers, u)
			r.Eventually("as many goroutines as before", func() bool { return r.Server.ExpectedGoroutines() == before })
		})
	}
}

func TestOpenAIsSDKHoldsASession(t *testing.T) {
	r, u := conversing(t, &standin.Realtime{})
	client := sdktest.OpenAIClient(r)
	conn, err := client.Realtime.Connect(context.Background(), realtime.RealtimeConnectionOptions{}, openaioption.WithQuery("model", "m"))
	require.NoError(t, err)
	require.NoError(t, conn.SendRaw(context.Background(), json.RawMessage(`{"type":"response.create"}`)))
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	for {
		event, err := conn.Recv(ctx)
		require.NoError(t, err)
		if event.Type == "response.done" {
			break
		}
	}
	require.NoError(t, conn.Close())
	require.Equal(t, []string{"completed"}, r.Outcomes(1))
	r.RequireQuiet(harness.AmongOthers, u)
}

// TestAPagesKeyGoesNoFurther is about the key that a page sends as a protocol: it is neither agreed to, nor logged, nor passed on.
func TestAPagesKeyGoesNoFurther(t *testing.T) {
	server := &standin.Realtime{}
	r, u := conversing(t, server)
	conn, response, err := dials(r, "/v1/realtime?model=m", http.Header{"Authorization": {"Bearer none"}, "Origin": {"https://page.example"}},
		"realtime", "openai-insecure-api-key."+harness.Key, "openai-beta.realtime-v1")
	require.NoError(t, err)
	require.Equal(t, []string{"realtime"}, response.Header.Values("Sec-WebSocket-Protocol"))
	client := &wsClient{t, conn}
	require.Equal(t, "session.created", client.hears()["type"])
	require.NoError(t, conn.Close(websocket.StatusNormalClosure, ""))
	require.Equal(t, []string{"completed"}, r.Outcomes(1))
	asked := server.Asked()[0]
	require.Equal(t, "realtime=v1", asked.Header.Get("OpenAI-Beta"))
	text := fmt.Sprint(asked.Header, asked.URL)
	require.NotContains(t, text, harness.Key)
	require.NotContains(t, text, "none")
	require.NotContains(t, r.Log.String(), harness.Key)
	r.RequireQuiet(harness.AmongOthers, u)
}

func TestASessionIsRefusedOverHTTPBeforeItIsOne(t *testing.T) {
	server := &standin.Realtime{}
	r, _ := conversing(t, server)
	for name, c := range map[string]struct {
		path   string
		header http.Header
		status int
	}{
		"no key":           {"/v1/realtime?model=m", http.Header{"Authorization": {"Bearer sk-none"}}, 401},
		"no model":         {"/v1/realtime", nil, 400},
		"an unknown model": {"/v1/realtime?model=none", nil, 404},
	} {
		conn, response, err := dials(r, c.path, c.header)
		require.Error(t, err, name)
		require.Nil(t, conn)
		require.Equal(t, c.status, response.StatusCode, name)
		require.Equal(t, "application/json", response.Header.Get("Content-Type"), name)
		require.NotEmpty(t, response.Header.Get("X-Oneapi-Request-Id"), name)
	}
	status, answer := r.Get("/v1/realtime?model=m")
	require.Equal(t, http.StatusUpgradeRequired, status, answer)
	require.Empty(t, server.Asked())
	r.Eventually("ends", func() bool { return len(r.RequestEnds()) == 4 })
	for _, end := range r.RequestEnds() {
		require.Equal(t, "rejected", end.Outcome.String())
	}
	r.RequireQuiet(harness.AmongOthers)
}

func TestASessionMovesOnUntilAnUpstreamHasAgreedToIt(t *testing.T) {
	for name, c := range map[string]struct {
		first   http.HandlerFunc
		outcome string
	}{
		"an error":                  {harness.Answers(503, `{"error":{"message":"busy"}}`), "upstream_status"},
		"a limit":                   {harness.Answers(429, `{"error":{"message":"slow down"}}`), "upstream_status"},
		"an answer that is no such": {harness.Answers(200, `{}`), "upstream_status"},
		"a reset":                   {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "upstream_reset"},
		"a wrong accept": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Connection", "Upgrade")
			w.Header().Set("Upgrade", "websocket")
			w.Header().Set("Sec-WebSocket-Accept", "d3Jvbmc=")
			w.WriteHeader(http.StatusSwitchingProtocols)
		}, "upstream_reset"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &standin.Realtime{Model: realtimeModel}
			one := harness.NewUpstream(t, false, c.first)
			two := harness.StartUpstream(t, server.ServeHTTP, func(u *harness.Upstream) { u.Start() })
			const channel = "  - {name: %s, type: openai, base_url: %q, keys: [" + standin.Key + "], models: [m], model_mapping: {m: " + realtimeModel + "}, priority: %d}\n"
			r := harness.StartRelay(t, "channels:\n"+fmt.Sprintf(channel, "one", one.URL, 2)+fmt.Sprintf(channel, "two", two.URL, 1))
			client := connects(r, t, "/v1/realtime?model=m")
			require.Equal(t, "session.created", client.hears()["type"])
			require.NoError(t, client.conn.Close(websocket.StatusNormalClosure, ""))
			require.Equal(t, []string{c.outcome, "completed"}, r.Outcomes(2))
			r.RequireQuiet(harness.AmongOthers, one, two)
		})
	}
}

func TestASessionThatNoUpstreamAgreesToIsRefusedWithAStatus(t *testing.T) {
	for name, c := range map[string]struct {
		base   func(t *testing.T) string
		more   string
		status int
	}{
		"it refuses connections": {func(*testing.T) string { return "http://127.0.0.1:9" }, "", 502},
		"it is overloaded": {func(t *testing.T) string {
			return harness.NewUpstream(t, false, harness.Answers(503, `{"error":{"message":"busy"}}`)).URL
		}, "", 502},
		"it is silent": {func(t *testing.T) string {
			return harness.NewUpstream(t, false, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }).URL
		}, ", timeouts: {header: 1500ms}", 504},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := harness.StartRelay(t, realtimeChannels(c.base(t), c.more))
			_, response, err := dials(r, "/v1/realtime?model=m", nil)
			require.Error(t, err)
			require.Equal(t, c.status, response.StatusCode)
			r.RequireQuiet(harness.AmongOthers)
		})
	}
}

func TestHowAnUpstreamEndsASessionItsClientIsTold(t *testing.T) {
	for name, c := range map[string]struct {
		serve   func(ctx context.Context, conn *websocket.Conn)
		code    websocket.StatusCode
		outcome string
		event   any // the code of an error event before
	}{
		"with a code of its own": {func(_ context.Context, conn *websocket.Conn) { _ = conn.Close(4001, "expired") }, 4001, "completed", nil},
		"as usual":               {func(_ context.Context, conn *websocket.Conn) { _ = conn.Close(websocket.StatusNormalClosure, "") }, 1000, "completed", nil},
		"with an error":          {func(_ context.Context, conn *websocket.Conn) { _ = conn.Close(websocket.StatusInternalError, "oops") }, 1011, "upstream_truncated", nil},
		"without a word":         {func(_ context.Context, conn *websocket.Conn) { _ = conn.CloseNow() }, 1011, "upstream_reset", "upstream_reset"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &standin.Realtime{Serve: c.serve}
			r, u := conversing(t, server)
			client := connects(r, t, "/v1/realtime?model=m")
			var event map[string]any
			for {
				heard, err := client.reads()
				if err != nil {
					require.Equal(t, c.code, websocket.CloseStatus(err), err)
					break
				}
				event = heard
			}
			require.Equal(t, c.event, at(event, "error", "code"))
			require.Equal(t, []string{c.outcome}, r.Outcomes(1))
			r.RequireQuiet(harness.AmongOthers, u)
		})
	}
}

func TestAClientThatVanishesEndsItsSession(t *testing.T) {
	server := &standin.Realtime{}
	r, u := conversing(t, server)
	client := connects(r, t, "/v1/realtime?model=m")
	require.Equal(t, "session.created", client.hears()["type"])
	require.NoError(t, client.conn.CloseNow())
	require.Equal(t, []string{"client_gone"}, r.Outcomes(1))
	r.Eventually("the upstream is told", func() bool { return len(server.Closed()) == 1 })
	require.Equal(t, websocket.StatusGoingAway, server.Closed()[0].Code)
	r.RequireQuiet(harness.AmongOthers, u)
}

func TestAClientThatVanishesWhileItsUpstreamIsAskedLeavesNothing(t *testing.T) {
	asked := make(chan struct{})
	u := harness.NewUpstream(t, false, func(_ http.ResponseWriter, r *http.Request) {
		close(asked)
		<-r.Context().Done()
	})
	r := harness.StartRelay(t, realtimeChannels(u.URL, ""))
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-asked
		cancel()
	}()
	transport := &http.Transport{}
	_, _, err := websocket.Dial(ctx, r.URL+"/v1/realtime?model=m", &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}, HTTPHeader: http.Header{"Authorization": {"Bearer " + harness.Key}}})
	require.Error(t, err)
	require.Equal(t, []string{"client_gone"}, r.Outcomes(1))
	r.RequireQuiet(harness.AmongOthers, u)
}

func TestAClientThatDoesNotReadItsSessionIsCut(t *testing.T) {
	server := &standin.Realtime{Serve: func(ctx context.Context, conn *websocket.Conn) {
		message := []byte(`{"type":"response.output_audio.delta","delta":"` + strings.Repeat("QUJD", 8<<10) + `"}`)
		for conn.Write(ctx, websocket.MessageText, message) == nil {
		}
	}}
	r, u := conversing(t, server, harness.WithEnv("CLIENT_WRITE_TIMEOUT", "2"))
	connects(r, t, "/v1/realtime?model=m")
	require.Equal(t, []string{"client_stalled"}, r.Outcomes(1))
	r.RequireQuiet(harness.AmongOthers, u)
}

func TestASessionEndsWhenItsTimeIsUpOrNobodySaysAnything(t *testing.T) {
	for name, c := range map[string]struct {
		options exchange.SessionOptions
		says    string
	}{
		"its time is up":       {exchange.SessionOptions{Ping: 500 * time.Millisecond, Longest: 2 * time.Second}, "maximum duration"},
		"nobody says anything": {exchange.SessionOptions{Ping: 500 * time.Millisecond, Idle: 2 * time.Second}, "Nothing was said"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := &standin.Realtime{}
			r, u := conversing(t, server, harness.WithSession(c.options))
			client := connects(r, t, "/v1/realtime?model=m")
			require.Equal(t, "session.created", client.hears()["type"])
			event := client.hears()
			require.Equal(t, "session_expired", at(event, "error", "code"), event)
			require.Contains(t, at(event, "error", "message"), c.says)
			require.Equal(t, websocket.StatusNormalClosure, client.closed())
			require.Equal(t, []string{"completed"}, r.Outcomes(1))
			r.Eventually("the upstream is told", func() bool { return len(server.Closed()) == 1 })
			require.Equal(t, websocket.StatusGoingAway, server.Closed()[0].Code)
			r.RequireQuiet(harness.AmongOthers, u)
		})
	}
}

func TestASessionWhoseOtherEndIsDeadIsEnded(t *testing.T) {
	stuck := func(options *websocket.DialOptions) {
		options.OnPingReceived = func(context.Context, []byte) bool { return false }
	}
	t.Run("the client is", func(t *testing.T) {
		t.Parallel()
		server := &standin.Realtime{}
		r, u := conversing(t, server, harness.WithSession(exchange.SessionOptions{Ping: 500 * time.Millisecond, Pong: 2 * time.Second}))
		options := &websocket.DialOptions{HTTPClient: &http.Client{Transport: &http.Transport{}}, HTTPHeader: http.Header{"Authorization": {"Bearer " + harness.Key}}}
		stuck(options)
		conn, _, err := websocket.Dial(context.Background(), r.URL+"/v1/realtime?model=m", options)
		require.NoError(t, err)
		client := &wsClient{t, conn}
		require.Equal(t, websocket.StatusPolicyViolation, client.closed())
		require.Equal(t, []string{"client_gone"}, r.Outcomes(1))
		r.RequireQuiet(harness.AmongOthers, u)
	})
	t.Run("the upstream is", func(t *testing.T) {
		t.Parallel()
		over := make(chan struct{})
		server := &standin.Realtime{Serve: func(context.Context, *websocket.Conn) { <-over }} // reads nothing
		r, u := conversing(t, server, harness.WithSession(exchange.SessionOptions{Ping: 500 * time.Millisecond, Pong: 2 * time.Second}))
		client := connects(r, t, "/v1/realtime?model=m")
		require.Equal(t, "idle_timeout", at(client.hears(), "error", "code"))
		require.Equal(t, websocket.StatusInternalError, client.closed())
		close(over)
		require.Equal(t, []string{"idle_timeout"}, r.Outcomes(1))
		r.RequireQuiet(harness.AmongOthers, u)
	})
}

func TestAnOperatorEndsASession(t *testing.T) {
	server := &standin.Realtime{}
	r, u := conversing(t, server, harness.WithEnv("ADMIN_TOKEN", "admin"))
	client := connects(r, t, "/v1/realtime?model=m")
	require.Equal(t, "session.created", client.hears()["type"])
	_, list := r.Get("/api/monitor/requests")
	require.Len(t, list["data"], 1)
	request, err := http.NewRequest(http.MethodDelete, r.URL+"/api/monitor/requests/"+list["data"].([]any)[0].(map[string]any)["id"].(string), nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer admin")
	response, err := r.Client.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, "operator_ended", at(client.hears(), "error", "code"))
	require.Equal(t, websocket.StatusGoingAway, client.closed())
	require.Equal(t, []string{"operator_ended"}, r.Outcomes(1))
	r.RequireQuiet(harness.AmongOthers, u)
}

// TestStoppingDoesNotWaitForIdleSessions is also for those that are in the midst of a response, until that is done.
func TestStoppingDoesNotWaitForIdleSessions(t *testing.T) {
	finish := make(chan struct{})
	server := &standin.Realtime{Serve: func(ctx context.Context, conn *websocket.Conn) {
		_ = conn.Write(ctx, websocket.MessageText, []byte(`{"type":"session.created"}`))
		for {
			_, message, err := conn.Read(ctx)
			if err != nil {
				return
			}
			if strings.Contains(string(message), "response.create") {
				_ = conn.Write(ctx, websocket.MessageText, []byte(`{"type":"response.created","response":{"id":"resp_1"}}`))
				<-finish
				_ = conn.Write(ctx, websocket.MessageText, []byte(`{"type":"response.done","response":{"id":"resp_1","status":"completed"}}`))
			}
		}
	}}
	r, _ := conversing(t, server) // SHUTDOWN_TIMEOUT is a minute
	idle, busy := connects(r, t, "/v1/realtime?model=m"), connects(r, t, "/v1/realtime?model=m")
	require.Equal(t, "session.created", idle.hears()["type"])
	require.Equal(t, "session.created", busy.hears()["type"])
	busy.says(`{"type":"response.create"}`)
	require.Equal(t, "response.created", busy.hears()["type"])
	r.Stop()
	require.Equal(t, websocket.StatusGoingAway, idle.closed(), "at once, with the code for a server that goes away")
	close(finish)
	require.Equal(t, "response.done", busy.hears()["type"], "what was under way is finished")
	require.Equal(t, websocket.StatusGoingAway, busy.closed())
	require.NoError(t, <-r.Ended, "a clean end")
	r.Ended <- nil
	require.Equal(t, []string{"completed", "completed"}, r.Outcomes(2))
}

func TestStoppingEndsSessionsWhenTheirTimeIsOver(t *testing.T) {
	server := &standin.Realtime{}
	r, _ := conversing(t, server, harness.WithEnv("SHUTDOWN_TIMEOUT", "2"))
	client := connects(r, t, "/v1/realtime?model=m")
	require.Equal(t, "session.created", client.hears()["type"])
	client.says(`{"type":"input_audio_buffer.append","audio":"QUJD"}`)
	require.Equal(t, "input_audio_buffer.speech_started", client.hears()["type"])
	r.Stop()
	r.Eventually("it drains", func() bool { _, h := r.Get("/api/monitor/health"); return h["status"] == "draining" })
	_, response, err := dials(r, "/v1/realtime?model=m", nil)
	require.Error(t, err)
	require.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
	client.says(`{"type":"session.update"}`)
	require.Equal(t, "session.updated", client.hears()["type"], "it goes on meanwhile")
	require.Equal(t, "shutdown", at(client.hears(), "error", "code"))
	require.Equal(t, websocket.StatusGoingAway, client.closed())
	require.ErrorIs(t, <-r.Ended, relay.ErrCut)
	r.Ended <- nil
	require.Equal(t, []string{"shutdown"}, r.Outcomes(1))
}

func TestTheGoroutinesOfSessionsAreExplainedByTheirChannel(t *testing.T) {
	for name, over := range map[string]harness.Transport{"plain": harness.PlainHTTP, "TLS": harness.TlsHTTP2} {
		t.Run(name, func(t *testing.T) {
			server := &standin.Realtime{Model: realtimeModel}
			u := harness.NewUpstreamOver(t, over, server.ServeHTTP)
			r := harness.StartRelay(t, realtimeChannels(u.URL, ""), harness.Trusting(u))
			before := r.Server.ExpectedGoroutines()
			const sessions = 20
			var clients []*wsClient
			for range sessions {
				client := connects(r, t, "/v1/realtime?model=m")
				require.Equal(t, "session.created", client.hears()["type"])
				clients = append(clients, client)
			}
			r.Eventually("two goroutines of each, and no others, which are accounted for", func() bool {
				return r.Server.ExpectedGoroutines() == before+2*sessions && goroutinesAt("exchange.(*tunnel).fromUpstream(") == sessions &&
					goroutinesAt("exchange.(*tunnel).fromClient(") == sessions
			})
			_, report := r.Get("/api/monitor/goroutines")
			for _, of := range report["by_channel"].([]any) {
				if of := of.(map[string]any); of["channel"] == "a" {
					require.EqualValues(t, 2*sessions, of["goroutines"])
					require.EqualValues(t, sessions, of["in_flight"])
				}
			}
			for _, client := range clients {
				_ = client.conn.CloseNow()
			}
			r.Outcomes(sessions)
			r.RequireQuiet(harness.AmongOthers, u)
			r.Eventually("as many as before", func() bool { return r.Server.ExpectedGoroutines() == before })
		})
	}
}

func TestManyClientsThatLeaveHalfWayLeaveNothing(t *testing.T) {
	server := &standin.Realtime{}
	r, u := conversing(t, server)
	before := runtime.NumGoroutine()
	done := make(chan struct{})
	const crowd = 60
	for n := range crowd {
		go func() {
			defer func() { done <- struct{}{} }()
			conn, _, err := dials(r, "/v1/realtime?model=m", nil)
			if err != nil {
				return
			}
			ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
			defer cancel()
			switch n % 4 {
			case 0:
				_ = conn.CloseNow()
			case 1:
				_ = conn.Close(websocket.StatusNormalClosure, "")
			case 2:
				_ = conn.Write(ctx, websocket.MessageText, []byte(`{"type":"response.create"}`))
				_ = conn.CloseNow()
			case 3:
				w, err := conn.Writer(ctx, websocket.MessageText)
				if err == nil {
					_, _ = w.Write([]byte(`{"type":"input_audio_buffer.append","audio":"` + strings.Repeat("A", 40<<10)))
				}
				_ = conn.CloseNow()
			}
		}()
	}
	for range crowd {
		<-done
	}
	r.Eventually("ends", func() bool { return len(r.RequestEnds()) == crowd })
	r.RequireQuiet(before, u)
}

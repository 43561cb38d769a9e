package sdk

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"one-api/relay"
	"one-api/testbed/harness"
)

func TestAFailureOnAWebsocketMovesOnUntilThereIsContent(t *testing.T) {
	chunk := func(text, finish string) string {
		return fmt.Sprintf("data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":%q},\"finish_reason\":%s}]}\n\n", text, finish)
	}
	good := chunk("good", "null") + chunk("", `"stop"`) + "data: [DONE]\n\n"
	for name, c := range map[string]struct {
		first    http.HandlerFunc
		kind     string // of the event that ends it
		code     any
		outcomes []string
	}{
		"a status": {harness.Answers(503, `{"error":{"message":"busy"}}`), "response.completed", nil, []string{"upstream_status", "completed"}},
		"an error event": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: {\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\"}}\n\n")
		}, "response.completed", nil, []string{"upstream_error_event", "completed"}},
		"a reset before the header": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "response.completed", nil, []string{"upstream_reset", "completed"}},
		"an error event behind content": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, chunk("begun", "null")+"data: {\"error\":{\"message\":\"overloaded\",\"type\":\"server_error\"}}\n\n")
		}, "response.failed", "server_error", []string{"upstream_error_event"}},
		"a reset behind content": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, chunk("begun", "null"))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}, "response.failed", "upstream_reset", []string{"upstream_reset"}},
		"an end behind content": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, chunk("begun", "null"))
		}, "response.failed", "upstream_truncated", []string{"upstream_truncated"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			one := harness.NewUpstream(t, false, c.first)
			two := harness.NewUpstream(t, false, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				_, _ = io.WriteString(w, good)
			})
			r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: one, type: openai, base_url: %q, models: [m], priority: 2}\n  - {name: two, type: openai, base_url: %q, models: [m]}\n", one.URL, two.URL))
			client := connects(r, t, "/v1/responses")
			client.says(create)
			end := last(client.until("response.completed", "response.failed", "error"))
			require.Equal(t, c.kind, end["type"], end)
			require.Equal(t, c.code, at(end, "response", "error", "code"), end)
			require.Equal(t, c.outcomes, r.Outcomes(len(c.outcomes)))
			require.NoError(t, client.conn.Close(websocket.StatusNormalClosure, ""))
			requireNoSockets(r)
			r.RequireQuiet(harness.AmongOthers, one, two)
		})
	}
}

func TestAnUpstreamThatNobodyCanReplaceIsAnErrorWithItsStatus(t *testing.T) {
	for name, c := range map[string]struct {
		base   func(t *testing.T) string
		more   string
		status int
		code   string
	}{
		"it refuses connections": {func(*testing.T) string { return "http://127.0.0.1:9" }, "", 502, "connect_failed"},
		"it has endless errors": {func(t *testing.T) string {
			return harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(http.StatusInternalServerError)
				harness.Every(r, time.Millisecond, func() bool { harness.Say(w, strings.Repeat("x", 1<<10)); return true })
			}).URL
		}, "", 502, ""},
		"it is silent": {func(t *testing.T) string {
			return harness.NewUpstream(t, false, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }).URL
		}, ", timeouts: {header: 1500ms}", 504, "header_timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := harness.StartRelay(t, fmt.Sprintf("channels: [{name: a, type: openai, base_url: %q, models: [m]%s}]\n", c.base(t), c.more), harness.WithErrorBodyTimeout(2*time.Second))
			client := connects(r, t, "/v1/responses")
			client.says(create)
			event := client.hears()
			require.Equal(t, "error", event["type"], event)
			require.EqualValues(t, c.status, event["status"], event)
			if c.code != "" {
				require.Equal(t, c.code, at(event, "error", "code"), event)
			}
			require.NoError(t, client.conn.Close(websocket.StatusNormalClosure, ""))
			requireNoSockets(r)
			r.RequireQuiet(harness.AmongOthers)
		})
	}
}

// TestAClientOfAWebsocketThatLeavesEndsItsCallAtOnce is F1 of the fault matrix: at each moment of a call.
func TestAClientOfAWebsocketThatLeavesEndsItsCallAtOnce(t *testing.T) {
	begun := "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"begun\"},\"finish_reason\":null}]}\n\n"
	for name, c := range map[string]struct {
		says  func(w http.ResponseWriter)
		heard string
	}{
		"before the header": {func(http.ResponseWriter) {}, ""},
		"behind the header": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/event-stream")
			harness.Say(w, ": hello\n\n")
		}, ""},
		"behind the content": {func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/event-stream")
			harness.Say(w, begun)
		}, "response.output_text.delta"},
	} {
		for how, leave := range map[string]func(*websocket.Conn){
			"with a goodbye": func(conn *websocket.Conn) { _ = conn.Close(websocket.StatusNormalClosure, "") },
			"without":        func(conn *websocket.Conn) { _ = conn.CloseNow() },
		} {
			t.Run(name+" "+how, func(t *testing.T) {
				t.Parallel()
				asked := make(chan struct{})
				u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
					c.says(w)
					close(asked)
					<-r.Context().Done()
				})
				r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
				client := connects(r, t, "/v1/responses")
				client.says(create)
				<-asked
				if c.heard != "" {
					client.until(c.heard)
				}
				leave(client.conn)
				require.Equal(t, []string{"client_gone"}, r.Outcomes(1))
				requireNoSockets(r)
				r.RequireQuiet(harness.AmongOthers, u)
			})
		}
	}
}

// TestAClientOfAWebsocketThatDoesNotReadIsCut is F7.
func TestAClientOfAWebsocketThatDoesNotReadIsCut(t *testing.T) {
	chunk := "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" + strings.Repeat("x", 32<<10) + "\"},\"finish_reason\":null}]}\n\n"
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for r.Context().Err() == nil {
			harness.Say(w, chunk)
		}
	})
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("CLIENT_WRITE_TIMEOUT", "2"))
	client := connects(r, t, "/v1/responses")
	client.says(create)
	require.Equal(t, []string{"client_stalled"}, r.Outcomes(1))
	requireNoSockets(r)
	r.RequireQuiet(harness.AmongOthers, u)
}

// TestAStreamOnAWebsocketThatFallsSilentFails is F8, and so is the next one.
func TestAStreamOnAWebsocketThatFallsSilentFails(t *testing.T) {
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		harness.Say(w, "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"begun\"},\"finish_reason\":null}]}\n\n")
		<-r.Context().Done()
	})
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ", timeouts: {idle: 1500ms}"))
	client := connects(r, t, "/v1/responses")
	client.says(create)
	require.Equal(t, "idle_timeout", at(last(client.until("response.failed", "response.completed", "error")), "response", "error", "code"))
	require.Equal(t, []string{"idle_timeout"}, r.Outcomes(1))
	require.NoError(t, client.conn.Close(websocket.StatusNormalClosure, ""))
	requireNoSockets(r)
	r.RequireQuiet(harness.AmongOthers, u)
}

func TestAHealthyStreamOnAWebsocketOutlastsEveryClockAndShowsThatItLives(t *testing.T) {
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		n := 0
		harness.Every(r, 700*time.Millisecond, func() bool {
			harness.Say(w, "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"},\"finish_reason\":null}]}\n\n")
			n++
			return n < 6
		})
		harness.Say(w, "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
	})
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ", timeouts: {header: 2s, idle: 2s, first_token: 2s}"), harness.WithEnv("CLIENT_WRITE_TIMEOUT", "2", "KEEPALIVE_INTERVAL", "1"))
	pings := make(chan struct{}, 16)
	transport := &http.Transport{}
	conn, _, err := websocket.Dial(context.Background(), r.URL+"/v1/responses", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport}, HTTPHeader: http.Header{"Authorization": {"Bearer " + harness.Key}},
		OnPingReceived: func(context.Context, []byte) bool { pings <- struct{}{}; return true },
	})
	require.NoError(t, err)
	client := &wsClient{t, conn}
	client.says(create)
	require.Equal(t, "completed", at(last(client.until("response.completed", "response.failed", "error")), "response", "status"))
	require.Empty(t, pings, "there was always something to send")
	require.Equal(t, []string{"completed"}, r.Outcomes(1))
	require.NoError(t, conn.Close(websocket.StatusNormalClosure, ""))
	requireNoSockets(r)
}

func TestAClientOfAWebsocketIsPingedWhileItsUpstreamThinks(t *testing.T) {
	finish := make(chan struct{})
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, _ *http.Request) {
		<-finish
		w.Header().Set("Content-Type", "text/event-stream")
		harness.Say(w, "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
	})
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("KEEPALIVE_INTERVAL", "1"))
	pinged := make(chan struct{}, 16)
	conn, _, err := websocket.Dial(context.Background(), r.URL+"/v1/responses", &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: &http.Transport{}}, HTTPHeader: http.Header{"Authorization": {"Bearer " + harness.Key}},
		OnPingReceived: func(context.Context, []byte) bool { pinged <- struct{}{}; return true },
	})
	require.NoError(t, err)
	client := &wsClient{t, conn}
	client.says(create)
	go func() {
		<-pinged
		<-pinged
		close(finish)
	}()
	require.Equal(t, "completed", at(last(client.until("response.completed", "response.failed", "error")), "response", "status"))
	require.NoError(t, conn.Close(websocket.StatusNormalClosure, ""))
	requireNoSockets(r)
}

func TestAMessageThatIsTooLongEndsAWebsocketWithItsCode(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	small := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("MAX_REQUEST_BODY_MB", "1"))
	client := connects(small, t, "/v1/responses")
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	_ = client.conn.Write(ctx, websocket.MessageText, []byte(`{"type":"response.create","model":"m","input":"`+strings.Repeat("x", 2<<20)+`"}`)) // fails if the relay hangs up meanwhile
	require.Contains(t, []websocket.StatusCode{websocket.StatusMessageTooBig, -1}, client.closed())
	requireNoSockets(small)
	require.Zero(t, u.Requests.Load())
}

func TestAMessageThatDoesNotComeToItsEndHoldsAWebsocketForABoundedTime(t *testing.T) {
	r := harness.StartRelay(t, "channels: [{name: a, type: openai, base_url: 'http://127.0.0.1:9', models: [m]}]\n", harness.WithClientTimeouts(harness.Patience, 2*time.Second))
	client := connects(r, t, "/v1/responses")
	w, err := client.conn.Writer(context.Background(), websocket.MessageText)
	require.NoError(t, err)
	_, err = w.Write([]byte(`{"type":"response.create","model":"m","input":"` + strings.Repeat("x", 8<<10)))
	require.NoError(t, err)
	require.Equal(t, websocket.StatusPolicyViolation, client.closed())
	requireNoSockets(r)
}

func TestMoreMessagesThanMayWaitAreRefusedOneByOne(t *testing.T) {
	finish := make(chan struct{})
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-finish:
		case <-r.Context().Done():
		}
		w.Header().Set("Content-Type", "text/event-stream")
		harness.Say(w, "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
	})
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	client := connects(r, t, "/v1/responses")
	client.says(create)
	r.Eventually("the first call", func() bool { return u.Open.Load() == 1 })
	for range 8 {
		client.says(create)
	}
	client.says(`{"type":"response.create","stream_id":"nine","model":"m","input":"a"}`)
	event := client.hears()
	require.EqualValues(t, 429, event["status"])
	require.Equal(t, "websocket_stream_limit_reached", at(event, "error", "code"))
	require.Equal(t, "nine", event["stream_id"])
	require.Equal(t, "1", at(event, "headers", "retry-after"))
	close(finish)
	for range 9 {
		client.until("response.completed")
	}
	require.NoError(t, client.conn.Close(websocket.StatusNormalClosure, ""))
	requireNoSockets(r)
	r.RequireQuiet(harness.AmongOthers, u)
}

func TestStoppingEndsIdleWebsocketsAtOnceAndOthersBehindTheirCall(t *testing.T) {
	u, finish := harness.HalfStream(t)
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	idle, busy := connects(r, t, "/v1/responses"), connects(r, t, "/v1/responses")
	busy.says(create)
	busy.until("response.output_text.delta")
	r.Stop()
	require.Equal(t, websocket.StatusGoingAway, idle.closed())
	busy.says(create) // is not begun any more
	close(finish)
	require.Equal(t, "completed", at(last(busy.until("response.completed", "response.failed", "error")), "response", "status"))
	require.Equal(t, websocket.StatusGoingAway, busy.closed())
	err := <-r.Ended
	require.NoError(t, err, "a clean end")
	r.Ended <- nil // for the harness
	require.Equal(t, []string{"completed"}, r.Outcomes(1))
}

func TestACallOnAWebsocketThatOutlastsTheShutdownIsCutWithAnHonestError(t *testing.T) {
	u, finish := harness.HalfStream(t)
	defer close(finish)
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("SHUTDOWN_TIMEOUT", "1"))
	c := connects(r, t, "/v1/responses")
	c.says(create)
	c.until("response.output_text.delta")
	r.Stop()
	require.Equal(t, "shutdown", at(last(c.until("response.failed", "response.completed")), "response", "error", "code"))
	require.Equal(t, websocket.StatusGoingAway, c.closed())
	require.ErrorIs(t, <-r.Ended, relay.ErrCut)
	r.Ended <- nil
	require.Equal(t, []string{"shutdown"}, r.Outcomes(1))
}

func TestAnOperatorEndsACallOnAWebsocketAndTheConnectionStays(t *testing.T) {
	u, finish := harness.HalfStream(t)
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.WithEnv("ADMIN_TOKEN", "admin"))
	c := connects(r, t, "/v1/responses")
	c.says(create)
	c.until("response.output_text.delta")
	_, list := r.Get("/api/monitor/requests")
	id := list["data"].([]any)[0].(map[string]any)["id"].(string)
	request, err := http.NewRequest(http.MethodDelete, r.URL+"/api/monitor/requests/"+id, nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer admin")
	response, err := r.Client.Do(request)
	require.NoError(t, err)
	require.Equal(t, 200, response.StatusCode)
	require.NoError(t, response.Body.Close())
	require.Equal(t, "operator_ended", at(last(c.until("response.failed", "response.completed")), "response", "error", "code"))
	close(finish)
	c.says(create)
	require.Equal(t, "response.completed", last(c.until("response.failed", "response.completed", "error"))["type"])
	require.Equal(t, []string{"operator_ended", "completed"}, r.Outcomes(2))
}

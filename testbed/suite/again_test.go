package suite

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
)

// withPause sets the wait before another try at the same channel.
func withPause(d time.Duration) relayOption { return func(c *relayConfig) { c.pause = d } }

// inTurn is an upstream's handler that does one thing after the other, and the last of them from then on.
func inTurn(handles ...http.HandlerFunc) http.HandlerFunc {
	var asked atomic.Int64
	return func(w http.ResponseWriter, r *http.Request) {
		n := min(int(asked.Add(1)), len(handles))
		handles[n-1](w, r)
	}
}

func resetEarly(w http.ResponseWriter, _ *http.Request) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler) // HTTP/2: RST_STREAM
	}
	_ = conn.(*net.TCPConn).SetLinger(0)
	_ = conn.Close()
}

func errorEventFirst(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	_, _ = io.WriteString(w, "data: {\"error\":{\"message\":\"The server had an error.\",\"type\":\"server_error\"}}\n\n")
}

const streamAnswer = "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m-2026\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"hi\"},\"finish_reason\":null}]}\n\n" +
	"data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m-2026\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"

// answersAsAsked answers with a stream or whole.
func answersAsAsked(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	if strings.Contains(string(body), `"stream":true`) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, streamAnswer)
		return
	}
	answers(200, wholeAnswer)(w, r)
}

func refusing(status int) http.HandlerFunc {
	return answers(status, `{"error":{"message":"Try again.","type":"server_error"}}`)
}

var passing = []struct {
	name    string
	fault   http.HandlerFunc
	body    string
	outcome string
}{
	{"429", refusing(429), chat, "upstream_status"},
	{"500", refusing(500), chat, "upstream_status"},
	{"502 of a stream", refusing(502), chatStream, "upstream_status"},
	{"503", refusing(503), chat, "upstream_status"},
	{"529", refusing(529), chatStream, "upstream_status"},
	{"a reset before the header", resetEarly, chat, "upstream_reset"},
	{"an error event before content", errorEventFirst, chatStream, "upstream_error_event"},
}

func TestTheOnlyChannelIsAskedOnceMoreAfterAFaultThatMayPass(t *testing.T) {
	for _, c := range passing {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, HTTP/2 %t", c.name, http2), func(t *testing.T) {
				u := newUpstream(t, http2, inTurn(c.fault, answersAsAsked))
				r := startRelay(t, openAIChannel("a", u, ""), trusting(u))
				before := runtime.NumGoroutine()
				status, answer, _ := r.ask("/v1/chat/completions", c.body)
				assert.Equal(t, 200, status, answer)
				assert.Contains(t, answer, "hi")
				assert.Equal(t, []string{c.outcome, "completed"}, r.outcomes(2))
				r.requireQuiet(before, u)
			})
			t.Run(fmt.Sprintf("%s and does not pass, HTTP/2 %t", c.name, http2), func(t *testing.T) {
				u := newUpstream(t, http2, c.fault)
				r := startRelay(t, openAIChannel("a", u, ""), trusting(u))
				status, answer, _ := r.ask("/v1/chat/completions", c.body)
				assert.Contains(t, []int{429, 502}, status, answer)
				assert.Equal(t, []string{c.outcome, c.outcome}, r.outcomes(2), "once, and no oftener")
			})
			t.Run(fmt.Sprintf("%s and there are no further attempts, HTTP/2 %t", c.name, http2), func(t *testing.T) {
				u := newUpstream(t, http2, c.fault)
				r := startRelay(t, openAIChannel("a", u, ""), trusting(u), withEnv("RETRY_TIMES", "0"))
				_, _, _ = r.ask("/v1/chat/completions", c.body)
				assert.Equal(t, []string{c.outcome}, r.outcomes(1))
			})
		}
	}
}

func TestAnUpstreamThatCannotBeReachedIsAskedOnceMore(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	r := startRelay(t, fmt.Sprintf("channels: [{name: a, type: openai, base_url: 'http://%s', models: [m]}]", address))
	status, _, _ := r.ask("/v1/chat/completions", chat)
	assert.Equal(t, 502, status)
	assert.Equal(t, []string{"connect_failed", "connect_failed"}, r.outcomes(2))
}

func TestWhatTakesLongOrCannotPassIsNotAskedForTwice(t *testing.T) {
	for _, c := range []struct {
		name, more, body, outcome string
		handle                    http.HandlerFunc
	}{
		{"no header in time", ", timeouts: {header: 50ms}", chat, "header_timeout", hangs},
		{"no content in time", ", timeouts: {first_token: 50ms}", chatStream, "first_token_timeout", hangs},
		{"not the provider's format", "", chat, "upstream_malformed", answers(200, "<html>")},
		{"a wrong key", "", chat, "upstream_status", answers(401, `{"error":{"message":"Incorrect API key provided.","type":"invalid_request_error","code":"invalid_api_key"}}`)},
		{"a wrong request", "", chat, "upstream_status", answers(400, `{"error":{"message":"no","type":"invalid_request_error"}}`)},
		{"a gateway's timeout", "", chat, "upstream_status", refusing(504)},
		{"a long Retry-After", "", chat, "upstream_status", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "6")
			refusing(503)(w, r)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := newUpstream(t, false, c.handle)
			r := startRelay(t, openAIChannel("a", u, c.more))
			_, _, _ = r.ask("/v1/chat/completions", c.body)
			assert.Equal(t, []string{c.outcome}, r.outcomes(1))
		})
	}
}

func TestTheLastOfSeveralChannelsIsTheOneThatIsAskedOnceMore(t *testing.T) {
	first, second := newUpstream(t, false, refusing(503)), newUpstream(t, false, inTurn(refusing(500), answersAsAsked))
	r := startRelay(t, twoChannels(first, second, ""))
	status, answer, _ := r.ask("/v1/chat/completions", chat)
	assert.Equal(t, 200, status, answer)
	r.outcomes(3)
	assert.EqualValues(t, 1, first.requests.Load())
	assert.EqualValues(t, 2, second.requests.Load())
}

func TestAShortRetryAfterIsWaitedFor(t *testing.T) {
	u := newUpstream(t, false, inTurn(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After-Ms", "700")
		refusing(429)(w, r)
	}, answersAsAsked))
	r := startRelay(t, openAIChannel("a", u, ""))
	began := time.Now()
	status, answer, _ := r.ask("/v1/chat/completions", chat)
	assert.Equal(t, 200, status, answer)
	assert.GreaterOrEqual(t, time.Since(began), 700*time.Millisecond)
	r.eventually("its end", func() bool { return len(r.requestEnds()) == 1 })
	assert.GreaterOrEqual(t, r.requestEnds()[0].Waited, 700*time.Millisecond, "it is no overhead of the relay's")
}

func TestWhoWaitsForAnotherTryHoldsNothingAndCanLeave(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, r *testRelay, leave context.CancelFunc, id string){
		"client_gone": func(_ *testing.T, _ *testRelay, leave context.CancelFunc, _ string) { leave() },
		"operator_ended": func(t *testing.T, r *testRelay, _ context.CancelFunc, id string) {
			status, _ := r.operate(http.MethodDelete, "/api/monitor/requests/"+id)
			assert.Equal(t, 200, status)
		},
		"shutdown": func(_ *testing.T, r *testRelay, _ context.CancelFunc, _ string) { r.stop() },
	} {
		t.Run(name, func(t *testing.T) {
			u := newUpstream(t, false, refusing(503))
			r := startRelay(t, openAIChannel("a", u, ", max_concurrent: 1"), withPause(time.Hour),
				withEnv("ADMIN_TOKEN", adminToken, "KEEPALIVE_INTERVAL", "0.01", "SHUTDOWN_TIMEOUT", "0.05"))
			before := runtime.NumGoroutine()
			ctx, leave := context.WithCancel(context.Background())
			defer leave()
			response, err := r.post(ctx, "/v1/chat/completions", chatStream)
			require.NoError(t, err, "a keep-alive says that the relay is there")
			line, err := bufio.NewReader(response.Body).ReadString('\n')
			require.NoError(t, err)
			assert.Equal(t, ": ping\n", line)
			is := r.inPhase("waiting")
			assert.Zero(t, r.server.Pool().InFlight(), "it holds no place")
			end(t, r, leave, is.ID)
			rest, _ := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if name != "client_gone" {
				assert.Contains(t, string(rest), `"code":"`+name+`"`)
			}
			r.eventually("its end", func() bool { return len(r.requestEnds()) == 1 })
			assert.Equal(t, name, r.requestEnds()[0].Outcome.String())
			assert.Equal(t, []string{"upstream_status"}, r.outcomes(1))
			r.requireQuiet(before, u)
		})
	}
}

func TestAnUpstreamInTroubleIsNotAskedTwiceByEverybody(t *testing.T) {
	u := newUpstream(t, false, refusing(503))
	r := startRelay(t, openAIChannel("a", u, ""))
	const calls = 50
	for range calls {
		_, _, _ = r.ask("/v1/chat/completions", chat)
	}
	again := u.requests.Load() - calls
	assert.GreaterOrEqual(t, again, int64(1))
	assert.LessOrEqual(t, again, int64(calls/10+1))
}

func TestAChannelIsTriedAgainBeforeAnotherOneWhereItSaysSo(t *testing.T) {
	for _, c := range []struct {
		name, env     string
		handle        http.HandlerFunc
		first, second int64
	}{
		{"and answers", "3", inTurn(refusing(503), refusing(503), answersAsAsked), 3, 0},
		{"and fails as often as it may", "3", refusing(503), 3, 1},
		{"and is limited", "3", refusing(429), 3, 1},
		{"within the attempts that there are", "2", refusing(503), 3, 0},
		{"but not after a timeout", "3", hangs, 1, 1},
		{"but not where a key is refused", "3", answers(401, `{"error":{"code":"invalid_api_key"}}`), 1, 1},
		{"but not where it wants to be left alone for long", "3", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "60")
			refusing(429)(w, r)
		}, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, healthy := newUpstream(t, false, c.handle), newUpstream(t, false, answersAsAsked)
			r := startRelay(t, twoChannels(u, healthy, ", retry_same: 2, timeouts: {header: 200ms}"), withEnv("RETRY_TIMES", c.env))
			before := runtime.NumGoroutine()
			_, _, _ = r.ask("/v1/chat/completions", chat)
			r.outcomes(int(c.first + c.second))
			assert.Equal(t, c.first, u.requests.Load())
			assert.Equal(t, c.second, healthy.requests.Load())
			r.requireQuiet(before, u, healthy)
		})
	}
}

func TestASilentStreamAtAProvidersOwnHostGoesOnWhileThereIsAnotherChannel(t *testing.T) {
	silent, healthy := newOfficial(t, "api.openai.com", hangs), newUpstream(t, false, answersAsAsked)
	own := func(more string) string {
		return fmt.Sprintf("channels:\n  - {name: a, type: openai, keys: [sk-up-a], models: [m], priority: 10, proxy: %q%s}\n", silent.proxy.url(), more)
	}
	other := fmt.Sprintf("  - {name: b, type: openai, base_url: %q, keys: [sk-up-b], models: [m]}\n", healthy.URL)
	for _, c := range []struct {
		name, yaml, body string
		env              []string
		moves            bool
	}{
		{"a stream", own("") + other, chatStream, nil, true},
		{"an answer that is not a stream", own("") + other, chat, nil, false},
		{"the last channel", own(""), chatStream, nil, false},
		{"the other one is disabled", own("") + strings.Replace(other, "}", ", disabled: true}", 1), chatStream, nil, false},
		{"no attempt is left", own("") + other, chatStream, []string{"RETRY_TIMES", "0"}, false},
		{"a clock of its own", own(", timeouts: {header: 1h}") + other, chatStream, nil, false},
		{"it is switched off", own("") + other, chatStream, []string{"STREAM_HEADER_TIMEOUT", "0"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := append([]string{"STREAM_HEADER_TIMEOUT", "0.1", "ADMIN_TOKEN", adminToken}, c.env...)
			r := startRelay(t, c.yaml, withEnv(env...), trustingOfficial(silent))
			answer := r.later(c.body)
			if !c.moves {
				is := r.inPhase("asking")
				r.eventually("longer than the wait that others have", func() bool { return r.inFlight(1)[0].AgeSeconds > 0.3 })
				assert.Equal(t, "a", r.inFlight(1)[0].Channel)
				_, _ = r.operate(http.MethodDelete, "/api/monitor/requests/"+is.ID)
				<-answer
				return
			}
			h := <-answer
			assert.Contains(t, h.text, "[DONE]")
			assert.Equal(t, []string{"header_timeout", "completed"}, r.outcomes(2))
			assert.Equal(t, outcome.HeaderTimeout, r.recorded()[0].Outcome)
		})
	}
}

package failover

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
	"one-api/testbed/harness"
)

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

var passing = []struct {
	name    string
	fault   http.HandlerFunc
	body    string
	outcome string
}{
	{"429", harness.Refusing(429), harness.Chat, "upstream_status"},
	{"500", harness.Refusing(500), harness.Chat, "upstream_status"},
	{"502 of a stream", harness.Refusing(502), harness.ChatStream, "upstream_status"},
	{"503", harness.Refusing(503), harness.Chat, "upstream_status"},
	{"529", harness.Refusing(529), harness.ChatStream, "upstream_status"},
	{"a reset before the header", resetEarly, harness.Chat, "upstream_reset"},
	{"an error event before content", errorEventFirst, harness.ChatStream, "upstream_error_event"},
}

func TestTheOnlyChannelIsAskedOnceMoreAfterAFaultThatMayPass(t *testing.T) {
	for _, c := range passing {
		for _, http2 := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, HTTP/2 %t", c.name, http2), func(t *testing.T) {
				u := harness.NewUpstream(t, http2, inTurn(c.fault, harness.AnswersAsAsked))
				r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.Trusting(u))
				before := runtime.NumGoroutine()
				status, answer, _ := r.Ask("/v1/chat/completions", c.body)
				assert.Equal(t, 200, status, answer)
				assert.Contains(t, answer, "hi")
				assert.Equal(t, []string{c.outcome, "completed"}, r.Outcomes(2))
				r.RequireQuiet(before, u)
			})
			t.Run(fmt.Sprintf("%s and does not pass, HTTP/2 %t", c.name, http2), func(t *testing.T) {
				u := harness.NewUpstream(t, http2, c.fault)
				r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.Trusting(u))
				status, answer, _ := r.Ask("/v1/chat/completions", c.body)
				assert.Contains(t, []int{429, 502}, status, answer)
				assert.Equal(t, []string{c.outcome, c.outcome}, r.Outcomes(2), "once, and no oftener")
			})
			t.Run(fmt.Sprintf("%s and there are no further attempts, HTTP/2 %t", c.name, http2), func(t *testing.T) {
				u := harness.NewUpstream(t, http2, c.fault)
				r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""), harness.Trusting(u), harness.WithEnv("RETRY_TIMES", "0"))
				_, _, _ = r.Ask("/v1/chat/completions", c.body)
				assert.Equal(t, []string{c.outcome}, r.Outcomes(1))
			})
		}
	}
}

func TestAnUpstreamThatCannotBeReachedIsAskedOnceMore(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := listener.Addr().String()
	require.NoError(t, listener.Close())
	r := harness.StartRelay(t, fmt.Sprintf("channels: [{name: a, type: openai, base_url: 'http://%s', models: [m]}]", address))
	status, _, _ := r.Ask("/v1/chat/completions", harness.Chat)
	assert.Equal(t, 502, status)
	assert.Equal(t, []string{"connect_failed", "connect_failed"}, r.Outcomes(2))
}

func TestWhatTakesLongOrCannotPassIsNotAskedForTwice(t *testing.T) {
	for _, c := range []struct {
		name, more, body, outcome string
		handle                    http.HandlerFunc
	}{
		{"no header in time", ", timeouts: {header: 50ms}", harness.Chat, "header_timeout", harness.Hangs},
		{"no content in time", ", timeouts: {first_token: 50ms}", harness.ChatStream, "first_token_timeout", harness.Hangs},
		{"not the provider's format", "", harness.Chat, "upstream_malformed", harness.Answers(200, "<html>")},
		{"a wrong key", "", harness.Chat, "upstream_status", harness.Answers(401, `{"error":{"message":"Incorrect API key provided.","type":"invalid_request_error","code":"invalid_api_key"}}`)},
		{"a wrong request", "", harness.Chat, "upstream_status", harness.Answers(400, `{"error":{"message":"no","type":"invalid_request_error"}}`)},
		{"a gateway's timeout", "", harness.Chat, "upstream_status", harness.Refusing(504)},
		{"a long Retry-After", "", harness.Chat, "upstream_status", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "6")
			harness.Refusing(503)(w, r)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			u := harness.NewUpstream(t, false, c.handle)
			r := harness.StartRelay(t, harness.OpenAIChannel("a", u, c.more))
			_, _, _ = r.Ask("/v1/chat/completions", c.body)
			assert.Equal(t, []string{c.outcome}, r.Outcomes(1))
		})
	}
}

func TestTheLastOfSeveralChannelsIsTheOneThatIsAskedOnceMore(t *testing.T) {
	first, second := harness.NewUpstream(t, false, harness.Refusing(503)), harness.NewUpstream(t, false, inTurn(harness.Refusing(500), harness.AnswersAsAsked))
	r := harness.StartRelay(t, harness.TwoChannels(first, second, ""))
	status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
	assert.Equal(t, 200, status, answer)
	r.Outcomes(3)
	assert.EqualValues(t, 1, first.Requests.Load())
	assert.EqualValues(t, 2, second.Requests.Load())
}

func TestAShortRetryAfterIsWaitedFor(t *testing.T) {
	u := harness.NewUpstream(t, false, inTurn(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Retry-After-Ms", "700")
		harness.Refusing(429)(w, r)
	}, harness.AnswersAsAsked))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	began := time.Now()
	status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
	assert.Equal(t, 200, status, answer)
	assert.GreaterOrEqual(t, time.Since(began), 700*time.Millisecond)
	r.Eventually("its end", func() bool { return len(r.RequestEnds()) == 1 })
	assert.GreaterOrEqual(t, r.RequestEnd(0).Waited, 700*time.Millisecond, "it is no overhead of the relay's")
}

func TestWhoWaitsForAnotherTryHoldsNothingAndCanLeave(t *testing.T) {
	for name, end := range map[string]func(t *testing.T, r *harness.Relay, leave context.CancelFunc, id string){
		"client_gone": func(_ *testing.T, _ *harness.Relay, leave context.CancelFunc, _ string) { leave() },
		"operator_ended": func(t *testing.T, r *harness.Relay, _ context.CancelFunc, id string) {
			status, _ := r.Operate(http.MethodDelete, "/api/monitor/requests/"+id)
			assert.Equal(t, 200, status)
		},
		"shutdown": func(_ *testing.T, r *harness.Relay, _ context.CancelFunc, _ string) { r.Stop() },
	} {
		t.Run(name, func(t *testing.T) {
			u := harness.NewUpstream(t, false, harness.Refusing(503))
			r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ", max_concurrent: 1"), harness.WithPause(time.Hour),
				harness.WithEnv("ADMIN_TOKEN", harness.AdminToken, "KEEPALIVE_INTERVAL", "0.01", "SHUTDOWN_TIMEOUT", "0.05"))
			before := runtime.NumGoroutine()
			ctx, leave := context.WithCancel(context.Background())
			defer leave()
			response, err := r.Post(ctx, "/v1/chat/completions", harness.ChatStream)
			require.NoError(t, err, "a keep-alive says that the relay is there")
			line, err := bufio.NewReader(response.Body).ReadString('\n')
			require.NoError(t, err)
			assert.Equal(t, ": ping\n", line)
			is := r.InPhase("waiting")
			assert.Zero(t, r.Server.Pool().InFlight(), "it holds no place")
			end(t, r, leave, is.ID)
			rest, _ := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if name != "client_gone" {
				assert.Contains(t, string(rest), `"code":"`+name+`"`)
			}
			r.Eventually("its end", func() bool { return len(r.RequestEnds()) == 1 })
			assert.Equal(t, name, r.RequestEnd(0).Outcome.String())
			assert.Equal(t, []string{"upstream_status"}, r.Outcomes(1))
			r.RequireQuiet(before, u)
		})
	}
}

func TestAnUpstreamInTroubleIsNotAskedTwiceByEverybody(t *testing.T) {
	u := harness.NewUpstream(t, false, harness.Refusing(503))
	r := harness.StartRelay(t, harness.OpenAIChannel("a", u, ""))
	const calls = 50
	for range calls {
		_, _, _ = r.Ask("/v1/chat/completions", harness.Chat)
	}
	again := u.Requests.Load() - calls
	assert.GreaterOrEqual(t, again, int64(1))
	assert.LessOrEqual(t, again, int64(calls/10+1))
}

func TestAChannelIsTriedAgainBeforeAnotherOneWhereItSaysSo(t *testing.T) {
	for _, c := range []struct {
		name, env     string
		handle        http.HandlerFunc
		first, second int64
	}{
		{"and answers", "3", inTurn(harness.Refusing(503), harness.Refusing(503), harness.AnswersAsAsked), 3, 0},
		{"and fails as often as it may", "3", harness.Refusing(503), 3, 1},
		{"and is limited", "3", harness.Refusing(429), 3, 1},
		{"within the attempts that there are", "2", harness.Refusing(503), 3, 0},
		{"but not after a timeout", "3", harness.Hangs, 1, 1},
		{"but not where a key is refused", "3", harness.Answers(401, `{"error":{"code":"invalid_api_key"}}`), 1, 1},
		{"but not where it wants to be left alone for long", "3", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", "60")
			harness.Refusing(429)(w, r)
		}, 1, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			u, healthy := harness.NewUpstream(t, false, c.handle), harness.NewUpstream(t, false, harness.AnswersAsAsked)
			r := harness.StartRelay(t, harness.TwoChannels(u, healthy, ", retry_same: 2, timeouts: {header: 200ms}"), harness.WithEnv("RETRY_TIMES", c.env))
			before := runtime.NumGoroutine()
			_, _, _ = r.Ask("/v1/chat/completions", harness.Chat)
			r.Outcomes(int(c.first + c.second))
			assert.Equal(t, c.first, u.Requests.Load())
			assert.Equal(t, c.second, healthy.Requests.Load())
			r.RequireQuiet(before, u, healthy)
		})
	}
}

func TestASilentStreamAtAProvidersOwnHostGoesOnWhileThereIsAnotherChannel(t *testing.T) {
	silent, healthy := harness.NewOfficial(t, "api.openai.com", harness.Hangs), harness.NewUpstream(t, false, harness.AnswersAsAsked)
	own := func(more string) string {
		return fmt.Sprintf("channels:\n  - {name: a, type: openai, keys: [sk-up-a], models: [m], priority: 10, proxy: %q%s}\n", silent.Proxy.Url(), more)
	}
	other := fmt.Sprintf("  - {name: b, type: openai, base_url: %q, keys: [sk-up-b], models: [m]}\n", healthy.URL)
	for _, c := range []struct {
		name, yaml, body string
		env              []string
		moves            bool
	}{
		{"a stream", own("") + other, harness.ChatStream, nil, true},
		{"an answer that is not a stream", own("") + other, harness.Chat, nil, false},
		{"the last channel", own(""), harness.ChatStream, nil, false},
		{"the other one is disabled", own("") + strings.Replace(other, "}", ", disabled: true}", 1), harness.ChatStream, nil, false},
		{"no attempt is left", own("") + other, harness.ChatStream, []string{"RETRY_TIMES", "0"}, false},
		{"a clock of its own", own(", timeouts: {header: 1h}") + other, harness.ChatStream, nil, false},
		{"it is switched off", own("") + other, harness.ChatStream, []string{"STREAM_HEADER_TIMEOUT", "0"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := append([]string{"STREAM_HEADER_TIMEOUT", "0.1", "ADMIN_TOKEN", harness.AdminToken}, c.env...)
			r := harness.StartRelay(t, c.yaml, harness.WithEnv(env...), harness.TrustingOfficial(silent))
			answer := r.Later(c.body)
			if !c.moves {
				is := r.InPhase("asking")
				r.Eventually("longer than the wait that others have", func() bool { return r.InFlight(1)[0].AgeSeconds > 0.3 })
				assert.Equal(t, "a", r.InFlight(1)[0].Channel)
				_, _ = r.Operate(http.MethodDelete, "/api/monitor/requests/"+is.ID)
				<-answer
				return
			}
			h := <-answer
			assert.Contains(t, h.Text, "[DONE]")
			assert.Equal(t, []string{"header_timeout", "completed"}, r.Outcomes(2))
			assert.Equal(t, outcome.HeaderTimeout, r.Attempt(0).Outcome)
		})
	}
}

package telemetry

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay"
	"one-api/relay/outcome"
	"one-api/telemetry"
	"one-api/telemetry/otlptest"
	"one-api/testbed/harness"
)

// What the upstream of the good answers says that they cost.
const (
	usedInput, usedOutput, usedCached, usedReasoning = 25, 17, 10, 6

	usedOpenAI = `{"prompt_tokens":25,"completion_tokens":17,"total_tokens":42,"prompt_tokens_details":{"cached_tokens":10},"completion_tokens_details":{"reasoning_tokens":6}}`
)

// ended is one call that ends in a known way. Its model is its name, its channel is "at-" and its name.
type ended struct {
	name      string
	outcome   outcome.Outcome
	errorType string // empty: the outcome's name, or nothing where it completed
	status    string // that the client gets; empty: none
	endpoint  string // path; empty: /v1/chat/completions
	operation string // empty: chat
	kind      string // of the channel; empty: openai
	provider  string // empty: openai
	members   string // of the request, beside the usual ones
	whole     bool   // not a stream
	timeouts  string
	chunks    int  // events with a part of the answer
	noFirst   bool // no event reaches the client
	used      bool // the upstream says what it cost
	again     bool // the channel is asked once more: it is the only one, and the fault may pass
	handle    func(w http.ResponseWriter, r *http.Request)
	call      func(o *harness.Observed, body string) // nil: a client that reads to the end
}

var endings = []ended{
	{name: "good", outcome: outcome.Completed, status: "200", chunks: 4, used: true, handle: func(w http.ResponseWriter, _ *http.Request) {
		harness.Variant{Stream: true}.Header(w)
		for range 4 {
			harness.Say(w, harness.Voice{}.More("words"))
		}
		harness.Say(w, harness.Voice{}.BeforeTerminator()+harness.Event("", `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[],"usage":`+usedOpenAI+`}`)+harness.Voice{}.Terminator())
	}},
	{name: "good-whole", outcome: outcome.Completed, status: "200", whole: true, used: true, handle: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		harness.Say(w, `{"id":"c","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":`+usedOpenAI+`}`)
	}},
	{name: "good-legacy", outcome: outcome.Completed, status: "200", whole: true, endpoint: "/v1/completions", operation: "text_completion",
		handle: harness.Answers(200, `{"id":"c","object":"text_completion","created":1,"model":"up","choices":[{"index":0,"text":"hi","finish_reason":"stop"}]}`)},
	{name: "good-vector", outcome: outcome.Completed, status: "200", whole: true, endpoint: "/v1/embeddings", operation: "embeddings",
		handle: harness.Answers(200, `{"object":"list","model":"up","data":[{"object":"embedding","index":0,"embedding":[0.1]}],"usage":{"prompt_tokens":3,"total_tokens":3}}`)},
	{name: "good-unknown", outcome: outcome.Completed, status: "200", chunks: 1, handle: func(w http.ResponseWriter, r *http.Request) {
		harness.Variant{Stream: true}.Begin(w, r, "words")
		harness.Say(w, strings.Replace(harness.Voice{}.BeforeTerminator(), `"stop"`, `"weary"`, 1)+harness.Voice{}.Terminator())
	}},
	{name: "good-claude", outcome: outcome.Completed, status: "200", chunks: 1, endpoint: "/v1/messages", kind: "anthropic", provider: "anthropic",
		handle: func(w http.ResponseWriter, r *http.Request) { harness.Variant{Stream: true}.Answer(w, r, "words") }},
	{name: "good-converted", outcome: outcome.Completed, status: "200", chunks: 1, endpoint: "/v1/messages", members: `"top_k":4,"temperature":0.5,`,
		handle: func(w http.ResponseWriter, r *http.Request) { harness.Variant{Stream: true}.Answer(w, r, "words") }},
	{name: "client_gone", outcome: outcome.ClientGone, status: "200", chunks: 1, call: leave, handle: harness.BeginAndWait},
	{name: "client_stalled", outcome: outcome.ClientStalled, status: "200", chunks: -1, call: stall, handle: harness.NewFlood(harness.Variant{Stream: true}).Handle},
	{name: "upstream_status", outcome: outcome.UpstreamStatus, errorType: "503", status: "502", noFirst: true, again: true, handle: harness.Answers(503, `{"error":{"message":"overloaded"}}`)},
	{name: "refused", outcome: outcome.UpstreamStatus, errorType: "400", status: "400", whole: true, handle: harness.Answers(400, `{"error":{"message":"no","type":"invalid_request_error"}}`)},
	{name: "connect_failed", outcome: outcome.ConnectFailed, status: "502", noFirst: true, again: true, timeouts: "connect: 5s"},
	{name: "header_timeout", outcome: outcome.HeaderTimeout, status: "504", noFirst: true, timeouts: "header: 100ms", handle: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
	{name: "first_token_timeout", outcome: outcome.FirstTokenTimeout, status: "504", noFirst: true, timeouts: "first_token: 100ms",
		handle: func(w http.ResponseWriter, r *http.Request) {
			harness.Variant{Stream: true}.Header(w)
			<-r.Context().Done()
		}},
	{name: "idle_timeout", outcome: outcome.IdleTimeout, status: "200", chunks: 1, timeouts: "idle: 500ms", handle: harness.BeginAndWait},
	{name: "upstream_reset", outcome: outcome.UpstreamReset, status: "200", chunks: 1, handle: func(w http.ResponseWriter, r *http.Request) {
		harness.Variant{Stream: true}.Begin(w, r, harness.FromFaulty)
		panic(http.ErrAbortHandler)
	}},
	{name: "upstream_truncated", outcome: outcome.UpstreamTruncated, status: "200", chunks: 1,
		handle: func(w http.ResponseWriter, r *http.Request) {
			harness.Variant{Stream: true}.Begin(w, r, harness.FromFaulty)
		}},
	{name: "upstream_error_event", outcome: outcome.UpstreamErrorEvent, status: "200", chunks: 1, handle: func(w http.ResponseWriter, r *http.Request) {
		harness.Variant{Stream: true}.Begin(w, r, harness.FromFaulty)
		harness.Say(w, harness.Voice{}.ComplaintInside("api_error", "server_error", harness.Complained))
	}},
	{name: "upstream_malformed", outcome: outcome.UpstreamMalformed, status: "200", chunks: 1, handle: func(w http.ResponseWriter, r *http.Request) {
		harness.Variant{Stream: true}.Begin(w, r, harness.FromFaulty)
		harness.Say(w, harness.Event("", "no JSON"))
	}},
	{name: "too_large", outcome: outcome.TooLarge, status: "200", chunks: 1, handle: func(w http.ResponseWriter, r *http.Request) {
		harness.Variant{Stream: true}.Begin(w, r, harness.FromFaulty)
		block := []byte(strings.Repeat("x", 1<<20))
		_, _ = io.WriteString(w, "data: ")
		for r.Context().Err() == nil {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}},
	{name: "operator_ended", outcome: outcome.OperatorEnded, status: "200", chunks: 1, call: beEnded, handle: harness.BeginAndWait},
	{name: "panic", outcome: outcome.Panic, status: "500", noFirst: true, kind: harness.Shaky + "openai",
		handle: func(w http.ResponseWriter, r *http.Request) {
			harness.Variant{Stream: true}.Answer(w, r, harness.FromFaulty)
		}},
	// The last one: it ends the relay.
	{name: "shutdown", outcome: outcome.Shutdown, status: "200", chunks: 1, call: outlast, handle: harness.BeginAndWait},
}

// first posts a streaming body and returns once the first line has come.
func first(o *harness.Observed, ctx context.Context, body string) io.ReadCloser {
	response, err := o.Post(ctx, "/v1/chat/completions", body)
	require.NoError(o.T, err)
	line := bufio.NewReader(response.Body)
	for {
		text, err := line.ReadString('\n')
		require.NoError(o.T, err)
		if strings.Contains(text, harness.FromFaulty) {
			return response.Body
		}
	}
}

// tries is how many attempts the call makes.
func (e ended) tries() int {
	if e.again {
		return 2
	}
	return 1
}

// beEnded has an operator end the call in its middle.
func beEnded(o *harness.Observed, body string) {
	answer := first(o, context.Background(), body)
	status, _ := o.Operate(http.MethodDelete, "/api/monitor/requests/"+o.InFlight(1)[0].ID)
	require.Equal(o.T, http.StatusOK, status)
	_, _ = io.Copy(io.Discard, answer)
	_ = answer.Close()
}

func leave(o *harness.Observed, body string) {
	ctx, cancel := context.WithCancel(context.Background())
	answer := first(o, ctx, body)
	cancel()
	_ = answer.Close()
}

func stall(o *harness.Observed, body string) {
	before := o.Client
	o.Client = harness.LazyClient()
	defer func() { o.Client.CloseIdleConnections(); o.Client = before }()
	n := len(o.Recorded())
	response, err := o.Post(context.Background(), "/v1/chat/completions", body)
	require.NoError(o.T, err)
	require.Eventually(o.T, func() bool { return len(o.Recorded()) > n }, harness.Patience, time.Millisecond)
	_ = response.Body.Close()
}

// outlast is a call that is open while the gauges are looked at, and until the relay has ended.
func outlast(o *harness.Observed, body string) {
	answer := first(o, context.Background(), body)
	defer func() { _ = answer.Close() }()
	at := otlptest.Attrs{telemetry.AttrChannel: "at-shutdown"}
	for name, attrs := range map[string]otlptest.Attrs{
		telemetry.ChannelInFlight:   at,
		telemetry.ChannelOpenBodies: at,
		telemetry.OpenConnections:   {telemetry.AttrChannel: "at-shutdown", telemetry.AttrConnectionState: "active"},
		telemetry.HTTPActive:        {telemetry.AttrMethod: "POST"},
	} {
		require.Eventually(o.T, func() bool { n, _ := o.Received.Gauge(name, attrs); return n == 1 }, harness.Patience, 5*time.Millisecond, name)
	}
	require.Eventually(o.T, func() bool { age, _ := o.Received.Gauge(telemetry.ChannelOldest, at); return age > 0 }, harness.Patience, 5*time.Millisecond)
	o.Stop()
	err := <-o.Ended
	require.ErrorIs(o.T, err, relay.ErrCut)
	o.Ended <- nil
}

// body is what the call sends.
func (e ended) body() string {
	if e.operation == "embeddings" {
		return fmt.Sprintf(`{"model":%q,"input":"hi"}`, e.name)
	}
	if e.operation == "text_completion" {
		return fmt.Sprintf(`{"model":%q,"prompt":"hi"}`, e.name)
	}
	return fmt.Sprintf(`{%s"model":%q,"stream":%t,"max_tokens":64,"messages":[{"role":"user","content":"hi"}]}`, e.members, e.name, !e.whole)
}

// attributes is the attempt's, and those of it that the client's request shares.
func (e ended) attributes() (attempt, request otlptest.Attrs) {
	request = otlptest.Attrs{
		telemetry.AttrOperation: harness.OrElse(e.operation, "chat"), telemetry.AttrModel: e.name, telemetry.AttrOutcome: e.outcome.String(),
	}
	if e.outcome != outcome.Completed {
		request[telemetry.AttrErrorType] = harness.OrElse(e.errorType, e.outcome.String())
	}
	attempt = otlptest.Attrs{telemetry.AttrChannel: "at-" + e.name, telemetry.AttrProvider: harness.OrElse(e.provider, "openai")}
	for key, value := range request {
		attempt[key] = value
	}
	return attempt, request
}

// endInEveryWay runs a relay with a channel for each ending, and lets one call end in each of these ways, and some be turned
// away. Then it stops the relay: all is exported when it returns.
func endInEveryWay(t *testing.T, protocol string) *harness.Observed {
	received := otlptest.Start(t)
	harness.ExportTo(t, received, protocol)
	t.Setenv("OTEL_METRIC_EXPORT_INTERVAL", "50") // the gauges are looked at
	tremor := harness.WithShakyProviders(t)
	tremor.Set("Event", 0)
	byModel := map[string]ended{}
	for _, e := range endings {
		byModel[e.name] = e
	}
	u := harness.NewUpstream(t, false, func(w http.ResponseWriter, r *http.Request) { byModel[harness.ModelOf(r)].handle(w, r) })
	limited := harness.NewUpstream(t, false, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	var yaml strings.Builder
	yaml.WriteString("channels:\n")
	for _, e := range endings {
		at := u.URL
		if e.handle == nil {
			at = harness.RefusingAddress(t)
		}
		fmt.Fprintf(&yaml, "  - {name: at-%s, type: %s, base_url: %q, keys: [sk-up-a], models: [%s], timeouts: {%s}}\n", e.name, harness.OrElse(e.kind, "openai"), at, e.name, e.timeouts)
	}
	fmt.Fprintf(&yaml, "  - {name: at-limit, type: openai, base_url: %q, keys: [sk-up-a], models: [limited]}\n", limited.URL)
	fmt.Fprintf(&yaml, "  - {name: at-nowhere, type: openai, base_url: %q, keys: [sk-up-a], models: [nowhere], disabled: true}\n", limited.URL)
	good := harness.NewUpstream(t, false, harness.Answers(200, harness.WholeAnswer))
	fmt.Fprintf(&yaml, "  - {name: at-failing, type: openai, base_url: %q, keys: [sk-up-a], models: [failing], priority: 9}\n", harness.RefusingAddress(t))
	fmt.Fprintf(&yaml, "  - {name: at-taking-over, type: openai, base_url: %q, keys: [sk-up-a], models: [failing]}\n", good.URL)
	cut := harness.NewUpstream(t, false, func(w http.ResponseWriter, _ *http.Request) {
		harness.Variant{Stream: true}.Header(w)
		harness.Say(w, harness.Voice{}.More("Once upon "))
	})
	rest := harness.NewUpstream(t, false, func(w http.ResponseWriter, _ *http.Request) {
		harness.Variant{Stream: true}.Header(w)
		harness.Say(w, harness.Voice{}.More("a time.")+harness.Voice{}.BeforeTerminator()+harness.Voice{}.Terminator())
	})
	fmt.Fprintf(&yaml, "  - {name: at-breaking, type: openai, base_url: %q, keys: [sk-up-a], models: [breaking], priority: 9, resume: true}\n", cut.URL)
	fmt.Fprintf(&yaml, "  - {name: at-finishing, type: openai, base_url: %q, keys: [sk-up-a], models: [breaking], resume: true}\n", rest.URL)
	o := harness.StartObserved(t, received, 500, yaml.String(), harness.WithLedger(), harness.WithListener(harness.Narrow), harness.WithEnv("ADMIN_TOKEN", harness.AdminToken, "CLIENT_WRITE_TIMEOUT", "500ms", "SHUTDOWN_TIMEOUT", "0.05"))

	beTurnedAway(o, t)
	status, _, _ := o.Ask("/v1/chat/completions", `{"model":"failing","messages":[]}`)
	require.Equal(t, 200, status)
	status, text, _ := o.Ask("/v1/chat/completions", `{"model":"breaking","stream":true,"messages":[{"role":"user","content":"hi"}]}`)
	require.Equal(t, 200, status)
	require.Contains(t, text, "[DONE]")
	require.NoError(t, o.Server.Reload())
	require.NoError(t, os.WriteFile(o.File, []byte("channels: no list"), 0o600))
	require.Error(t, o.Server.Reload())
	attempts := len(o.Recorded())
	for _, e := range endings {
		if e.call != nil {
			e.call(o, e.body())
		} else {
			_, _, _ = read(o, e)
		}
		attempts += e.tries()
		o.Outcomes(attempts)
	}
	o.Finished()
	require.Empty(t, received.Problems())
	return o
}

// read makes the call and reads to its end, however that comes.
func read(o *harness.Observed, e ended) (status int, text string, err error) {
	response, err := o.Post(context.Background(), harness.OrElse(e.endpoint, "/v1/chat/completions"), e.body())
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	all, err := io.ReadAll(response.Body)
	return response.StatusCode, string(all), err
}

// beTurnedAway makes one call for each reason to be turned away. The one for limit needs an attempt first, which limits the key.
func beTurnedAway(o *harness.Observed, t *testing.T) {
	t.Helper()
	for _, c := range []struct {
		body, key string
		status    int
	}{
		{`{"model":"good","messages":[]}`, "sk-wrong", http.StatusUnauthorized},
		{`{"model":"unheard-of","messages":[]}`, harness.Key, http.StatusNotFound},
		{`no JSON`, harness.Key, http.StatusBadRequest},
		{`{"model":"nowhere","messages":[]}`, harness.Key, http.StatusServiceUnavailable},
		{`{"model":"limited","messages":[]}`, harness.Key, http.StatusTooManyRequests},
		{`{"model":"limited","messages":[]}`, harness.Key, http.StatusTooManyRequests},
	} {
		request, err := http.NewRequest(http.MethodPost, o.URL+"/v1/chat/completions", strings.NewReader(c.body))
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+c.key)
		response, err := o.Client.Do(request)
		require.NoError(t, err)
		_ = response.Body.Close()
		require.Equal(t, c.status, response.StatusCode, c.body)
	}
}

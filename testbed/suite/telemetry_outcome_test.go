package suite

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
	call      func(o *observed, body string) // nil: a client that reads to the end
}

var endings = []ended{
	{name: "good", outcome: outcome.Completed, status: "200", chunks: 4, used: true, handle: func(w http.ResponseWriter, _ *http.Request) {
		variant{stream: true}.header(w)
		for range 4 {
			say(w, voice{}.more("words"))
		}
		say(w, voice{}.beforeTerminator()+event("", `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"up","choices":[],"usage":`+usedOpenAI+`}`)+voice{}.terminator())
	}},
	{name: "good-whole", outcome: outcome.Completed, status: "200", whole: true, used: true, handle: func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		say(w, `{"id":"c","object":"chat.completion","created":1,"model":"up","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":`+usedOpenAI+`}`)
	}},
	{name: "good-legacy", outcome: outcome.Completed, status: "200", whole: true, endpoint: "/v1/completions", operation: "text_completion",
		handle: answers(200, `{"id":"c","object":"text_completion","created":1,"model":"up","choices":[{"index":0,"text":"hi","finish_reason":"stop"}]}`)},
	{name: "good-vector", outcome: outcome.Completed, status: "200", whole: true, endpoint: "/v1/embeddings", operation: "embeddings",
		handle: answers(200, `{"object":"list","model":"up","data":[{"object":"embedding","index":0,"embedding":[0.1]}],"usage":{"prompt_tokens":3,"total_tokens":3}}`)},
	{name: "good-unknown", outcome: outcome.Completed, status: "200", chunks: 1, handle: func(w http.ResponseWriter, r *http.Request) {
		variant{stream: true}.begin(w, r, "words")
		say(w, strings.Replace(voice{}.beforeTerminator(), `"stop"`, `"weary"`, 1)+voice{}.terminator())
	}},
	{name: "good-claude", outcome: outcome.Completed, status: "200", chunks: 1, endpoint: "/v1/messages", kind: "anthropic", provider: "anthropic",
		handle: func(w http.ResponseWriter, r *http.Request) { variant{stream: true}.answer(w, r, "words") }},
	{name: "good-converted", outcome: outcome.Completed, status: "200", chunks: 1, endpoint: "/v1/messages", members: `"top_k":4,"temperature":0.5,`,
		handle: func(w http.ResponseWriter, r *http.Request) { variant{stream: true}.answer(w, r, "words") }},
	{name: "client_gone", outcome: outcome.ClientGone, status: "200", chunks: 1, call: (*observed).leave, handle: beginAndWait},
	{name: "client_stalled", outcome: outcome.ClientStalled, status: "200", chunks: -1, call: (*observed).stall, handle: newFlood(variant{stream: true}).handle},
	{name: "upstream_status", outcome: outcome.UpstreamStatus, errorType: "503", status: "502", noFirst: true, again: true, handle: answers(503, `{"error":{"message":"overloaded"}}`)},
	{name: "refused", outcome: outcome.UpstreamStatus, errorType: "400", status: "400", whole: true, handle: answers(400, `{"error":{"message":"no","type":"invalid_request_error"}}`)},
	{name: "connect_failed", outcome: outcome.ConnectFailed, status: "502", noFirst: true, again: true, timeouts: "connect: 5s"},
	{name: "header_timeout", outcome: outcome.HeaderTimeout, status: "504", noFirst: true, timeouts: "header: 100ms", handle: func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
	{name: "first_token_timeout", outcome: outcome.FirstTokenTimeout, status: "504", noFirst: true, timeouts: "first_token: 100ms",
		handle: func(w http.ResponseWriter, r *http.Request) { variant{stream: true}.header(w); <-r.Context().Done() }},
	{name: "idle_timeout", outcome: outcome.IdleTimeout, status: "200", chunks: 1, timeouts: "idle: 500ms", handle: beginAndWait},
	{name: "upstream_reset", outcome: outcome.UpstreamReset, status: "200", chunks: 1, handle: func(w http.ResponseWriter, r *http.Request) {
		variant{stream: true}.begin(w, r, fromFaulty)
		panic(http.ErrAbortHandler)
	}},
	{name: "upstream_truncated", outcome: outcome.UpstreamTruncated, status: "200", chunks: 1,
		handle: func(w http.ResponseWriter, r *http.Request) { variant{stream: true}.begin(w, r, fromFaulty) }},
	{name: "upstream_error_event", outcome: outcome.UpstreamErrorEvent, status: "200", chunks: 1, handle: func(w http.ResponseWriter, r *http.Request) {
		variant{stream: true}.begin(w, r, fromFaulty)
		say(w, voice{}.complaintInside("api_error", "server_error", complained))
	}},
	{name: "upstream_malformed", outcome: outcome.UpstreamMalformed, status: "200", chunks: 1, handle: func(w http.ResponseWriter, r *http.Request) {
		variant{stream: true}.begin(w, r, fromFaulty)
		say(w, event("", "no JSON"))
	}},
	{name: "too_large", outcome: outcome.TooLarge, status: "200", chunks: 1, handle: func(w http.ResponseWriter, r *http.Request) {
		variant{stream: true}.begin(w, r, fromFaulty)
		block := []byte(strings.Repeat("x", 1<<20))
		_, _ = io.WriteString(w, "data: ")
		for r.Context().Err() == nil {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	}},
	{name: "operator_ended", outcome: outcome.OperatorEnded, status: "200", chunks: 1, call: (*observed).beEnded, handle: beginAndWait},
	{name: "panic", outcome: outcome.Panic, status: "500", noFirst: true, kind: shaky + "openai",
		handle: func(w http.ResponseWriter, r *http.Request) { variant{stream: true}.answer(w, r, fromFaulty) }},
	// The last one: it ends the relay.
	{name: "shutdown", outcome: outcome.Shutdown, status: "200", chunks: 1, call: (*observed).outlast, handle: beginAndWait},
}

func beginAndWait(w http.ResponseWriter, r *http.Request) {
	variant{stream: true}.begin(w, r, fromFaulty)
	<-r.Context().Done()
}

// first posts a streaming body and returns once the first line has come.
func (o *observed) first(ctx context.Context, body string) io.ReadCloser {
	response, err := o.post(ctx, "/v1/chat/completions", body)
	require.NoError(o.t, err)
	line := bufio.NewReader(response.Body)
	for {
		text, err := line.ReadString('\n')
		require.NoError(o.t, err)
		if strings.Contains(text, fromFaulty) {
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
func (o *observed) beEnded(body string) {
	answer := o.first(context.Background(), body)
	status, _ := o.operate(http.MethodDelete, "/api/monitor/requests/"+o.inFlight(1)[0].ID)
	require.Equal(o.t, http.StatusOK, status)
	_, _ = io.Copy(io.Discard, answer)
	_ = answer.Close()
}

func (o *observed) leave(body string) {
	ctx, cancel := context.WithCancel(context.Background())
	answer := o.first(ctx, body)
	cancel()
	_ = answer.Close()
}

func (o *observed) stall(body string) {
	before := o.client
	o.client = lazyClient()
	defer func() { o.client.CloseIdleConnections(); o.client = before }()
	n := len(o.recorded())
	response, err := o.post(context.Background(), "/v1/chat/completions", body)
	require.NoError(o.t, err)
	require.Eventually(o.t, func() bool { return len(o.recorded()) > n }, patience, time.Millisecond)
	_ = response.Body.Close()
}

// outlast is a call that is open while the gauges are looked at, and until the relay has ended.
func (o *observed) outlast(body string) {
	answer := o.first(context.Background(), body)
	defer func() { _ = answer.Close() }()
	at := otlptest.Attrs{telemetry.AttrChannel: "at-shutdown"}
	for name, attrs := range map[string]otlptest.Attrs{
		telemetry.ChannelInFlight:   at,
		telemetry.ChannelOpenBodies: at,
		telemetry.OpenConnections:   {telemetry.AttrChannel: "at-shutdown", telemetry.AttrConnectionState: "active"},
		telemetry.HTTPActive:        {telemetry.AttrMethod: "POST"},
	} {
		require.Eventually(o.t, func() bool { n, _ := o.received.Gauge(name, attrs); return n == 1 }, patience, 5*time.Millisecond, name)
	}
	require.Eventually(o.t, func() bool { age, _ := o.received.Gauge(telemetry.ChannelOldest, at); return age > 0 }, patience, 5*time.Millisecond)
	o.stop()
	err := <-o.ended
	require.ErrorIs(o.t, err, relay.ErrCut)
	o.ended <- nil
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
		telemetry.AttrOperation: orElse(e.operation, "chat"), telemetry.AttrModel: e.name, telemetry.AttrOutcome: e.outcome.String(),
	}
	if e.outcome != outcome.Completed {
		request[telemetry.AttrErrorType] = orElse(e.errorType, e.outcome.String())
	}
	attempt = otlptest.Attrs{telemetry.AttrChannel: "at-" + e.name, telemetry.AttrProvider: orElse(e.provider, "openai")}
	for key, value := range request {
		attempt[key] = value
	}
	return attempt, request
}

func orElse(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

// endInEveryWay runs a relay with a channel for each ending, and lets one call end in each of these ways, and some be turned
// away. Then it stops the relay: all is exported when it returns.
func endInEveryWay(t *testing.T, protocol string) *observed {
	received := otlptest.Start(t)
	exportTo(t, received, protocol)
	t.Setenv("OTEL_METRIC_EXPORT_INTERVAL", "50") // the gauges are looked at
	tremor := withShakyProviders(t)
	tremor.set("Event", 0)
	byModel := map[string]ended{}
	for _, e := range endings {
		byModel[e.name] = e
	}
	u := newUpstream(t, false, func(w http.ResponseWriter, r *http.Request) { byModel[modelOf(r)].handle(w, r) })
	limited := newUpstream(t, false, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "60")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	var yaml strings.Builder
	yaml.WriteString("channels:\n")
	for _, e := range endings {
		at := u.URL
		if e.handle == nil {
			at = refusingAddress(t)
		}
		fmt.Fprintf(&yaml, "  - {name: at-%s, type: %s, base_url: %q, keys: [sk-up-a], models: [%s], timeouts: {%s}}\n", e.name, orElse(e.kind, "openai"), at, e.name, e.timeouts)
	}
	fmt.Fprintf(&yaml, "  - {name: at-limit, type: openai, base_url: %q, keys: [sk-up-a], models: [limited]}\n", limited.URL)
	fmt.Fprintf(&yaml, "  - {name: at-nowhere, type: openai, base_url: %q, keys: [sk-up-a], models: [nowhere], disabled: true}\n", limited.URL)
	good := newUpstream(t, false, answers(200, wholeAnswer))
	fmt.Fprintf(&yaml, "  - {name: at-failing, type: openai, base_url: %q, keys: [sk-up-a], models: [failing], priority: 9}\n", refusingAddress(t))
	fmt.Fprintf(&yaml, "  - {name: at-taking-over, type: openai, base_url: %q, keys: [sk-up-a], models: [failing]}\n", good.URL)
	cut := newUpstream(t, false, func(w http.ResponseWriter, _ *http.Request) {
		variant{stream: true}.header(w)
		say(w, voice{}.more("Once upon "))
	})
	rest := newUpstream(t, false, func(w http.ResponseWriter, _ *http.Request) {
		variant{stream: true}.header(w)
		say(w, voice{}.more("a time.")+voice{}.beforeTerminator()+voice{}.terminator())
	})
	fmt.Fprintf(&yaml, "  - {name: at-breaking, type: openai, base_url: %q, keys: [sk-up-a], models: [breaking], priority: 9, resume: true}\n", cut.URL)
	fmt.Fprintf(&yaml, "  - {name: at-finishing, type: openai, base_url: %q, keys: [sk-up-a], models: [breaking], resume: true}\n", rest.URL)
	o := startObserved(t, received, 500, yaml.String(), withListener(narrow), withEnv("ADMIN_TOKEN", adminToken, "CLIENT_WRITE_TIMEOUT", "500ms", "SHUTDOWN_TIMEOUT", "0.05"))

	o.beTurnedAway(t)
	status, _, _ := o.ask("/v1/chat/completions", `{"model":"failing","messages":[]}`)
	require.Equal(t, 200, status)
	status, text, _ := o.ask("/v1/chat/completions", `{"model":"breaking","stream":true,"messages":[{"role":"user","content":"hi"}]}`)
	require.Equal(t, 200, status)
	require.Contains(t, text, "[DONE]")
	require.NoError(t, o.server.Reload())
	require.NoError(t, os.WriteFile(o.file, []byte("channels: no list"), 0o600))
	require.Error(t, o.server.Reload())
	attempts := len(o.recorded())
	for _, e := range endings {
		if e.call != nil {
			e.call(o, e.body())
		} else {
			_, _, _ = o.read(e)
		}
		attempts += e.tries()
		o.outcomes(attempts)
	}
	o.finished()
	require.Empty(t, received.Problems())
	return o
}

// read makes the call and reads to its end, however that comes.
func (o *observed) read(e ended) (status int, text string, err error) {
	response, err := o.post(context.Background(), orElse(e.endpoint, "/v1/chat/completions"), e.body())
	if err != nil {
		return 0, "", err
	}
	defer func() { _ = response.Body.Close() }()
	all, err := io.ReadAll(response.Body)
	return response.StatusCode, string(all), err
}

// beTurnedAway makes one call for each reason to be turned away. The one for limit needs an attempt first, which limits the key.
func (o *observed) beTurnedAway(t *testing.T) {
	t.Helper()
	for _, c := range []struct {
		body, key string
		status    int
	}{
		{`{"model":"good","messages":[]}`, "sk-wrong", http.StatusUnauthorized},
		{`{"model":"unheard-of","messages":[]}`, testKey, http.StatusNotFound},
		{`no JSON`, testKey, http.StatusBadRequest},
		{`{"model":"nowhere","messages":[]}`, testKey, http.StatusServiceUnavailable},
		{`{"model":"limited","messages":[]}`, testKey, http.StatusTooManyRequests},
		{`{"model":"limited","messages":[]}`, testKey, http.StatusTooManyRequests},
	} {
		request, err := http.NewRequest(http.MethodPost, o.URL+"/v1/chat/completions", strings.NewReader(c.body))
		require.NoError(t, err)
		request.Header.Set("Authorization", "Bearer "+c.key)
		response, err := o.client.Do(request)
		require.NoError(t, err)
		_ = response.Body.Close()
		require.Equal(t, c.status, response.StatusCode, c.body)
	}
}

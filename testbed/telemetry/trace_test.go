package telemetry

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"one-api/telemetry"
	"one-api/testbed/harness"
)

// traced is the traces of a relay.
type traced struct {
	*harness.Relay
	spans *tracetest.InMemoryExporter
}

// startTraced is startRelay with tracing of the calls that the sampler chooses.
func startTraced(t *testing.T, sampler sdktrace.Sampler, yaml string, options ...harness.RelayOption) *traced {
	t.Helper()
	spans := tracetest.NewInMemoryExporter()
	tracing, provider := telemetry.NewTracing("v0.0.0-test", sampler, sdktrace.WithSyncer(spans))
	t.Cleanup(func() { require.NoError(t, provider.Shutdown(context.Background())) })
	options = append(options, func(c *harness.RelayConfig) {
		c.Telemetry, c.Logs = &telemetry.Telemetry{Tracing: tracing}, telemetry.TraceIDs
	})
	return &traced{harness.StartRelay(t, yaml, options...), spans}
}

// ended waits for the end of n requests, and gives the server's and the clients' spans of the last one, in order of their ends.
func (r *traced) ended(n int) (server tracetest.SpanStub, clients []tracetest.SpanStub) {
	r.T.Helper()
	require.Eventually(r.T, func() bool { return len(r.RequestEnds()) >= n }, harness.Patience, time.Millisecond)
	all := r.spans.GetSpans()
	require.NotEmpty(r.T, all)
	server = all[len(all)-1]
	require.Equal(r.T, trace.SpanKindServer, server.SpanKind)
	for _, s := range all[:len(all)-1] {
		if s.SpanContext.TraceID() == server.SpanContext.TraceID() {
			require.Equal(r.T, trace.SpanKindClient, s.SpanKind)
			require.Equal(r.T, server.SpanContext.SpanID(), s.Parent.SpanID())
			clients = append(clients, s)
		}
	}
	return server, clients
}

// said is a span's attributes as text.
func said(s tracetest.SpanStub) map[string]string {
	all := map[string]string{}
	for _, a := range s.Attributes {
		all[string(a.Key)] = a.Value.String()
	}
	return all
}

const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-"

// askFrom posts with a traceparent header; empty: without.
func (r *traced) askFrom(parent, body string) {
	r.T.Helper()
	request, err := http.NewRequest(http.MethodPost, r.URL+"/v1/chat/completions", strings.NewReader(body))
	require.NoError(r.T, err)
	request.Header.Set("Authorization", "Bearer "+harness.Key)
	if parent != "" {
		request.Header.Set("traceparent", parent)
		request.Header.Set("tracestate", "vendor=value")
	}
	response, err := r.Client.Do(request)
	require.NoError(r.T, err)
	_, err = io.Copy(io.Discard, response.Body)
	require.NoError(r.T, err)
	require.NoError(r.T, response.Body.Close())
}

const (
	askStream = `{"model":"gpt-x","stream":true,"messages":[{"role":"user","content":"the secret question"}]}`
	askWhole  = `{"model":"gpt-x","messages":[{"role":"user","content":"the secret question"}]}`
	aPiece    = `data: {"id":"c","object":"chat.completion.chunk","model":"gpt-x","choices":[{"index":0,"delta":{"content":"the secret answer"}}]}` + "\n\n"
	theEnd    = `data: {"id":"c","object":"chat.completion.chunk","model":"gpt-x","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":2}}}` + "\n\ndata: [DONE]\n\n"
	aWhole    = `{"id":"c","object":"chat.completion","model":"gpt-x","choices":[{"index":0,"message":{"role":"assistant","content":"the secret answer"},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":5,"total_tokens":14}}`
)

func streams(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/event-stream")
}

func answersStream(w http.ResponseWriter, _ *http.Request) {
	streams(w)
	harness.Say(w, aPiece)
	harness.Say(w, aPiece)
	harness.Say(w, theEnd)
}

func answersWhole(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	harness.Say(w, aWhole)
}

func refuses(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(http.StatusServiceUnavailable)
	harness.Say(w, `{"error":{"message":"the secret question is too much","type":"server_error"}}`)
}

func hangsUp(w http.ResponseWriter, _ *http.Request) {
	conn, _, _ := http.NewResponseController(w).Hijack()
	_ = conn.Close()
}

// gptX is a channel's YAML.
func gptX(u *harness.Upstream, name, more string) string {
	return fmt.Sprintf("  - {name: %s, type: openai, base_url: %q, keys: [sk-up-a], models: [gpt-x]%s}\n", name, u.URL, more)
}

func TestOneTraceShowsTheAttemptsThatFailedAndTheOneThatAnswered(t *testing.T) {
	first, second, third := harness.NewUpstream(t, false, refuses), harness.NewUpstream(t, false, hangsUp), harness.NewUpstream(t, false, answersStream)
	r := startTraced(t, sdktrace.AlwaysSample(), "channels:\n"+
		gptX(first, "first", ", priority: 3")+gptX(second, "second", ", priority: 2")+gptX(third, "third", ", priority: 1"))
	status, _, header := r.Ask("/v1/chat/completions", askStream)
	require.Equal(t, http.StatusOK, status)

	server, clients := r.ended(1)
	require.Equal(t, "POST /v1/chat/completions", server.Name)
	require.False(t, server.Parent.IsValid())
	require.Equal(t, codes.Unset, server.Status.Code)
	require.Equal(t, map[string]string{
		"http.request.method": "POST", "http.route": "/v1/chat/completions", "url.path": "/v1/chat/completions", "url.scheme": "http",
		"http.response.status_code": "200", "gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-x", "relay.outcome": "completed",
		"relay.request.attempts": "3", "relay.request.id": header.Get("X-Oneapi-Request-Id"),
	}, said(server))
	require.Empty(t, server.Events)

	require.Len(t, clients, 3)
	for i, want := range []struct {
		status codes.Code
		more   map[string]string
	}{
		{codes.Error, map[string]string{"relay.channel.name": "first", "relay.outcome": "upstream_status", "error.type": "503", "http.response.status_code": "503"}},
		{codes.Error, map[string]string{"relay.channel.name": "second", "relay.outcome": "upstream_reset", "error.type": "upstream_reset"}},
		{codes.Unset, map[string]string{
			"relay.channel.name": "third", "relay.outcome": "completed", "http.response.status_code": "200",
			"gen_ai.response.id": "c", "gen_ai.response.model": "gpt-x",
			"gen_ai.usage.input_tokens": "9", "gen_ai.usage.output_tokens": "5", "gen_ai.usage.cache_read.input_tokens": "4", "gen_ai.usage.reasoning.output_tokens": "2",
		}},
	} {
		s := clients[i]
		require.Equal(t, "chat gpt-x", s.Name)
		require.Equal(t, want.status, s.Status.Code)
		require.False(t, s.StartTime.Before(server.StartTime))
		require.False(t, s.EndTime.After(server.EndTime))
		got := said(s)
		if i == 2 {
			require.Len(t, s.Events, 1, "one first chunk")
			require.Equal(t, "relay.first_chunk", s.Events[0].Name)
			require.InDelta(t, s.Events[0].Time.Sub(s.StartTime).Seconds(), float(t, s, "gen_ai.response.time_to_first_chunk"), 1e-6)
			delete(got, "gen_ai.response.time_to_first_chunk")
		} else {
			require.Empty(t, s.Events)
		}
		for key, value := range map[string]string{
			"gen_ai.operation.name": "chat", "gen_ai.provider.name": "openai", "gen_ai.request.model": "gpt-x", "gen_ai.request.stream": "true",
		} {
			want.more[key] = value
		}
		require.Equal(t, want.more, got)
	}
	for _, line := range strings.Split(strings.TrimSpace(r.Log.String()), "\n") {
		if strings.Contains(line, "attempt failed") || strings.Contains(line, "request ended") {
			require.Contains(t, line, "trace_id="+server.SpanContext.TraceID().String())
			require.Contains(t, line, "request_id="+header.Get("X-Oneapi-Request-Id"))
		}
	}
	require.Equal(t, 2, strings.Count(r.Log.String(), "attempt failed"))
	r.requireSilent()
}

func float(t *testing.T, s tracetest.SpanStub, key string) float64 {
	t.Helper()
	for _, a := range s.Attributes {
		if string(a.Key) == key {
			require.Equal(t, attribute.FLOAT64, a.Value.Type())
			return a.Value.AsFloat64()
		}
	}
	require.Fail(t, "no "+key)
	return 0
}

// requireSilent looks for what a span must not say, in all that was exported.
func (r *traced) requireSilent() {
	r.T.Helper()
	for _, s := range r.spans.GetSpans() {
		everything := fmt.Sprint(s.Name, s.Status, s.Attributes, s.Events, s.Links, s.SpanContext.TraceState())
		for _, secret := range []string{"secret", "sk-", harness.Key, "127.0.0.1", "Bearer"} {
			require.NotContains(r.T, everything, secret)
		}
	}
}

func TestASpanSaysHowItsCallEnded(t *testing.T) {
	for name, tc := range map[string]struct {
		handle  http.HandlerFunc
		body    string // empty: askStream
		kind    string // of the channel; empty: openai
		more    string // of the channel
		leaves  bool   // the client does, once it has heard something
		outcome string
		error   string // error.type
		status  string // what the client was sent
		server  codes.Code
		clients int
		client  codes.Code
		events  int
		answers string // the upstream's status
	}{
		"a whole answer": {handle: answersWhole, body: askWhole, outcome: "completed", status: "200", clients: 1, answers: "200"},
		"a stream that falls silent after its 200": {
			handle: func(w http.ResponseWriter, r *http.Request) { streams(w); harness.Say(w, aPiece); <-r.Context().Done() }, more: ", timeouts: {idle: 200ms}",
			outcome: "idle_timeout", error: "idle_timeout", status: "200", server: codes.Error, clients: 1, client: codes.Error, events: 1, answers: "200",
		},
		"a stream that is cut after its 200": {
			handle:  func(w http.ResponseWriter, r *http.Request) { streams(w); harness.Say(w, aPiece) },
			outcome: "upstream_truncated", error: "upstream_truncated", status: "200", server: codes.Error, clients: 1, client: codes.Error, events: 1, answers: "200",
		},
		"a stream that fails before its first event": {
			handle: func(w http.ResponseWriter, r *http.Request) {
				streams(w)
				harness.Say(w, "data: {\"error\":{\"message\":\"the secret question\"}}\n\n")
			},
			outcome: "upstream_error_event", error: "upstream_error_event", status: "502", server: codes.Error, clients: 2, client: codes.Error, answers: "200",
		},
		"a client that leaves": {
			handle: func(w http.ResponseWriter, r *http.Request) { streams(w); harness.Say(w, aPiece); <-r.Context().Done() }, leaves: true,
			outcome: "client_gone", error: "client_gone", status: "200", clients: 1, client: codes.Error, events: 1, answers: "200",
		},
		"an upstream that says that the request is wrong": {
			handle: func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusBadRequest)
				harness.Say(w, `{"error":{"message":"the secret question"}}`)
			},
			outcome: "upstream_status", error: "400", status: "400", clients: 1, client: codes.Error, answers: "400",
		},
		"a model that there is not": {
			handle: answersWhole, body: strings.Replace(askWhole, "gpt-x", "gpt-y", 1), outcome: "rejected", error: "rejected", status: "404",
		},
		"a panic before anything was sent": {
			handle: answersWhole, kind: harness.Shaky + "openai", body: askWhole, outcome: "panic", error: "panic", status: "500", server: codes.Error, clients: 1, client: codes.Error,
		},
	} {
		t.Run(name, func(t *testing.T) {
			harness.WithShakyProviders(t).Set("Request", 0)
			if tc.kind == "" {
				tc.kind = "openai"
			}
			if tc.body == "" {
				tc.body = askStream
			}
			u := harness.NewUpstream(t, false, tc.handle)
			r := startTraced(t, sdktrace.AlwaysSample(), "channels:\n"+strings.Replace(gptX(u, "only", tc.more), "type: openai", "type: "+tc.kind, 1))
			ctx, leave := context.WithCancel(context.Background())
			defer leave()
			response, err := r.Post(ctx, "/v1/chat/completions", tc.body)
			require.NoError(t, err)
			if tc.leaves {
				_, _ = response.Body.Read(make([]byte, 16))
				leave()
			}
			_, _ = io.Copy(io.Discard, response.Body)
			_ = response.Body.Close()

			server, clients := r.ended(1)
			require.Equal(t, tc.server, server.Status.Code)
			require.Len(t, clients, tc.clients)
			check := func(s tracetest.SpanStub, status string) {
				got := said(s)
				require.Equal(t, tc.outcome, got["relay.outcome"])
				require.Equal(t, tc.error, got["error.type"])
				require.Equal(t, status, got["http.response.status_code"])
			}
			check(server, tc.status)
			for _, s := range clients {
				require.Equal(t, tc.client, s.Status.Code)
				require.Len(t, s.Events, tc.events)
				check(s, tc.answers)
			}
			r.requireSilent()
		})
	}
}

func TestARequestWithoutAValidKeyIsNotTraced(t *testing.T) {
	u := harness.NewUpstream(t, false, answersWhole)
	r := startTraced(t, sdktrace.AlwaysSample(), "channels:\n"+gptX(u, "only", "")+"\ntokens:\n  - {name: other, key: sk-another-0123456789}\n")
	r.askFrom(traceparent+"01", askWhole)
	require.Eventually(t, func() bool { return len(r.RequestEnds()) == 1 }, harness.Patience, time.Millisecond)
	require.Equal(t, 401, r.RequestEnd(0).Status)
	require.Empty(t, r.spans.GetSpans())
}

func TestATraceContinuesTheOneOfItsClient(t *testing.T) {
	u := harness.NewUpstream(t, false, answersWhole)
	r := startTraced(t, sdktrace.ParentBased(sdktrace.NeverSample()), "channels:\n"+gptX(u, "only", ""))
	r.askFrom(traceparent+"01", askWhole)
	server, clients := r.ended(1)
	require.Equal(t, "4bf92f3577b34da6a3ce929d0e0e4736", server.SpanContext.TraceID().String())
	require.Equal(t, "00f067aa0ba902b7", server.Parent.SpanID().String())
	require.True(t, server.Parent.IsRemote())
	require.Len(t, clients, 1)
	r.spans.Reset()

	for _, parent := range []string{traceparent + "00", "", "nonsense"} {
		r.askFrom(parent, askWhole)
	}
	require.Eventually(t, func() bool { return len(r.RequestEnds()) == 4 }, harness.Patience, time.Millisecond)
	require.Empty(t, r.spans.GetSpans(), "what is not sampled leaves no span, of the attempt neither")
}

func TestAnUpstreamSeesTheTraceOnlyWhereItsChannelAsksForIt(t *testing.T) {
	const propagates = ", propagate_trace: true"
	for name, tc := range map[string]struct {
		sampler sdktrace.Sampler // nil: no tracing at all
		channel string
		parent  string // what the client sends
		want    string // a prefix of the upstream's traceparent; empty: it gets none
		span    bool   // the parent that the upstream sees is the attempt's span
	}{
		"not by default":                              {sdktrace.AlwaysSample(), "", traceparent + "01", "", false},
		"not by default, without tracing":             {nil, "", traceparent + "01", "", false},
		"a trace of the relay's own":                  {sdktrace.AlwaysSample(), propagates, "", "00-", true},
		"the client's trace":                          {sdktrace.AlwaysSample(), propagates, traceparent + "01", traceparent[:36], true},
		"the client's, which is not sampled":          {sdktrace.ParentBased(sdktrace.AlwaysSample()), propagates, traceparent + "00", traceparent + "00", false},
		"the client's, without tracing":               {nil, propagates, traceparent + "01", traceparent + "01", false},
		"none where there is none":                    {nil, propagates, "", "", false},
		"none of what is no trace":                    {nil, propagates, "a line that is no trace", "", false},
		"none of a call that the sampler passed over": {sdktrace.NeverSample(), propagates, "", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			u := harness.NewUpstream(t, false, answersWhole)
			yaml := "channels:\n" + gptX(u, "only", tc.channel)
			r := &traced{}
			if tc.sampler != nil {
				r = startTraced(t, tc.sampler, yaml)
			} else {
				r.Relay = harness.StartRelay(t, yaml)
			}
			r.askFrom(tc.parent, askWhole)
			got := u.LastHeader().Get("Traceparent")
			if tc.want == "" {
				require.Empty(t, got)
				require.Empty(t, u.LastHeader().Get("Tracestate"))
				return
			}
			require.True(t, strings.HasPrefix(got, tc.want), got)
			if tc.span {
				_, clients := r.ended(1)
				require.Equal(t, clients[0].SpanContext.SpanID().String(), strings.Split(got, "-")[2])
			}
			if tc.parent != "" {
				require.Equal(t, "vendor=value", u.LastHeader().Get("Tracestate"))
			}
		})
	}
}

func TestALogLineOfAPanicCarriesTheRequestAndTheTrace(t *testing.T) {
	harness.WithShakyProviders(t).Set("Event", 0)
	u := harness.NewUpstream(t, false, answersStream)
	r := startTraced(t, sdktrace.AlwaysSample(), "channels:\n"+strings.Replace(gptX(u, "only", ""), "type: openai", "type: shaky-openai", 1))
	_, _, header := r.Ask("/v1/chat/completions", askStream)
	server, _ := r.ended(1)
	for _, line := range strings.Split(r.Log.String(), "\n") {
		if strings.Contains(line, "panic in an attempt") {
			require.Contains(t, line, "request_id="+header.Get("X-Oneapi-Request-Id"))
			require.Contains(t, line, "trace_id="+server.SpanContext.TraceID().String())
			return
		}
	}
	require.Fail(t, "no line of the panic", r.Log.String())
}

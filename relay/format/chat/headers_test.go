package chat_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/lane"
	"one-api/relay/lane/lanetest"
	"one-api/relay/wire"
)

// lanes is the ways to a channel of the type.
var lanes = lanetest.Of(lane.OpenAI.Lanes)

// callOf makes a call of a body that names its model "asked".
func callOf(endpoint wire.Endpoint, body string) *lane.Call {
	const value = `"asked"`
	from := strings.Index(body, value)
	return &lane.Call{
		Endpoint: endpoint, Model: "asked", Body: []byte(body), ModelFrom: from, ModelTo: from + len(value), Header: http.Header{},
	}
}

func TestEveryClientEndpointHasALane(t *testing.T) {
	for _, endpoint := range []wire.Endpoint{wire.ChatCompletions, wire.Completions, wire.Embeddings, wire.Messages} {
		assert.True(t, lanes.Serves(endpoint), endpoint.Path())
	}
}

func TestANativeRequestKeepsEveryByteWhereTheModelIsTheSame(t *testing.T) {
	for _, endpoint := range []wire.Endpoint{wire.ChatCompletions, wire.Completions, wire.Embeddings} {
		call := callOf(endpoint, "{ \"a\" : 1e2,\t\"model\":\"asked\", \"a\":null}\n")
		r, err := lanes.Request(call, lane.Destination{Model: "asked"})
		require.NoError(t, err)
		assert.Equal(t, endpoint.Path(), r.Path)
		assert.Empty(t, r.Query)
		assert.Same(t, &call.Body[0], &r.Body[0], "the body is not copied")
		assert.Len(t, r.Body, len(call.Body))
	}
}

func TestANativeRequestChangesOnlyTheMappedModel(t *testing.T) {
	const body = "{ \"a\" : 1e2,\t\"model\":\"asked\", \"b\":\"asked\"}\n"
	call := callOf(wire.ChatCompletions, body)
	r, err := lanes.Request(call, lane.Destination{Model: `real"one`})
	require.NoError(t, err)
	assert.Equal(t, "{ \"a\" : 1e2,\t\"model\":\"real\\\"one\", \"b\":\"asked\"}\n", string(r.Body))
	assert.Equal(t, body, string(call.Body), "attempts share the call")
}

func TestRequestHeaders(t *testing.T) {
	for name, tc := range map[string]struct {
		stream bool
		client http.Header
		want   http.Header
	}{
		"whole": {
			want: http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}},
		},
		"streamed": {
			stream: true,
			want:   http.Header{"Content-Type": {"application/json"}, "Accept": {"text/event-stream"}},
		},
		"only OpenAI-Beta is the client's": {
			client: http.Header{"Openai-Beta": {"assistants=v2", "b"}, "Authorization": {"Bearer client"}, "Openai-Organization": {"org"}, "Cookie": {"c"}, "User-Agent": {"u"}},
			want:   http.Header{"Content-Type": {"application/json"}, "Accept": {"application/json"}, "Openai-Beta": {"assistants=v2", "b"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			call := callOf(wire.ChatCompletions, `{"model":"asked"}`)
			call.Stream, call.Header, call.Query = tc.stream, tc.client, "api_key=client"
			r, err := lanes.Request(call, lane.Destination{Model: "asked"})
			require.NoError(t, err)
			assert.Equal(t, tc.want, r.Header)
			assert.Empty(t, r.Query)
		})
	}
}

func TestAConvertedRequestHasTheHeadersOfAChatCompletion(t *testing.T) {
	call := callOf(wire.Messages, `{"model":"asked","max_tokens":1,"stream":true,"messages":[{"role":"user","content":"hi"}]}`)
	call.Stream = true
	call.Header = http.Header{"Anthropic-Version": {"2023-06-01"}, "X-Api-Key": {"client"}, "Openai-Beta": {"x"}}
	r, err := lanes.Request(call, lane.Destination{Model: "asked"})
	require.NoError(t, err)
	assert.Equal(t, "/v1/chat/completions", r.Path)
	assert.Equal(t, http.Header{
		"Content-Type": {"application/json"}, "Accept": {"text/event-stream"},
	}, r.Header)
}

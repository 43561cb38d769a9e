package chat_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/jsonscan"
	"one-api/relay/lane"
	"one-api/relay/wire"
)

// streamed is a streaming call as the controller reads it.
func streamed(t testing.TB, body string) *lane.Call {
	t.Helper()
	call := &lane.Call{Endpoint: wire.ChatCompletions, Stream: true, Body: []byte(body)}
	require.NoError(t, jsonscan.Object(call.Body, func(m jsonscan.Member) {
		switch string(m.Key) {
		case "model":
			call.Model, _ = jsonscan.String(m.Value)
			call.ModelFrom, call.ModelTo = m.Start, m.End
		case "stream_options":
			call.Options.From, call.Options.To = m.Start, m.End
			_ = jsonscan.Object(m.Value, func(in jsonscan.Member) {
				if string(in.Key) == "include_usage" {
					call.Options.UsageFrom, call.Options.UsageTo = m.Start+in.Start, m.Start+in.End
				}
			})
		}
	}))
	return call
}

func TestAStreamsUsageIsAskedForAndNothingElseIsChanged(t *testing.T) {
	for body, want := range map[string]string{
		`{"model":"asked","stream":true}`:                                     `{"model":"asked","stream":true,"stream_options":{"include_usage":true}}`,
		"{ \"model\" : \"asked\",\n\"b\":1e2 }\n ":                            "{ \"model\" : \"asked\",\n\"b\":1e2 ,\"stream_options\":{\"include_usage\":true}}\n ",
		`{"stream_options":null,"model":"asked"}`:                             `{"stream_options":{"include_usage":true},"model":"asked"}`,
		`{"stream_options":{},"model":"asked"}`:                               `{"stream_options":{"include_usage":true},"model":"asked"}`,
		`{"stream_options":{ },"model":"asked"}`:                              `{"stream_options":{"include_usage":true},"model":"asked"}`,
		`{"model":"asked","stream_options":{"include_obfuscation": false }}`:  `{"model":"asked","stream_options":{"include_usage":true,"include_obfuscation": false }}`,
		`{"stream_options":{"include_usage": false,"x":[1]},"model":"asked"}`: `{"stream_options":{"include_usage": true,"x":[1]},"model":"asked"}`,
		`{"stream_options":{"x":1,"include_usage":null},"model":"asked"}`:     `{"stream_options":{"x":1,"include_usage":true},"model":"asked"}`,
		`{"stream_options":"yes","model":"asked"}`:                            "",
		`{"stream_options":[],"model":"asked"}`:                               "",
		`{"stream_options":7,"model":"asked"}`:                                "",
	} {
		call := streamed(t, body)
		for _, model := range []string{"asked", `re"al`, "a-much-longer-name"} {
			r, err := lanes.Request(call, lane.Destination{Model: model, AskUsage: true})
			require.NoError(t, err)
			quoted, err := json.Marshal(model)
			require.NoError(t, err)
			if want == "" {
				assert.False(t, r.AsksUsage, body)
				assert.Equal(t, strings.Replace(body, `"asked"`, string(quoted), 1), string(r.Body))
				continue
			}
			assert.True(t, r.AsksUsage, body)
			assert.Equal(t, strings.Replace(want, `"asked"`, string(quoted), 1), string(r.Body))
			assert.True(t, json.Valid(r.Body))
			assert.Equal(t, body, string(call.Body), "attempts share the call")
		}
		r, err := lanes.Request(call, lane.Destination{Model: "asked"})
		require.NoError(t, err)
		assert.Same(t, &call.Body[0], &r.Body[0], "nothing is asked, and nothing is copied")
		assert.False(t, r.AsksUsage)
	}
}

func TestAskingForTheUsageCostsOneCopyOfTheBody(t *testing.T) {
	call := streamed(t, `{"stream_options":{"x":1},"model":"asked","stream":true,"messages":[{"role":"user","content":"`+strings.Repeat("x", 1000)+`"}]}`)
	request := func(target lane.Destination) float64 {
		return testing.AllocsPerRun(100, func() { _, _ = lanes.Request(call, target) })
	}
	plain := request(lane.Destination{Model: "asked"})
	assert.Equal(t, plain+1, request(lane.Destination{Model: "asked", AskUsage: true}))
	assert.Equal(t, plain+1, request(lane.Destination{Model: "mapped"}))
	assert.Equal(t, plain+1, request(lane.Destination{Model: "mapped", AskUsage: true}))
}

// TestOnlyWhatSaysNothingButTheUsageIsHidden has chunks of OpenAI, Azure, vLLM and others.
func TestOnlyWhatSaysNothingButTheUsageIsHidden(t *testing.T) {
	for chunk, hidden := range map[string]bool{
		`{"id":"c","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2}}`:                                                    true,
		`{"id":"c","choices":[ ],"usage":{"prompt_tokens":3,"completion_tokens":2},"obfuscation":"x"}`:                                 true,
		`{"id":"c","choices":[],"usage":null,"prompt_filter_results":[{"prompt_index":0}]}`:                                            false,
		`{"id":"c","choices":[],"prompt_filter_results":[{"prompt_index":0}]}`:                                                         false,
		`{"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}`:       false,
		`{"id":"c","choices":[{"index":0,"delta":{"content":"x"}}],"usage":{"prompt_tokens":3,"completion_tokens":1}}`:                 false,
		`{"id":"c","choices":[{"index":0,"finish_reason":null,"content_filter_results":{},"content_filter_offsets":{}}],"usage":null}`: false,
		`{"id":"c","usage":{"prompt_tokens":3,"completion_tokens":2}}`:                                                                 false,
		`{"id":"c","choices":null,"usage":{"prompt_tokens":3,"completion_tokens":2}}`:                                                  false,
	} {
		tr := native()
		passed, err := tr.Event(clean("", chunk))
		require.NoError(t, err, chunk)
		assert.NotEmpty(t, passed.Out, chunk)

		tr = native()
		tr.(lane.UsageHider).HideUsage()
		step, err := tr.Event(clean("", chunk))
		require.NoError(t, err, chunk)
		assert.Equal(t, hidden, len(step.Out) == 0, chunk)
		assert.Equal(t, passed.Content, step.Content, chunk)
		if strings.Contains(chunk, `"prompt_tokens":3`) {
			assert.EqualValues(t, 3, tr.Usage().Input(), "it counts all the same: %s", chunk)
		}
	}
}

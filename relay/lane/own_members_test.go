package lane_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
)

// TestWhatOnlyOpenAIHasIsCarriedBetweenItsAPIs: to others it is left out, and what of that costs something is counted.
func TestWhatOnlyOpenAIHasIsCarriedBetweenItsAPIs(t *testing.T) {
	const (
		inChat = `"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"https://x/a.png","detail":"high"}}]}],` +
			`"prompt_cache_key":"k","safety_identifier":"someone","service_tier":"flex","metadata":{"a":"b"},"verbosity":"low"`
		inResponses = `"input":[{"role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_image","image_url":"https://x/a.png","detail":"high"}]}],` +
			`"prompt_cache_key":"k","safety_identifier":"someone","service_tier":"flex","metadata":{"a":"b"},"text":{"verbosity":"low"},"truncation":"disabled","include":["reasoning.encrypted_content"]`
	)
	for name, tc := range map[string]struct {
		kind, model string
		own         bool
		client      wire.Endpoint
		says        string
		sent        []string
		unsaid      []string
		dropped     []string
	}{
		"from chat to OpenAI's Responses API": {"openai/responses", "gpt-5", true, wire.ChatCompletions, inChat, []string{
			`"prompt_cache_key":"k"`, `"safety_identifier":"someone"`, `"service_tier":"flex"`, `"metadata":{"a":"b"}`, `"verbosity":"low"`, `"detail":"high"`,
		}, nil, nil},
		"from Responses to OpenAI's chat completions": {"openai", "gpt-5", true, wire.ResponsesCreate, inResponses, []string{
			`"prompt_cache_key":"k"`, `"user":"someone"`, `"service_tier":"flex"`, `"verbosity":"low"`, `"detail":"high"`,
		}, []string{"metadata", "truncation", "include"}, nil},
		"from chat to another's Responses API": {"openai/responses", "m", false, wire.ChatCompletions, inChat, []string{`"user":"someone"`, `"detail":"high"`},
			[]string{"prompt_cache_key", "service_tier", "metadata", "verbosity"}, []string{"service_tier", "verbosity"}},
		"from Responses to another's chat completions": {"openai", "m", false, wire.ResponsesCreate, inResponses, []string{`"user":"someone"`, `"detail":"high"`},
			[]string{"prompt_cache_key", "service_tier", "metadata", "verbosity"}, []string{"service_tier", "verbosity"}},
		"to a model that always says as much": {"openai/responses", "gpt-4.1", true, wire.ChatCompletions, inChat, []string{`"prompt_cache_key":"k"`}, []string{"verbosity"}, []string{"verbosity"}},
		"from messages, whose tiers are others": {"openai", "gpt-4.1", true, wire.Messages, `"max_tokens":9,"messages":[{"role":"user","content":"a"}],"service_tier":"standard_only"`,
			nil, []string{"service_tier"}, []string{"service_tier"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := to(t, tc.kind, tc.model, tc.own, tc.client)
			require.NoError(t, s.ask(tc.says))
			for _, member := range tc.sent {
				require.Contains(t, string(s.sent.Body), member)
			}
			for _, member := range tc.unsaid {
				require.NotContains(t, string(s.sent.Body), `"`+member+`"`)
			}
			require.ElementsMatch(t, tc.dropped, s.sent.Converted.Dropped)
		})
	}
}

package lane_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
)

// Further members of the kinds E, C, F and H.

func TestALimitIsOneThatTheModelTakes(t *testing.T) {
	for name, tc := range map[string]struct {
		kind, model, asked string
		client             wire.Endpoint
		member             string
		want               int
		counted            bool
	}{
		"Claude Code's, to gpt-4o":              {"openai", "gpt-4o-2024-08-06", `"max_tokens":32000`, wire.Messages, "max_completion_tokens", 16384, true},
		"as much as there is":                   {"openai", "gpt-4o", `"max_tokens":16384`, wire.Messages, "max_completion_tokens", 16384, false},
		"gpt-4.1":                               {"openai", "gpt-4.1-mini", `"max_tokens":64000`, wire.Messages, "max_completion_tokens", 32768, true},
		"a model that nobody knows":             {"openai", "gpt-x", `"max_tokens":64000`, wire.Messages, "max_completion_tokens", 64000, false},
		"gpt-5":                                 {"openai", "gpt-5", `"max_tokens":64000`, wire.Messages, "max_completion_tokens", 64000, false},
		"a chat client's, to Haiku":             {"anthropic", "claude-3-5-haiku-latest", `"max_tokens":16384`, wire.ChatCompletions, "max_tokens", 8192, true},
		"a chat client's, to Opus":              {"anthropic", "claude-opus-4-1", `"max_tokens":64000`, wire.ChatCompletions, "max_tokens", 32000, true},
		"a chat client's, to Sonnet":            {"anthropic", "claude-sonnet-4-5", `"max_tokens":64000`, wire.ChatCompletions, "max_tokens", 64000, false},
		"a chat client's, to one that is newer": {"anthropic", "claude-opus-4-8", `"max_tokens":128000`, wire.ChatCompletions, "max_tokens", 128000, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := to(t, tc.kind, tc.model, true, tc.client)
			require.EqualValues(t, tc.want, s.saw(tc.asked)[tc.member])
			if tc.counted {
				require.Equal(t, []string{"max_tokens"}, s.sent.Converted.Dropped)
			} else {
				require.Empty(t, s.sent.Converted.Dropped)
			}
		})
	}
}

func TestAConversationReachesAnthropicInTheOrderThatItWants(t *testing.T) {
	for name, tc := range map[string]struct{ messages, want string }{
		"that begins with an answer":           {`{"role":"system","content":"s"},{"role":"assistant","content":"Hello!"},{"role":"user","content":"x"}`, `[{"role":"user","content":[{"type":"text","text":"."}]},{"role":"assistant","content":[{"type":"text","text":"Hello!"}]},{"role":"user","content":[{"type":"text","text":"x"}]}]`},
		"whose end is to be continued":         {`{"role":"user","content":"x"},{"role":"assistant","content":"It is \n"}`, `[{"role":"user","content":[{"type":"text","text":"x"}]},{"role":"assistant","content":[{"type":"text","text":"It is"}]}]`},
		"whose answers keep their white space": {`{"role":"user","content":"x"},{"role":"assistant","content":"It is "},{"role":"user","content":"y "}`, `[{"role":"user","content":[{"type":"text","text":"x"}]},{"role":"assistant","content":[{"type":"text","text":"It is "}]},{"role":"user","content":[{"type":"text","text":"y "}]}]`},
	} {
		saw := to(t, "anthropic", "claude-sonnet-4-5", true, wire.ChatCompletions).saw(`"messages":[` + tc.messages + `]`)
		require.JSONEq(t, tc.want, mustEncode(t, saw["messages"]), name)
	}
}

func TestNothingStandsBetweenCallsAndTheirResults(t *testing.T) {
	const calls = `{"role":"user","content":"go"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}},{"type":"tool_use","id":"b","name":"f","input":{}}]},`
	result := func(id, more string) string {
		return `{"role":"user","content":[{"type":"tool_result","tool_use_id":"` + id + `","content":"` + id + `"}` + more + `]}`
	}
	const said = `,{"type":"text","text":"so"}`
	for name, tc := range map[string]struct{ messages, want string }{
		"each in a message of its own":          {result("a", "") + "," + result("b", ""), "tool: a|tool: b"},
		"with words in between":                 {result("a", said) + "," + result("b", ""), "tool: a|tool: b|user: so"},
		"with an instruction in between":        {result("a", "") + `,{"role":"system","content":"hurry"},` + result("b", said), "tool: a|tool: b|system: hurry|user: so"},
		"and one that never comes":              {result("a", said) + `,{"role":"assistant","content":"well"}`, "tool: a|user: so|assistant: well"},
		"both at once, and an instruction last": {result("a", "") + "," + result("b", said) + `,{"role":"system","content":"hurry"}`, "tool: a|tool: b|user: so|system: hurry"},
	} {
		saw := to(t, "openai", "gpt-4o", true, wire.Messages).saw(`"tools":[{"name":"f"}],"messages":[` + calls + tc.messages + `]`)
		require.Equal(t, "user: go|assistant: <nil>|"+tc.want, rolesIn(saw), name)
	}
}

func TestASchemaIsOneThatAnthropicTakes(t *testing.T) {
	form := func(model, schema string) map[string]any {
		return to(t, "anthropic", model, true, wire.ChatCompletions).saw(`"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":` + schema + `}}`)
	}
	const open = `{"type":"object","properties":{"z":{"type":"object","properties":{}},"a":{"type":"array","items":{"type":"object","properties":{"type":{"type":"string","enum":[{"type":"object"}]}}}}}}`
	s := to(t, "anthropic", "claude-sonnet-4-5", true, wire.ChatCompletions)
	s.saw(`"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":` + open + `}}`)
	require.Contains(t, string(s.sent.Body), `{"type":"object","properties":{"z":{"type":"object","properties":{},"additionalProperties":false},"a":{"type":"array","items":{"type":"object",`+
		`"properties":{"type":{"type":"string","enum":[{"type":"object"}]}},"additionalProperties":false}}},"additionalProperties":false}`, "closed, and in its order")
	for name, saw := range map[string]map[string]any{
		"a model without":            form("claude-3-5-haiku-latest", open),
		"a model of before":          form("claude-sonnet-4-0", open),
		"a map cannot be closed":     form("claude-sonnet-4-5", `{"type":"object","additionalProperties":{"type":"string"},"title":"z"}`),
		"what is open is not closed": form("claude-sonnet-4-5", `{"type":"object","properties":{"z":{"type":"object","additionalProperties":true}}}`),
	} {
		require.NotContains(t, saw, "output_config", name)
		require.Contains(t, at(t, saw, "system", 0, "text"), "valid against this JSON schema", name)
		require.Contains(t, at(t, saw, "system", 0, "text"), `"z"`, name)
	}
	for model, want := range map[string]any{"claude-sonnet-4-5": true, "claude-3-5-haiku-latest": nil} {
		saw := to(t, "anthropic", model, true, wire.ChatCompletions).saw(`"tools":[{"type":"function","function":{"name":"f","strict":true,"parameters":{"type":"object","properties":{},"additionalProperties":false}}}]`)
		require.Equal(t, want, at(t, saw, "tools", 0, "strict"), model)
	}
}

func TestTopKIsCarriedToThoseWhoHaveIt(t *testing.T) {
	for kind, want := range map[string]any{"vllm": 5.0, "openrouter": 5.0, "dashscope": 5.0, "openai": nil, "groq": nil} {
		s := to(t, kind, "m", true, wire.Messages)
		require.Equal(t, want, s.saw(`"top_k":5`)["top_k"], kind)
		require.Equal(t, want == nil, len(s.sent.Converted.Dropped) == 1, kind)
	}
}

func TestMorePiecesOfToolCallsFindTheirCall(t *testing.T) {
	one := []block{{"tool_use", "a", "f", `{"x":1}`}}
	for name, tc := range map[string]struct {
		chunks []string
		want   []block
	}{
		"an id of its own for every piece": {[]string{
			pieces(`{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}`), pieces(`{"index":0,"id":"b","function":{"arguments":"\"x\""}}`), pieces(`{"index":0,"id":"c","function":{"arguments":":1}"}}`),
		}, one},
		"the whole call once more at the end": {[]string{
			pieces(`{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\""}}`), pieces(`{"index":0,"function":{"arguments":":1}"}}`), pieces(`{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}}`),
		}, one},
		"one that stands in the place of the list": {[]string{chunk(`{"tool_calls":{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}}}`)}, one},
		"one number and one id, and other arguments": {[]string{
			pieces(`{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}}`), pieces(`{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":2}"}}`),
		}, []block{one[0], {"tool_use", "toolu_c1_1", "f", `{"x":2}`}}},
		"numbers from 1 on": {[]string{
			pieces(`{"index":1,"id":"a","function":{"name":"f","arguments":"{\"x\""}}`), pieces(`{"index":1,"function":{"arguments":":1}"}}`), pieces(`{"index":2,"id":"b","function":{"name":"g","arguments":"{}"}}`),
		}, []block{one[0], {"tool_use", "b", "g", "{}"}}},
		"empty ids and names in later pieces": {[]string{
			pieces(`{"index":0,"id":"a","function":{"name":"f","arguments":""}}`), pieces(`{"index":0,"id":"","function":{"name":"","arguments":"{\"x\":1}"}}`), pieces(`{"index":0,"id":"","function":{"name":"","arguments":""}}`),
		}, one},
		"an empty list, and null":          {[]string{chunk(`{"tool_calls":[]}`), chunk(`{"tool_calls":null}`), pieces(`{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}}`), pieces(`{"index":0,"function":null}`)}, one},
		"arguments that are null at first": {[]string{pieces(`{"index":0,"id":"a","function":{"name":"f","arguments":null}}`), pieces(`{"index":0,"function":{"arguments":"{\"x\":1}"}}`)}, one},
		"thoughts and text ahead of them": {[]string{chunk(`{"reasoning_content":"T"}`), chunk(`{"content":"S"}`), pieces(`{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}}`)},
			[]block{{"thinking", "", "", "T"}, {"text", "", "", "S"}, one[0]}},
		"surrogates split between pieces": {[]string{pieces(`{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":\"\\ud83d"}}`), pieces(`{"index":0,"function":{"arguments":"\\ude00\"}"}}`)},
			[]block{{"tool_use", "a", "f", `{"x":"\ud83d\ude00"}`}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := to(t, "openai", "gpt-x", false, wire.Messages)
			s.saw(`"stream":true`)
			events, failed := s.heard(append(append([]string{chunk(`{"role":"assistant"}`)}, tc.chunks...), ends(`"tool_calls"`), "[DONE]")...)
			require.NoError(t, failed)
			all, stop := s.blocks(events)
			require.Equal(t, tc.want, all)
			require.Equal(t, "tool_use", stop)
		})
	}
	s := to(t, "openai", "gpt-x", false, wire.Messages)
	s.saw("")
	got := s.got(completion(`{"content":null,"tool_calls":{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}}`, `"tool_calls"`))
	require.Equal(t, map[string]any{"x": 1.0}, at(t, got, "content", 0, "input"), "whole as well")
	require.True(t, strings.HasPrefix(at(t, got, "content", 0, "id").(string), "a"))
}

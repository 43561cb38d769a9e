package lane_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
)

const (
	oneTool      = `"tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}]`
	mustCall     = oneTool + `,"tool_choice":{"type":"any"}`
	mustCallThis = oneTool + `,"tool_choice":{"type":"tool","name":"f"}`
	chatTool     = `"tools":[{"type":"function","function":{"name":"f"}}]`
	thinks       = `"thinking":{"type":"enabled","budget_tokens":2048}`
)

// TestWhatCostsMoneyOrChangesTheAnswerIsCounted has what is left out for some providers or models only. What is left out for all of a
// format is in TestWhatAClientSaysIsCarriedOrStandsInTheTable.
func TestWhatCostsMoneyOrChangesTheAnswerIsCounted(t *testing.T) {
	for name, tc := range map[string]struct {
		kind, model string
		own         bool
		client      wire.Endpoint
		members     string
		want        []string
	}{
		"thinking of a model that does not":                             {"anthropic", "claude-3-5-haiku", true, wire.ChatCompletions, thinks, []string{"thinking_budget"}},
		"an effort of a model that does not think":                      {"anthropic", "claude-3-5-haiku", true, wire.ChatCompletions, `"reasoning_effort":"high"`, []string{"reasoning_effort"}},
		"thinking without room for it":                                  {"anthropic", "claude-sonnet-4-5", true, wire.ChatCompletions, thinks + `,"max_tokens":1000`, []string{"thinking_budget"}},
		"thinking beside a tool that has to be called":                  {"anthropic", "claude-sonnet-4-5", true, wire.ChatCompletions, thinks + "," + chatTool + `,"tool_choice":"required"`, []string{"thinking_budget"}},
		"an effort beside one, that is said all the same":               {"anthropic", "claude-opus-4-8", true, wire.ChatCompletions, `"reasoning_effort":"high",` + chatTool + `,"tool_choice":"required"`, nil},
		"thinking that nobody signed":                                   {"anthropic", "claude-sonnet-4-5", true, wire.ChatCompletions, thinks + "," + chatTool + `,"messages":[{"role":"user","content":"a"},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"x"}]`, []string{"thinking_budget"}},
		"sampling of a model that has its own":                          {"anthropic", "claude-opus-4-8", true, wire.ChatCompletions, `"temperature":0.1,"top_p":0.2,"top_k":3`, []string{"temperature", "top_p", "top_k"}},
		"sampling as it is anyway":                                      {"anthropic", "claude-opus-4-8", true, wire.ChatCompletions, `"temperature":1,"top_p":1`, nil},
		"thinking that is not wanted":                                   {"openai", "gpt-x", false, wire.Messages, `"thinking":{"type":"disabled"}`, nil},
		"thinking of a server that nobody knows":                        {"openai", "gpt-x", false, wire.Messages, thinks, []string{"thinking_budget"}},
		"thinking of a model that does":                                 {"openai", "o3", true, wire.Messages, `"thinking":{"type":"adaptive"}`, nil},
		"an effort of a model that refuses it":                          {"openai", "gpt-4o", true, wire.Messages, `"output_config":{"effort":"low"}`, []string{"reasoning_effort"}},
		"stop sequences of a model that refuses them":                   {"openai", "o3", true, wire.Messages, `"stop_sequences":["a"]`, []string{"stop_sequences"}},
		"more stop sequences than are taken":                            {"zhipu", "glm-4.6", true, wire.Messages, `"stop_sequences":["a","b"]`, []string{"stop_sequences"}},
		"Kimi's sampling":                                               {"moonshot", "kimi-k2.6", true, wire.Messages, `"temperature":0.3`, []string{"temperature"}},
		"a tool that Kimi has to call":                                  {"moonshot", "kimi-k2.6", true, wire.Messages, thinks + "," + mustCall, []string{"thinking_budget"}},
		"a tool that Kimi has to call, though nobody spoke of thinking": {"moonshot", "kimi-k2.6", true, wire.Messages, mustCall, nil},
		"a tool that a model has to call that cannot but think":         {"moonshot", "kimi-k3", true, wire.Messages, mustCall, []string{"forced_tools"}},
		"thinking that cannot be switched off":                          {"zhipu", "glm-5.3", true, wire.Messages, `"thinking":{"type":"disabled"}`, []string{"thinking_budget"}},
		"a tool that GLM would have to call":                            {"zhipu", "glm-4.6", true, wire.Messages, mustCallThis, []string{"forced_tools"}},
		"a tool that Ollama would have to call":                         {"ollama", "qwen3", true, wire.Messages, mustCall, []string{"forced_tools"}},
		"Ollama's tools that may not be called":                         {"ollama", "qwen3", true, wire.Messages, oneTool + `,"tool_choice":{"type":"none"}`, nil},
		"an effort that Mistral does not know":                          {"mistral", "mistral-large-latest", true, wire.Messages, `"output_config":{"effort":"low"}`, []string{"reasoning_effort"}},
		"a strict tool whose schema is not":                             {"openai", "gpt-4o", true, wire.Messages, `"tools":[{"name":"f","strict":true,"input_schema":{"type":"object","properties":{"a":{}}}}]`, []string{"strict_tools"}},
		"a tool that is not to be strict":                               {"openai", "gpt-4o", true, wire.Messages, `"tools":[{"name":"f","strict":false,"input_schema":{"type":"object","properties":{"a":{}}}}]`, nil},
		"several things at once":                                        {"openai", "gpt-4o", true, wire.Messages, `"top_k":5,"service_tier":"auto","output_config":{"effort":"low"}`, []string{"top_k", "reasoning_effort", "service_tier"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := to(t, tc.kind, tc.model, tc.own, tc.client)
			s.saw(tc.members)
			require.Equal(t, tc.want, s.sent.Converted.Dropped)
		})
	}
}

// TestThinkingIsAskedForAsEachProviderHasIt has what is said in place of Anthropic's thinking and effort.
func TestThinkingIsAskedForAsEachProviderHasIt(t *testing.T) {
	for name, tc := range map[string]struct{ kind, model, members, want string }{
		"DeepSeek":                         {"deepseek", "deepseek-v4-pro", thinks, `{"thinking":{"type":"enabled"},"reasoning_effort":"low"}`},
		"DeepSeek, as hard as it can":      {"deepseek", "deepseek-v4-pro", `"thinking":{"type":"adaptive"},"output_config":{"effort":"max"}`, `{"thinking":{"type":"enabled"},"reasoning_effort":"max"}`},
		"DeepSeek, in words that it knows": {"deepseek", "deepseek-v4-pro", `"output_config":{"effort":"xhigh"}`, `{"reasoning_effort":"high"}`},
		"DeepSeek, off":                    {"deepseek", "deepseek-v4-pro", `"thinking":{"type":"disabled"},"output_config":{"effort":"max"}`, `{"thinking":{"type":"disabled"}}`},
		"DeepSeek that has to call a tool": {"deepseek", "deepseek-v4-pro", mustCall, `{"thinking":{"type":"disabled"},"tool_choice":"required"}`},
		"Kimi that has to call a tool":     {"moonshot", "kimi-k2.6", thinks + "," + mustCallThis, `{"thinking":{"type":"disabled"},"tool_choice":{"type":"function","function":{"name":"f"}}}`},
		"Kimi K3":                          {"moonshot", "kimi-k3", `"output_config":{"effort":"medium"}`, `{"reasoning_effort":"high"}`},
		"Qwen":                             {"dashscope", "qwen-plus", thinks, `{"enable_thinking":true,"thinking_budget":2048}`},
		"Qwen that has to call a tool":     {"dashscope", "qwen-plus", mustCall, `{"enable_thinking":false,"tool_choice":"required"}`},
		"SiliconFlow":                      {"siliconflow", "a/b", `"thinking":{"type":"enabled","budget_tokens":99999},"max_tokens":100000`, `{"enable_thinking":true,"thinking_budget":32768}`},
		"OpenRouter, a budget":             {"openrouter", "a/b", thinks, `{"reasoning":{"max_tokens":2048}}`},
		"OpenRouter, an effort":            {"openrouter", "a/b", `"output_config":{"effort":"max"}`, `{"reasoning":{"effort":"high"}}`},
		"OpenRouter, off":                  {"openrouter", "a/b", `"thinking":{"type":"disabled"}`, `{"reasoning":{"enabled":false}}`},
		"xAI":                              {"xai", "grok-4.3", `"output_config":{"effort":"medium"}`, `{"reasoning_effort":"medium"}`},
		"xAI before it could":              {"xai", "grok-4", `"output_config":{"effort":"medium"}`, `{}`},
		"GLM that is to call no tool":      {"zhipu", "glm-4.6", oneTool + `,"tool_choice":{"type":"none"}`, `{}`},
		"MiniMax":                          {"minimax", "MiniMax-M2", `"temperature":0`, `{"reasoning_split":true,"temperature":0.01}`},
	} {
		t.Run(name, func(t *testing.T) {
			saw := to(t, tc.kind, tc.model, true, wire.Messages).saw(tc.members)
			got := map[string]any{}
			for _, member := range []string{"thinking", "reasoning_effort", "reasoning", "enable_thinking", "thinking_budget", "tool_choice", "reasoning_split", "temperature"} {
				if v, ok := saw[member]; ok {
					got[member] = v
				}
			}
			require.JSONEq(t, tc.want, mustEncode(t, got))
		})
	}
}

// TestThoughtsOfOthersReachNoModelOfOpenAIsWhereverItIsServed since an address that nobody knows may be OpenAI's own model behind it.
func TestThoughtsOfOthersReachNoModelOfOpenAIsWhereverItIsServed(t *testing.T) {
	const turn = `"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"T","signature":""},{"type":"tool_use","id":"1","name":"f","input":{}}]},` +
		`{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":"x"}]}]`
	for model, want := range map[string]any{"gpt-4o": nil, "openai/o3": nil, "gpt-5-mini": nil, "gpt-x": "T", "openai/gpt-oss-120b": "T", "deepseek-v4-flash": "T"} {
		require.Equal(t, want, at(t, to(t, "openai", model, false, wire.Messages).saw(turn), "messages", 1, "reasoning_content"), model)
	}
	const unthought = `"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":"x"}]}]`
	for model, want := range map[string]any{"deepseek-ai/DeepSeek-V4-Flash": " ", "kimi-k2.6": " ", "gpt-x": nil} {
		require.Equal(t, want, at(t, to(t, "openai", model, false, wire.Messages).saw(unthought), "messages", 1, "reasoning_content"), model)
	}
	require.Equal(t, []any{map[string]any{"type": "reasoning.text", "text": "T"}}, at(t, to(t, "minimax", "MiniMax-M2", true, wire.Messages).saw(turn), "messages", 1, "reasoning_details"))
}

package lane_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
)

// Kind A: what today's Messages format has, and a conversion refused or overlooked.

func TestSystemMessagesAmongTheTurnsReachAChatProvider(t *testing.T) {
	const late = `"messages":[{"role":"user","content":"list"},{"role":"system","content":"be brief"}]`
	const beforeResults = `"messages":[{"role":"user","content":"list"},{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]},` +
		`{"role":"system","content":"hurry"},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"},{"type":"text","text":"so?"}]}]`
	for name, tc := range map[string]struct {
		kind    string
		own     bool
		members string
		want    string // role: content, in their order
	}{
		"in its place where it is taken there":   {"openai", true, late, "user: list|system: be brief"},
		"joined where nobody knows":              {"openai", false, late, "system: be brief|user: list"},
		"joined to the instructions":             {"vllm", false, `"system":"you are","messages":[{"role":"system","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},{"role":"user","content":"x"}]`, "system: you are\n\na\n\nb|user: x"},
		"several, in their order":                {"deepseek", true, `"messages":[{"role":"system","content":"a"},{"role":"user","content":"x"},{"role":"system","content":"b"},{"role":"system","content":"c"}]`, "system: a|user: x|system: b|system: c"},
		"never between calls and their results":  {"openai", true, beforeResults, "user: list|assistant: <nil>|tool: 1|system: hurry|user: so?"},
		"an empty one says nothing":              {"openai", true, `"messages":[{"role":"user","content":"x"},{"role":"system","content":""}]`, "user: x"},
		"a developer's, as some clients call it": {"openai", false, `"messages":[{"role":"developer","content":"d"},{"role":"user","content":"x"}]`, "system: d|user: x"},
	} {
		t.Run(name, func(t *testing.T) {
			saw := to(t, tc.kind, "gpt-x", tc.own, wire.Messages).saw(tc.members)
			require.Equal(t, tc.want, rolesIn(saw))
		})
	}
}

// rolesIn is who says what.
func rolesIn(body map[string]any) string {
	var all []string
	for _, m := range body["messages"].([]any) {
		m := m.(map[string]any)
		content, ok := m["content"].(string)
		if !ok {
			content = "<nil>"
		}
		all = append(all, m["role"].(string)+": "+content)
	}
	return strings.Join(all, "|")
}

func TestPartsOfTodaysMessagesFormatAreCarriedOrRefusedByName(t *testing.T) {
	const schema = `{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}`
	for name, members := range map[string]string{
		"the beta's name":                `"output_format":{"type":"json_schema","schema":` + schema + `}`,
		"the name of today":              `"output_config":{"format":{"type":"json_schema","schema":` + schema + `}}`,
		"beside an effort":               `"output_config":{"effort":"low","format":{"type":"json_schema","schema":` + schema + `}}`,
		"the beta's name beside today's": `"output_format":{"type":"json_schema","schema":` + schema + `},"output_config":{}`,
	} {
		saw := to(t, "openai", "gpt-x", false, wire.Messages).saw(members)
		require.Equal(t, true, at(t, saw, "response_format", "json_schema", "strict"), name)
		require.Equal(t, "string", at(t, saw, "response_format", "json_schema", "schema", "properties", "a", "type"), name)
	}
	for param, members := range map[string]string{
		"mcp_servers":                   `"mcp_servers":[{"type":"url","url":"https://mcp.example/sse","name":"x"}]`,
		"tools[0].type":                 `"tools":[{"type":"web_search_20250305","name":"web_search"}]`,
		"tools[1].type":                 `"tools":[{"name":"f"},{"type":"mcp_toolset","mcp_server_name":"x"}]`,
		"messages[0].content[0]":        `"messages":[{"role":"user","content":[{"type":"container_upload","file_id":"f"}]}]`,
		"messages[0].content[0].source": `"messages":[{"role":"user","content":[{"type":"image","source":{"type":"file","file_id":"f"}}]}]`,
	} {
		err := to(t, "openai", "gpt-x", false, wire.Messages).ask(members)
		var e *wire.Error
		require.ErrorAs(t, err, &e, param)
		require.Equal(t, 400, e.Status)
		require.Equal(t, param, e.Param)
		require.Contains(t, e.Message, param)
	}
	saw := to(t, "openai", "gpt-x", false, wire.Messages).saw(`"mcp_servers":[],"messages":[{"role":"user","content":[` +
		`{"type":"search_result","title":"T","source":"https://s","content":[{"type":"text","text":"found"}],"citations":{"enabled":true}},` +
		`{"type":"document","source":{"type":"content","content":[{"type":"text","text":"d"}]}},{"type":"text","text":"?"}]}]`)
	require.Equal(t, "user: T\nhttps://s\nfound\nd\n?", rolesIn(saw), "what a client has found is text, and no servers are none")
}

// Kind E: values that the other provider is known to refuse.

func TestTheEndUsersNameIsOneThatTheProviderTakes(t *testing.T) {
	long := strings.Repeat("x", 65)
	for name, tc := range map[string]struct {
		client     wire.Endpoint
		kind, user string
		kept       bool
	}{
		"short":                        {wire.Messages, "openai", "user_1", true},
		"the longest":                  {wire.Messages, "openai", strings.Repeat("é", 64), true},
		"too long":                     {wire.Messages, "openai", long, false},
		"JSON, as Claude Code sends":   {wire.Messages, "openai", `{\"device_id\":\"` + long + `\",\"session_id\":\"s\"}`, false},
		"an address":                   {wire.Messages, "openai", "someone@example.com", false},
		"an address, to Anthropic":     {wire.ChatCompletions, "anthropic", "someone@example.com", false},
		"long enough for Anthropic":    {wire.ChatCompletions, "anthropic", strings.Repeat("x", 256), true},
		"too long for Anthropic":       {wire.ChatCompletions, "anthropic", strings.Repeat("x", 257), false},
		"an address among other words": {wire.ChatCompletions, "anthropic", "name: a@b", false},
	} {
		t.Run(name, func(t *testing.T) {
			ask := func(user string) string {
				s := to(t, tc.kind, "gpt-x", false, tc.client)
				if tc.client == wire.Messages {
					said, _ := s.saw(`"metadata":{"user_id":"` + user + `"}`)["user"].(string)
					return said
				}
				return at(t, s.saw(`"user":"`+user+`"`), "metadata", "user_id").(string)
			}
			got := ask(tc.user)
			if tc.kept {
				require.Equal(t, tc.user, got)
				return
			}
			require.Regexp(t, `^u_[0-9a-f]{40}$`, got)
			require.Equal(t, got, ask(tc.user), "the same one has the same name")
			require.NotEqual(t, got, ask("another@example.com"))
		})
	}
}

func TestSamplingIsLeftOutForModelsThatRefuseIt(t *testing.T) {
	for model, want := range map[string]string{
		"claude-opus-4-8": "", "claude-opus-4-7": "", "claude-sonnet-5": "", "claude-opus-5": "", "claude-fable-5": "", "claude-haiku-5-1": "",
		"us.anthropic.claude-opus-4-8-v1:0": "", "anthropic/claude-opus-4.7": "", "claude-opus-4-10": "",
		"claude-sonnet-4-5": "temperature", "claude-opus-4-1-20250805": "temperature", "claude-haiku-4-5@20251001": "temperature", "claude-sonnet-4-6": "temperature",
		"claude-sonnet-4-20250514": "temperature top_p", "claude-3-5-sonnet-20241022": "temperature top_p", "claude-3-7-sonnet-latest": "temperature top_p", "an-alias": "temperature top_p",
	} {
		s := to(t, "anthropic", model, true, wire.ChatCompletions)
		saw := s.saw(`"temperature":0.7,"top_p":0.9`)
		require.Equal(t, want, namesIn(saw, "temperature", "top_p"), model)
		require.Equal(t, 2-len(strings.Fields(want)), len(s.sent.Converted.Dropped), model)
		saw = to(t, "anthropic", model, true, wire.ChatCompletions).saw(`"temperature":1,"top_p":1`)
		require.NotContains(t, namesIn(saw, "temperature", "top_p"), "top_p", model)
	}
	for model, want := range map[string]string{
		"gpt-4o": "temperature top_p stop", "gpt-x": "temperature top_p stop", "gpt-5-chat-latest": "temperature top_p stop", "llama-3": "temperature top_p stop",
		"o3": "", "openai/o4-mini": "", "gpt-5-mini": "", "gpt-5.2": "", "o1": "stop",
	} {
		saw := to(t, "openai", model, true, wire.Messages).saw(`"temperature":0.7,"top_p":0.9,"stop_sequences":["a"]`)
		require.Equal(t, want, namesIn(saw, "temperature", "top_p", "stop"), model)
	}
	require.Equal(t, []string{"2023-06-01"}, to2(t).Header["Anthropic-Version"], "later versions of the API know no sampling")
}

func to2(t *testing.T) (sent struct{ Header map[string][]string }) {
	s := to(t, "anthropic", "claude-sonnet-4-5", true, wire.ChatCompletions)
	s.call.Header.Set("Anthropic-Version", "2026-10-21")
	require.NoError(t, s.ask(`"temperature":0.5`))
	sent.Header = s.sent.Header
	return sent
}

func namesIn(body map[string]any, names ...string) string {
	var there []string
	for _, name := range names {
		if _, ok := body[name]; ok {
			there = append(there, name)
		}
	}
	return strings.Join(there, " ")
}

func TestOnlyASchemaThatOpenAITakesAsStrictIsStrict(t *testing.T) {
	for schema, strict := range map[string]bool{
		`{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}`:                                                    true,
		`{"type":"object","properties":{"a":{"type":"string"},"note":{"type":"string"}},"required":["a"],"additionalProperties":false}`:                           false,
		`{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}`:                                                                                 false,
		`{"type":"object","properties":{"a":{"type":"object","properties":{"b":{}},"additionalProperties":false}},"required":["a"],"additionalProperties":false}`: false,
		`{"type":"object","properties":{"a":{"type":"array","items":{"type":"object"}}},"required":["a"],"additionalProperties":false}`:                           false,
		`{"type":"object","properties":{"a":{"anyOf":[{"type":"null"},{"type":"string"}]}},"required":["a"],"additionalProperties":false}`:                        true,
		`{"type":"object","$defs":{"x":{"type":"object"}},"properties":{"a":{"$ref":"#/$defs/x"}},"required":["a"],"additionalProperties":false}`:                 false,
		`{"type":"object","properties":{"a":{"type":"string","format":"uri"}},"required":["a"],"additionalProperties":false}`:                                     false,
		`{"type":"object","properties":{"a":{"type":"string","format":"email","pattern":"@","description":"d"}},"required":["a"],"additionalProperties":false}`:   true,
		`{"type":"object","properties":{"a":{"type":"string","default":"x"}},"required":["a"],"additionalProperties":false}`:                                      false,
		`{"type":"object","properties":{"default":{"type":"integer","minimum":0}},"required":["default"],"additionalProperties":false}`:                           true,
		`{"type":"object","properties":{"a":{"description":"anything"}},"required":["a"],"additionalProperties":false}`:                                           false,
		`{"type":"object","properties":{"a":{"enum":["x"]},"b":{"const":1}},"required":["a","b"],"additionalProperties":false}`:                                   true,
		`{"type":"object","properties":{"a":{"type":["object","null"],"properties":{}}},"required":["a"],"additionalProperties":false}`:                           false,
		`{"type":"object","properties":{"a":{"type":"array"}},"required":["a"],"additionalProperties":false}`:                                                     false,
		`{"type":"object","properties":{"a":{"type":"array","items":{"type":"string"},"uniqueItems":true}},"required":["a"],"additionalProperties":false}`:        false,
		`{"anyOf":[{"type":"object","properties":{},"additionalProperties":false}]}`:                                                                              false,
	} {
		saw := to(t, "openai", "gpt-4o", true, wire.Messages).saw(`"output_config":{"format":{"type":"json_schema","schema":` + schema + `}}`)
		require.Equal(t, strict, at(t, saw, "response_format", "json_schema", "strict") == true, schema)
		saw = to(t, "openai", "gpt-4o", true, wire.Messages).saw(`"tools":[{"name":"f","strict":true,"input_schema":` + schema + `}]`)
		require.Equal(t, strict, at(t, saw, "tools", 0, "function", "strict") == true, schema)
	}
}

func TestALongNameOfAToolIsShortenedAndGivenBack(t *testing.T) {
	long := "mcp__github_enterprise_server__create_or_update_pull_request_review_comment"
	other := long + "_2"
	s := to(t, "openai", "gpt-x", false, wire.Messages)
	saw := s.saw(`"tools":[{"name":"` + long + `"},{"name":"` + other + `"},{"name":"short"}],"tool_choice":{"type":"tool","name":"` + long + `"},` +
		`"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"` + long + `","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"1","content":"x"}]}]`)
	short := at(t, saw, "tools", 0, "function", "name").(string)
	require.LessOrEqual(t, len(short), 64)
	require.NotEqual(t, short, at(t, saw, "tools", 1, "function", "name"))
	require.Equal(t, "short", at(t, saw, "tools", 2, "function", "name"))
	require.Equal(t, short, at(t, saw, "tool_choice", "function", "name"))
	require.Equal(t, short, at(t, saw, "messages", 1, "tool_calls", 0, "function", "name"))

	got := s.got(completion(`{"tool_calls":[{"id":"a","function":{"name":"`+short+`","arguments":"{}"}}]}`, `"tool_calls"`))
	require.Equal(t, long, at(t, got, "content", 0, "name"))
	events, failed := s.heard(pieces(`{"index":0,"id":"a","function":{"name":"`+short+`","arguments":"{}"}}`), ends(`"tool_calls"`))
	require.NoError(t, failed)
	all, _ := s.blocks(events)
	require.Equal(t, []block{{"tool_use", "a", long, "{}"}}, all)
}

func TestStopSequencesAreAsManyAsTheProviderTakes(t *testing.T) {
	const five = `"stop_sequences":["a","b","c","d","e"]`
	require.Len(t, to(t, "openai", "gpt-4o", true, wire.Messages).saw(five)["stop"], 4)
	require.Len(t, to(t, "openai", "gpt-x", false, wire.Messages).saw(five)["stop"], 5)
	s := to(t, "groq", "llama", true, wire.Messages)
	require.Len(t, s.saw(five)["stop"], 4)
	require.Equal(t, []string{"stop_sequences"}, s.sent.Converted.Dropped)
}

// Kind H: what was left out though it can be carried.

func TestHintsForTheCacheAreCarriedBothWays(t *testing.T) {
	const hint = `"cache_control":{"type":"ephemeral","ttl":"1h"}`
	want := map[string]any{"type": "ephemeral", "ttl": "1h"}
	saw := to(t, "anthropic", "claude-sonnet-4-5", true, wire.ChatCompletions).saw(
		`"tools":[{"type":"function","function":{"name":"f"},` + hint + `}],"messages":[{"role":"system","content":[{"type":"text","text":"long",` + hint + `}]},` +
			`{"role":"user","content":"q"},{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},` +
			`{"role":"tool","tool_call_id":"a","content":"r",` + hint + `},{"role":"user","content":[{"type":"text","text":"x"},{"type":"text","text":"y",` + hint + `}]}]`)
	require.Equal(t, want, at(t, saw, "system", 0, "cache_control"))
	require.Equal(t, want, at(t, saw, "tools", 0, "cache_control"))
	require.Equal(t, want, at(t, saw, "messages", 2, "content", 0, "cache_control"))
	require.Equal(t, want, at(t, saw, "messages", 2, "content", 2, "cache_control"))

	many := strings.Repeat(`{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},`, 6)
	saw = to(t, "anthropic", "claude-sonnet-4-5", true, wire.ChatCompletions).saw(`"messages":[{"role":"user","content":[` + strings.TrimSuffix(many, ",") + `]}]`)
	said, err := json.Marshal(saw)
	require.NoError(t, err)
	require.Equal(t, 4, strings.Count(string(said), "cache_control"), "the API takes four")

	const system = `"system":[{"type":"text","text":"long",` + hint + `}]`
	saw = to(t, "openrouter", "anthropic/claude", true, wire.Messages).saw(system)
	require.Equal(t, want, at(t, saw, "messages", 0, "content", 0, "cache_control"))
	saw = to(t, "openai", "gpt-x", false, wire.Messages).saw(system)
	require.Equal(t, "long", at(t, saw, "messages", 0, "content"), "a server that nobody knows may take texts only")
}

func TestEffortIsCarriedBothWays(t *testing.T) {
	for model, want := range map[string]string{
		"claude-sonnet-4-5": `{"thinking":{"type":"enabled","budget_tokens":12288},"output_config":null}`,
		"claude-opus-4-8":   `{"thinking":{"type":"adaptive","display":"summarized"},"output_config":{"effort":"high"}}`,
		"claude-opus-4-5":   `{"thinking":{"type":"enabled","budget_tokens":12288},"output_config":{"effort":"high"}}`,
		"claude-3-5-haiku":  `{"thinking":null,"output_config":null}`,
	} {
		saw := to(t, "anthropic", model, true, wire.ChatCompletions).saw(`"reasoning_effort":"high"`)
		got, err := json.Marshal(map[string]any{"thinking": saw["thinking"], "output_config": saw["output_config"]})
		require.NoError(t, err)
		require.JSONEq(t, want, string(got), model)
	}
	s := to(t, "anthropic", "claude-sonnet-4-5", true, wire.ChatCompletions)
	require.Nil(t, s.saw(`"reasoning_effort":"high","tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required"`)["thinking"], "which the API refuses together")
	require.Nil(t, s.saw(`"reasoning_effort":"high","max_tokens":500`)["thinking"], "there is no room to think")
	require.Nil(t, s.saw(`"reasoning_effort":"high","tools":[{"type":"function","function":{"name":"f"}}],"messages":[{"role":"user","content":"a"},` +
		`{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"x"}]`)["thinking"],
		"the API wants its own signed thought in front of the calls that are answered")
	require.NotContains(t, s.saw(`"reasoning_effort":"low","temperature":0.3`), "temperature", "the API refuses it beside thinking")
	require.Equal(t, map[string]any{"type": "disabled"}, s.saw(`"thinking":{"type":"disabled"}`)["thinking"])

	for name, tc := range map[string]struct{ kind, model, members, effort, thinking string }{
		"as it is":                          {"openai", "gpt-x", `"thinking":{"type":"disabled"},"output_config":{"effort":"low"}`, "low", ""},
		"in words that are known":           {"openai", "gpt-x", `"output_config":{"effort":"max"}`, "high", ""},
		"a budget, for a model that thinks": {"openai", "o3", `"thinking":{"type":"enabled","budget_tokens":4096}`, "medium", ""},
		"a budget, for one unknown":         {"openai", "gpt-x", `"thinking":{"type":"enabled","budget_tokens":4096}`, "", ""},
		"none, for one that must think":     {"openai", "gpt-5-mini", `"thinking":{"type":"disabled"}`, "minimal", ""},
		"a model that does not think":       {"openai", "gpt-4o", `"output_config":{"effort":"high"}`, "", ""},
		"DeepSeek, off":                     {"deepseek", "deepseek-chat", `"thinking":{"type":"disabled"},"output_config":{"effort":"low"}`, "", "disabled"},
		"GLM, on":                           {"zhipu", "glm-4.6", `"thinking":{"type":"enabled","budget_tokens":1024}`, "", "enabled"},
	} {
		saw := to(t, tc.kind, tc.model, true, wire.Messages).saw(tc.members)
		effort, _ := saw["reasoning_effort"].(string)
		require.Equal(t, tc.effort, effort, name)
		if tc.thinking == "" {
			require.NotContains(t, saw, "thinking", name)
		} else {
			require.Equal(t, tc.thinking, at(t, saw, "thinking", "type"), name)
		}
	}
}

func TestJSONWithoutASchemaIsAskedForInWords(t *testing.T) {
	s := to(t, "anthropic", "claude-sonnet-4-5", true, wire.ChatCompletions)
	require.Contains(t, at(t, s.saw(`"response_format":{"type":"json_object"}`), "system", 0, "text"), "JSON object")
	saw := to(t, "deepseek", "deepseek-chat", true, wire.Messages).saw(`"output_config":{"format":{"type":"json_schema","schema":{"type":"object","title":"Odd"}}}`)
	require.Equal(t, "json_object", at(t, saw, "response_format", "type"))
	require.Contains(t, at(t, saw, "messages", 0, "content"), `"title":"Odd"`)
}

package lane_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
)

// Some providers count their calls from 0 in every answer, so that two turns of a conversation have calls of one id.

// twice is a conversation of chat completions whose two answers have calls of the same ids, which are answered in another order.
const twice = `"messages":[{"role":"user","content":"go"},` +
	`{"role":"assistant","content":null,"tool_calls":[{"id":"call_0","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"call_1","type":"function","function":{"name":"g","arguments":"{}"}}]},` +
	`{"role":"tool","tool_call_id":"call_1","content":"g1"},{"role":"tool","tool_call_id":"call_0","content":"f1"},` +
	`{"role":"assistant","content":null,"tool_calls":[{"id":"call_0","type":"function","function":{"name":"h","arguments":"{}"}}]},` +
	`{"role":"tool","tool_call_id":"call_0","content":"h2"}],"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}},{"type":"function","function":{"name":"h"}}]`

func TestCallsOfOneIDInTwoAnswersAreToldApartForThoseWhoTakeAnIDOnce(t *testing.T) {
	saw := to(t, "anthropic", "claude-sonnet-4-5", true, wire.ChatCompletions).saw(twice)
	var asked, answered []string
	for _, m := range saw["messages"].([]any) {
		for _, b := range m.(map[string]any)["content"].([]any) {
			switch b := b.(map[string]any); b["type"] {
			case "tool_use":
				asked = append(asked, b["id"].(string)+" "+b["name"].(string))
			case "tool_result":
				answered = append(answered, b["tool_use_id"].(string)+" "+b["content"].(string))
			}
		}
	}
	require.Equal(t, []string{"call_0 f", "call_1 g", "call_0_2 h"}, asked, "the API refuses an id that it has seen before")
	require.Equal(t, []string{"call_1 g1", "call_0 f1", "call_0_2 h2"}, answered)
}

func TestTheResultsOfCallsOfOneIDHaveTheirOwnFunctionsNames(t *testing.T) {
	saw := to(t, "gemini", "gemini-2.5-flash", true, wire.ChatCompletions).saw(twice)
	var answered []string
	for _, c := range saw["contents"].([]any) {
		for _, p := range c.(map[string]any)["parts"].([]any) {
			if r, ok := p.(map[string]any)["functionResponse"].(map[string]any); ok {
				answered = append(answered, r["name"].(string)+" "+at(t, r, "response", "output").(string))
			}
		}
	}
	require.Equal(t, []string{"f f1", "g g1", "h h2"}, answered)
}

func TestTwoCallsOfOneIDInOneAnswerKeepTheOrderOfTheirResults(t *testing.T) {
	saw := to(t, "anthropic", "claude-sonnet-4-5", true, wire.ChatCompletions).saw(`"messages":[{"role":"user","content":"go"},` +
		`{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"a","type":"function","function":{"name":"g","arguments":"{}"}}]},` +
		`{"role":"tool","tool_call_id":"a","content":"1"},{"role":"tool","tool_call_id":"a","content":"2"}],"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g"}}]`)
	results := at(t, saw, "messages", 2, "content").([]any)
	require.Equal(t, "a", results[0].(map[string]any)["tool_use_id"])
	require.Equal(t, "a_2", results[1].(map[string]any)["tool_use_id"])
	require.Equal(t, "a_2", at(t, saw, "messages", 1, "content", 1, "id"))
}

func TestCallsOfAnswersWithoutAnyIDDifferFromOneAnswerToTheNext(t *testing.T) {
	const call = `{"functionCall":{"name":"f","args":{}}}`
	id := func() string {
		s := to(t, "gemini", "gemini-2.5-flash", true, wire.Messages)
		s.saw(`"tools":[{"name":"f","input_schema":{"type":"object"}}]`)
		got := s.got(`{"candidates":[{"content":{"parts":[` + call + `]},"finishReason":"STOP"}]}`)
		require.NotEmpty(t, got["id"], "an answer has an id, and says whose it is")
		require.Equal(t, "gemini-2.5-flash", got["model"])
		return at(t, got, "content", 0, "id").(string)
	}
	first, second := id(), id()
	require.NotEqual(t, first, second)
	require.True(t, strings.HasPrefix(first, "call_"), first)

	chat := func() string {
		s := to(t, "vllm", "m", false, wire.Messages)
		s.saw("")
		got := s.got(`{"choices":[{"index":0,"message":{"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}`)
		return at(t, got, "content", 0, "id").(string)
	}
	require.NotEqual(t, chat(), chat())

	responses := func() string {
		s := to(t, "vllm/responses", "m", false, wire.Messages)
		s.saw("")
		got := s.got(`{"status":"completed","output":[{"type":"function_call","name":"f","arguments":"{}"}]}`)
		return at(t, got, "content", 0, "id").(string)
	}
	require.NotEqual(t, responses(), responses())
}

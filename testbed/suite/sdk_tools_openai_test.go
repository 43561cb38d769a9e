package suite

import (
	"context"
	"testing"

	openaisdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/shared"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// twoCalls are made at once; the second has no arguments.
var twoCalls = []toolCall{
	{"call_A1b2", "get_weather", []string{`{"city":`, `"Par`, `is <&>","unit":"c","id":9007199254740993}`}},
	{"call_C3d4", "get_time", nil},
}

func withOpenAITools(p *openaisdk.ChatCompletionNewParams) {
	p.Tools = []openaisdk.ChatCompletionToolUnionParam{
		openaisdk.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{
			Name: "get_weather", Description: openaisdk.String("The weather in a city."), Strict: openaisdk.Bool(true),
			Parameters: shared.FunctionParameters{
				"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}, "unit": map[string]any{"type": "string"}},
				"required": []string{"city", "unit"}, "additionalProperties": false,
			},
		}),
		openaisdk.ChatCompletionFunctionTool(shared.FunctionDefinitionParam{Name: "get_time"}),
	}
}

// openAIAnswer gets an answer, whole or accumulated from a stream.
func openAIAnswer(t *testing.T, client openaisdk.Client, params openaisdk.ChatCompletionNewParams, streamed bool) openaisdk.ChatCompletion {
	t.Helper()
	if !streamed {
		completion, err := client.Chat.Completions.New(context.Background(), params)
		require.NoError(t, err)
		return *completion
	}
	stream := client.Chat.Completions.NewStreaming(context.Background(), params)
	defer func() { _ = stream.Close() }()
	var acc openaisdk.ChatCompletionAccumulator
	for stream.Next() {
		require.True(t, acc.AddChunk(stream.Current()), stream.Current().RawJSON())
	}
	require.NoError(t, stream.Err())
	return acc.ChatCompletion
}

func TestOpenAIsSDKCallsTwoToolsAndSendsTheirResultsBack(t *testing.T) {
	for _, d := range dialects {
		for _, streamed := range []bool{false, true} {
			t.Run(d.name()+map[bool]string{true: " streamed"}[streamed], func(t *testing.T) {
				t.Parallel()
				p := newProvider(t, d, turn{text: []string{"Let me ", "see."}, calls: twoCalls}, turn{text: []string{"20 °C, ", "and noon."}})
				client := openAIClient(relayTo(t, p))
				params := openAIChat(withOpenAITools)

				first := openAIAnswer(t, client, params, streamed)
				require.Len(t, first.Choices, 1)
				assert.Equal(t, "tool_calls", first.Choices[0].FinishReason)
				message := first.Choices[0].Message
				assert.Equal(t, "Let me see.", message.Content)
				require.Len(t, message.ToolCalls, 2)
				for i, want := range []struct{ id, name, arguments string }{
					{"call_A1b2", "get_weather", `{"city":"Paris <&>","unit":"c","id":9007199254740993}`}, {"call_C3d4", "get_time", `{}`},
				} {
					got := message.ToolCalls[i]
					assert.Equal(t, []string{want.id, "function", want.name, want.arguments}, []string{got.ID, got.Type, got.Function.Name, got.Function.Arguments})
				}

				params.Messages = append(params.Messages, message.ToParam(),
					openaisdk.ToolMessage("noon", "call_C3d4"), openaisdk.ToolMessage(`{"celsius":20}`, "call_A1b2"))
				second := openAIAnswer(t, client, params, streamed)
				assert.Equal(t, "20 °C, and noon.", second.Choices[0].Message.Content)
				assert.Equal(t, "stop", second.Choices[0].FinishReason)

				sent := p.lastBody(t)
				assert.Contains(t, p.lastText(), "9007199254740993", "numbers are not rounded")
				messages := jsonObjects(sent["messages"])
				if d.name() != "anthropic" {
					last := messages[len(messages)-2:]
					assert.Equal(t, map[string]any{"role": "tool", "tool_call_id": "call_C3d4", "content": "noon"}, last[0])
					assert.Equal(t, map[string]any{"role": "tool", "tool_call_id": "call_A1b2", "content": `{"celsius":20}`}, last[1])
					return
				}
				assert.JSONEq(t, `[
					{"role":"assistant","content":[{"type":"text","text":"Let me see."},
						{"type":"tool_use","id":"call_A1b2","name":"get_weather","input":{"city":"Paris <&>","unit":"c","id":9007199254740993}},
						{"type":"tool_use","id":"call_C3d4","name":"get_time","input":{}}]},
					{"role":"user","content":[{"type":"tool_result","tool_use_id":"call_C3d4","content":"noon"},
						{"type":"tool_result","tool_use_id":"call_A1b2","content":"{\"celsius\":20}"}]}]`, quoted(messages[len(messages)-2:]))
				assert.JSONEq(t, `[
					{"name":"get_weather","description":"The weather in a city.","strict":true,"input_schema":{"type":"object",
						"properties":{"city":{"type":"string"},"unit":{"type":"string"}},"required":["city","unit"],"additionalProperties":false}},
					{"name":"get_time","input_schema":{"type":"object","properties":{}}}]`, quoted(sent["tools"]))
			})
		}
	}
}

func TestOpenAIsSDKGetsCallsWithoutAWordOfText(t *testing.T) {
	for _, d := range dialects {
		for _, streamed := range []bool{false, true} {
			t.Run(d.name()+map[bool]string{true: " streamed"}[streamed], func(t *testing.T) {
				t.Parallel()
				p := newProvider(t, d, turn{calls: twoCalls[1:]}, turn{text: []string{"Noon."}})
				client := openAIClient(relayTo(t, p))
				params := openAIChat(withOpenAITools)
				message := openAIAnswer(t, client, params, streamed).Choices[0].Message
				assert.Empty(t, message.Content)
				require.Len(t, message.ToolCalls, 1)
				params.Messages = append(params.Messages, message.ToParam(), openaisdk.ToolMessage("", "call_C3d4"), openaisdk.UserMessage("And now?"))
				assert.Equal(t, "Noon.", openAIAnswer(t, client, params, streamed).Choices[0].Message.Content)
			})
		}
	}
}

// A conversation may have begun with another provider, whose ids Anthropic would refuse.
func TestCallsOfOtherProvidersGoOnWithAnthropic(t *testing.T) {
	params := openAIChat(withOpenAITools)
	for _, id := range []string{"functions.get_time:0", "functions.get_time:1"} {
		params.Messages = append(params.Messages,
			openaisdk.ChatCompletionMessage{ToolCalls: []openaisdk.ChatCompletionMessageToolCallUnion{{
				ID: id, Type: "function", Function: openaisdk.ChatCompletionMessageFunctionToolCallFunction{Name: "get_time", Arguments: "{}"},
			}}}.ToParam(),
			openaisdk.ToolMessage("noon", id))
	}
	p := newProvider(t, anthropicDialect, turn{text: []string{"Noon."}})
	got := openAIAnswer(t, openAIClient(relayTo(t, p)), params, false)
	assert.Equal(t, "Noon.", got.Choices[0].Message.Content)
}

func TestOpenAIsSDKChoosesItsTools(t *testing.T) {
	mode := func(m string) openaisdk.ChatCompletionToolChoiceOptionUnionParam {
		return openaisdk.ChatCompletionToolChoiceOptionUnionParam{OfAuto: openaisdk.String(m)}
	}
	named := openaisdk.ToolChoiceOptionFunctionToolChoice(openaisdk.ChatCompletionNamedToolChoiceFunctionParam{Name: "get_time"})
	for _, c := range []struct {
		name        string
		choice      openaisdk.ChatCompletionToolChoiceOptionUnionParam
		oneAtATime  bool
		toOpenAI    string
		toAnthropic string
	}{
		{"auto", mode("auto"), false, `"auto"`, `{"type":"auto"}`},
		{"required", mode("required"), false, `"required"`, `{"type":"any"}`},
		{"none", mode("none"), false, `"none"`, `{"type":"none"}`},
		{"named", named, false, `{"type":"function","function":{"name":"get_time"}}`, `{"type":"tool","name":"get_time"}`},
		{"one at a time", openaisdk.ChatCompletionToolChoiceOptionUnionParam{}, true, `null`, `{"type":"auto","disable_parallel_tool_use":true}`},
		{"exactly one", mode("required"), true, `"required"`, `{"type":"any","disable_parallel_tool_use":true}`},
		{"none, and one at a time", mode("none"), true, `"none"`, `{"type":"none"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			params := openAIChat(withOpenAITools)
			params.ToolChoice = c.choice
			if c.oneAtATime {
				params.ParallelToolCalls = openaisdk.Bool(false)
			}
			for _, d := range dialects {
				p := newProvider(t, d, turn{text: []string{"Well."}})
				openAIAnswer(t, openAIClient(relayTo(t, p)), params, false)
				sent := p.lastBody(t)
				if d.name() == "anthropic" {
					assert.JSONEq(t, c.toAnthropic, quoted(sent["tool_choice"]))
					continue
				}
				assert.JSONEq(t, c.toOpenAI, quoted(sent["tool_choice"]))
				assert.Equal(t, c.oneAtATime, sent["parallel_tool_calls"] == false)
			}
		})
	}
}

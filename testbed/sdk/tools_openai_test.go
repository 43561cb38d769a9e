package sdk

import (
	"context"
	"testing"

	openaisdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/shared"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/testbed/sdktest"
)

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
	for _, d := range sdktest.Dialects {
		for _, streamed := range []bool{false, true} {
			t.Run(d.Name()+map[bool]string{true: " streamed"}[streamed], func(t *testing.T) {
				t.Parallel()
				p := sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{"Let me ", "see."}, Calls: sdktest.TwoCalls}, sdktest.Turn{Text: []string{"20 °C, ", "and noon."}})
				client := sdktest.OpenAIClient(sdktest.RelayTo(t, p))
				params := sdktest.OpenAIChat(withOpenAITools)

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

				sent := p.LastBody(t)
				assert.Contains(t, p.LastText(), "9007199254740993", "numbers are not rounded")
				messages := sdktest.JsonObjects(sent["messages"])
				if d.Name() != "anthropic" {
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
						{"type":"tool_result","tool_use_id":"call_A1b2","content":"{\"celsius\":20}"}]}]`, sdktest.Quoted(messages[len(messages)-2:]))
				assert.JSONEq(t, `[
					{"name":"get_weather","description":"The weather in a city.","strict":true,"input_schema":{"type":"object",
						"properties":{"city":{"type":"string"},"unit":{"type":"string"}},"required":["city","unit"],"additionalProperties":false}},
					{"name":"get_time","input_schema":{"type":"object","properties":{}}}]`, sdktest.Quoted(sent["tools"]))
			})
		}
	}
}

func TestOpenAIsSDKGetsCallsWithoutAWordOfText(t *testing.T) {
	for _, d := range sdktest.Dialects {
		for _, streamed := range []bool{false, true} {
			t.Run(d.Name()+map[bool]string{true: " streamed"}[streamed], func(t *testing.T) {
				t.Parallel()
				p := sdktest.NewProvider(t, d, sdktest.Turn{Calls: sdktest.TwoCalls[1:]}, sdktest.Turn{Text: []string{"Noon."}})
				client := sdktest.OpenAIClient(sdktest.RelayTo(t, p))
				params := sdktest.OpenAIChat(withOpenAITools)
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
	params := sdktest.OpenAIChat(withOpenAITools)
	for _, id := range []string{"functions.get_time:0", "functions.get_time:1"} {
		params.Messages = append(params.Messages,
			openaisdk.ChatCompletionMessage{ToolCalls: []openaisdk.ChatCompletionMessageToolCallUnion{{
				ID: id, Type: "function", Function: openaisdk.ChatCompletionMessageFunctionToolCallFunction{Name: "get_time", Arguments: "{}"},
			}}}.ToParam(),
			openaisdk.ToolMessage("noon", id))
	}
	p := sdktest.NewProvider(t, sdktest.AnthropicDialect, sdktest.Turn{Text: []string{"Noon."}})
	got := openAIAnswer(t, sdktest.OpenAIClient(sdktest.RelayTo(t, p)), params, false)
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
			params := sdktest.OpenAIChat(withOpenAITools)
			params.ToolChoice = c.choice
			if c.oneAtATime {
				params.ParallelToolCalls = openaisdk.Bool(false)
			}
			for _, d := range sdktest.Dialects {
				p := sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{"Well."}})
				openAIAnswer(t, sdktest.OpenAIClient(sdktest.RelayTo(t, p)), params, false)
				sent := p.LastBody(t)
				if d.Name() == "anthropic" {
					assert.JSONEq(t, c.toAnthropic, sdktest.Quoted(sent["tool_choice"]))
					continue
				}
				assert.JSONEq(t, c.toOpenAI, sdktest.Quoted(sent["tool_choice"]))
				assert.Equal(t, c.oneAtATime, sent["parallel_tool_calls"] == false)
			}
		})
	}
}

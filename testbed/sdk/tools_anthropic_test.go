package sdk

import (
	"context"
	"encoding/json"
	"testing"

	anthropicsdk "github.com/anthropics/anthropic-sdk-go"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/testbed/sdktest"
)

func withAnthropicTools(p *anthropicsdk.MessageNewParams) {
	p.Tools = []anthropicsdk.ToolUnionParam{
		{OfTool: &anthropicsdk.ToolParam{
			Name: "get_weather", Description: anthropicsdk.String("The weather in a city."), Strict: anthropicsdk.Bool(true),
			InputSchema: anthropicsdk.ToolInputSchemaParam{
				Properties: map[string]any{"city": map[string]any{"type": "string"}, "unit": map[string]any{"type": "string"}}, Required: []string{"city", "unit"},
				ExtraFields: map[string]any{"additionalProperties": false},
			},
			CacheControl: anthropicsdk.NewCacheControlEphemeralParam(),
		}},
		anthropicsdk.ToolUnionParamOfTool(anthropicsdk.ToolInputSchemaParam{Properties: map[string]any{}}, "get_time"),
	}
}

// anthropicAnswer gets an answer, whole or accumulated from a stream.
func anthropicAnswer(t *testing.T, client anthropicsdk.Client, params anthropicsdk.MessageNewParams, streamed bool) anthropicsdk.Message {
	t.Helper()
	if streamed {
		return accumulate(t, client, params)
	}
	message, err := client.Messages.New(context.Background(), params)
	require.NoError(t, err)
	return *message
}

func TestAnthropicsSDKCallsTwoToolsAndSendsTheirResultsBack(t *testing.T) {
	for _, d := range sdktest.Dialects {
		for _, streamed := range []bool{false, true} {
			t.Run(d.Name()+map[bool]string{true: " streamed"}[streamed], func(t *testing.T) {
				t.Parallel()
				p := sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{"Let me ", "see."}, Calls: sdktest.TwoCalls}, sdktest.Turn{Text: []string{"20 °C, ", "and noon."}})
				client := sdktest.AnthropicClient(sdktest.RelayTo(t, p))
				params := anthropicChat(withAnthropicTools)

				first := anthropicAnswer(t, client, params, streamed)
				assert.EqualValues(t, "tool_use", first.StopReason)
				require.Len(t, first.Content, 3)
				assert.Equal(t, "Let me see.", first.Content[0].AsText().Text)
				for i, want := range []struct{ id, name, input string }{
					{"call_A1b2", "get_weather", `{"city":"Paris <&>","unit":"c","id":9007199254740993}`}, {"call_C3d4", "get_time", `{}`},
				} {
					call := first.Content[i+1].AsToolUse()
					assert.Equal(t, []string{want.id, want.name}, []string{call.ID, call.Name})
					assert.JSONEq(t, want.input, string(call.Input))
				}

				params.Messages = append(params.Messages, first.ToParam(), anthropicsdk.NewUserMessage(
					anthropicsdk.NewToolResultBlock("call_C3d4", "no clock here", true), anthropicsdk.NewToolResultBlock("call_A1b2", `{"celsius":20}`, false),
					anthropicsdk.NewTextBlock("Go on."),
				))
				second := anthropicAnswer(t, client, params, streamed)
				require.Len(t, second.Content, 1)
				assert.Equal(t, "20 °C, and noon.", second.Content[0].AsText().Text)
				assert.EqualValues(t, "end_turn", second.StopReason)

				sent := p.LastBody(t)
				assert.Contains(t, p.LastText(), "9007199254740993", "numbers are not rounded")
				messages := sdktest.JsonObjects(sent["messages"])
				if d.Name() == "anthropic" {
					assert.JSONEq(t, sdktest.Quoted(params.Messages), sdktest.Quoted(messages))
					return
				}
				last := messages[len(messages)-4:]
				require.JSONEq(t, `{"role":"assistant","content":"Let me see.","tool_calls":[
					{"id":"call_A1b2","type":"function","function":{"name":"get_weather","arguments":""}},
					{"id":"call_C3d4","type":"function","function":{"name":"get_time","arguments":""}}]}`, sdktest.Quoted(withoutArguments(t, last[0], `{"city":"Paris <&>","unit":"c","id":9007199254740993}`, `{}`)))
				assert.JSONEq(t, `[{"role":"tool","tool_call_id":"call_C3d4","content":"Error: no clock here"},
					{"role":"tool","tool_call_id":"call_A1b2","content":"{\"celsius\":20}"}, {"role":"user","content":"Go on."}]`, sdktest.Quoted(last[1:]))
				assert.JSONEq(t, `[
					{"type":"function","function":{"name":"get_weather","description":"The weather in a city.","strict":true,"parameters":{"type":"object",
						"properties":{"city":{"type":"string"},"unit":{"type":"string"}},"required":["city","unit"],"additionalProperties":false}}},
					{"type":"function","function":{"name":"get_time","parameters":{"type":"object","properties":{}}}}]`, sdktest.Quoted(sent["tools"]))
			})
		}
	}
}

// withoutArguments checks the arguments of a message's tool calls, whose spelling is free, and empties them.
func withoutArguments(t *testing.T, message map[string]any, want ...string) map[string]any {
	t.Helper()
	calls := sdktest.JsonObjects(message["tool_calls"])
	require.Len(t, calls, len(want))
	for i, call := range calls {
		f := sdktest.JsonObject(call["function"])
		require.True(t, json.Valid([]byte(sdktest.JsonText(f["arguments"]))), f["arguments"])
		assert.JSONEq(t, want[i], sdktest.JsonText(f["arguments"]))
		f["arguments"] = ""
	}
	return message
}

func TestAnthropicsSDKChoosesItsTools(t *testing.T) {
	auto := func(one bool) anthropicsdk.ToolChoiceUnionParam {
		choice := &anthropicsdk.ToolChoiceAutoParam{}
		if one {
			choice.DisableParallelToolUse = anthropicsdk.Bool(true)
		}
		return anthropicsdk.ToolChoiceUnionParam{OfAuto: choice}
	}
	none := anthropicsdk.NewToolChoiceNoneParam()
	for _, c := range []struct {
		name        string
		choice      anthropicsdk.ToolChoiceUnionParam
		toAnthropic string
		toOpenAI    string
		oneAtATime  bool
	}{
		{"auto", auto(false), `{"type":"auto"}`, `"auto"`, false},
		{"any", anthropicsdk.ToolChoiceUnionParam{OfAny: &anthropicsdk.ToolChoiceAnyParam{}}, `{"type":"any"}`, `"required"`, false},
		{"none", anthropicsdk.ToolChoiceUnionParam{OfNone: &none}, `{"type":"none"}`, `"none"`, false},
		{"named", anthropicsdk.ToolChoiceParamOfTool("get_time"), `{"type":"tool","name":"get_time"}`, `{"type":"function","function":{"name":"get_time"}}`, false},
		{"one at a time", auto(true), `{"type":"auto","disable_parallel_tool_use":true}`, `"auto"`, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			params := anthropicChat(withAnthropicTools)
			params.ToolChoice = c.choice
			for _, d := range sdktest.Dialects {
				p := sdktest.NewProvider(t, d, sdktest.Turn{Text: []string{"Well."}})
				anthropicAnswer(t, sdktest.AnthropicClient(sdktest.RelayTo(t, p)), params, false)
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

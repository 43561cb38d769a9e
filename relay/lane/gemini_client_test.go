package lane_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/relay/wire"
)

// parts is all parts of an answer to a client of Gemini's, and why it ended.
func (s *scene) parts(answers ...map[string]any) (all []map[string]any, end any) {
	s.t.Helper()
	for _, a := range answers {
		if _, has := a["candidates"]; !has {
			continue
		}
		for _, p := range at(s.t, a, "candidates", 0, "content", "parts").([]any) {
			if part := p.(map[string]any); part["text"] != "" || part["thoughtSignature"] != nil {
				all = append(all, part)
			}
		}
		if reason := at(s.t, a, "candidates", 0, "finishReason"); reason != nil {
			end = reason
		}
	}
	return all, end
}

// bothWays has an answer of Anthropic's told whole and as a stream.
func bothWays(t *testing.T, members string, whole string, stream []string, check func(s *scene, answers ...map[string]any)) {
	t.Helper()
	s := to(t, "anthropic", "claude-sonnet-4-5", true, wire.GeminiGenerate)
	s.saw(members)
	check(s, s.got(whole))
	s = to(t, "anthropic", "claude-sonnet-4-5", true, wire.GeminiStream)
	s.saw(members)
	got, failed := s.heard(stream...)
	require.NoError(t, failed)
	check(s, got...)
}

const geminiThinks = `"generationConfig":{"thinkingConfig":{"includeThoughts":true}}`

// asStream is blocks of Anthropic's as it streams them.
func asStream(stop string, blocks ...[2]string) []string {
	events := []string{`{"type":"message_start","message":{"id":"m1","type":"message","role":"assistant","model":"claude-x","content":[],"usage":{"input_tokens":10,"output_tokens":1}}}`}
	for i, b := range blocks {
		index := `"index":` + string(rune('0'+i))
		events = append(events, `{"type":"content_block_start",`+index+`,"content_block":`+b[0]+`}`)
		for _, delta := range strings.Split(b[1], "|") {
			if delta != "" {
				events = append(events, `{"type":"content_block_delta",`+index+`,"delta":`+delta+`}`)
			}
		}
		events = append(events, `{"type":"content_block_stop",`+index+`}`)
	}
	return append(events, `{"type":"message_delta","delta":{"stop_reason":"`+stop+`"},"usage":{"input_tokens":10,"cache_read_input_tokens":4,"output_tokens":9,"output_tokens_details":{"thinking_tokens":3}}}`, `{"type":"message_stop"}`)
}

// TestReasoningOfOthersComesBackToItsMakerThroughAGeminiClient in the signature of the part that follows it, whether the client keeps
// thoughts or not; and to nobody else.
func TestReasoningOfOthersComesBackToItsMakerThroughAGeminiClient(t *testing.T) {
	const whole = `{"id":"m1","type":"message","role":"assistant","model":"claude-x","content":[{"type":"thinking","thinking":"I need f","signature":"U0lH+/=="},{"type":"redacted_thinking","data":"UkVE"},` +
		`{"type":"tool_use","id":"toolu_1","name":"f","input":{"a":1}},{"type":"tool_use","id":"toolu_2","name":"f","input":{}}],"stop_reason":"tool_use","usage":{"input_tokens":10,"output_tokens":9}}`
	stream := asStream("tool_use", [2]string{`{"type":"thinking","thinking":"","signature":""}`, `{"type":"thinking_delta","thinking":"I need"}|{"type":"thinking_delta","thinking":" f"}|{"type":"signature_delta","signature":"U0lH+/=="}`},
		[2]string{`{"type":"redacted_thinking","data":"UkVE"}`, ""},
		[2]string{`{"type":"tool_use","id":"toolu_1","name":"f","input":{}}`, `{"type":"input_json_delta","partial_json":"{\"a\""}|{"type":"input_json_delta","partial_json":":1}"}`}, [2]string{`{"type":"tool_use","id":"toolu_2","name":"f","input":{}}`, ""})
	for name, told := range map[string]bool{"thoughts are told": true, "thoughts are not told": false} {
		t.Run(name, func(t *testing.T) {
			members := geminiTool
			if told {
				members += "," + geminiThinks
			}
			bothWays(t, members, whole, stream, func(s *scene, answers ...map[string]any) {
				parts, end := s.parts(answers...)
				require.Equal(t, "STOP", end, "which calls end with as well")
				var calls []string
				thought := ""
				for _, p := range parts {
					if p["thought"] == true {
						thought += p["text"].(string)
						continue
					}
					calls = append(calls, mustEncode(t, p))
				}
				require.Equal(t, map[bool]string{true: "I need f", false: ""}[told], thought)
				require.Len(t, calls, 2)
				require.JSONEq(t, `{"id":"toolu_1","name":"f","args":{"a":1}}`, mustEncode(t, at(t, parts[len(parts)-2], "functionCall")))
				signature := parts[len(parts)-2]["thoughtSignature"].(string)
				_, err := base64.StdEncoding.DecodeString(signature)
				require.NoError(t, err, "clients decode it")
				require.NotContains(t, parts[len(parts)-1], "thoughtSignature", "only the first one has it")

				asPython := strings.NewReplacer("+", "-", "/", "_").Replace(signature) // whose SDK writes the other alphabet
				for _, signed := range []string{signature, asPython} {
					goesOn := members + `,"contents":[{"role":"user","parts":[{"text":"go"}]},{"role":"model","parts":[` + strings.Replace(strings.Join(calls, ","), signature, signed, 1) + `]},` +
						`{"role":"user","parts":[{"functionResponse":{"id":"toolu_1","name":"f","response":{"output":"1"}}},{"functionResponse":{"id":"toolu_2","name":"f","response":{"output":"2"}}}]}]`
					saw := s.saw(goesOn)
					require.JSONEq(t, `[{"type":"thinking","thinking":"I need f","signature":"U0lH+/=="},{"type":"redacted_thinking","data":"UkVE"},{"type":"tool_use","id":"toolu_1","name":"f","input":{"a":1}},{"type":"tool_use","id":"toolu_2","name":"f","input":{}}]`,
						mustEncode(t, at(t, saw, "messages", 1, "content")))
					require.JSONEq(t, `[{"type":"tool_result","tool_use_id":"toolu_1","content":"1"},{"type":"tool_result","tool_use_id":"toolu_2","content":"2"}]`, mustEncode(t, at(t, saw, "messages", 2, "content")))
					for kind, model := range map[string]string{"openai": "gpt-4o", "openai/responses": "gpt-5", "deepseek": "deepseek-chat"} {
						other := to(t, kind, model, true, wire.GeminiGenerate)
						other.saw(goesOn)
						require.NotContains(t, string(other.sent.Body), "U0lH", kind)
						require.NotContains(t, string(other.sent.Body), "sealed", kind)
					}
					native := to(t, "gemini", "gemini-3-flash-preview", true, wire.GeminiGenerate)
					saw = native.saw(goesOn)
					require.Equal(t, "skip_thought_signature_validator", at(t, saw, "contents", 1, "parts", 0, "thoughtSignature"), "Gemini takes it for its own otherwise, and refuses it")
				}
			})
		})
	}
}

// TestSealedReasoningOfTheResponsesAPIComesBack through a Gemini client.
func TestSealedReasoningOfTheResponsesAPIComesBack(t *testing.T) {
	s := to(t, "openai/responses", "gpt-5", true, wire.GeminiGenerate)
	s.saw(geminiTool)
	parts, _ := s.parts(s.got(`{"id":"resp_1","object":"response","model":"gpt-5","status":"completed","output":[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"RU5D"},` +
		`{"type":"function_call","id":"fc_1","call_id":"call_1","name":"f","arguments":"{\"a\":1}"}],"usage":{"input_tokens":1,"output_tokens":1}}`))
	require.Len(t, parts, 1)
	saw := s.saw(geminiTool + `,"contents":[{"role":"user","parts":[{"text":"go"}]},{"role":"model","parts":[` + mustEncode(t, parts[0]) + `]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"x":1}}}]}]`)
	require.JSONEq(t, `[{"type":"reasoning","summary":[],"encrypted_content":"RU5D"},{"type":"function_call","call_id":"call_1","name":"f","arguments":"{\"a\":1}"},{"type":"function_call_output","call_id":"call_1","output":"{\"x\":1}"}]`,
		mustEncode(t, at(t, saw, "input").([]any)[1:]))
}

// TestReasoningThatNobodySignedIsGivenBackToThoseWhoWantItThroughAGeminiClient which may have left the thoughts out.
func TestReasoningThatNobodySignedIsGivenBackToThoseWhoWantItThroughAGeminiClient(t *testing.T) {
	s := to(t, "deepseek", "deepseek-chat", true, wire.GeminiGenerate)
	s.saw(geminiTool)
	parts, _ := s.parts(s.got(completion(`{"reasoning_content":"Hm.","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]}`, `"tool_calls"`)))
	require.Len(t, parts, 1)
	saw := s.saw(geminiTool + `,"contents":[{"role":"user","parts":[{"text":"go"}]},{"role":"model","parts":[` + mustEncode(t, parts[0]) + `]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"1"}}}]}]`)
	require.Equal(t, "Hm.", at(t, saw, "messages", 1, "reasoning_content"))
}

// TestAnAnswerIsToldToAGeminiClient whole and streamed, with its ends, and what it cost.
func TestAnAnswerIsToldToAGeminiClient(t *testing.T) {
	usage := map[string]any{"promptTokenCount": 14.0, "cachedContentTokenCount": 4.0, "candidatesTokenCount": 6.0, "thoughtsTokenCount": 3.0, "totalTokenCount": 23.0}
	for stop, want := range map[string]string{"end_turn": "STOP", "max_tokens": "MAX_TOKENS", "refusal": "SAFETY", "stop_sequence": "STOP", "brand_new": "STOP"} {
		bothWays(t, "", `{"id":"m1","type":"message","role":"assistant","model":"claude-x","content":[{"type":"text","text":"Hello"}],"stop_reason":"`+stop+`","usage":{"input_tokens":10,"cache_read_input_tokens":4,"output_tokens":9,"output_tokens_details":{"thinking_tokens":3}}}`,
			asStream(stop, [2]string{`{"type":"text","text":""}`, `{"type":"text_delta","text":"Hel"}|{"type":"text_delta","text":"lo"}`}), func(s *scene, answers ...map[string]any) {
				parts, end := s.parts(answers...)
				text := ""
				for _, p := range parts {
					text += p["text"].(string)
				}
				require.Equal(t, "Hello", text)
				require.Equal(t, want, end, stop)
				last := answers[len(answers)-1]
				require.Equal(t, usage, last["usageMetadata"])
				require.Equal(t, "claude-x", last["modelVersion"])
				require.Equal(t, "m1", last["responseId"])
			})
	}
	bothWays(t, "", message("", `"refusal"`), asStream("refusal"), func(_ *scene, answers ...map[string]any) {
		require.Equal(t, map[string]any{"blockReason": "SAFETY"}, answers[len(answers)-1]["promptFeedback"])
		require.NotContains(t, answers[len(answers)-1], "candidates", "as Gemini says that a prompt is blocked")
	})
}

// TestACutStreamIsNotToldToAGeminiClientAsOneThatEnded in good order.
func TestACutStreamIsNotToldToAGeminiClientAsOneThatEnded(t *testing.T) {
	s := to(t, "openai", "gpt-x", false, wire.GeminiStream)
	s.saw("")
	got, failed := s.heard(chunk(`{"content":"Hel"}`))
	require.Equal(t, outcome.UpstreamTruncated, outcome.FailureOf(failed).Outcome)
	parts, end := s.parts(got...)
	require.Equal(t, []map[string]any{{"text": "Hel"}}, parts)
	require.Nil(t, end)
}

// TestACallWhoseArgumentsAreNoObjectIsToldInGeminisWord since its clients are given objects.
func TestACallWhoseArgumentsAreNoObjectIsToldInGeminisWord(t *testing.T) {
	for name, chunks := range map[string][]string{
		"MALFORMED_FUNCTION_CALL": {pieces(`{"index":0,"id":"a","function":{"name":"f","arguments":"{\"half"}}`), ends(`"tool_calls"`), "[DONE]"},
		"MAX_TOKENS":              {pieces(`{"index":0,"id":"a","function":{"name":"f","arguments":"{\"half"}}`), ends(`"length"`), "[DONE]"},
		"STOP":                    {pieces(`{"index":0,"id":"a","function":{"name":"f","arguments":""}}`), ends(`"tool_calls"`), "[DONE]"},
	} {
		s := to(t, "openai", "gpt-x", false, wire.GeminiStream)
		s.saw(geminiTool)
		got, failed := s.heard(chunks...)
		require.NoError(t, failed, name)
		parts, end := s.parts(got...)
		require.Equal(t, name, end)
		require.Len(t, parts, map[bool]int{true: 1}[name == "STOP"])
	}
}

// TestPiecesOfCallsAreWholeToAGeminiClient however they are mixed, and in the order of their calls.
func TestPiecesOfCallsAreWholeToAGeminiClient(t *testing.T) {
	s := to(t, "openai", "gpt-x", false, wire.GeminiStream)
	s.saw(geminiTool)
	got, failed := s.heard(pieces(`{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\""}},{"index":1,"id":"b","function":{"name":"g","arguments":"{\"y\":2}"}}`), chunk(`{"content":"and so"}`),
		pieces(`{"index":0,"function":{"arguments":":1}"}}`), ends(`"stop"`), "[DONE]")
	require.NoError(t, failed)
	parts, end := s.parts(got...)
	require.Equal(t, "STOP", end)
	var calls []any
	for _, p := range parts {
		if p["functionCall"] != nil {
			calls = append(calls, p["functionCall"])
		}
	}
	require.Equal(t, []any{map[string]any{"id": "a", "name": "f", "args": map[string]any{"x": 1.0}}, map[string]any{"id": "b", "name": "g", "args": map[string]any{"y": 2.0}}}, calls)
}

// TestAListIsAskedForInsideOfAnObject which is the only kind of schema that others take, and the client gets the list.
func TestAListIsAskedForInsideOfAnObject(t *testing.T) {
	const members = `"generationConfig":{"responseMimeType":"application/json","responseSchema":{"type":"ARRAY","items":{"type":"OBJECT","properties":{"a":{"type":"INTEGER","format":"int32"}},"required":["a"]}}}`
	s := to(t, "openai", "gpt-x", false, wire.GeminiStream)
	saw := s.saw(members)
	require.JSONEq(t, `{"type":"object","properties":{"value":{"type":"array","items":{"type":"object","properties":{"a":{"type":"integer"}},"required":["a"]}}},"required":["value"],"additionalProperties":false}`,
		mustEncode(t, at(t, saw, "response_format", "json_schema", "schema")))
	const answer = "{ \"value\" :\n [{\"a\":1}, {\"a\":{}} ]\n}\n"
	for _, size := range []int{1, 2, 3, 7, len(answer)} {
		var chunks []string
		for rest := answer; rest != ""; {
			n := min(size, len(rest))
			chunks = append(chunks, chunk(`{"content":`+mustEncode(t, rest[:n])+`}`))
			rest = rest[n:]
		}
		got, failed := s.heard(append(chunks, ends(`"stop"`), "[DONE]")...)
		require.NoError(t, failed)
		parts, _ := s.parts(got...)
		text := ""
		for _, p := range parts {
			text += p["text"].(string)
		}
		require.JSONEq(t, `[{"a":1},{"a":{}}]`, text, "in pieces of %d", size)
	}
	for _, astray := range []string{"I cannot.", `{"values":[1]}`, `[1]`, `{"va`} {
		got, failed := s.heard(chunk(`{"content":`+mustEncode(t, astray)+`}`), ends(`"stop"`), "[DONE]")
		require.NoError(t, failed)
		parts, _ := s.parts(got...)
		require.Equal(t, astray, parts[0]["text"])
	}
}

// TestASchemaOfGeminisIsOneOfEverybodys in JSON schema's words.
func TestASchemaOfGeminisIsOneOfEverybodys(t *testing.T) {
	for name, tc := range map[string]struct{ schema, want string }{
		"capitals":         {`{"type":"OBJECT","properties":{"type":{"type":"STRING"},"n":{"type":"NUMBER","format":"double"}},"required":["n"]}`, `{"type":"object","properties":{"type":{"type":"string"},"n":{"type":"number"}},"required":["n"]}`},
		"nullable":         {`{"type":"OBJECT","properties":{"a":{"type":"STRING","nullable":true,"enum":["x"],"format":"enum"}}}`, `{"type":"object","properties":{"a":{"type":["string","null"],"enum":["x",null]}}}`},
		"anyOf":            {`{"type":"OBJECT","properties":{"a":{"any_of":[{"type":"STRING"},{"type":"INTEGER"}],"nullable":true}}}`, `{"type":"object","properties":{"a":{"anyOf":[{"type":"string"},{"type":"integer"},{"type":"null"}]}}}`},
		"numbers as texts": {`{"type":"OBJECT","properties":{"a":{"type":"ARRAY","min_items":"1","maxItems":"5","items":{"type":"STRING","maxLength":"9"}}}}`, `{"type":"object","properties":{"a":{"type":"array","minItems":1,"maxItems":5,"items":{"type":"string","maxLength":9}}}}`},
		"JSON schema":      {`{"type":"object","properties":{"a":{"type":["string","null"]}},"additionalProperties":false}`, `{"type":"object","properties":{"a":{"type":["string","null"]}},"additionalProperties":false}`},
		"references":       {`{"type":"OBJECT","properties":{"a":{"ref":"#/defs/x"}},"defs":{"x":{"type":"STRING"}}}`, `{"type":"object","properties":{"a":{"$ref":"#/$defs/x"}},"$defs":{"x":{"type":"string"}}}`},
		"snake properties": {`{"type":"OBJECT","properties":{"min_items":{"type":"STRING","example":"x"}},"required":["min_items"]}`, `{"type":"object","properties":{"min_items":{"type":"string"}},"required":["min_items"]}`},
	} {
		s := to(t, "openai", "gpt-x", false, wire.GeminiGenerate)
		saw := s.saw(`"tools":[{"functionDeclarations":[{"name":"f","parameters":` + tc.schema + `}]}]`)
		require.JSONEq(t, tc.want, mustEncode(t, at(t, saw, "tools", 0, "function", "parameters")), name)
	}
	s := to(t, "openai", "gpt-x", false, wire.GeminiGenerate)
	s.saw(`"tools":[{"functionDeclarations":[{"name":"f","parameters":{"type":"OBJECT","properties":{"b":{},"a":{},"c":{}},"propertyOrdering":["c","a"]}}]}]`)
	require.Contains(t, string(s.sent.Body), `{"c":{},"a":{},"b":{}}`, "in the order that is asked for")
}

// TestAResultFindsItsCallWithoutAnID by its name and its place.
func TestAResultFindsItsCallWithoutAnID(t *testing.T) {
	const model = `{"role":"model","parts":[{"functionCall":{"name":"f","args":{"n":1}}},{"functionCall":{"name":"g"}},{"functionCall":{"name":"f","args":{"n":2}}}]}`
	result := func(name, output string) string {
		return `{"functionResponse":{"name":"` + name + `","response":{"output":"` + output + `"}}}`
	}
	s := to(t, "openai", "gpt-x", false, wire.GeminiGenerate)
	saw := s.saw(`"contents":[{"parts":[{"text":"go"}]},` + model + `,{"role":"function","parts":[` + result("g", "G") + `,` + result("f", "F1") + `,` + result("f", "F2") + `]},` + model + `,{"role":"user","parts":[` + result("f", "F3") + "," + result("g", "G2") + "," + result("f", "F4") + `]}]`)
	messages := saw["messages"].([]any)
	byID, seen := map[any]any{}, map[any]bool{}
	for _, m := range messages {
		if m := m.(map[string]any); m["role"] == "tool" {
			byID[m["tool_call_id"]] = m["content"]
		}
	}
	for _, turn := range []int{1, 5} {
		for i, want := range map[int][]string{1: {"F1", "G", "F2"}, 5: {"F3", "G2", "F4"}}[turn] {
			id := at(t, messages[turn], "tool_calls", i, "id")
			require.Equal(t, want, byID[id])
			require.False(t, seen[id], "no id is there twice")
			seen[id] = true
		}
	}
	for name, wrong := range map[string]string{
		"contents[1].parts[0].functionResponse answers no call": `"contents":[{"parts":[{"text":"go"}]},{"parts":[` + result("f", "x") + `]}]`,
		"contents must have at least one content":               `"contents":[]`,
		"contents[0].role must be user or model":                `"contents":[{"role":"system","parts":[{"text":"x"}]}]`,
		"contents[0].parts[0].text must be a string":            `"contents":[{"parts":[{"text":7}]}]`,
		"contents[0].parts[0].inlineData.mimeType is required":  partsSay(`{"inlineData":{"data":"AA=="}}`),
		"toolConfig.functionCallingConfig.mode must be AUTO":    geminiChoice(`"mode":"SOME"`),
		`allowedFunctionNames names "z", which is not among`:    geminiChoice(`"mode":"ANY","allowedFunctionNames":["z"]`),
		"generationConfig.thinkingConfig has both":              `"generationConfig":{"thinkingConfig":{"thinkingBudget":1,"thinkingLevel":"LOW"}}`,
		"generationConfig.responseMimeType must be application": `"generationConfig":{"responseSchema":{"type":"OBJECT"}}`,
	} {
		err := to(t, "openai", "gpt-x", false, wire.GeminiGenerate).ask(wrong)
		require.ErrorContains(t, err, name)
	}
}

// TestAnIDThatASealIsInIsTheClientsOwnBusiness: what Gemini has signed behind its OpenAI-compatible address comes back to it.
func TestAnIDThatASealIsInIsTheClientsOwnBusiness(t *testing.T) {
	const call = `{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"},"extra_content":{"google":{"thought_signature":"U0lH+/=="}}}`
	s := to(t, "openai", "gemini-3-pro", false, wire.GeminiGenerate)
	s.saw(geminiTool)
	parts, _ := s.parts(s.got(completion(`{"content":null,"tool_calls":[`+call+`]}`, `"tool_calls"`)))
	said, err := json.Marshal(parts[0])
	require.NoError(t, err)
	id := at(t, parts[0], "functionCall", "id").(string)
	goesOn := geminiTool + `,"contents":[{"role":"user","parts":[{"text":"go"}]},{"role":"model","parts":[` + string(said) + `]},{"role":"user","parts":[{"functionResponse":{"id":"` + id + `","name":"f","response":{"output":"1"}}}]}]`
	saw := s.saw(goesOn)
	require.Equal(t, "U0lH+/==", at(t, saw, "messages", 1, "tool_calls", 0, "extra_content", "google", "thought_signature"))
	require.Equal(t, "call_1", at(t, saw, "messages", 2, "tool_call_id"))
	native := to(t, "gemini", "gemini-3-flash-preview", true, wire.GeminiGenerate)
	native.saw(goesOn)
	require.NotContains(t, string(native.sent.Body), "sealed")
	require.Equal(t, 2, strings.Count(string(native.sent.Body), `"call_1"`))
}

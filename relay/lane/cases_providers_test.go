package lane_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/relay/wire"
)

// The kinds of shared/cases, walked for providers that speak Gemini and Responses: what each of them was seen to say otherwise than its
// own documentation, and what others say who imitate it.

// response is a whole answer of the Responses API.
func response(output, more string) string {
	return `{"id":"resp_1","object":"response","model":"m","status":"completed","output":[` + output + `],"usage":{"input_tokens":10,"output_tokens":5,"total_tokens":15}` + more + `}`
}

// summed is what a client of chat completions reads of a stream: its text, its calls, and its end.
func summed(t *testing.T, chunks []map[string]any) (text string, calls []block, end string) {
	t.Helper()
	for _, c := range chunks {
		for _, choice := range c["choices"].([]any) {
			delta := at(t, choice, "delta").(map[string]any)
			said, _ := delta["content"].(string)
			text += said
			list, _ := delta["tool_calls"].([]any)
			for _, piece := range list {
				n := int(at(t, piece, "index").(float64))
				for len(calls) <= n {
					calls = append(calls, block{})
				}
				of := piece.(map[string]any)
				if id, ok := of["id"].(string); ok {
					calls[n].id, calls[n].name = id, at(t, piece, "function", "name").(string)
				}
				calls[n].text += at(t, piece, "function", "arguments").(string)
			}
			if reason, ok := choice.(map[string]any)["finish_reason"].(string); ok {
				end = reason
			}
		}
	}
	return text, calls, end
}

// onResponses is a client of chat completions in front of a provider that speaks Responses.
func onResponses(t *testing.T) *scene {
	t.Helper()
	s := to(t, "openai/responses", "gpt-x", false, wire.ChatCompletions)
	s.saw(`"stream":true,"tools":[{"type":"function","function":{"name":"f"}}]`)
	return s
}

// TestPiecesOfToolCallsOnResponsesFindTheirCall is kind C: by the item's id, by its place, or because there is no other.
func TestPiecesOfToolCallsOnResponsesFindTheirCall(t *testing.T) {
	added := func(index, members string) string {
		return `{"type":"response.output_item.added",` + index + `"item":{"type":"function_call",` + members + `}}`
	}
	done := func(index, members string) string {
		return `{"type":"response.output_item.done",` + index + `"item":{"type":"function_call",` + members + `}}`
	}
	piece := func(of, delta string) string {
		return `{"type":"response.function_call_arguments.delta",` + of + `"delta":` + mustEncode(t, delta) + `}`
	}
	const a, b = `"id":"fc_a","call_id":"a","name":"f"`, `"id":"fc_b","call_id":"b","name":"g"`
	two := []block{{id: "a", name: "f", text: `{"x":1}`}, {id: "b", name: "g", text: `{"y":2}`}}
	for name, tc := range map[string]struct {
		events []string
		want   []block
	}{
		"mixed, by their places": {[]string{
			added(`"output_index":0,`, a), added(`"output_index":1,`, b), piece(`"output_index":1,`, `{"y"`), piece(`"output_index":0,`, `{"x":1}`), piece(`"output_index":1,`, `:2}`),
			done(`"output_index":0,`, a+`,"arguments":"{\"x\":1}"`), done(`"output_index":1,`, b+`,"arguments":"{\"y\":2}"`),
		}, two},
		"mixed, by their ids, at one place": {[]string{
			added(`"output_index":0,`, a), added(`"output_index":0,`, b), piece(`"output_index":0,"item_id":"fc_b",`, `{"y"`), piece(`"output_index":0,"item_id":"fc_a",`, `{"x":1}`), piece(`"output_index":0,"item_id":"fc_b",`, `:2}`),
			done(`"output_index":0,`, a+`,"arguments":"{\"x\":1}"`), done(`"output_index":0,`, b+`,"arguments":"{\"y\":2}"`),
		}, two},
		"without places, one after the other": {[]string{
			added("", a), piece("", `{"x":1}`), done("", a+`,"arguments":"{\"x\":1}"`), added("", b), piece("", `{"y":2}`), done("", b+`,"arguments":"{\"y\":2}"`),
		}, two},
		"without places, and the end of the first left out": {[]string{
			added("", a), piece("", `{"x":1}`), added("", b), piece("", `{"y":2}`), done("", b+`,"arguments":"{\"y\":2}"`),
		}, two},
		"another id in each event": {[]string{
			added(`"output_index":0,`, `"id":"q1","call_id":"a","name":"f"`), piece(`"output_index":0,"item_id":"q2",`, `{"x"`), piece(`"output_index":0,"item_id":"q3",`, `:1}`), done(`"output_index":0,`, `"id":"q4","call_id":"a","name":"f","arguments":"{\"x\":1}"`),
			added(`"output_index":1,`, `"id":"q5","call_id":"b","name":"g"`), piece(`"output_index":1,"item_id":"q6",`, `{"y":2}`), done(`"output_index":1,`, `"id":"q7","call_id":"b","name":"g","arguments":"{\"y\":2}"`),
		}, two},
		"a name that comes with the end": {[]string{
			added(`"output_index":0,`, `"id":"fc_a","call_id":"a"`), piece(`"output_index":0,`, `{"x":1}`), done(`"output_index":0,`, a+`,"arguments":"{\"x\":1}"`), done(`"output_index":1,`, b+`,"arguments":"{\"y\":2}"`),
		}, two},
		"arguments as objects": {[]string{
			done(`"output_index":0,`, a+`,"arguments":{"x": 1}`), added(`"output_index":1,`, b), `{"type":"response.function_call_arguments.done","output_index":1,"arguments":{"y": 2}}`, done(`"output_index":1,`, b+`,"arguments":{"y": 2}`),
		}, two},
		"no call_id": {[]string{
			done(`"output_index":0,`, `"id":"fc_a","name":"f","arguments":"{\"x\":1}"`), done(`"output_index":1,`, `"id":"fc_b","name":"g","arguments":"{\"y\":2}"`),
		}, []block{{id: "fc_a", name: "f", text: `{"x":1}`}, {id: "fc_b", name: "g", text: `{"y":2}`}}},
		"no id at all, and one for both": {[]string{
			done(`"output_index":0,`, `"name":"f","arguments":"{\"x\":1}"`), done(`"output_index":1,`, `"call_id":"c","name":"g","arguments":"{\"y\":2}"`), done(`"output_index":2,`, `"call_id":"c","name":"g","arguments":"{\"y\":3}"`),
		}, []block{{id: "call_resp_1_0", name: "f", text: `{"x":1}`}, {id: "c", name: "g", text: `{"y":2}`}, {id: "call_resp_1_2", name: "g", text: `{"y":3}`}}},
	} {
		t.Run(name, func(t *testing.T) {
			s := onResponses(t)
			got, failed := s.heard(append(append([]string{`{"type":"response.created","response":{"id":"resp_1","model":"m"}}`}, tc.events...), `{"type":"response.completed","response":{"id":"resp_1","status":"completed","output":[]}}`)...)
			require.NoError(t, failed)
			_, calls, end := summed(t, got)
			require.Equal(t, tc.want, calls)
			require.Equal(t, "tool_calls", end)
		})
	}
}

// TestAnEndOnResponsesIsTakenForWhatItMeans is kind D.
func TestAnEndOnResponsesIsTakenForWhatItMeans(t *testing.T) {
	const begun, said = `{"type":"response.created","response":{"id":"resp_1","model":"m"}}`, `{"type":"response.output_text.delta","output_index":0,"delta":"half"}`
	for name, failure := range map[string]string{
		"completed, which has failed": `{"type":"response.completed","response":{"id":"resp_1","status":"failed","error":{"code":"server_error","message":"it broke"},"output":[]}}`,
		"done, which has failed":      `{"type":"response.done","response":{"id":"resp_1","status":"failed","error":null,"output":[]}}`,
		"done, which was cancelled":   `{"type":"response.done","response":{"id":"resp_1","status":"cancelled","output":[]}}`,
		"incomplete by an error":      `{"type":"response.incomplete","response":{"id":"resp_1","status":"incomplete","incomplete_details":{"reason":"server_error"},"output":[]}}`,
	} {
		for _, client := range []wire.Endpoint{wire.ChatCompletions, wire.ResponsesCreate, wire.Messages, wire.GeminiStream} {
			s := to(t, "openai/responses", "gpt-x", false, client)
			s.saw(map[bool]string{true: `"stream":true`}[client != wire.GeminiStream])
			_, failed := s.heard(begun, said, failure)
			require.Error(t, failed, "%s for %v", name, client)
			require.Equal(t, outcome.UpstreamErrorEvent, outcome.FailureOf(failed).Outcome, name)
		}
	}
	for end, want := range map[string]string{
		`{"type":"response.incomplete","response":{"status":"incomplete"}}`:                                                             "length",
		`{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}}`:         "length",
		`{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"content_filter"}}}`:            "content_filter",
		`{"type":"response.completed","response":{"status":"completed","incomplete_details":null}}`:                                     "stop",
		`{"type":"response.completed","response":{}}`:                                                                                   "stop",
		`{"type":"response.done","response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":null}}`: "length",
	} {
		s := onResponses(t)
		got, failed := s.heard(begun, said, end)
		require.NoError(t, failed, end)
		text, _, reason := summed(t, got)
		require.Equal(t, "half", text, end)
		require.Equal(t, want, reason, end)
	}
}

// TestOneOddFieldOnResponsesDoesNotCostTheAnswer is kind F.
func TestOneOddFieldOnResponsesDoesNotCostTheAnswer(t *testing.T) {
	for output, want := range map[string]string{
		`{"type":"message","role":"assistant","content":"42"}`:                                                                                 "42",
		`{"type":"message","content":[{"type":"output_text","text":"42","annotations":7}]},null,7,{"type":{}},{}`:                              "42",
		`{"type":"message","content":["4",{"type":"output_text","text":"2"}]}`:                                                                 "42",
		`{"type":"message","content":{"type":"output_text","text":"42"}}`:                                                                      "42",
		`{"type":"reasoning","summary":"hm"},{"type":"message","content":[{"type":"output_text","text":"42"}]}`:                                "42",
		`{"type":"reasoning","summary":{},"content":7,"encrypted_content":{}},{"type":"message","content":[{"type":"output_text","text":42}]}`: "42",
	} {
		s := onResponses(t)
		require.Equal(t, want, at(t, s.got(response(output, "")), "choices", 0, "message", "content"), output)
		got, failed := s.heard(`{"type":"response.completed","response":` + response(output, "") + `}`)
		require.NoError(t, failed, output)
		text, _, _ := summed(t, got)
		require.Equal(t, want, text, "%s streamed", output)
	}
	for arguments, want := range map[string]string{`{"x": 1}`: `{"x":1}`, `"{\"x\": 1}"`: `{"x": 1}`, `null`: `{}`, `""`: `{}`} {
		for _, client := range []wire.Endpoint{wire.ChatCompletions, wire.Messages, wire.GeminiGenerate} {
			s := to(t, "openai/responses", "gpt-x", false, client)
			s.saw("")
			said := mustEncode(t, s.got(response(`{"type":"function_call","id":"fc_1","call_id":"a","name":"f","arguments":`+arguments+`}`, "")))
			if client == wire.ChatCompletions {
				require.Contains(t, said, mustEncode(t, strings.ReplaceAll(want, " ", "")), arguments)
			} else {
				require.Contains(t, said, strings.ReplaceAll(want, " ", ""), arguments)
			}
		}
	}
	half := response(`{"type":"function_call","id":"fc_1","call_id":"a","name":"f","arguments":"{\"x\":"}`, "")
	for _, client := range []wire.Endpoint{wire.ChatCompletions, wire.Messages, wire.GeminiGenerate} {
		s := to(t, "openai/responses", "gpt-x", false, client)
		s.saw("")
		_, err := s.lane.Answer(s.call, s.sent.Converted).Whole([]byte(half))
		require.Error(t, err, "half a call that says that it is whole")
		require.Equal(t, outcome.UpstreamMalformed, outcome.FailureOf(err).Outcome)
		got := s.got(strings.Replace(half, `"completed"`, `"incomplete"`, 1))
		require.NotContains(t, mustEncode(t, got), `"f"`, "the client's own limit has cut the call: half of it must not be made")
	}
}

// TestWhatAnAnswerOnResponsesCostsIsRead is kind G: also where it is told in the words of chat completions.
func TestWhatAnAnswerOnResponsesCostsIsRead(t *testing.T) {
	for usage, want := range map[string]wire.Usage{
		`{"input_tokens":10,"input_tokens_details":{"cached_tokens":4},"output_tokens":5,"output_tokens_details":{"reasoning_tokens":3}}`:             {Uncached: 6, CacheRead: 4, Text: 5, Reasoning: 3},
		`{"prompt_tokens":10,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens":5,"completion_tokens_details":{"reasoning_tokens":3}}`:   {Uncached: 6, CacheRead: 4, Text: 5, Reasoning: 3},
		`{"input_tokens":"10","input_tokens_details":null,"output_tokens":5.0,"output_tokens_details":7}`:                                             {Uncached: 10, Text: 5},
		`{"input_tokens":10,"input_tokens_details":{"cached_tokens":0},"output_tokens":5,"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}`: {Uncached: 10, Text: 5},
	} {
		for _, client := range []wire.Endpoint{wire.ChatCompletions, wire.ResponsesCreate} {
			s := to(t, "openai/responses", "gpt-x", false, client)
			s.saw("")
			translator := s.lane.Answer(s.call, s.sent.Converted)
			_, err := translator.Whole([]byte(strings.Replace(response(`{"type":"message","content":[{"type":"output_text","text":"x"}]}`, ""), `{"input_tokens":10,"output_tokens":5,"total_tokens":15}`, usage, 1)))
			require.NoError(t, err)
			require.Equal(t, want, translator.Usage(), usage)
		}
	}
}

// TestOneOddFieldOfGeminisDoesNotCostTheAnswer is kind F.
func TestOneOddFieldOfGeminisDoesNotCostTheAnswer(t *testing.T) {
	for answer, want := range map[string]string{
		`{"candidates":[{"content":{"parts":{"text":"42"},"role":"model"},"finishReason":"STOP"}]}`:                                                            "42",
		`{"candidates":{"content":{"parts":[{"text":"42"}]},"finishReason":"STOP"}}`:                                                                           "42",
		`{"candidates":[{"content":{"parts":[{"text":"hm","thought":"true"},{"text":"42"}]},"finishReason":"STOP","index":"0","safetyRatings":7}]}`:            "42",
		`{"candidates":[null,7,{"content":{"parts":[null,"x",{"text":"42","thoughtSignature":7}]},"finishReason":"STOP"}],"modelVersion":7,"responseId":null}`: "42",
		`{"candidates":[{"content":{"parts":[{"text":42}]},"finishReason":"STOP"}],"usageMetadata":"much"}`:                                                    "42",
		`{"candidates":[{"content":{"parts":[{"text":"42","functionCall":null,"inlineData":null}]},"finishReason":"stop"}]}`:                                   "42",
	} {
		s := to(t, "gemini", "gemini-2.5-flash", true, wire.ChatCompletions)
		s.saw(`"stream":true`)
		require.Equal(t, want, at(t, s.got(answer), "choices", 0, "message", "content"), answer)
		got, failed := s.heard(answer)
		require.NoError(t, failed, answer)
		text, _, end := summed(t, got)
		require.Equal(t, want, text, answer)
		require.Equal(t, "stop", end, answer)
	}
	for arguments, want := range map[string]string{`"{\"x\": 1}"`: `{"x":1}`, `null`: `{}`, `""`: `{}`, `{"x": 1}`: `{"x":1}`} {
		s := to(t, "gemini", "gemini-2.5-flash", true, wire.ChatCompletions)
		s.saw("")
		got := s.got(said(`{"functionCall":{"name":"f","args":`+arguments+`}}`, stops))
		require.Equal(t, want, at(t, got, "choices", 0, "message", "tool_calls", 0, "function", "arguments"), arguments)
	}
	s := to(t, "gemini", "gemini-2.5-flash", true, wire.ChatCompletions)
	s.saw("")
	for _, arguments := range []string{`"{\"x"`, `[1]`, `7`} {
		_, err := s.lane.Answer(s.call, s.sent.Converted).Whole([]byte(said(`{"functionCall":{"name":"f","args":`+arguments+`}}`, stops)))
		require.Error(t, err, "what is called with something else than what the model has said is called wrongly")
		require.Equal(t, outcome.UpstreamMalformed, outcome.FailureOf(err).Outcome)
	}
}

// TestAnEndOfGeminisThatIsAFailureIsOne is kind D.
func TestAnEndOfGeminisThatIsAFailureIsOne(t *testing.T) {
	for _, word := range []string{"ERROR", "error", "UPSTREAM_TIMEOUT", "abort"} {
		answer := said(`{"text":"half"}`, `,"finishReason":"`+word+`"`)
		for _, client := range []wire.Endpoint{wire.ChatCompletions, wire.Messages, wire.ResponsesCreate, wire.GeminiGenerate, wire.GeminiStream} {
			s := to(t, "gemini", "gemini-2.5-flash", true, client)
			s.saw("")
			_, err := s.lane.Answer(s.call, s.sent.Converted).Whole([]byte(answer))
			require.Error(t, err, word)
			require.Equal(t, outcome.UpstreamErrorEvent, outcome.FailureOf(err).Outcome, word)
			_, failed := s.heard(said(`{"text":"half"}`, ""), answer)
			require.Error(t, failed, word)
		}
	}
}

// TestThoughtsThatAreCountedAmongTheCandidatesAreNotCountedTwice is kind G: those who imitate Gemini count as OpenAI does, and their sum
// says so.
func TestThoughtsThatAreCountedAmongTheCandidatesAreNotCountedTwice(t *testing.T) {
	for usage, want := range map[string]wire.Usage{
		`{"promptTokenCount":10,"candidatesTokenCount":7,"thoughtsTokenCount":3,"totalTokenCount":20}`:                             {Uncached: 10, Text: 10, Reasoning: 3},
		`{"promptTokenCount":10,"candidatesTokenCount":7,"thoughtsTokenCount":3,"totalTokenCount":17}`:                             {Uncached: 10, Text: 7, Reasoning: 3},
		`{"promptTokenCount":10,"candidatesTokenCount":7,"thoughtsTokenCount":3}`:                                                  {Uncached: 10, Text: 10, Reasoning: 3},
		`{"promptTokenCount":10,"toolUsePromptTokenCount":5,"candidatesTokenCount":7,"thoughtsTokenCount":3,"totalTokenCount":25}`: {Uncached: 15, Text: 10, Reasoning: 3},
		`{"promptTokenCount":10,"candidatesTokenCount":0,"thoughtsTokenCount":3,"totalTokenCount":10}`:                             {Uncached: 10, Text: 3, Reasoning: 3},
	} {
		for _, client := range []wire.Endpoint{wire.ChatCompletions, wire.GeminiGenerate} {
			s := to(t, "gemini", "gemini-2.5-flash", true, client)
			s.saw("")
			translator := s.lane.Answer(s.call, s.sent.Converted)
			_, err := translator.Whole([]byte(`{"candidates":[{"content":{"parts":[{"text":"x"}]},"finishReason":"STOP"}],"usageMetadata":` + usage + `}`))
			require.NoError(t, err)
			require.Equal(t, want, translator.Usage(), usage)
		}
	}
}

// TestWhatGeminiIsKnownToRefuseIsNotSent is kind E.
func TestWhatGeminiIsKnownToRefuseIsNotSent(t *testing.T) {
	for model, want := range map[string]float64{"gemini-2.0-flash": 8192, "gemini-2.5-pro": 65536, "gemini-3-flash-preview": 65536, "models/gemini-2.5-flash": 65536, "gemini-x": 100000} {
		s := to(t, "gemini", model, true, wire.Messages)
		require.Equal(t, want, at(t, s.saw(`"max_tokens":100000`), "generationConfig", "maxOutputTokens"), model)
		require.Equal(t, want < 100000, len(s.sent.Converted.Dropped) == 1, model)
	}
	for _, name := range []string{"3d_render", "-x", "a/b c", "größe", strings.Repeat("1", 64), "a.b"} {
		s := to(t, "gemini", "gemini-2.5-flash", true, wire.ChatCompletions)
		quoted := mustEncode(t, name)
		saw := s.saw(`"tools":[{"type":"function","function":{"name":` + quoted + `}}],"tool_choice":{"type":"function","function":{"name":` + quoted + `}},"messages":[{"role":"user","content":"x"},` +
			`{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":` + quoted + `,"arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"y"}]`)
		sent := at(t, saw, "tools", 0, "functionDeclarations", 0, "name").(string)
		require.Regexp(t, `^[a-zA-Z_][a-zA-Z0-9_-]{0,63}$`, sent)
		require.Equal(t, sent, at(t, saw, "toolConfig", "functionCallingConfig", "allowedFunctionNames", 0))
		require.Equal(t, sent, at(t, saw, "contents", 1, "parts", 0, "functionCall", "name"))
		require.Equal(t, sent, at(t, saw, "contents", 2, "parts", 0, "functionResponse", "name"))
		got := s.got(said(`{"functionCall":{"name":"`+sent+`","args":{}}}`, stops))
		require.Equal(t, name, at(t, got, "choices", 0, "message", "tool_calls", 0, "function", "name"))
	}
}

// TestANameOfAToolThatOnlyGeminiTakesIsChangedForOthers which is kind E too, and given back as it was.
func TestANameOfAToolThatOnlyGeminiTakesIsChangedForOthers(t *testing.T) {
	const name = "mcp.server:read-file"
	for kind, tc := range map[string]struct {
		model  string
		path   []any
		answer string
	}{
		"openai":           {"gpt-4o", []any{"tools", 0, "function", "name"}, completion(`{"tool_calls":[{"id":"a","function":{"name":"NAME","arguments":"{}"}}]}`, `"tool_calls"`)},
		"openai/responses": {"gpt-4o", []any{"tools", 0, "name"}, response(`{"type":"function_call","call_id":"a","name":"NAME","arguments":"{}"}`, "")},
		"anthropic":        {"claude-sonnet-4-5", []any{"tools", 0, "name"}, message(`{"type":"tool_use","id":"a","name":"NAME","input":{}}`, `"tool_use"`)},
	} {
		s := to(t, kind, tc.model, true, wire.GeminiGenerate)
		saw := s.saw(`"tools":[{"functionDeclarations":[{"name":"` + name + `"}]}],"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["` + name + `"]}}`)
		sent := at(t, saw, tc.path...).(string)
		require.Regexp(t, `^[a-zA-Z0-9_-]{1,64}$`, sent, kind)
		require.Contains(t, mustEncode(t, saw["tool_choice"]), sent, kind)
		parts, _ := s.parts(s.got(strings.Replace(tc.answer, "NAME", sent, 1)))
		require.Equal(t, name, at(t, parts[0], "functionCall", "name"), kind)
	}
}

// TestALimitOnResponsesIsOneThatTheModelTakes is kind E: "Invalid 'max_output_tokens': integer above maximum value".
func TestALimitOnResponsesIsOneThatTheModelTakes(t *testing.T) {
	for model, want := range map[string]float64{"gpt-4o": 16384, "gpt-4o-mini-2024-07-18": 16384, "gpt-4.1": 32768, "gpt-5": 64000, "o3": 64000, "gpt-x": 64000} {
		s := to(t, "openai/responses", model, true, wire.Messages)
		require.Equal(t, want, s.saw(`"max_tokens":64000`)["max_output_tokens"], model)
		require.Equal(t, want < 64000, len(s.sent.Converted.Dropped) == 1, model)
	}
}

// TestANumberInWordsIsANumberOfGeminisClients since protocol buffers' JSON has it so.
func TestANumberInWordsIsANumberOfGeminisClients(t *testing.T) {
	saw := to(t, "openai", "gpt-x", false, wire.GeminiGenerate).saw(`"generationConfig":{"maxOutputTokens":"777","temperature":"0.5","topP":"0.25","seed":"7","candidateCount":"1","thinkingConfig":{"thinkingBudget":"0"}}`)
	require.Equal(t, []any{777.0, 0.5, 0.25, 7.0}, []any{saw["max_tokens"], saw["temperature"], saw["top_p"], saw["seed"]})
}

// TestSoundAndFilmsAreCarriedToThoseWhoTakeThem in either direction, and refused by name for all others.
func TestSoundAndFilmsAreCarriedToThoseWhoTakeThem(t *testing.T) {
	const data = "TUFSSw=="
	sound := map[wire.Endpoint]string{
		wire.ChatCompletions: `"messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"input_audio","input_audio":{"data":"` + data + `","format":"wav"}}]}]`,
		wire.ResponsesCreate: `"input":[{"role":"user","content":[{"type":"input_text","text":"x"},{"type":"input_audio","input_audio":{"data":"` + data + `","format":"wav"}}]}]`,
		wire.GeminiGenerate:  `"contents":[{"role":"user","parts":[{"text":"x"},{"inlineData":{"mimeType":"audio/wav","data":"` + data + `"}}]}]`,
	}
	places := map[wire.Endpoint]string{wire.ChatCompletions: "messages[0].content[1]", wire.ResponsesCreate: "input[0].content[1]", wire.GeminiGenerate: "contents[0].parts[1]"}
	for client, members := range sound {
		if client != wire.GeminiGenerate {
			saw := to(t, "gemini", "gemini-2.5-flash", true, client).saw(members)
			require.Equal(t, map[string]any{"mimeType": "audio/wav", "data": data}, at(t, saw, "contents", 0, "parts", 1, "inlineData"))
		}
		if client != wire.ChatCompletions {
			saw := to(t, "openai", "gpt-4o-audio-preview", true, client).saw(members)
			require.Equal(t, map[string]any{"type": "input_audio", "input_audio": map[string]any{"data": data, "format": "wav"}}, at(t, saw, "messages", 0, "content", 1))
		}
		for kind, model := range map[string]string{"anthropic": "claude-sonnet-4-5", "openai/responses": "gpt-4o"} {
			if client == wire.ResponsesCreate && kind == "openai/responses" {
				continue
			}
			err := to(t, kind, model, true, client).ask(members)
			require.ErrorContains(t, err, places[client]+" has audio in it", kind)
		}
	}
	mp3 := to(t, "openai", "gpt-4o-audio-preview", true, wire.GeminiGenerate).saw(strings.Replace(sound[wire.GeminiGenerate], "audio/wav", "audio/mpeg", 1))
	require.Equal(t, "mp3", at(t, mp3, "messages", 0, "content", 1, "input_audio", "format"))
	err := to(t, "openai", "gpt-4o-audio-preview", true, wire.GeminiGenerate).ask(strings.Replace(sound[wire.GeminiGenerate], "audio/wav", "audio/flac", 1))
	require.ErrorContains(t, err, `contents[0].parts[1] has audio of the type "audio/flac" in it, and this provider takes wav and mp3 only`)
	err = to(t, "openai", "gpt-4o-audio-preview", true, wire.GeminiGenerate).ask(partsSay(`{"fileData":{"mimeType":"audio/mp3","fileUri":"https://x/y.mp3"}}`))
	require.ErrorContains(t, err, "contents[0].parts[0] has audio in it that is a link")

	film := partsSay(`{"inlineData":{"mimeType":"video/mp4","data":"` + data + `"},"videoMetadata":{"fps":1}},{"fileData":{"fileUri":"https://www.youtube.com/watch?v=x"}}`)
	s := to(t, "dashscope", "qwen3-vl-plus", true, wire.GeminiGenerate)
	saw := s.saw(film)
	require.Equal(t, "data:video/mp4;base64,"+data, at(t, saw, "messages", 0, "content", 0, "video_url", "url"))
	require.Equal(t, "https://www.youtube.com/watch?v=x", at(t, saw, "messages", 0, "content", 1, "video_url", "url"))
	require.Equal(t, []string{"other_members"}, s.sent.Converted.Dropped, "which part of the film is looked at")
	for kind, model := range map[string]string{"anthropic": "claude-sonnet-4-5", "openai": "gpt-4o", "openai/responses": "gpt-4o", "deepseek": "deepseek-chat"} {
		require.ErrorContains(t, to(t, kind, model, true, wire.GeminiGenerate).ask(film), "contents[0].parts[0] has a film in it", kind)
	}
	saw = to(t, "gemini", "gemini-2.5-flash", true, wire.ChatCompletions).saw(`"messages":[{"role":"user","content":[{"type":"video_url","video_url":{"url":"data:video/webm;base64,` + data + `"}},{"type":"video_url","video_url":{"url":"https://youtu.be/x"}},` +
		`{"type":"video_url","video_url":{"url":"https://x/y.MP4?z"}},{"type":"file","file":{"filename":"a.PDF","file_data":"` + data + `"}},{"type":"file","file":{"filename":"a.csv","file_data":"data:text/csv;base64,` + data + `"}}]}]`)
	parts := at(t, saw, "contents", 0, "parts")
	require.Equal(t, map[string]any{"mimeType": "video/webm", "data": data}, at(t, parts, 0, "inlineData"))
	require.Equal(t, map[string]any{"fileUri": "https://youtu.be/x"}, at(t, parts, 1, "fileData"))
	require.Equal(t, map[string]any{"mimeType": "video/mp4", "fileUri": "https://x/y.MP4?z"}, at(t, parts, 2, "fileData"))
	require.Contains(t, mustEncode(t, parts), `{"inlineData":{"data":"`+data+`","mimeType":"application/pdf"}}`)
	require.Contains(t, mustEncode(t, parts), "MARK", "a table is text")
}

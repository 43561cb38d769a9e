package lane_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/outcome"
	"one-api/relay/wire"
)

// Kind B: what a provider wants back is given to it, and to no other.

const afterTools = `"tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}],"messages":[{"role":"user","content":"go"},` +
	`{"role":"assistant","content":[{"type":"thinking","thinking":"I need the tool","signature":"$"},{"type":"tool_use","id":"call_1","name":"f","input":{"a":1}}]},` +
	`{"role":"user","content":[{"type":"tool_result","tool_use_id":"call_1","content":"42"}]}]`

func TestReasoningIsGivenBackToThoseWhoWantIt(t *testing.T) {
	for name, tc := range map[string]struct {
		kind      string
		own       bool
		signature string
		want      any
	}{
		"to a server that nobody knows":            {"openai", false, "", "I need the tool"},
		"to DeepSeek":                              {"deepseek", true, "", "I need the tool"},
		"to Kimi, through a gateway":               {"moonshot", false, "", "I need the tool"},
		"to GLM, though another signed it":         {"zhipu", true, "EqQB", "I need the tool"},
		"not if another signed it":                 {"openai", false, "EqQB", nil},
		"not to OpenAI, which has no such member":  {"openai", true, "", nil},
		"not to Groq, which refuses it":            {"groq", true, "", nil},
		"not to Mistral, which refuses it as well": {"mistral", true, "", nil},
	} {
		saw := to(t, tc.kind, "m", tc.own, wire.Messages).saw(strings.Replace(afterTools, "$", tc.signature, 1))
		require.Equal(t, tc.want, at(t, saw, "messages", 1, "reasoning_content"), name)
	}
	saw := to(t, "deepseek", "deepseek-chat", true, wire.Messages).saw(`"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]`)
	require.Equal(t, " ", at(t, saw, "messages", 1, "reasoning_content"), "it may not be missing, and DeepSeek V4 takes an empty one for that")
}

func TestAThoughtSignatureComesBackToItsMakerInsideTheCallsID(t *testing.T) {
	const signed = `{"id":"call_1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"},"extra_content":{"google":{"thought_signature":"U0lH+/=="}}}`
	s := to(t, "openai", "gemini-3-pro", false, wire.Messages)
	s.saw("")
	whole := at(t, s.got(completion(`{"content":null,"tool_calls":[`+signed+`]}`, `"tool_calls"`)), "content", 0, "id").(string)
	events, failed := s.heard(pieces(`{"index":0,`+signed[1:]), ends(`"tool_calls"`))
	require.NoError(t, failed)
	all, _ := s.blocks(events)
	require.Equal(t, whole, all[0].id)
	require.Regexp(t, `^[a-zA-Z0-9_-]+$`, whole, "what Anthropic's clients and Anthropic take for an id")

	answered := func(id string) string {
		return `"tools":[{"name":"f"}],"messages":[{"role":"user","content":"go"},{"role":"assistant","content":[{"type":"tool_use","id":"` + id + `","name":"f","input":{}}]},` +
			`{"role":"user","content":[{"type":"tool_result","tool_use_id":"` + id + `","content":"42"}]}]`
	}
	saw := s.saw(answered(whole))
	require.Equal(t, "U0lH+/==", at(t, saw, "messages", 1, "tool_calls", 0, "extra_content", "google", "thought_signature"))
	require.Equal(t, "call_1", at(t, saw, "messages", 1, "tool_calls", 0, "id"))
	require.Equal(t, "call_1", at(t, saw, "messages", 2, "tool_call_id"))

	for name, other := range map[string]*scene{"another channel": to(t, "deepseek", "m", true, wire.Messages), "another provider": to(t, "groq", "m", true, wire.Messages)} {
		saw := other.saw(answered(whole))
		require.Equal(t, "call_1", at(t, saw, "messages", 1, "tool_calls", 0, "id"), name)
		require.NotContains(t, at(t, saw, "messages", 1, "tool_calls", 0), "extra_content", name)
	}
	forged := whole[:len(whole)-2] + "AA"
	require.Equal(t, "skip_thought_signature_validator", at(t, s.saw(answered(forged)), "messages", 1, "tool_calls", 0, "extra_content", "google", "thought_signature"), "forged")

	other := to(t, "openai", "gemini-3-pro", false, wire.Messages).saw(answered("call_9"))
	require.Equal(t, "skip_thought_signature_validator", at(t, other, "messages", 1, "tool_calls", 0, "extra_content", "google", "thought_signature"), "what Gemini takes for the calls of others")

	native := to(t, "anthropic", "claude", true, wire.Messages)
	native.saw(answered(whole))
	require.NotContains(t, string(native.sent.Body), "sealed")
	require.Equal(t, 2, strings.Count(string(native.sent.Body), `"call_1"`))
}

func TestAnIDThatOthersRefuseIsKnownToItsMakerOnly(t *testing.T) {
	for _, id := range []string{"functions.get_time:0", "call/1", "é", "a b"} {
		s := to(t, "moonshot", "kimi-k2", true, wire.Messages)
		s.saw("")
		public := at(t, s.got(completion(`{"tool_calls":[{"id":"`+id+`","function":{"name":"f","arguments":"{}"}}]}`, `"tool_calls"`)), "content", 0, "id").(string)
		require.Regexp(t, `^[a-zA-Z0-9_-]+$`, public)
		goesOn := `"messages":[{"role":"user","content":"go"},{"role":"assistant","content":[{"type":"tool_use","id":"` + public + `","name":"f","input":{}}]},` +
			`{"role":"user","content":[{"type":"tool_result","tool_use_id":"` + public + `","content":"42"}]}]`
		saw := s.saw(goesOn)
		require.Equal(t, id, at(t, saw, "messages", 1, "tool_calls", 0, "id"))
		require.Equal(t, id, at(t, saw, "messages", 2, "tool_call_id"))
		saw = to(t, "openai", "gpt-4o", true, wire.Messages).saw(goesOn)
		require.Regexp(t, `^[a-zA-Z0-9_-]{1,20}$`, at(t, saw, "messages", 1, "tool_calls", 0, "id"))
		require.Equal(t, at(t, saw, "messages", 1, "tool_calls", 0, "id"), at(t, saw, "messages", 2, "tool_call_id"))
	}
}

func TestThoughtThatNobodySignedDoesNotReachAnthropic(t *testing.T) {
	s := to(t, "anthropic", "claude-x", true, wire.Messages)
	for name, tc := range map[string]struct{ members, want string }{
		"beside a call": {
			`"messages":[{"role":"user","content":"go"},{"role":"assistant","content":[{"type":"thinking","thinking":"x","signature":""},{"type":"tool_use","id":"1","name":"f","input":{}}]},{"role":"user","content":"y"}]`,
			`"messages":[{"role":"user","content":"go"},{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"f","input":{}}]},{"role":"user","content":"y"}]`,
		},
		"spaced, as Python writes": {
			`"messages":[{"role":"assistant", "content": [{"type": "thinking", "thinking": "x", "signature": ""}, {"type": "text", "text": "a"}]}]`,
			`"messages":[{"role":"assistant", "content": [{"type": "text", "text": "a"}]}]`,
		},
		"alone in its message": {
			`"messages":[{"role":"user","content":"go"},{"role":"assistant","content":[{"type":"thinking","thinking":"x","signature":""}]},{"role":"user","content":"y"}]`,
			`"messages":[{"role":"user","content":"go"},{"role":"user","content":"y"}]`,
		},
		"in front of the calls that are answered, while thinking by a budget": {
			`"thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"x","signature":""},{"type":"tool_use","id":"1","name":"f","input":{}}]},{"role":"user","content":"y"}]`,
			`"thinking":{"type":"disabled"},"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"f","input":{}}]},{"role":"user","content":"y"}]`,
		},
		"signed": {
			`"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"\"signature\":\"\"","signature":"EqQB"},{"type":"text","text":"a"}]}]`,
			`"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"\"signature\":\"\"","signature":"EqQB"},{"type":"text","text":"a"}]}]`,
		},
		"words about signatures": {
			`"messages":[{"role":"user","content":"{\"signature\":\"\"} __sealed_ "}],"x":{"signature":""}`,
			`"messages":[{"role":"user","content":"{\"signature\":\"\"} __sealed_ "}],"x":{"signature":""}`,
		},
	} {
		require.NoError(t, s.ask(tc.members), name)
		require.Equal(t, `{"model":"claude-x","max_tokens":50,`+tc.want+`}`, string(s.sent.Body), name)
	}
}

// Kind C: pieces of streamed tool calls.

func TestPiecesOfToolCallsFindTheirCall(t *testing.T) {
	two := []block{{"tool_use", "a", "f", `{"x":1}`}, {"tool_use", "b", "g", `{"y":2}`}}
	for name, tc := range map[string]struct {
		chunks []string
		want   []block
	}{
		"a new call under the same number": {[]string{
			pieces(`{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\":1}"}}`), pieces(`{"index":0,"id":"b","function":{"name":"g","arguments":"{\"y\":2}"}}`),
		}, two},
		"the same number, and pieces": {[]string{
			pieces(`{"index":0,"id":"a","function":{"name":"f","arguments":""}}`), pieces(`{"index":0,"function":{"arguments":"{\"x\":1}"}}`),
			pieces(`{"index":0,"id":"b","function":{"name":"g","arguments":"{\"y\""}}`), pieces(`{"index":0,"function":{"arguments":":2}"}}`),
		}, two},
		"neither number nor id": {[]string{
			pieces(`{"function":{"name":"f","arguments":"{\"x\":1}"}}`), pieces(`{"function":{"name":"g","arguments":"{\"y\":2}"}}`),
		}, []block{{"tool_use", "toolu_c1_0", "f", `{"x":1}`}, {"tool_use", "toolu_c1_1", "g", `{"y":2}`}}},
		"neither, and the same tool twice": {[]string{
			pieces(`{"function":{"name":"f","arguments":"{\"x\":1}"}}`), pieces(`{"function":{"name":"f","arguments":"{\"y\":2}"}}`),
		}, []block{{"tool_use", "toolu_c1_0", "f", `{"x":1}`}, {"tool_use", "toolu_c1_1", "f", `{"y":2}`}}},
		"neither, in pieces that repeat the name": {[]string{
			pieces(`{"function":{"name":"f","arguments":"{\"x\""}}`), pieces(`{"function":{"name":"f","arguments":":1}"}}`),
		}, []block{{"tool_use", "toolu_c1_0", "f", `{"x":1}`}}},
		"one number for all, without ids": {[]string{
			pieces(`{"index":0,"function":{"name":"f","arguments":"{\"x\":1}"}}`), pieces(`{"index":0,"function":{"name":"g","arguments":"{\"y\":2}"}}`),
		}, []block{{"tool_use", "toolu_c1_0", "f", `{"x":1}`}, {"tool_use", "toolu_c1_1", "g", `{"y":2}`}}},
		"mixed": {[]string{
			pieces(`{"index":0,"id":"a","function":{"name":"f","arguments":""}}`), pieces(`{"index":1,"id":"b","function":{"name":"g","arguments":""}}`),
			pieces(`{"index":0,"function":{"arguments":"{\"x\":1}"}}`), pieces(`{"index":1,"function":{"arguments":"{\"y\":2}"}}`),
		}, two},
		"mixed to the letter": {[]string{
			pieces(`{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x"}},{"index":1,"id":"b","function":{"name":"g","arguments":"{\"y"}}`),
			pieces(`{"index":1,"function":{"arguments":"\":2"}},{"index":0,"function":{"arguments":"\":1"}}`),
			pieces(`{"index":1,"function":{"arguments":"}"}},{"index":0,"function":{"arguments":"}"}}`),
		}, two},
		"mixed by their ids": {[]string{
			pieces(`{"id":"a","function":{"name":"f","arguments":"{"}},{"id":"b","function":{"name":"g","arguments":"{\"y\":2"}}`),
			pieces(`{"id":"a","function":{"arguments":"\"x\":1}"}},{"id":"b","function":{"arguments":"}"}}`),
		}, two},
		"text among them": {[]string{
			pieces(`{"index":0,"id":"a","function":{"name":"f","arguments":"{\"x\""}}`), chunk(`{"content":"and "}`), chunk(`{"content":"so"}`), pieces(`{"index":0,"function":{"arguments":":1}"}}`),
			pieces(`{"index":1,"id":"b","function":{"name":"g","arguments":"{\"y\":2}"}}`),
		}, []block{{"tool_use", "a", "f", `{"x":1}`}, {"text", "", "", "and so"}, {"tool_use", "b", "g", `{"y":2}`}}},
		"a call without arguments before another": {[]string{
			pieces(`{"index":0,"id":"a","function":{"name":"f","arguments":""}}`), pieces(`{"index":1,"id":"b","function":{"name":"g","arguments":"{\"y\":2}"}}`),
		}, []block{{"tool_use", "a", "f", ""}, {"tool_use", "b", "g", `{"y":2}`}}},
		"a name in a later piece": {[]string{
			pieces(`{"index":0,"id":"late","function":{"arguments":""}}`), pieces(`{"index":0,"id":"late","function":{"name":"f","arguments":"{}"}}`),
		}, []block{{"tool_use", "late", "f", "{}"}}},
		"a name behind the arguments": {[]string{
			pieces(`{"index":0,"id":"late","function":{"arguments":"{\"x\""}}`), pieces(`{"index":0,"function":{"arguments":":1}"}}`), pieces(`{"index":0,"function":{"name":"f"}}`),
		}, []block{{"tool_use", "late", "f", `{"x":1}`}}},
		"an id in a later piece": {[]string{
			pieces(`{"index":0,"function":{"arguments":""}}`), pieces(`{"index":0,"id":"late","function":{"name":"f","arguments":"{}"}}`),
		}, []block{{"tool_use", "late", "f", "{}"}}},
		"one id for all": {[]string{
			pieces(`{"index":0,"id":"x","function":{"name":"f","arguments":"{\"x\":1}"}}`), pieces(`{"index":1,"id":"x","function":{"name":"g","arguments":"{\"y\":2}"}}`),
		}, []block{{"tool_use", "x", "f", `{"x":1}`}, {"tool_use", "toolu_c1_1", "g", `{"y":2}`}}},
		"numbers in words": {[]string{
			pieces(`{"index":"0","id":"a","function":{"name":"f","arguments":"{\"x\":1}"}}`), pieces(`{"index":"1","id":"b","function":{"name":"g","arguments":{"y":2}}}`),
		}, two},
		"braces and quotes inside of strings": {[]string{
			pieces(`{"id":"a","function":{"name":"f","arguments":"{\"x\":\"}\\\""}}`), pieces(`{"function":{"arguments":"{\"}"}}`), pieces(`{"id":"b","function":{"name":"g","arguments":"{}"}}`),
		}, []block{{"tool_use", "a", "f", `{"x":"}\"{"}`}, {"tool_use", "b", "g", "{}"}}},
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
}

// Kind D: what an answer's end means.

func TestAnEndIsTakenForWhatItMeans(t *testing.T) {
	const call = `{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}`
	for _, reason := range []string{`"error"`, `"insufficient_system_resource"`, `"abort"`, `"upstream_timeout"`, `"model_overloaded"`, `{"type":"error"}`} {
		s := to(t, "openai", "gpt-x", false, wire.Messages)
		s.saw("")
		_, err := s.lane.Answer(s.call, s.sent.Converted).Whole([]byte(completion(`{"content":"half an ans"}`, reason)))
		require.Error(t, err, reason)
		require.Equal(t, outcome.UpstreamErrorEvent, outcome.FailureOf(err).Outcome, reason)
		events, failed := s.heard(chunk(`{"content":"half an ans"}`), ends(reason), "[DONE]")
		require.Error(t, failed, reason)
		for _, e := range events {
			require.NotEqual(t, "message_stop", e["type"], reason)
		}
	}
	for reason, want := range map[string]string{
		`"tool_use"`: "tool_use", `"function_call"`: "tool_use", `"stop"`: "tool_use", `null`: "tool_use", `"weary"`: "tool_use", `""`: "tool_use", `"length"`: "max_tokens",
	} {
		s := to(t, "openai", "gpt-x", false, wire.Messages)
		s.saw("")
		require.Equal(t, want, s.got(completion(call, reason))["stop_reason"], reason)
		events, failed := s.heard(chunk(call), ends(reason), "[DONE]")
		require.NoError(t, failed, reason)
		_, stop := s.blocks(events)
		require.Equal(t, want, stop, reason)
	}
	for reason, want := range map[string]string{`"end_turn"`: "tool_calls", `"stop_sequence"`: "tool_calls", `null`: "tool_calls", `"pause_turn"`: "tool_calls", `"max_tokens"`: "length", `"new_word"`: "tool_calls"} {
		s := to(t, "anthropic", "claude-x", true, wire.ChatCompletions)
		s.saw("")
		require.Equal(t, want, at(t, s.got(message(`{"type":"tool_use","id":"t","name":"f","input":{}}`, reason)), "choices", 0, "finish_reason"), reason)
	}
}

// Kind F: one field of a type that nobody expects.

func TestOneOddFieldDoesNotCostTheAnswer(t *testing.T) {
	for said, want := range map[string][]any{
		`{"content":"42","reasoning_content":{"reasoningText":{"text":"hm","signature":"s"}}}`: {"thinking hm", "text 42"},
		`{"content":"42","reasoning_content":["a",{"text":"b"}]}`:                              {"thinking ab", "text 42"},
		`{"content":"42","reasoning":false,"refusal":[],"tool_calls":"none"}`:                  {"text 42"},
		`{"content":42}`:            {"text 42"},
		`{"content":{"text":"42"}}`: {"text 42"},
		`{"content":["4",{"type":"text","text":"2"},{"type":"image_url","image_url":{}}]}`: {"text 42"},
		`{"content":"42","tool_calls":[null,7,"x"]}`:                                       {"text 42"},
		`{"tool_calls":[{"id":"a","function":{"name":"f","arguments":{"x": 1}}}]}`:         {`tool_use {"x":1}`},
		`{"tool_calls":[{"id":7,"function":{"name":"f","arguments":null}}]}`:               {"tool_use {}"},
		`{"content":"42","annotations":7,"audio":{},"function_call":null,"index":{}}`:      {"text 42"},
	} {
		s := to(t, "openai", "gpt-x", false, wire.Messages)
		s.saw("")
		var got []any
		for _, b := range s.got(completion(said, `"stop"`))["content"].([]any) {
			b := b.(map[string]any)
			switch b["type"] {
			case "thinking":
				got = append(got, "thinking "+b["thinking"].(string))
			case "text":
				got = append(got, "text "+b["text"].(string))
			default:
				got = append(got, "tool_use "+mustEncode(t, b["input"]))
			}
		}
		require.Equal(t, want, got, said)
		if events, failed := s.heard(chunk(said), ends(`"stop"`)); failed != nil || len(events) == 0 {
			t.Errorf("%s streamed: %v", said, failed)
		}
	}
	for content, want := range map[string]string{
		`{"type":"text","text":42}`: "42",
		`{"type":"text","text":"42","citations":7},7,null,{"type":{}},{"type":"brandnew"}`: "42",
		`{"type":"thinking","thinking":{}},{"type":"text","text":"42"}`:                    "42",
	} {
		s := to(t, "anthropic", "claude-x", true, wire.ChatCompletions)
		s.saw("")
		require.Equal(t, want, at(t, s.got(message(content, `"end_turn"`)), "choices", 0, "message", "content"), content)
	}
	s := to(t, "anthropic", "claude-x", true, wire.ChatCompletions)
	s.saw("")
	got := s.got(`{"id":7,"type":"message","role":7,"model":null,"content":[{"type":"tool_use","id":"a","name":"f","input":"{\"x\":1}"}],"stop_reason":{"type":"tool_use"},"usage":"much"}`)
	require.Equal(t, `{"x":1}`, at(t, got, "choices", 0, "message", "tool_calls", 0, "function", "arguments"))
	require.Equal(t, "tool_calls", at(t, got, "choices", 0, "finish_reason"))
}

func TestACallOfBeforeThereWereToolsIsACall(t *testing.T) {
	const pieces = `{"function_call":{"name":"f","arguments":"{\"x\""}}`
	for _, client := range []wire.Endpoint{wire.Messages, wire.ResponsesCreate, wire.GeminiGenerate} {
		s := to(t, "openai", "gpt-x", false, client)
		s.saw("")
		whole := mustEncode(t, s.got(completion(`{"content":null,"function_call":{"name":"f","arguments":"{\"x\":1}"}}`, `"function_call"`)))
		require.Regexp(t, `"(input|args)":\{"x":1\}|"arguments":"\{\\"x\\":1\}"`, whole, "%v", client)
		if client == wire.GeminiGenerate {
			continue // whose streams have an endpoint of their own
		}
		s.saw(`"stream":true`)
		events, failed := s.heard(chunk(pieces), chunk(`{"function_call":{"arguments":":1}"}}`), ends(`"function_call"`))
		require.NoError(t, failed)
		require.Contains(t, mustEncode(t, events), `f`)
		if client == wire.Messages {
			blocks, stop := s.blocks(events)
			require.Len(t, blocks, 1)
			require.Equal(t, "f", blocks[0].name)
			require.Equal(t, `{"x":1}`, blocks[0].text)
			require.Equal(t, "tool_use", stop)
		}
	}
	s := to(t, "openai", "gpt-x", false, wire.Messages)
	s.saw("")
	content := s.got(completion(`{"content":null,"function_call":{"name":"g","arguments":"{}"},"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]}`, `"tool_calls"`))["content"]
	require.Len(t, content, 1, "the same call in both ways is one")
	require.Equal(t, "f", at(t, content, 0, "name"))
}

// Kind G: the figures.

func TestWhatAnAnswerCostIsCountedInClassesThatDoNotOverlap(t *testing.T) {
	for usage, want := range map[string][4]int{ // input, read, written, output
		`{"prompt_tokens":20,"completion_tokens":5,"cached_tokens":10}`:                                                        {10, 10, 0, 5},
		`{"prompt_tokens":120,"completion_tokens":50,"prompt_tokens_details":{"cached_tokens":30,"cache_write_tokens":20}}`:    {70, 30, 20, 50},
		`{"prompt_tokens":120,"completion_tokens":50,"prompt_tokens_details":{"cached_tokens":30,"cache_creation_tokens":20}}`: {70, 30, 20, 50},
		`{"prompt_tokens":9,"completion_tokens":2,"prompt_cache_hit_tokens":4,"prompt_cache_miss_tokens":5}`:                   {5, 4, 0, 2},
		`{"prompt_tokens":9,"completion_tokens":2,"completion_tokens_details":{"reasoning_tokens":7},"total_tokens":18}`:       {9, 0, 0, 9},
	} {
		s := to(t, "openai", "gpt-x", false, wire.Messages)
		s.saw("")
		got := s.got(strings.Replace(completion(`{"content":"x"}`, `"stop"`), `{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}`, usage, 1))["usage"]
		for i, name := range []string{"input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens", "output_tokens"} {
			require.EqualValues(t, want[i], at(t, got, name), "%s of %s", name, usage)
		}
	}
	s := to(t, "anthropic", "claude-x", true, wire.ChatCompletions)
	s.saw(`"stream":true,"stream_options":{"include_usage":true}`)
	got, failed := s.heard(
		`{"type":"message_start","message":{"id":"m","model":"c","usage":{"input_tokens":9,"cache_read_input_tokens":5,"cache_creation_input_tokens":2,"output_tokens":0}}}`,
		`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"Hi"}}`, `{"type":"content_block_stop","index":0}`,
		`{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":9,"cache_read_input_tokens":1,"cache_creation_input_tokens":0,"output_tokens":16}}`,
		`{"type":"message_stop"}`)
	require.NoError(t, failed)
	last := got[len(got)-1]
	require.EqualValues(t, 10, at(t, last, "usage", "prompt_tokens"), "the figures of message_delta are the final ones")
	require.EqualValues(t, 1, at(t, last, "usage", "prompt_tokens_details", "cached_tokens"))
}

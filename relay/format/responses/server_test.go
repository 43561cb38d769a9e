package responses_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/format"
	"one-api/relay/format/chat"
	"one-api/relay/format/messages"
	"one-api/relay/format/responses"
	"one-api/relay/llm"
	"one-api/relay/wire"
)

// from is a request of another format.
func from(t *testing.T, client format.Client, body string) *llm.Request {
	t.Helper()
	r, problem := client.Parse([]byte(body))
	require.Nil(t, problem, "%v", problem)
	return r
}

func TestAChatRequestIsSaidToAProviderOfResponses(t *testing.T) {
	r := from(t, chat.Format.Client, `{"model":"m","stream":true,"max_tokens":5,"temperature":0.5,"reasoning_effort":"xhigh","user":"u","parallel_tool_calls":false,
		"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"},"strict":true}},
		"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}],"tool_choice":{"type":"function","function":{"name":"f"}},
		"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"https://x/y"}}]},
			{"role":"assistant","content":"b","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}}]},
			{"role":"tool","tool_call_id":"c1","content":"r"},{"role":"system","content":"late"},{"role":"user","content":"go"}]}`)
	v := built(t, r, format.Target{Model: "gpt-5", Official: true})
	require.Equal(t, "s", v["instructions"])
	require.EqualValues(t, 16, v["max_output_tokens"], "which is the least that OpenAI takes")
	require.NotContains(t, v, "temperature")
	require.Equal(t, map[string]any{"effort": "high"}, v["reasoning"])
	require.Equal(t, []any{"reasoning.encrypted_content"}, v["include"])
	require.Equal(t, false, v["store"])
	require.Equal(t, true, v["stream"])
	require.Equal(t, "u", v["safety_identifier"])
	require.Equal(t, false, v["parallel_tool_calls"])
	require.Equal(t, "json_schema", at(t, v, "text", "format", "type"))
	require.Equal(t, map[string]any{"type": "function", "name": "f", "parameters": map[string]any{"type": "object", "properties": map[string]any{}}, "strict": false}, at(t, v, "tools", 0))
	require.Equal(t, map[string]any{"type": "function", "name": "f"}, v["tool_choice"])
	input := v["input"].([]any)
	require.Len(t, input, 6)
	require.Equal(t, map[string]any{"type": "input_image", "detail": "auto", "image_url": "https://x/y"}, at(t, input, 0, "content", 1))
	require.Equal(t, "output_text", at(t, input, 1, "content", 0, "type"))
	require.Equal(t, map[string]any{"type": "function_call", "call_id": "c1", "name": "f", "arguments": `{"x":1}`}, at(t, input, 2))
	require.Equal(t, map[string]any{"type": "function_call_output", "call_id": "c1", "output": "r"}, at(t, input, 3))
	require.Equal(t, "system", at(t, input, 4, "role"))
}

const completed = `{"type":"response.completed","sequence_number":9,"response":{"id":"resp_1","object":"response","status":"completed","model":"m","output":[],` +
	`"usage":{"input_tokens":25,"input_tokens_details":{"cached_tokens":10},"output_tokens":7,"output_tokens_details":{"reasoning_tokens":4},"total_tokens":32}}}`

func TestAStreamOfAProviderIsReadWithAllThatIsInIt(t *testing.T) {
	a, u, failed := decoded(t, format.Target{Seal: format.NewSeal("s", "c")},
		`{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","model":"m","status":"in_progress","output":[]}}`,
		`{"type":"response.output_item.added","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[]}}`,
		`{"type":"response.reasoning_summary_part.added","item_id":"rs_1","output_index":0,"summary_index":0,"part":{"type":"summary_text","text":""}}`,
		`{"type":"response.reasoning_summary_text.delta","item_id":"rs_1","output_index":0,"summary_index":0,"delta":"hm"}`,
		`{"type":"response.reasoning_summary_text.done","item_id":"rs_1","output_index":0,"summary_index":0,"text":"hm"}`,
		`{"type":"response.output_item.done","output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"ENC"}}`,
		`{"type":"response.output_item.added","output_index":1,"item":{"id":"msg_1","type":"message","role":"assistant","content":[]}}`,
		`{"type":"response.content_part.added","output_index":1,"content_index":0,"item_id":"msg_1","part":{"type":"output_text","text":""}}`,
		`{"type":"response.output_text.delta","output_index":1,"content_index":0,"item_id":"msg_1","delta":"Hel"}`,
		`{"type":"response.output_text.delta","output_index":1,"content_index":0,"item_id":"msg_1","delta":"lo"}`,
		`{"type":"response.output_text.done","output_index":1,"content_index":0,"item_id":"msg_1","text":"Hello"}`,
		`{"type":"response.output_item.done","output_index":1,"item":{"id":"msg_1","type":"message","role":"assistant","content":[{"type":"output_text","text":"Hello"}]}}`,
		`{"type":"response.output_item.added","output_index":2,"item":{"id":"fc_1","type":"function_call","call_id":"c1","name":"f","arguments":""}}`,
		`{"type":"response.output_item.added","output_index":3,"item":{"id":"fc_2","type":"function_call","call_id":"c2","name":"g","arguments":""}}`,
		`{"type":"response.function_call_arguments.delta","output_index":3,"item_id":"fc_2","delta":"{}"}`,
		`{"type":"response.function_call_arguments.delta","output_index":2,"item_id":"fc_1","delta":"{\"a\":1}"}`,
		`{"type":"response.function_call_arguments.done","output_index":2,"item_id":"fc_1","arguments":"{\"a\":1}"}`,
		`{"type":"response.output_item.done","output_index":2,"item":{"type":"function_call","call_id":"c1","name":"f","arguments":"{\"a\":1}"}}`,
		`{"type":"response.output_item.done","output_index":3,"item":{"type":"function_call","call_id":"c2","name":"g","arguments":"{}"}}`, completed)
	require.NoError(t, failed)
	require.Equal(t, "m", a.Model)
	require.Equal(t, wire.EndedByCall, a.Reason)
	require.Len(t, a.Blocks, 4)
	require.Equal(t, "hm", a.Blocks[0].Text)
	require.NotEmpty(t, a.Blocks[0].Signature)
	require.Equal(t, llm.Block{Text: "Hello"}, a.Blocks[1])
	require.Equal(t, llm.Block{Kind: llm.ToolCall, ID: "c1", Name: "f", Text: `{"a":1}`}, a.Blocks[2])
	require.Equal(t, llm.Block{Kind: llm.ToolCall, ID: "c2", Name: "g", Text: `{}`}, a.Blocks[3])
	require.Equal(t, wire.Usage{Uncached: 15, CacheRead: 10, Text: 7, Reasoning: 4}, u)

	for sealed, of := range map[*format.Seal]int{format.NewSeal("s", "c"): 1, format.NewSeal("s", "another"): 0, format.NewSeal("forged", "c"): 0} {
		turns := []llm.Turn{{Parts: []llm.Part{{Text: "q"}}}, {Role: llm.Assistant, Parts: []llm.Part{{Kind: llm.Reasoning, Text: "hm", Signature: a.Blocks[0].Signature}}}}
		input := built(t, &llm.Request{Turns: turns}, format.Target{Model: "gpt-5", Seal: sealed})["input"].([]any)
		require.Len(t, input, 1+of, "reasoning goes back to who made it, and to nobody else")
		if of == 1 {
			require.Equal(t, map[string]any{"type": "reasoning", "summary": []any{map[string]any{"type": "summary_text", "text": "hm"}}, "encrypted_content": "ENC"}, input[1])
		}
	}
}

func TestAServerThatSendsNoPiecesIsUnderstood(t *testing.T) {
	for name, events := range map[string][]string{
		"only the end": {`{"type":"response.completed","response":{"id":"r","model":"m","status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"Hello"}]}],"usage":{"input_tokens":1,"output_tokens":1}}}`},
		"only items":   {`{"type":"response.output_item.done","output_index":0,"item":{"type":"message","content":[{"type":"output_text","text":"Hello"}]}}`, completed},
		"only texts":   {`{"type":"response.output_text.done","output_index":0,"text":"Hello"}`, `{"type":"response.output_item.done","output_index":0,"item":{"type":"message","content":[{"type":"output_text","text":"Hello"}]}}`, completed},
	} {
		a, _, failed := decoded(t, format.Target{}, events...)
		require.NoError(t, failed, name)
		require.Equal(t, []llm.Block{{Text: "Hello"}}, a.Blocks, name)
	}
}

func TestAStreamThatFailsIsAFault(t *testing.T) {
	const begun = `{"type":"response.created","response":{"id":"r","model":"m"}}`
	for name, tc := range map[string]struct {
		events []string
		flaw   format.Flaw
	}{
		"a cut":               {[]string{begun, `{"type":"response.output_text.delta","output_index":0,"delta":"a"}`}, format.IsTruncated},
		"a cut, with [DONE]":  {[]string{begun, `[DONE]`}, format.IsTruncated},
		"failed":              {[]string{begun, `{"type":"response.failed","response":{"id":"r","status":"failed","error":{"code":"server_error","message":"m"}}}`}, format.IsError},
		"failed, with no why": {[]string{begun, `{"type":"response.failed","response":{"id":"r","status":"failed","error":null}}`}, format.EndsBadly},
		"an error":            {[]string{begun, `{"type":"error","code":"rate_limit_exceeded","message":"m","param":null}`}, format.IsError},
		"another's error":     {[]string{begun, `{"error":{"message":"m"}}`}, format.IsError},
		"no JSON":             {[]string{begun, `{"type":`}, format.IsMalformed},
		"an early piece":      {[]string{begun, `{"type":"response.function_call_arguments.delta","output_index":0,"delta":"a"}`}, format.IsMalformed},
	} {
		_, _, failed := decoded(t, format.Target{}, tc.events...)
		var fault *format.Fault
		require.True(t, errors.As(failed, &fault), name)
		require.Equal(t, tc.flaw, fault.Flaw, name)

		inspector := responses.Format.Inspect(0)
		if name == "an early piece" {
			continue // it goes through as it is
		}
		var err error
		for _, data := range tc.events {
			if _, err = inspector.Event(event(data)); err != nil {
				break
			}
		}
		if err == nil {
			_, err = inspector.End()
		}
		require.True(t, errors.As(err, &fault), name)
		require.Equal(t, tc.flaw, fault.Flaw, name)
	}
}

func TestAWholeAnswerOfAProviderIsRead(t *testing.T) {
	const begins = `{"id":"resp_1","object":"response","model":"m","usage":{"input_tokens":5,"output_tokens":2},"error":null,"incomplete_details":null,`
	var a llm.Answer
	d := responses.Format.Server.Decode(&format.Target{})
	require.NoError(t, d.Whole([]byte(begins+`"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"Hi"}]}]}`), &a))
	require.Equal(t, []llm.Block{{Text: "Hi"}}, a.Blocks)
	require.Equal(t, wire.EndedItself, a.Reason)
	require.Equal(t, wire.Usage{Uncached: 5, Text: 2}, d.Usage())
	a = llm.Answer{}
	require.NoError(t, d.Whole([]byte(`{"status":"incomplete","incomplete_details":{"reason":"content_filter"},"output":[]}`), &a))
	require.Equal(t, wire.EndedByFilter, a.Reason)
	for _, body := range []string{
		`{"object":"response","status":"failed","error":{"code":"server_error","message":"m"},"output":[]}`, `{"error":{"message":"m"}}`, `{"status":"completed"`, `[]`, `{"status":"completed"}`,
	} {
		require.Error(t, d.Whole([]byte(body), &llm.Answer{}), body)
	}
}

func TestAThoughtOfClaudeComesBackToItsChannelThroughAClientOfResponses(t *testing.T) {
	seal := format.NewSeal("s", "claude")
	var a llm.Answer
	d := messages.Format.Server.Decode(&format.Target{Seal: seal})
	require.NoError(t, d.Whole([]byte(`{"id":"m","type":"message","role":"assistant","model":"m","content":[{"type":"thinking","thinking":"hm","signature":"SIG"},
		{"type":"redacted_thinking","data":"RED"},{"type":"tool_use","id":"t1","name":"f","input":{}}],"stop_reason":"tool_use","usage":{"input_tokens":1,"output_tokens":1}}`), &a))
	r := parsed(t, `"tools":[{"type":"function","name":"f"}]`)
	var sent struct {
		Output []map[string]any `json:"output"`
	}
	mustRead(t, responses.Format.Client.Whole(r, &a, wire.Usage{}), &sent)
	back := `{"model":"m","tools":[{"type":"function","name":"f"}],"input":[{"role":"user","content":"q"},` + joined(t, sent.Output) + `,{"type":"function_call_output","call_id":"t1","output":"x"}]}`
	for of, want := range map[*format.Seal][]any{
		seal: {
			map[string]any{"type": "thinking", "thinking": "hm", "signature": "SIG"}, map[string]any{"type": "redacted_thinking", "data": "RED"},
			map[string]any{"type": "tool_use", "id": "t1", "name": "f", "input": map[string]any{}},
		},
		format.NewSeal("s", "another"): {map[string]any{"type": "tool_use", "id": "t1", "name": "f", "input": map[string]any{}}},
	} {
		body, _, problem := messages.Format.Server.Build(from(t, responses.Format.Client, back), &format.Target{Model: "claude-sonnet-4-5", Seal: of})
		require.Nil(t, problem)
		var v map[string]any
		mustRead(t, body, &v)
		require.Equal(t, want, at(t, v, "messages", 1, "content"))
	}
}

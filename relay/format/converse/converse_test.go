package converse

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/format"
	"one-api/relay/llm"
	"one-api/relay/sse"
)

func built(t *testing.T, model string, r *llm.Request) string {
	t.Helper()
	body, _, problem := server{}.Build(r, &format.Target{Model: model})
	require.Nil(t, problem)
	require.True(t, json.Valid(body), string(body))
	return string(body)
}

func user(parts ...llm.Part) llm.Turn { return llm.Turn{Role: llm.User, Parts: parts} }

func TestAConversationIsSaidAsConverseWantsIt(t *testing.T) {
	call := llm.Turn{Role: llm.Assistant, Parts: []llm.Part{{Kind: llm.ToolCall, ID: "functions.f:0", Name: "f", Input: json.RawMessage(`{}`)}}}
	hot, one := 1.7, 1.0
	for name, tc := range map[string]struct {
		model, want string
		r           llm.Request
	}{
		"turns alternate, results come first, and nothing is blank": {"amazon.nova-pro-v1:0",
			`{"toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{"type":"object","properties":{}}}}}]},"system":[{"text":"Do not call any tool in your next answer."}],` +
				`"messages":[{"role":"user","content":[{"text":"a"}]},{"role":"assistant","content":[{"toolUse":{"toolUseId":"functions_f_0","name":"f","input":{}}}]},` +
				`{"role":"user","content":[{"toolResult":{"toolUseId":"functions_f_0","status":"error","content":[{"text":"(nothing)"}]}},{"text":"b"}]}]}`,
			llm.Request{Turns: []llm.Turn{user(llm.Part{Text: "a"}, llm.Part{Text: " "}), call, user(llm.Part{Text: "b"}),
				user(llm.Part{Kind: llm.ToolResult, ID: "functions.f:0", Failed: true, Parts: []llm.Part{{Text: ""}}})}}},
		"a failure is told in words where there is no status": {"meta.llama3-1-70b-instruct-v1:0",
			`{"toolConfig":{"tools":[{"toolSpec":{"name":"f","inputSchema":{"json":{"type":"object","properties":{}}}}}]},"system":[{"text":"Do not call any tool in your next answer."}],` +
				`"messages":[{"role":"user","content":[{"text":"."}]},{"role":"assistant","content":[{"toolUse":{"toolUseId":"functions_f_0","name":"f","input":{}}}]},` +
				`{"role":"user","content":[{"toolResult":{"toolUseId":"functions_f_0","content":[{"text":"The tool has failed:"},{"text":"x"}]}}]}]}`,
			llm.Request{Turns: []llm.Turn{call, user(llm.Part{Kind: llm.ToolResult, ID: "functions.f:0", Failed: true, Parts: []llm.Part{{Text: "x"}}})}}},
		"images and documents": {"amazon.nova-pro-v1:0",
			`{"messages":[{"role":"user","content":[{"text":"."},{"image":{"format":"jpeg","source":{"bytes":"QUJD"}}},{"document":{"format":"pdf","name":"My report 1","source":{"bytes":"UERG"}}},` +
				`{"document":{"format":"txt","name":"document 2","source":{"bytes":"aGk="}}}]}]}`,
			llm.Request{Turns: []llm.Turn{user(llm.Part{Kind: llm.Image, Media: &llm.Media{Type: "image/jpeg", Data: "QUJD"}},
				llm.Part{Kind: llm.Document, Media: &llm.Media{Type: "application/pdf", Data: "UERG", Name: "My_report."}},
				llm.Part{Kind: llm.Document, Media: &llm.Media{Type: "text/plain", Text: "hi"}})}}},
		"sampling, within its bounds": {"openai.gpt-oss-120b-1:0",
			`{"messages":[{"role":"user","content":[{"text":"a"}]}],"inferenceConfig":{"maxTokens":9,"temperature":1,"stopSequences":["x"]},"additionalModelRequestFields":{"reasoning_effort":"high"}}`,
			llm.Request{Turns: []llm.Turn{user(llm.Part{Text: "a"})}, MaxTokens: 9, Temperature: &hot, TopP: &one, Stop: []string{" ", "x"}, Effort: "xhigh"}},
		"a schema as text": {"qwen.qwen3-32b-v1:0",
			`{"outputConfig":{"textFormat":{"type":"json_schema","structure":{"jsonSchema":{"schema":"{\"type\":\"object\"}","name":"n"}}}},"messages":[{"role":"user","content":[{"text":"a"}]}]}`,
			llm.Request{Turns: []llm.Turn{user(llm.Part{Text: "a"})}, Format: &llm.Form{Schema: json.RawMessage(`{"type": "object"}`), Name: "n"}}},
		"what is to be kept": {"amazon.nova-pro-v1:0",
			`{"system":[{"text":"s"},{"cachePoint":{"type":"default","ttl":"1h"}}],"messages":[{"role":"user","content":[{"text":"a"}]}]}`,
			llm.Request{Instructions: []llm.Part{{Text: "s", Cache: json.RawMessage(`{"type":"ephemeral","ttl":"1h"}`)}}, Turns: []llm.Turn{user(llm.Part{Text: "a"})}}},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, built(t, tc.model, &tc.r)) })
	}
}

func TestWhatConverseCannotTakeIsRefused(t *testing.T) {
	for _, part := range []llm.Part{
		{Kind: llm.Image, Media: &llm.Media{URL: "https://x.example/a.png"}}, {Kind: llm.Image, Media: &llm.Media{Type: "image/tiff", Data: "QQ=="}},
		{Kind: llm.Document, Media: &llm.Media{Type: "application/zip", Data: "QQ=="}},
	} {
		_, _, problem := server{}.Build(&llm.Request{Turns: []llm.Turn{user(part)}}, &format.Target{Model: "amazon.nova-pro-v1:0"})
		require.NotNil(t, problem)
	}
	_, _, problem := server{}.Build(&llm.Request{Turns: []llm.Turn{user(llm.Part{Text: " "})}}, &format.Target{})
	require.ErrorContains(t, problem, "must have a user message")
}

func FuzzAStreamOfConversesIsReadOrRefused(f *testing.F) {
	f.Add("messageStart", `{"role":"assistant"}`, "contentBlockDelta", `{"contentBlockIndex":0,"delta":{"text":"a"}}`)
	f.Add("contentBlockStart", `{"contentBlockIndex":1,"start":{"toolUse":{"toolUseId":"x","name":"n"}}}`, "messageStop", `{"stopReason":"tool_use"}`)
	f.Add("metadata", `{"usage":{"inputTokens":1}}`, "error", `{"message":"x"}`)
	f.Fuzz(func(_ *testing.T, first, a, second, b string) {
		d, answer := server{}.Decode(&format.Target{Model: "m"}), &llm.Answer{}
		for _, e := range [...][2]string{{"messageStart", `{"role":"assistant"}`}, {first, a}, {second, b}, {first, b}, {second, a}} {
			if _, err := d.Event(sse.Event{Name: []byte(e[0]), Data: []byte(e[1])}, answer); err != nil {
				break
			}
		}
		_ = d.End(answer)
		_ = server{}.Decode(&format.Target{}).Whole([]byte(a), answer)
	})
}

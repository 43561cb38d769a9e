package exam

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/sdktest"
)

var chatSurface = surface{
	name: "chat", streams: true, ends: [4]string{"stop", "tool_calls", "length", "content_filter"},
	ask: func(t *testing.T, s *scene, q question) answer {
		status, header, text := posts(t, s.Relay, "/v1/chat/completions", chatBody(q))
		return readChat(t, q, status, header, text)
	},
	begins: func(t *testing.T, s *scene, q question) {
		until(t, s, "/v1/chat/completions", chatBody(q), `"Good `)
	},
	says: func(text string) string { return `{"role":"user","content":` + quoted(text) + `}` },
	shows: func() string {
		return `{"role":"user","content":[{"type":"text","text":"What is it?"},{"type":"image_url","image_url":{"url":"data:image/png;base64,` + picture + `"}},` +
			`{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,` + document + `"}}]}`
	},
	results: func(calls []called, text string) (turns []string) {
		for _, c := range calls {
			turns = append(turns, `{"role":"tool","tool_call_id":`+quoted(c.id)+`,"content":`+quoted(text)+`}`)
		}
		return turns
	},
}

func chatBody(q question) string {
	body := `{"model":"m","max_completion_tokens":4000,"messages":[{"role":"system","content":"Be brief."},` + strings.Join(q.turns, ",") + `]`
	if q.tools {
		body += `,"tools":[{"type":"function","function":{"name":"get_weather","description":"The weather.","parameters":` + weatherSchema + `}}]`
	}
	if q.must {
		body += `,"tool_choice":"required"`
	}
	if q.schema {
		body += `,"response_format":{"type":"json_schema","json_schema":{"name":"verdict","strict":true,"schema":` + verdictSchema + `}}`
	}
	if q.thinks {
		body += `,"reasoning_effort":"low"`
	}
	if q.stops {
		body += `,"stop":["END"]`
	}
	if q.stream {
		body += `,"stream":true,"stream_options":{"include_usage":true}`
	}
	return body + "}"
}

func chatFailure(v any, status int) *failure {
	return &failure{status, textIn(v, "error", "type"), textIn(v, "error", "code"), textIn(v, "error", "message")}
}

func readChat(t *testing.T, q question, status int, header http.Header, text string) (a answer) {
	t.Helper()
	if status != http.StatusOK {
		return answer{failed: chatFailure(decoded(t, text), status)}
	}
	if !q.stream {
		v := decoded(t, text)
		require.Equal(t, "chat.completion", v["object"], text)
		require.NotEmpty(t, v["id"], text)
		require.NotEmpty(t, v["model"], text)
		require.Positive(t, numberIn(v, "created"), text)
		require.Len(t, listIn(v, "choices"), 1)
		message := sdktest.At(v, "choices", 0, "message")
		require.Equal(t, "assistant", textIn(message, "role"))
		require.Contains(t, message, "content", text)
		a.text, a.thought, a.end = textIn(message, "content"), textIn(message, "reasoning_content"), textIn(v, "choices", 0, "finish_reason")
		for _, c := range listIn(message, "tool_calls") {
			require.Equal(t, "function", textIn(c, "type"))
			a.calls = append(a.calls, called{textIn(c, "id"), textIn(c, "function", "name"), textIn(c, "function", "arguments")})
		}
		a.chatUsage(sdktest.At(v, "usage"))
		a.chatKeeps()
		return a
	}
	id, done := "", false
	for _, e := range eventsOf(t, header, text) {
		require.False(t, done, "something behind the end: %s", text)
		if done = e.data == "[DONE]"; done {
			continue
		}
		v := decoded(t, e.data)
		if v["error"] != nil {
			a.failed = chatFailure(v, 0)
			continue
		}
		require.Nil(t, a.failed, "it goes on behind an error: %s", text)
		require.Equal(t, "chat.completion.chunk", v["object"])
		require.NotEmpty(t, textIn(v, "id"), e.data)
		require.Contains(t, []string{"", id}, map[bool]string{true: "", false: textIn(v, "id")}[id == ""], "one id for all")
		id = textIn(v, "id")
		require.NotEmpty(t, v["model"], e.data)
		require.Contains(t, v, "choices", e.data)
		if v["usage"] != nil {
			a.chatUsage(v["usage"])
		}
		for _, choice := range listIn(v, "choices") {
			a.chatDelta(t, choice)
		}
	}
	require.Equal(t, a.failed == nil, done, "the terminator ends what is whole, and nothing else: %s", text)
	a.chatKeeps()
	return a
}

func (a *answer) chatDelta(t *testing.T, choice any) {
	t.Helper()
	delta := sdktest.At(choice, "delta")
	a.text += textIn(delta, "content")
	a.thought += textIn(delta, "reasoning_content")
	for _, c := range listIn(delta, "tool_calls") {
		require.Contains(t, c, "index")
		n := int(numberIn(c, "index"))
		if n == len(a.calls) {
			require.NotEmpty(t, textIn(c, "id"))
			a.calls = append(a.calls, called{textIn(c, "id"), textIn(c, "function", "name"), ""})
		}
		require.Less(t, n, len(a.calls), "calls begin in their order")
		a.calls[n].arguments += textIn(c, "function", "arguments")
	}
	if end := textIn(choice, "finish_reason"); end != "" {
		require.Empty(t, a.end, "one end reason")
		a.end = end
	}
}

func (a *answer) chatUsage(u any) {
	a.input, a.cached, a.output = numberIn(u, "prompt_tokens"), numberIn(u, "prompt_tokens_details", "cached_tokens"), numberIn(u, "completion_tokens")
	a.reasoning = numberIn(u, "completion_tokens_details", "reasoning_tokens")
	if a.cached == 0 {
		a.cached = numberIn(u, "prompt_cache_hit_tokens") // DeepSeek's own word
	}
}

// chatKeeps is what an agent keeps that knows what DeepSeek wants back.
func (a *answer) chatKeeps() {
	message := map[string]any{"role": "assistant", "content": nil}
	if a.text != "" {
		message["content"] = a.text
	}
	if a.thought != "" {
		message["reasoning_content"] = a.thought
	}
	var calls []any
	for _, c := range a.calls {
		calls = append(calls, map[string]any{"id": c.id, "type": "function", "function": map[string]any{"name": c.name, "arguments": c.arguments}})
	}
	if calls != nil {
		message["tool_calls"] = calls
	}
	a.keeps = []string{quoted(message)}
}

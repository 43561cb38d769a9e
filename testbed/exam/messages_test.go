package exam

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/sdktest"
)

var messagesSurface = surface{
	name: "messages", streams: true, ends: [4]string{"end_turn", "tool_use", "max_tokens", "refusal"},
	ask: func(t *testing.T, s *scene, q question) answer {
		status, header, text := posts(t, s.Relay, "/v1/messages", messagesBody(q))
		return readMessages(t, q, status, header, text)
	},
	begins: func(t *testing.T, s *scene, q question) { until(t, s, "/v1/messages", messagesBody(q), `"Good `) },
	says:   func(text string) string { return `{"role":"user","content":` + quoted(text) + `}` },
	shows: func() string {
		return `{"role":"user","content":[{"type":"text","text":"What is it?"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"` + picture + `"}},` +
			`{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"` + document + `"}}]}`
	},
	results: func(calls []called, text string) []string {
		var blocks []string
		for _, c := range calls {
			blocks = append(blocks, `{"type":"tool_result","tool_use_id":`+quoted(c.id)+`,"content":[{"type":"text","text":`+quoted(text)+`}]}`)
		}
		return []string{`{"role":"user","content":[` + strings.Join(blocks, ",") + `]}`}
	},
}

func messagesBody(q question) string {
	body := `{"model":"m","max_tokens":4000,"system":"Be brief.","messages":[` + strings.Join(q.turns, ",") + `]`
	if q.tools {
		body += `,"tools":[{"name":"get_weather","description":"The weather.","input_schema":` + weatherSchema + `}]`
	}
	if q.must {
		body += `,"tool_choice":{"type":"any"}`
	}
	if q.schema {
		body += `,"output_config":{"format":{"type":"json_schema","schema":` + verdictSchema + `}}`
	}
	if q.thinks {
		body += `,"thinking":{"type":"enabled","budget_tokens":1024}`
	}
	if q.stops {
		body += `,"stop_sequences":["END"]`
	}
	if q.stream {
		body += `,"stream":true`
	}
	return body + "}"
}

func messagesFailure(v any, status int) *failure {
	return &failure{status, textIn(v, "error", "type"), "", textIn(v, "error", "message")}
}

func readMessages(t *testing.T, q question, status int, header http.Header, text string) (a answer) {
	t.Helper()
	if status != http.StatusOK {
		v := decoded(t, text)
		require.Equal(t, "error", v["type"], text)
		return answer{failed: messagesFailure(v, status)}
	}
	var message map[string]any
	if q.stream {
		message, a.failed = accumulated(t, eventsOf(t, header, text), text)
	} else {
		message = decoded(t, text)
	}
	require.Equal(t, "message", message["type"], text)
	require.Equal(t, "assistant", message["role"], text)
	require.NotEmpty(t, message["id"], text)
	require.NotEmpty(t, message["model"], text)
	require.Contains(t, message, "stop_sequence", text)
	a.end = textIn(message, "stop_reason")
	for _, b := range listIn(message, "content") {
		switch textIn(b, "type") {
		case "text":
			a.text += textIn(b, "text")
		case "thinking":
			require.Contains(t, b, "signature", text)
			a.thought += textIn(b, "thinking")
		case "redacted_thinking":
		case "tool_use":
			require.IsType(t, map[string]any{}, sdktest.At(b, "input"), text)
			a.calls = append(a.calls, called{textIn(b, "id"), textIn(b, "name"), quoted(sdktest.At(b, "input"))})
		default:
			t.Fatalf("a block of no known type: %s", text)
		}
	}
	u := message["usage"]
	a.cached = numberIn(u, "cache_read_input_tokens")
	a.input, a.output = numberIn(u, "input_tokens")+a.cached+numberIn(u, "cache_creation_input_tokens"), numberIn(u, "output_tokens")
	a.reasoning = numberIn(u, "output_tokens_details", "thinking_tokens")
	a.keeps = []string{`{"role":"assistant","content":` + quoted(message["content"]) + `}`}
	return a
}

// grown adds a delta to a block. input is a piece of a call's.
func grown(t *testing.T, block map[string]any, delta any) (input string) {
	t.Helper()
	switch textIn(delta, "type") {
	case "text_delta":
		block["text"] = textIn(block, "text") + textIn(delta, "text")
	case "thinking_delta":
		block["thinking"] = textIn(block, "thinking") + textIn(delta, "thinking")
	case "signature_delta":
		block["signature"] = textIn(delta, "signature")
	case "input_json_delta":
		require.Equal(t, "tool_use", block["type"])
		return textIn(delta, "partial_json")
	default:
		t.Fatalf("a delta of no known type: %v", delta)
	}
	return ""
}

// accumulated puts a stream together as Anthropic's SDKs do.
func accumulated(t *testing.T, events []event, text string) (message map[string]any, failed *failure) {
	t.Helper()
	var blocks []any
	var block map[string]any
	input, stopped := "", false
	for _, e := range events {
		v := decoded(t, e.data)
		kind := textIn(v, "type")
		require.Equal(t, e.name, kind, "a name for each event: %s", e.data)
		require.False(t, stopped, "something behind the end: %s", text)
		require.Nil(t, failed, "it goes on behind an error: %s", text)
		if message == nil {
			require.Contains(t, []string{"message_start", "ping", "error"}, kind, text)
		}
		switch kind {
		case "message_start":
			require.Nil(t, message, text)
			message = v["message"].(map[string]any)
			require.Empty(t, listIn(message, "content"), text)
		case "content_block_start":
			require.Nil(t, block, "a block in another: %s", text)
			require.EqualValues(t, len(blocks), v["index"], text)
			block, input = v["content_block"].(map[string]any), ""
		case "content_block_delta":
			require.NotNil(t, block, text)
			require.EqualValues(t, len(blocks), v["index"], text)
			input += grown(t, block, v["delta"])
		case "content_block_stop":
			require.EqualValues(t, len(blocks), v["index"], text)
			if block["type"] == "tool_use" && input != "" {
				block["input"] = decoded(t, input)
			}
			blocks, block = append(blocks, block), nil
		case "message_delta":
			require.Nil(t, block, text)
			message["stop_reason"], message["stop_sequence"] = sdktest.At(v, "delta", "stop_reason"), sdktest.At(v, "delta", "stop_sequence")
			usage, _ := message["usage"].(map[string]any)
			for name, n := range v["usage"].(map[string]any) {
				usage[name] = n
			}
		case "message_stop":
			stopped = true
		case "error":
			failed = messagesFailure(v, 0)
		case "ping":
		default:
			t.Fatalf("an event of no known type: %s", e.data)
		}
	}
	require.Equal(t, failed == nil, stopped, "message_stop ends what is whole, and nothing else: %s", text)
	if block != nil {
		blocks = append(blocks, block)
	}
	if message == nil {
		message = map[string]any{"type": "message", "role": "assistant", "id": "none", "model": "none", "stop_sequence": nil}
	}
	message["content"] = blocks
	return message, failed
}

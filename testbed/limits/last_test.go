package limits

import (
	"fmt"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/record"
	"one-api/testbed/harness"
)

// TestTheLastCountOfAStreamIsBookedAndNoSumOfThem where each event has one that includes those before it, and thoughts count that a
// provider counts beside the answer (claude-code-hub PR#691, hermes#15253).
func TestTheLastCountOfAStreamIsBookedAndNoSumOfThem(t *testing.T) {
	gemini := func(text, finish string, output int) string {
		return fmt.Sprintf(`data: {"candidates":[{"content":{"role":"model","parts":[{"text":%q}]}%s,"index":0}],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":%d,`+
			`"thoughtsTokenCount":3,"totalTokenCount":%d},"modelVersion":"m"}`+"\r\n\r\n", text, finish, output, 13+output)
	}
	event := func(name, data string) string { return "event: " + name + "\ndata: " + data + "\n\n" }
	streams := map[string]struct {
		answer string
		cost   int64
	}{
		"gemini": {gemini("a", "", 2) + gemini("b", "", 5) + gemini("c", `,"finishReason":"STOP"`, 7), 10*100 + (7+3)*1000},
		"anthropic": {event("message_start", `{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":10,"output_tokens":1}}}`) +
			event("content_block_start", `{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`) +
			event("content_block_delta", `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"abc"}}`) +
			event("content_block_stop", `{"type":"content_block_stop","index":0}`) +
			event("message_delta", `{"type":"message_delta","delta":{"stop_reason":null,"stop_sequence":null},"usage":{"input_tokens":10,"output_tokens":5}}`) +
			event("message_delta", `{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":10,"output_tokens":7}}`) +
			event("message_stop", `{"type":"message_stop"}`), 10*100 + 7*1000},
	}
	for kind, stream := range streams {
		for path, body := range map[string]string{
			"/v1/chat/completions": `{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}`,
			"/v1/messages":         `{"model":"m","stream":true,"max_tokens":100,"messages":[{"role":"user","content":"hi"}]}`,
			"/v1beta/models/m:streamGenerateContent?alt=sse": `{"contents":[{"role":"user","parts":[{"text":"hi"}]}]}`,
		} {
			t.Run(kind+" "+path, func(t *testing.T) {
				u := harness.NewUpstream(t, false, func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "text/event-stream")
					_, _ = io.WriteString(w, stream.answer)
				})
				r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: %s, base_url: %q, keys: [sk-upstream-secret], models: [m]}\n", kind, u.URL)+
					"tokens:\n  - {name: t, key: "+harness.Key+"}\n"+prices)
				status, answer, _ := r.Ask(path, body)
				require.Equal(t, 200, status, answer)
				r.Eventually("it has ended", func() bool { return len(r.RequestEnds()) == 1 })
				a := r.Attempt(0)
				assert.Equal(t, record.CountedByProvider, a.Cost.Counted)
				assert.Equal(t, stream.cost, a.Cost.Cost, "%+v", a.Usage)
			})
		}
	}
}

package failover

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/sdktest"
)

const askResponses = `{"model":"m","stream":true,"input":"Hi!","metadata":{"a":"b"}%s}`

// responsesStream reads a stream as the strictest of clients do: events are numbered without a gap, everything belongs to an item that has
// begun, one response ends once, and its end repeats what was said.
func responsesStream(t *testing.T, stream string) (text string, end map[string]any) {
	t.Helper()
	items, ids, next, output := map[any]bool{}, map[any]bool{}, 0.0, []any{}
	for line := range strings.Lines(stream) {
		data, ok := strings.CutPrefix(line, "data: ")
		if !ok {
			continue
		}
		var e map[string]any
		require.NoError(t, json.Unmarshal([]byte(data), &e), data)
		require.Nil(t, end, "something comes behind the end: %s", data)
		require.Equal(t, next, e["sequence_number"], data)
		next++
		if response, ok := e["response"].(map[string]any); ok {
			ids[response["id"]] = true
		}
		switch kind := e["type"].(string); kind {
		case "response.output_item.added":
			require.EqualValues(t, len(items), e["output_index"], data)
			items[e["item"].(map[string]any)["id"]] = true
		case "response.output_item.done":
			output = append(output, e["item"])
		case "response.output_text.delta":
			require.True(t, items[e["item_id"]], "a piece of an item that has not begun: %s", data)
			text += e["delta"].(string)
		case "response.completed", "response.failed", "response.incomplete":
			end = e["response"].(map[string]any)
		default:
			if id, of := e["item_id"]; of {
				require.True(t, items[id], data)
			}
		}
	}
	require.NotNil(t, end, stream)
	require.Len(t, ids, 1, "one response")
	if end["status"] == "completed" {
		require.Equal(t, output, end["output"])
		said := ""
		for _, item := range output {
			if message := item.(map[string]any); message["type"] == "message" {
				for _, part := range message["content"].([]any) {
					said += part.(map[string]any)["text"].(string)
				}
			}
		}
		require.Equal(t, text, said)
	}
	return text, end
}

func TestAStreamOfTheResponsesAPIIsFinishedByTheNextChannel(t *testing.T) {
	for _, pair := range [][2]sdktest.Dialect{{sdktest.OpenAIDialect, sdktest.AnthropicDialect}, {sdktest.AnthropicDialect, sdktest.OpenAIDialect}} {
		for _, c := range breaks {
			t.Run(pair[0].Name()+" and "+pair[1].Name()+", "+c.name, func(t *testing.T) {
				first := sdktest.NewProvider(t, pair[0], sdktest.Turn{Text: []string{"Once ", "upon ", "a "}, Fault: c.fault})
				second := sdktest.NewProvider(t, pair[1], sdktest.Turn{Thought: "Where was I?", Text: []string{"upon a ", "time ", "there was."}})
				r := harness.StartRelay(t, "channels:\n"+taking(first, "first", 10, "true")+taking(second, "second", 0, "true"))
				before := runtime.NumGoroutine()
				status, answer, _ := r.Ask("/v1/responses", fmt.Sprintf(askResponses, ""))
				require.Equal(t, 200, status, answer)
				text, end := responsesStream(t, answer)
				require.Equal(t, "Once upon a time there was.", text)
				require.Equal(t, "completed", end["status"])
				require.Equal(t, map[string]any{"a": "b"}, end["metadata"], "it repeats its request")
				require.Positive(t, end["usage"].(map[string]any)["output_tokens"])
				require.Equal(t, []string{c.outcome, "completed"}, r.Outcomes(2))
				require.Equal(t, strings.TrimSpace("Once upon a "), strings.TrimSpace(sdktest.LastSaid(second.LastBody(t))))
				r.RequireQuiet(before, first.Upstream, second.Upstream)
			})
		}
	}
}

// ofOpenAI is the beginning of a native stream, and what its items may be.
const (
	opening = `{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","object":"response","created_at":7,"status":"in_progress","model":"m-1","metadata":{"a":"b"},"output":[]}}
{"type":"response.in_progress","sequence_number":1,"response":{"id":"resp_1","object":"response","created_at":7,"status":"in_progress","model":"m-1","output":[]}}
`
	saying = `{"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"id":"msg_1","type":"message","status":"in_progress","role":"assistant","content":[]}}
{"type":"response.content_part.added","sequence_number":3,"item_id":"msg_1","output_index":0,"content_index":0,"part":{"type":"output_text","text":"","annotations":[],"logprobs":[]}}
{"type":"response.output_text.delta","sequence_number":4,"item_id":"msg_1","output_index":0,"content_index":0,"delta":"Once upon a ","logprobs":[]}
`
	thinking = `{"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[]}}
{"type":"response.output_item.done","sequence_number":3,"output_index":0,"item":{"id":"rs_1","type":"reasoning","summary":[]%s}}
{"type":"response.output_item.added","sequence_number":4,"output_index":1,"item":{"id":"msg_1","type":"message","status":"in_progress","role":"assistant","content":[]}}
{"type":"response.content_part.added","sequence_number":5,"item_id":"msg_1","output_index":1,"content_index":0,"part":{"type":"output_text","text":"","annotations":[],"logprobs":[]}}
{"type":"response.output_text.delta","sequence_number":6,"item_id":"msg_1","output_index":1,"content_index":0,"delta":"Once upon a ","logprobs":[]}
`
	searching = `{"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"id":"ws_1","type":"web_search_call","status":"in_progress"}}
{"type":"response.web_search_call.in_progress","sequence_number":3,"output_index":0,"item_id":"ws_1"}
{"type":"response.output_item.done","sequence_number":4,"output_index":0,"item":{"id":"ws_1","type":"web_search_call","status":"completed"}}
{"type":"response.output_item.added","sequence_number":5,"output_index":1,"item":{"id":"msg_1","type":"message","status":"in_progress","role":"assistant","content":[]}}
{"type":"response.content_part.added","sequence_number":6,"item_id":"msg_1","output_index":1,"content_index":0,"part":{"type":"output_text","text":"","annotations":[],"logprobs":[]}}
{"type":"response.output_text.delta","sequence_number":7,"item_id":"msg_1","output_index":1,"content_index":0,"delta":"Once upon a ","logprobs":[]}
`
)

// cut is an upstream that begins a stream and breaks off.
func cut(events string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for line := range strings.Lines(events) {
			var e struct{ Type string }
			_ = json.Unmarshal([]byte(line), &e)
			_, _ = io.WriteString(w, "event: "+e.Type+"\ndata: "+line+"\n")
		}
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
}

// TestWhatOnlyItsMakerCanGoOnWithEndsInResponseFailed has what another channel can continue, and what not.
func TestWhatOnlyItsMakerCanGoOnWithEndsInResponseFailed(t *testing.T) {
	for name, c := range map[string]struct {
		events, extra string
		rest          sdktest.Turn
		finished      bool
		asked         int64
	}{
		"text":                               {opening + saying, "", sdktest.Turn{Text: []string{"time."}}, true, 1},
		"reasoning that says nothing":        {opening + fmt.Sprintf(thinking, ""), "", sdktest.Turn{Text: []string{"time."}}, true, 1},
		"encrypted reasoning":                {opening + fmt.Sprintf(thinking, `,"encrypted_content":"gAAA"`), "", sdktest.Turn{Text: []string{"time."}}, false, 0},
		"a tool that the provider runs":      {opening + searching, "", sdktest.Turn{Text: []string{"time."}}, false, 0},
		"what the provider keeps":            {opening + saying, `,"prompt":{"id":"pmpt_1"}`, sdktest.Turn{Text: []string{"time."}}, false, 0},
		"a form":                             {opening + saying, `,"text":{"format":{"type":"json_object"}}`, sdktest.Turn{Text: []string{"time."}}, false, 0},
		"another answer of the next channel": {strings.Replace(opening+saying, "Once upon a ", "The answer to your question is forty-", 1), "", sdktest.Turn{Text: []string{"The answer to your question is easy."}}, false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			first := harness.NewUpstream(t, false, cut(c.events))
			second := sdktest.NewProvider(t, sdktest.AnthropicDialect, c.rest)
			r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: first, type: openai, api: responses, base_url: %q, keys: [sk-up], models: [m], priority: 10, resume: true}\n", first.URL)+
				taking(second, "second", 0, "true"))
			before := runtime.NumGoroutine()
			status, answer, _ := r.Ask("/v1/responses", fmt.Sprintf(askResponses, c.extra))
			require.Equal(t, 200, status, answer)
			text, end := responsesStream(t, answer)
			require.Equal(t, "resp_1", end["id"])
			require.Equal(t, c.asked, second.Requests.Load())
			if c.finished {
				require.Equal(t, "Once upon a time.", text)
				require.Equal(t, "completed", end["status"])
			} else {
				require.Equal(t, "failed", end["status"], answer)
				require.NotEmpty(t, end["error"].(map[string]any)["message"])
			}
			r.RequireQuiet(before, first, second.Upstream)
		})
	}
}

package exam

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
)

var responsesSurface = surface{
	name: "responses", streams: true, ends: [4]string{"completed", "completed", "incomplete max_output_tokens", "incomplete content_filter"},
	ask: func(t *testing.T, s *scene, q question) answer {
		status, header, text := posts(t, s.Relay, "/v1/responses", responsesBody(q))
		if status != http.StatusOK {
			return answer{failed: chatFailure(decoded(t, text), status)}
		}
		if !q.stream {
			return readResponse(t, decoded(t, text), text)
		}
		var events []map[string]any
		for _, e := range eventsOf(t, header, text) {
			v := decoded(t, e.data)
			require.Equal(t, e.name, v["type"], "a name for each event")
			events = append(events, v)
		}
		return readResponseEvents(t, events)
	},
	begins:  func(t *testing.T, s *scene, q question) { until(t, s, "/v1/responses", responsesBody(q), `"Good `) },
	says:    func(text string) string { return `{"role":"user","content":` + quoted(text) + `}` },
	shows:   responsesShows,
	results: responsesResults,
}

// websocketSurface is the same by a websocket.
var websocketSurface = surface{
	name: "websocket", streams: true, onlyStreams: true, ends: responsesSurface.ends,
	ask: func(t *testing.T, s *scene, q question) answer {
		conn := dials(t, s.Relay)
		defer func() { _ = conn.CloseNow() }()
		q.stream = false // which is understood
		write(t, conn, `{"type":"response.create",`+responsesBody(q)[1:])
		var events []map[string]any
		for {
			v := reads(t, conn)
			events = append(events, v)
			switch v["type"] {
			case "response.completed", "response.incomplete", "response.failed":
				return readResponseEvents(t, events)
			case "error":
				if len(events) == 1 {
					return answer{failed: chatFailure(v, int(numberIn(v, "status")))}
				}
				return readResponseEvents(t, events)
			}
		}
	},
	begins: func(t *testing.T, s *scene, q question) {
		conn := dials(t, s.Relay)
		q.stream = false
		write(t, conn, `{"type":"response.create",`+responsesBody(q)[1:])
		for reads(t, conn)["type"] != "response.output_text.delta" {
		}
		_ = conn.CloseNow()
	},
	says: responsesSurface.says, shows: responsesShows, results: responsesResults,
}

func dials(t *testing.T, r *harness.Relay) *websocket.Conn {
	t.Helper()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	conn, _, err := websocket.Dial(ctx, r.URL+"/v1/responses", &websocket.DialOptions{HTTPClient: &http.Client{Transport: transport}, HTTPHeader: http.Header{"Authorization": {"Bearer " + harness.Key}}})
	require.NoError(t, err)
	conn.SetReadLimit(-1)
	return conn
}

func write(t *testing.T, conn *websocket.Conn, message string) {
	t.Helper()
	require.True(t, json.Valid([]byte(message)), message)
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	require.NoError(t, conn.Write(ctx, websocket.MessageText, []byte(message)))
}

func reads(t *testing.T, conn *websocket.Conn) map[string]any {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), harness.Patience)
	defer cancel()
	_, message, err := conn.Read(ctx)
	require.NoError(t, err)
	return decoded(t, string(message))
}

func responsesShows() string {
	return `{"role":"user","content":[{"type":"input_text","text":"What is it?"},{"type":"input_image","detail":"auto","image_url":"data:image/png;base64,` + picture + `"},` +
		`{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,` + document + `"}]}`
}

func responsesResults(calls []called, text string) (turns []string) {
	for _, c := range calls {
		turns = append(turns, `{"type":"function_call_output","call_id":`+quoted(c.id)+`,"output":`+quoted(text)+`}`)
	}
	return turns
}

func responsesBody(q question) string {
	body := `{"model":"m","max_output_tokens":4000,"store":false,"instructions":"Be brief.","include":["reasoning.encrypted_content"],"input":[` + strings.Join(q.turns, ",") + `]`
	if q.tools {
		body += `,"tools":[{"type":"function","name":"get_weather","description":"The weather.","strict":true,"parameters":` + weatherSchema + `}]`
	}
	if q.must {
		body += `,"tool_choice":"required"`
	}
	if q.schema {
		body += `,"text":{"format":{"type":"json_schema","name":"verdict","strict":true,"schema":` + verdictSchema + `}}`
	}
	if q.thinks {
		body += `,"reasoning":{"effort":"low","summary":"auto"}`
	}
	if q.stream {
		body += `,"stream":true`
	}
	return body + "}"
}

// ofResponse are the members that the API's schema demands of a response.
const ofResponse = "id object created_at error incomplete_details instructions model tools output parallel_tool_calls metadata tool_choice temperature top_p status"

// readResponse reads a whole response.
func readResponse(t *testing.T, v map[string]any, text string) (a answer) {
	t.Helper()
	for name := range strings.FieldsSeq(ofResponse) {
		require.Contains(t, v, name, text)
	}
	require.Equal(t, "response", v["object"], text)
	require.NotEmpty(t, v["model"], text)
	a.end = strings.TrimSpace(textIn(v, "status") + " " + textIn(v, "incomplete_details", "reason"))
	ids := map[string]bool{}
	for _, item := range listIn(v, "output") {
		require.NotEmpty(t, textIn(item, "id"), text)
		require.False(t, ids[textIn(item, "id")], "an id twice: %s", text)
		ids[textIn(item, "id")] = true
		switch textIn(item, "type") {
		case "message":
			require.Equal(t, "assistant", textIn(item, "role"), text)
			for _, part := range listIn(item, "content") {
				require.Contains(t, []string{"output_text", "refusal"}, textIn(part, "type"), text)
				if textIn(part, "type") == "output_text" {
					require.Contains(t, part, "annotations", text)
				}
				a.text += textIn(part, "text") + textIn(part, "refusal")
			}
		case "reasoning":
			require.Contains(t, item, "summary", text)
			for _, part := range listIn(item, "summary") {
				a.thought += textIn(part, "text")
			}
		case "function_call":
			a.calls = append(a.calls, called{textIn(item, "call_id"), textIn(item, "name"), textIn(item, "arguments")})
		default:
			t.Fatalf("an item of no known type: %s", text)
		}
		a.keeps = append(a.keeps, quoted(item))
	}
	u := v["usage"]
	a.input, a.cached, a.output = numberIn(u, "input_tokens"), numberIn(u, "input_tokens_details", "cached_tokens"), numberIn(u, "output_tokens")
	a.reasoning = numberIn(u, "output_tokens_details", "reasoning_tokens")
	require.Equal(t, a.input+a.output, numberIn(u, "total_tokens"), text)
	return a
}

// stream is what has come of a stream of the Responses API.
type stream struct {
	said  map[string]string // by the item, and what of it
	items map[int64]string  // their ids
	done  map[int64]any
	open  map[string]bool // parts
}

// readResponseEvents reads a stream: what its pieces make has to be what its end repeats.
func readResponseEvents(t *testing.T, events []map[string]any) (a answer) {
	t.Helper()
	s := stream{map[string]string{}, map[int64]string{}, map[int64]any{}, map[string]bool{}}
	ended := false
	for n, v := range events {
		text := quoted(v)
		require.False(t, ended, "something behind the end: %s", text)
		if v["type"] != "error" {
			require.EqualValues(t, n, v["sequence_number"], text)
		}
		switch kind := textIn(v, "type"); kind {
		case "error":
			a.failed, ended = chatFailure(map[string]any{"error": v}, 0), true
		case "response.created":
			require.Zero(t, n)
			require.Equal(t, "in_progress", textIn(v, "response", "status"), text)
		case "response.in_progress":
			require.Equal(t, 1, n)
		case "response.failed":
			require.Equal(t, "failed", textIn(v, "response", "status"), text)
			a.failed, ended = &failure{0, "", textIn(v, "response", "error", "code"), textIn(v, "response", "error", "message")}, true
			require.NotEmpty(t, a.failed.code, text)
		case "response.completed", "response.incomplete":
			require.Equal(t, strings.TrimPrefix(kind, "response."), textIn(v, "response", "status"), text)
			require.Len(t, s.done, len(s.items), "an item that has not ended: %s", text)
			output := listIn(v, "response", "output")
			require.Len(t, output, len(s.done), text)
			for i := range output {
				require.Equal(t, s.done[int64(i)], output[i], text)
			}
			a, ended = readResponse(t, v["response"].(map[string]any), text), true
		default:
			s.piece(t, kind, v)
		}
	}
	require.True(t, ended, "no end: %s", quoted(events))
	if a.failed != nil {
		for name, text := range s.said {
			if strings.Contains(name, "output_text") {
				a.text += text
			}
		}
	}
	return a
}

// piece reads an event between the beginning and the end.
func (s *stream) piece(t *testing.T, kind string, v map[string]any) {
	t.Helper()
	text := quoted(v)
	index, id := numberIn(v, "output_index"), textIn(v, "item_id")
	if id != "" {
		require.Equal(t, s.items[index], id, "of an item that has begun: %s", text)
		require.NotContains(t, s.done, index, text)
	}
	part := id + quoted(v["content_index"]) + quoted(v["summary_index"])
	switch kind {
	case "response.output_item.added":
		require.NotContains(t, s.items, index, text)
		require.EqualValues(t, len(s.items), index, text)
		s.items[index] = textIn(v, "item", "id")
		require.NotEmpty(t, s.items[index], text)
	case "response.content_part.added", "response.reasoning_summary_part.added":
		s.open[part] = true
	case "response.output_text.delta", "response.refusal.delta", "response.reasoning_summary_text.delta":
		require.True(t, s.open[part], "a part that has not begun: %s", text)
		s.said[id+kind[:strings.LastIndex(kind, ".")]] += textIn(v, "delta")
	case "response.function_call_arguments.delta":
		s.said[id+"response.function_call_arguments"] += textIn(v, "delta")
	case "response.output_text.done", "response.reasoning_summary_text.done":
		require.Equal(t, s.said[id+strings.TrimSuffix(kind, ".done")], textIn(v, "text"), text)
	case "response.refusal.done":
		require.Equal(t, s.said[id+"response.refusal"], textIn(v, "refusal"), text)
	case "response.function_call_arguments.done":
		require.Equal(t, s.said[id+"response.function_call_arguments"], textIn(v, "arguments"), text)
	case "response.content_part.done", "response.reasoning_summary_part.done":
		delete(s.open, part)
	case "response.output_item.done":
		require.Equal(t, s.items[index], textIn(v, "item", "id"), text)
		require.Empty(t, s.open, text)
		s.done[index] = v["item"]
	default:
		t.Fatalf("an event of no known type: %s", text)
	}
}

package responses_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/format"
	"one-api/relay/format/responses"
	"one-api/relay/llm"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

func mustRead(t *testing.T, body []byte, to any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(body, to), string(body))
}

// joined is the elements of a list, as they stand between its brackets.
func joined[T any](t *testing.T, list []T) string {
	t.Helper()
	b, err := json.Marshal(list)
	require.NoError(t, err)
	return strings.Trim(string(b), "[]")
}

func TestANativeStreamPassesAsItIs(t *testing.T) {
	inspector := responses.Format.Inspect(0)
	for _, tc := range []struct {
		data              string
		preamble, content bool
	}{
		{`{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","model":"m","created_at":5}}`, true, false},
		{`{"type":"response.in_progress","sequence_number":1,"response":{"id":"resp_1"}}`, true, false},
		{`{"type":"response.output_item.added","sequence_number":2,"output_index":0,"item":{"type":"message"}}`, false, false},
		{`{"type":"response.output_text.delta","sequence_number":3,"output_index":0,"delta":"a"}`, false, true},
		{`{"type":"response.new_thing.of_tomorrow","sequence_number":4}`, false, false},
	} {
		e := event(tc.data)
		step, err := inspector.Event(e)
		require.NoError(t, err)
		require.Equal(t, tc.preamble, step.Preamble, tc.data)
		require.Equal(t, tc.content, step.Content, tc.data)
		require.Equal(t, &e.Raw[0], &step.Out[0], "not even copied")
	}
	failed := eventsOf(t, inspector.(format.Failing).Failed(&wire.Error{Status: 429, Message: "m"}, "r"))
	require.Equal(t, "response.failed", failed[0]["type"])
	require.EqualValues(t, 5, failed[0]["sequence_number"])
	require.Equal(t, "resp_1", at(t, failed[0], "response", "id"))
	require.Equal(t, "rate_limit_exceeded", at(t, failed[0], "response", "error", "code"))

	inspector = responses.Format.Inspect(0)
	step, err := inspector.Event(event(completed))
	require.NoError(t, err)
	require.True(t, step.Done)
	require.Equal(t, wire.Usage{Uncached: 15, CacheRead: 10, Text: 7, Reasoning: 4}, inspector.Usage())
}

func TestANativeAnswerPassesAsItIs(t *testing.T) {
	inspector := responses.Format.Inspect(0)
	for _, body := range []string{
		`{"id":"resp_1","object":"response","status":"completed","error":null,"output":[{"type":"message"}],"usage":{"input_tokens":5,"output_tokens":2}}`,
		`{"id":"resp_1","object":"response","status":"queued","error":null,"output":[]}`,
		`{"object":"response.input_tokens","input_tokens":5}`,
	} {
		out, err := inspector.Whole([]byte(body))
		require.NoError(t, err)
		require.Equal(t, body, string(out))
	}
	require.Equal(t, wire.Usage{Uncached: 5, Text: 2}, inspector.Usage())
	for _, body := range []string{`{"id":"x","object":"response","status":"failed","error":{"code":"server_error","message":"m"},"output":[]}`, `{"choices":[]}`, `{"error":{"message":"m"}}`, `{`} {
		_, err := inspector.Whole([]byte(body))
		require.Error(t, err, body)
	}
}

// FuzzStream takes a stream as lines of data: whatever a provider sends, nothing panics, and what a client gets holds together.
func FuzzStream(f *testing.F) {
	for _, seed := range [][]string{
		{`{"type":"response.created","response":{"id":"r","model":"m"}}`, `{"type":"response.output_item.added","output_index":0,"item":{"type":"message"}}`, `{"type":"response.output_text.delta","output_index":0,"delta":"a"}`, completed},
		{`{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","call_id":"c","name":"f"}}`, `{"type":"response.function_call_arguments.delta","output_index":0,"delta":"{}"}`, completed},
		{`{"type":"response.reasoning_summary_text.delta","output_index":1,"delta":"t"}`, `{"type":"response.output_item.done","output_index":1,"item":{"type":"reasoning","encrypted_content":"e"}}`, completed},
		{`{"type":"response.refusal.done","output_index":0,"refusal":"no"}`, `{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"x"},"usage":{}}}`},
		{`{"type":"response.completed","response":{"output":[{"type":"function_call","arguments":"x"}]}}`}, {`{"type":"error"}`, `[DONE]`},
	} {
		f.Add([]byte(strings.Join(seed, "\n")))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		inspector := responses.Format.Inspect(0)
		d := responses.Format.Server.Decode(&format.Target{Seal: format.NewSeal("s", "c")})
		e := responses.Format.Client.Stream(&llm.Request{})
		var out []byte
		ended := false
		for data := range strings.SplitSeq(string(stream), "\n") {
			one := event(data)
			_, _ = inspector.Event(one)
			if ended {
				continue
			}
			e.Begin()
			heard, err := d.Event(sse.Event{Data: one.Data, Raw: one.Raw}, e)
			if err != nil {
				return
			}
			if heard.Done {
				ended = true
				e.End(d.Usage())
			}
			out = append(out, e.Out()...)
		}
		if ended && e.Err() == nil {
			eventsOf(t, out).check(t)
		}
	})
}

// FuzzRequest takes any body: it is read or refused, and what was read can be said again.
func FuzzRequest(f *testing.F) {
	for _, seed := range []string{
		`{"model":"m","input":"a","instructions":"s"}`, `{"input":[{"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,QQ=="}]}]}`,
		`{"input":[{"role":"user","content":"a"},{"type":"reasoning","summary":[],"encrypted_content":"x"},{"type":"function_call","call_id":"c","name":"f","arguments":"{"},{"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":"t"}]}]}`,
		`{"input":"a","tools":[{"type":"namespace","name":"n","tools":[{"type":"custom","name":"c","format":{"type":"grammar","definition":"d"}}]}],"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"custom","name":"c"}]}}`,
		`{"input":"a","text":{"format":{"type":"json_object"}},"metadata":{"a":"b"},"temperature":1}`, `[]`, `{`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		r, problem := responses.Format.Client.Parse(body)
		if problem != nil {
			if r != nil || problem.Error() == "" {
				t.Fatal(problem)
			}
			return
		}
		if _, problem := responses.Format.Column.Admit(r); problem != nil {
			return
		}
		said, _, problem := responses.Format.Server.Build(r, &format.Target{Model: "gpt-5", Seal: format.NewSeal("s", "c")})
		if problem != nil || !json.Valid(said) {
			t.Fatalf("%v: %s", problem, said)
		}
		encoded(t, r, wire.Usage{}, started, llm.Event{Step: llm.Said, Text: "a"}, finished(wire.EndedItself))
	})
}

func TestANativeBodyIsWithoutWhatOnlyThisRelayHasPutThere(t *testing.T) {
	const untouched = `{"model":"m","input":[{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"E"},{"role":"user","content":"a"}]}`
	same, lost := responses.Clean([]byte(untouched))
	require.Equal(t, untouched, string(same))
	require.False(t, lost)
	sealed := format.NewSeal("s", "claude").Into("", "sig:SIG")
	got, lost := responses.Clean([]byte(`{"model":"m","input":[{"role":"user","content":"a"},{"type":"reasoning","id":"rs_oneapi_1_0","summary":[]},{"type":"reasoning","summary":[],"encrypted_content":"` + sealed +
		`"},{"id": "msg_oneapi_1_1", "type":"message","role":"assistant","content":[]},{"type":"function_call","call_id":"c","name":"f","arguments":"{}","id":"fc_oneapi_1_2"},{"type":"reasoning","id":"rs_2","summary":[],"encrypted_content":"E"}]}`))
	require.JSONEq(t, `{"model":"m","input":[{"role":"user","content":"a"},{"type":"message","role":"assistant","content":[]},
		{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"reasoning","id":"rs_2","summary":[],"encrypted_content":"E"}]}`, string(got))
	require.True(t, lost)
}

package responses

import (
	"encoding/json"
	"testing"

	"one-api/relay/format"
	"one-api/relay/llm"
	"one-api/relay/sse"
)

// FuzzConversation reads a client's request: it is refused, or can be said anew and continued, as JSON.
func FuzzConversation(f *testing.F) {
	for _, seed := range []string{
		`{"model":"m","input":"a"}`, `{"input":[{"role":"user","content":[{"type":"input_image","image_url":"https://x","detail":"low"}]},{"type":"reasoning","summary":[],"encrypted_content":"e"}],"text":{"verbosity":"low"},"metadata":{"a":"b"},"service_tier":"flex","prompt_cache_key":"k"}`,
		`{"input":[{"type":"function_call","call_id":"c","name":"f","arguments":"{"},{"type":"function_call_output","call_id":"c","output":[{"type":"input_text","text":"x"}]}],"tools":[{"type":"custom","name":"p"},{"type":"namespace","name":"n","tools":[{"type":"function","name":"f"}]}],"tool_choice":{"type":"custom","name":"p"}}`,
		`{"input":[{"id":"rs_oneapi_1_0","type":"reasoning","summary":[]}]}`, `[]`, "\xff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if !json.Valid(body) {
			return // the gate refuses it
		}
		if cleaned, _ := Clean(body); !json.Valid(cleaned) {
			t.Fatalf("%q cleaned is %q", body, cleaned)
		}
		if (rescue{}).Continuable(body) {
			if continued := (rescue{}).Continue(body, "x\"", ""); !json.Valid(continued) {
				t.Fatalf("%q continued is %q", body, continued)
			}
		}
		r, problem := client{}.Parse(body)
		if problem != nil {
			return
		}
		built, _, problem := server{}.Build(r, &format.Target{Model: "gpt-5"})
		if problem == nil && !json.Valid(built) {
			t.Fatalf("%q built is %q", body, built)
		}
	})
}

// FuzzAnswer reads what a provider sends, whole and as an event, natively, converted and by the one who reads along for a rescue. What it
// is told as is JSON.
func FuzzAnswer(f *testing.F) {
	for _, seed := range []string{
		`{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","model":"m"}}`, `{"type":"response.output_text.delta","output_index":0,"delta":"a","sequence_number":4}`,
		`{"type":"response.output_item.done","output_index":0,"item":{"id":"rs","type":"reasoning","summary":[{"type":"summary_text","text":"x"}],"encrypted_content":"e"}}`,
		`{"type":"response.completed","response":{"output":[{"type":"message","content":[{"type":"output_text","text":"a"}]}],"usage":{"input_tokens":1,"output_tokens":2}}}`,
		`{"type":"response.failed","response":{"error":{"code":"c","message":"m"}}}`, `{"type":"error","message":"m"}`, `{"status":"completed","output":[]}`, "\xff", `[DONE]`,
	} {
		f.Add([]byte(seed), []byte(seed))
	}
	f.Fuzz(func(_ *testing.T, one, two []byte) {
		native, read, follows := Format.Inspect(1), server{}.Decode(&format.Target{}), rescue{}.Follow()
		_, _ = native.Whole(one)
		var whole, streamed, followed llm.Answer
		if (server{}).Decode(&format.Target{}).Whole(one, &whole) == nil {
			_ = client{}.Whole(&llm.Request{}, &whole, read.Usage())
		}
		for _, data := range [][]byte{one, two} {
			event := sse.Event{Data: data, Raw: append(append([]byte("data: "), data...), "\n\n"...)}
			_, _ = native.Event(event)
			_, _ = read.Event(event, &streamed)
			_, _ = follows.Event(event, &followed)
		}
		encoder := follows.Resume(&llm.Request{})
		encoder.Begin()
		encoder.Take(&llm.Event{Step: llm.Said, Text: "rest"})
		encoder.End(read.Usage())
		_ = sse.Each(encoder.Out(), 1<<20, func(e sse.Event) error {
			if !json.Valid(e.Data) && json.Valid(one) && json.Valid(two) {
				panic("no JSON: " + string(e.Data))
			}
			return nil
		})
	})
}

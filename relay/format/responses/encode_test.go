package responses_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/format"
	"one-api/relay/format/responses"
	"one-api/relay/llm"
	"one-api/relay/wire"
)

var started = llm.Event{Step: llm.Started, ID: "x", Model: "the-model"}

func said(text string) llm.Event { return llm.Event{Step: llm.Said, Text: text} }

func finished(reason wire.EndReason) llm.Event { return llm.Event{Step: llm.Finished, Reason: reason} }

func TestAStreamHasItsEventsInTheirOrder(t *testing.T) {
	all := encoded(t, parsed(t, `"temperature":0.5,"metadata":{"a":"b"}`), wire.Usage{Uncached: 3, CacheRead: 2, Text: 7, Reasoning: 4}, started,
		llm.Event{Step: llm.Thought, Text: "Let "}, llm.Event{Step: llm.Thought, Text: "me see."}, llm.Event{Step: llm.Signed, Text: "SIG"},
		said("Hel"), said("lo"), llm.Event{Step: llm.Called, Call: 0, ID: "c1", Name: "f"}, llm.Event{Step: llm.Given, Call: 0, Text: `{"a":`},
		llm.Event{Step: llm.Given, Call: 0, Text: `1}`}, llm.Event{Step: llm.CallEnded, Call: 0}, finished(wire.EndedByCall))
	require.Equal(t, []string{
		"created", "in_progress",
		"output_item.added", "reasoning_summary_part.added", "reasoning_summary_text.delta", "reasoning_summary_text.done", "reasoning_summary_part.done", "output_item.done",
		"output_item.added", "content_part.added", "output_text.delta", "output_text.done", "content_part.done", "output_item.done",
		"output_item.added", "function_call_arguments.delta", "function_call_arguments.done", "output_item.done",
		"completed",
	}, all.types())
	end := all.last()
	require.Equal(t, "completed", end["status"])
	require.Equal(t, "the-model", end["model"])
	require.EqualValues(t, 0.5, end["temperature"])
	require.Equal(t, map[string]any{"a": "b"}, end["metadata"])
	require.Equal(t, "SIG", at(t, all.output(), 0, "encrypted_content"))
	require.Equal(t, "Let me see.", at(t, all.output(), 0, "summary", 0, "text"))
	require.Equal(t, "Hello", at(t, all.output(), 1, "content", 0, "text"))
	require.Equal(t, `{"a":1}`, at(t, all.output(), 2, "arguments"))
	require.Equal(t, "c1", at(t, all.output(), 2, "call_id"))
	require.Equal(t, map[string]any{
		"input_tokens": 5.0, "input_tokens_details": map[string]any{"cached_tokens": 2.0, "cache_write_tokens": 0.0}, "output_tokens": 7.0,
		"output_tokens_details": map[string]any{"reasoning_tokens": 4.0}, "total_tokens": 12.0,
	}, end["usage"])
}

func TestAWholeAnswerIsWhatItsStreamWouldHaveEndedWith(t *testing.T) {
	r := parsed(t, `"tools":[{"type":"custom","name":"patch"},{"type":"namespace","name":"crm","description":"d","tools":[{"type":"function","name":"find"}]}]`)
	events := []llm.Event{
		started, {Step: llm.Sealed, Text: "DATA"}, {Step: llm.Thought, Text: "hm"}, {Step: llm.Signed, Text: "S"}, said("a"), {Step: llm.Refused, Text: "no"},
		{Step: llm.Called, Call: 0, ID: "c1", Name: "patch"}, {Step: llm.Called, Call: 1, ID: "c2", Name: "crm__find"},
		{Step: llm.Given, Call: 1, Text: `{"q":1}`}, {Step: llm.Given, Call: 0, Text: `{"input":"*** Be`}, {Step: llm.Given, Call: 0, Text: `gin\n\u00e9"}`},
		{Step: llm.CallEnded, Call: 1}, {Step: llm.CallEnded, Call: 0}, finished(wire.EndedByCall),
	}
	u := wire.Usage{Uncached: 1, Text: 1}
	stream, answer := encoded(t, r, u, events...).last(), whole(t, r, u, events...)
	for _, of := range []map[string]any{stream, answer} {
		delete(of, "id")
		delete(of, "created_at")
		delete(of, "completed_at")
		for _, item := range of["output"].([]any) {
			delete(item.(map[string]any), "id")
		}
	}
	require.Equal(t, stream, answer)
	require.Equal(t, map[string]any{"type": "custom_tool_call", "status": "completed", "call_id": "c1", "name": "patch", "input": "*** Begin\né"}, at(t, answer, "output", 3))
	require.Equal(t, map[string]any{"type": "function_call", "status": "completed", "call_id": "c2", "name": "find", "namespace": "crm", "arguments": `{"q":1}`}, at(t, answer, "output", 4))
}

func TestTheInputOfATextToolComesWhileTheModelWritesIt(t *testing.T) {
	r := parsed(t, `"tools":[{"type":"custom","name":"patch"}]`)
	const text = "line \"one\"\n\ttwo \\ é 😀 </end>"
	plain, err := json.Marshal(map[string]string{"input": text})
	require.NoError(t, err)
	for name, arguments := range map[string]string{
		"as usual": string(plain), "with spaces": `  { "input" :  ` + string(plain[len(`{"input":`):]), "escaped": `{"input":"line \u0022one\u0022\n\ttwo \\ \u00e9 \ud83d\ude00 <\/end>"}`,
	} {
		for size := 1; size <= len(arguments); size += 3 {
			events := []llm.Event{started, {Step: llm.Called, ID: "c", Name: "patch"}}
			for rest := arguments; rest != ""; {
				n := min(size, len(rest))
				for n < len(rest) && rest[n]&0xc0 == 0x80 { // events have whole letters
					n++
				}
				events = append(events, llm.Event{Step: llm.Given, Text: rest[:n]})
				rest = rest[n:]
			}
			all := encoded(t, r, wire.Usage{}, append(events, llm.Event{Step: llm.CallEnded}, finished(wire.EndedByCall))...)
			require.Equal(t, text, at(t, all.output(), 0, "input"), "%s, in pieces of %d", name, size)
		}
	}
	for arguments, want := range map[string]string{`{"other":1}`: `{"other":1}`, `{"note":"n","input":"x"}`: "x", `"x"`: "x", `x`: "x", `{}`: ""} {
		all := encoded(t, r, wire.Usage{}, started, llm.Event{Step: llm.Called, ID: "c", Name: "patch"}, llm.Event{Step: llm.Given, Text: arguments}, llm.Event{Step: llm.CallEnded}, finished(wire.EndedByCall))
		require.Equal(t, want, at(t, all.output(), 0, "input"), arguments)
	}
}

func TestAnAnswerThatWasCutByALimitIsIncomplete(t *testing.T) {
	for reason, why := range map[wire.EndReason]string{wire.EndedByLength: "max_output_tokens", wire.EndedByFilter: "content_filter"} {
		all := encoded(t, parsed(t, ""), wire.Usage{}, started, said("a"), finished(reason))
		require.Equal(t, "incomplete", all.types()[len(all.types())-1])
		require.Equal(t, "incomplete", all.last()["status"])
		require.Equal(t, why, at(t, all.last(), "incomplete_details", "reason"))
		require.Equal(t, "incomplete", at(t, all.output(), 0, "status"))
		require.Equal(t, "incomplete", whole(t, parsed(t, ""), wire.Usage{}, started, said("a"), finished(reason))["status"])
	}
}

func TestAStreamThatIsCutOffEndsAsFailedWithWhatItHasSaid(t *testing.T) {
	e := responses.Format.Client.Stream(parsed(t, ""))
	failing := e.(format.Failing)
	require.Nil(t, failing.Failed(&wire.Error{}, "r"), "nothing has begun")
	var stream []byte
	for _, event := range []llm.Event{started, said("half of ")} {
		e.Begin()
		e.Take(&event)
		stream = append(stream, e.Out()...)
	}
	stream = append(stream, failing.Failed(&wire.Error{Status: 502, Message: "It broke off."}, "r1")...)
	all := eventsOf(t, stream)
	end := all[len(all)-1]
	require.Equal(t, "response.failed", end["type"])
	require.EqualValues(t, len(all)-1, end["sequence_number"])
	require.Equal(t, at(t, all[0], "response", "id"), at(t, end, "response", "id"))
	require.Equal(t, map[string]any{"code": "server_error", "message": "It broke off. (request id: r1)"}, at(t, end, "response", "error"))
	require.Equal(t, "half of ", at(t, end, "response", "output", 0, "content", 0, "text"))
	require.Equal(t, "incomplete", at(t, end, "response", "output", 0, "status"))
	require.Nil(t, failing.Failed(&wire.Error{}, "r"), "a stream ends once")
}

func TestWhatAResponseRepeatsOfItsRequestIsOneLineAndShort(t *testing.T) {
	all := encoded(t, parsed(t, `"instructions":"`+strings.Repeat("x", 600)+`","reasoning": {
		"effort": "low"}`), wire.Usage{}, started, said("a"), finished(wire.EndedItself))
	require.Nil(t, all.last()["instructions"])
	require.Equal(t, map[string]any{"effort": "low"}, all.last()["reasoning"])
}

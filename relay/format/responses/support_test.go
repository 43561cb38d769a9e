package responses_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/format"
	"one-api/relay/format/messages"
	"one-api/relay/format/responses"
	"one-api/relay/llm"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// parsed is a request with these members, and with an input if it has none.
func parsed(t *testing.T, members string) *llm.Request {
	t.Helper()
	r, problem := responses.Format.Client.Parse(requestOf(t, members))
	require.Nil(t, problem, "%v", problem)
	return r
}

// refused is what is wrong with a request with these members.
func refused(t *testing.T, members string) *format.Problem {
	t.Helper()
	r, problem := responses.Format.Client.Parse(requestOf(t, members))
	require.Nil(t, r)
	require.NotNil(t, problem)
	return messages.Format.Column.Explain(problem)
}

func requestOf(t *testing.T, members string) []byte {
	t.Helper()
	body := `{"model":"m"`
	if !strings.Contains(members, `"input"`) {
		body += `,"input":"go"`
	}
	if members != "" {
		body += "," + members
	}
	body += "}"
	require.True(t, json.Valid([]byte(body)), body)
	return []byte(body)
}

// told is the events that a client gets.
type told []map[string]any

// eventsOf reads a stream, each event of which has to be one line of JSON that its name agrees with.
func eventsOf(t *testing.T, stream []byte) (all told) {
	t.Helper()
	for one := range strings.SplitSeq(strings.TrimSuffix(string(stream), "\n\n"), "\n\n") {
		name, data, ok := strings.Cut(one, "\ndata: ")
		require.True(t, ok, "%q", one)
		require.NotContains(t, data, "\n")
		var v map[string]any
		require.NoError(t, json.Unmarshal([]byte(data), &v), data)
		require.Equal(t, "event: "+v["type"].(string), name)
		all = append(all, v)
	}
	return all
}

// encoded is the stream that events of an answer to a request become.
func encoded(t *testing.T, r *llm.Request, u wire.Usage, events ...llm.Event) told {
	t.Helper()
	e := responses.Format.Client.Stream(r)
	var stream []byte
	for i := range events {
		e.Begin()
		e.Take(&events[i])
		stream = append(stream, e.Out()...)
	}
	e.Begin()
	e.End(u)
	require.NoError(t, e.Err())
	all := eventsOf(t, append(stream, e.Out()...))
	all.check(t)
	return all
}

// types is the kinds of the events, each run of deltas once.
func (all told) types() (types []string) {
	for _, e := range all {
		types = append(types, strings.TrimPrefix(e["type"].(string), "response."))
	}
	return slices.Compact(types)
}

func (all told) last() map[string]any { return all[len(all)-1]["response"].(map[string]any) }

// output is what the whole response at the end says.
func (all told) output() []any { return all.last()["output"].([]any) }

// check holds a stream to what every client expects: numbers from 0 without a gap, one response that begins and ends once, items that
// begin before anything of them comes and end whole, ids that agree, and an end that repeats what has been said.
func (all told) check(t *testing.T) {
	t.Helper()
	require.Equal(t, "response.created", all[0]["type"])
	require.Equal(t, "response.in_progress", all[1]["type"])
	id := all[0]["response"].(map[string]any)["id"]
	ids, deltas, done := map[float64]string{}, map[float64]string{}, map[float64]any{}
	for n, e := range all {
		require.EqualValues(t, n, e["sequence_number"])
		kind := e["type"].(string)
		if response, ok := e["response"].(map[string]any); ok {
			require.Equal(t, id, response["id"])
			for _, name := range []string{
				"object", "created_at", "error", "incomplete_details", "instructions", "model", "tools", "output", "parallel_tool_calls", "metadata",
				"tool_choice", "temperature", "top_p", "usage", "status",
			} {
				require.Contains(t, response, name, "%s lacks what the schema wants", kind)
			}
			require.Equal(t, n >= 2, n == len(all)-1, "a response that begins or ends in the midst of its stream")
			continue
		}
		at := e["output_index"].(float64)
		switch kind {
		case "response.output_item.added":
			require.EqualValues(t, len(ids), at)
			ids[at] = e["item"].(map[string]any)["id"].(string)
		case "response.output_item.done":
			require.Equal(t, ids[at], e["item"].(map[string]any)["id"])
			require.NotContains(t, done, at)
			done[at] = e["item"]
		default:
			require.Equal(t, ids[at], e["item_id"], "%s of an item that is not open", kind)
			require.NotContains(t, done, at)
			if text, ok := e["delta"].(string); ok {
				deltas[at] += text
			}
			for _, name := range []string{"text", "arguments", "input", "refusal"} {
				if text, ok := e[name].(string); ok {
					require.True(t, strings.HasSuffix(deltas[at], text) || text == "{}", "%s repeats %q of %q", kind, text, deltas[at])
				}
			}
		}
	}
	output := all.output()
	require.Len(t, output, len(ids))
	require.Len(t, done, len(ids), "every item that begins ends")
	for i, item := range output {
		require.Equal(t, done[float64(i)], item)
	}
}

// whole is the whole answer that a client gets.
func whole(t *testing.T, r *llm.Request, u wire.Usage, events ...llm.Event) map[string]any {
	t.Helper()
	var a llm.Answer
	for i := range events {
		a.Take(&events[i])
	}
	var v map[string]any
	body := responses.Format.Client.Whole(r, &a, u)
	require.NoError(t, json.Unmarshal(body, &v), string(body))
	return v
}

// built is what a provider is sent.
func built(t *testing.T, r *llm.Request, to format.Target) map[string]any {
	t.Helper()
	body, _, problem := responses.Format.Server.Build(r, &to)
	require.Nil(t, problem)
	var v map[string]any
	require.NoError(t, json.Unmarshal(body, &v), string(body))
	return v
}

// at is a value inside of what JSON became: names and indexes lead to it.
func at(t *testing.T, v any, path ...any) any {
	t.Helper()
	for _, step := range path {
		switch step := step.(type) {
		case string:
			of, ok := v.(map[string]any)
			require.True(t, ok, "%v is no object, so there is no %q in it", v, step)
			v = of[step]
		case int:
			of, ok := v.([]any)
			require.True(t, ok && step < len(of), "%v has no element %d", v, step)
			v = of[step]
		}
	}
	return v
}

func event(data string) sse.Event {
	return sse.Event{Raw: []byte("data: " + data + "\n\n"), Data: []byte(data), Clean: true}
}

// decoded is the answer that a provider's stream becomes, and why it ended; nil means in good order.
func decoded(t *testing.T, to format.Target, events ...string) (a llm.Answer, u wire.Usage, failed error) {
	t.Helper()
	d := responses.Format.Server.Decode(&to)
	for _, data := range events {
		heard, err := d.Event(event(data), &a)
		if err != nil || heard.Done {
			return a, d.Usage(), err
		}
	}
	return a, d.Usage(), d.End(&a)
}

package exchange_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"one-api/relay/lane"
	"one-api/relay/lane/lanetest"
	"one-api/relay/outcome"
	"one-api/relay/sse"
	"one-api/relay/wire"
)

// hostileErrors are errors that can be of any size inside a 200, with the words that a client is to read where they can be found.
func hostileErrors() []shape {
	of := func(text, end string, pieces map[string]string) []shape {
		return everywhere(text, pieces, end, kind{384 << 10, 1})
	}
	asText := map[string]string{"letters": "a", "escapes": `\u0001`, "no UTF-8": "\xff"}
	asList := map[string]string{"objects": `{},`}
	asKeys := map[string]string{"keys": `"":0,`, "keys that matter": `"message":{},`}
	var all []shape
	for _, text := range []string{
		`{"type":"error","error":{"message":"$","type":"$","code":"$","param":"$"}}`, `{"error":"$"}`, `{"error":{"message":"a"},"detail":"$"}`,
		`{"error":{"message":"a","metadata":{"raw":"$"}}}`, `{"error":{"message":"a"},"$":1}`, `{"error":{"message":"{\"error\":\"$\"}"}}`,
	} {
		all = append(all, of(text, "", asText)...)
	}
	for _, text := range []string{
		`{"type":"error","error":{"message":[$],"details":[$],"type":[$]}}`, `{"error":[$]}`, `{"error":{"message":"a","x":[$]}}`, `{"error":"a","detail":[$]}`,
		`{"error":"a","errors":[$]}`, `{"error":{"code":[$],"param":[$]},"message":[$]}`,
	} {
		all = append(all, of(text, "0", asList)...)
	}
	for _, text := range []string{`{$"error":{$"message":"a",$"type":"b"}}`, `{"error":{"message":{$"message":"a"}}}`, `{"error":{"metadata":{$"raw":"a"}}}`} {
		all = append(all, of(text, `"z":0`, asKeys)...)
	}
	return all
}

// TestAnErrorInsideAnAnswerCostsNoMoreHoweverLongItIs: 50 MB of JSON took 2.8 GB.
func TestAnErrorInsideAnAnswerCostsNoMoreHoweverLongItIs(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	const most, more = 16 << 20, 128 << 10 // for any error, and for one that is three times as long
	call := &lane.Call{Endpoint: wire.ChatCompletions, Model: "m", Body: []byte(`{"stream":true}`)}
	for name, adaptor := range map[string]lanetest.Lanes{"openai": lanetest.Of(lane.OpenAI.Lanes), "anthropic": lanetest.Of(lane.Anthropic.Lanes)} {
		for _, s := range hostileErrors() {
			for where, read := range map[string]func(text []byte){
				"an answer": func(text []byte) { judged(adaptor.Answer(call).Whole(text)) },
				"an event": func(text []byte) {
					judged(adaptor.Answer(call).Event(sse.Event{Name: []byte("error"), Raw: text, Data: text, Clean: true}))
				},
			} {
				long, short := s, s
				short.size /= 3
				began := time.Now()
				took, before := costOf(read, long.text()), costOf(read, short.text())
				require.Less(t, took, int64(most), "%s from %s, %s: %s", where, name, s.name, s.place())
				require.Less(t, took, before+more, "%s from %s, %s: %s", where, name, s.name, s.place())
				require.Less(t, time.Since(began), 20*time.Second)
			}
		}
	}
}

// judged takes what a translator gives, and judges what it says is wrong.
func judged[T any](_ T, err error) {
	if err != nil {
		_ = outcome.FailureOf(err)
	}
}

// costOf is the least of some looks: buffers that are kept for the next time may have been collected.
func costOf(read func([]byte), text []byte) int64 {
	cost := allocated(func() { read(text) })
	for range 2 {
		cost = min(cost, allocated(func() { read(text) }))
	}
	return cost
}

// TestWhatAnErrorSaysIsReadHoweverLongItIs has its words in front of and behind what there is too much of.
func TestWhatAnErrorSaysIsReadHoweverLongItIs(t *testing.T) {
	filler := bytes.Repeat([]byte(`{"a":0},`), 1<<17)
	for _, text := range []string{
		`{"error":{"message":"The engine is overloaded.","type":"server_error"},"x":[%s0]}`,
		`{"x":[%s0],"error":{"message":"The engine is overloaded.","type":"server_error"}}`,
	} {
		for name, adaptor := range map[string]lanetest.Lanes{"openai": lanetest.Of(lane.OpenAI.Lanes), "anthropic": lanetest.Of(lane.Anthropic.Lanes)} {
			_, err := adaptor.Answer(&lane.Call{Endpoint: wire.Messages, Model: "m"}).Whole(fmt.Appendf(nil, text, filler))
			require.Error(t, err, name)
			failure := outcome.FailureOf(err)
			require.Equal(t, outcome.UpstreamErrorEvent, failure.Outcome, name)
			require.Equal(t, "The engine is overloaded.", failure.Err.Message, name)
		}
	}
}

package chat_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/wire"
)

// one is a chunk with one choice.
func one(delta, finish string) string {
	return `{"id":"c1","object":"chat.completion.chunk","created":1,"model":"real-1","choices":[{"index":0,"delta":` + delta + `,"finish_reason":` + finish + `}]}`
}

func TestWhatPromisesNothingIsAPreambleAndAllElseIsNot(t *testing.T) {
	for data, want := range map[string]bool{
		one(`{"role":"assistant","content":""}`, "null"): true,
		one(`{"role":"assistant"}`, "null"):              true,
		one(`{}`, "null"):                                true,
		one(`null`, `""`):                                true,
		one(`{"content":null,"refusal":null,"tool_calls":[],"function_call":null,"reasoning_content":"","audio":{}}`, "null"): true,
		`{"choices":[]}`:   true,
		`{"choices":null}`: true,
		`{"id":"","choices":[],"prompt_filter_results":[{"prompt_index":0}]}`: true,
		`{"choices":[],"usage":{"prompt_tokens":1}}`:                          true,
		`{"choices":[{"index":0,"text":""}]}`:                                 true,
		`{"choices":[{"index":0}]}`:                                           true,

		one(`{"content":"a"}`, "null"):                                   false,
		one(`{"content":" "}`, "null"):                                   false,
		one(`{"reasoning":"a"}`, "null"):                                 false,
		one(`{"reasoning_details":[{"type":"x"}]}`, "null"):              false,
		one(`{"function_call":{"name":"f"}}`, "null"):                    false,
		one(`{"annotations":[{}]}`, "null"):                              false,
		one(`{}`, `"stop"`):                                              false,
		one(`{}`, `"nobody knows"`):                                      false,
		`{"choices":[{"index":0,"delta":{}},{"index":1,"text":"b"}]}`:    false,
		`{"choices":[{"index":0,"message":{"content":"in one piece"}}]}`: false,
		`{"id":"c1","object":"chat.completion.chunk"}`:                   false,
		`{"type":"queue.position"}`:                                      false,
		`{}`:                                                             false,
	} {
		step, err := native().Event(clean("", data))
		require.NoError(t, err, data)
		assert.Equal(t, want, step.Preamble, data)
		assert.NotEmpty(t, step.Out)
	}
}

// The same text by three ways: the first event of its kind is read, the next ones are recognized.
func TestAnEndIsSeenHoweverTheEventsBeforeItWereRead(t *testing.T) {
	for _, asked := range []int{0, 1, 2} {
		for _, spaces := range []string{"", " "} {
			translator := lanes.Answer(&lane.Call{Endpoint: wire.ChatCompletions, Stream: true, Choices: int32(asked)})
			say := func(index int, delta, finish string) {
				data := strings.Replace(one(delta, finish), `"index":0`, fmt.Sprintf(`"index":%d`, index), 1)
				_, err := translator.Event(clean("", strings.ReplaceAll(data, `":`, `":`+spaces)))
				require.NoError(t, err)
			}
			isComplete := func() bool {
				step, err := translator.End()
				assert.Equal(t, err == nil, step.Done)
				return err == nil
			}
			for i := range max(asked, 1) {
				say(i, `{"role":"assistant","content":""}`, "null")
			}
			for n := range 5 {
				for i := range max(asked, 1) {
					say(i, fmt.Sprintf(`{"content":"word %d"}`, n), "null")
				}
			}
			assert.False(t, isComplete())
			say(0, `{"content":"the last word"}`, `"stop"`)
			assert.Equal(t, asked < 2, isComplete())
			if asked == 2 {
				say(1, `{}`, `"length"`)
				assert.True(t, isComplete())
			}
		}
	}
}

func TestAChoiceThatFailsFailsTheAnswer(t *testing.T) {
	for choice, message := range map[string]string{
		`{"index":0,"delta":{"content":"a"},"finish_reason":null,"error":{"message":"gone","code":502}}`: "gone",
		`{"index":0,"delta":{},"finish_reason":"error","error":"gone"}`:                                  "gone",
		`{"index":0,"delta":{},"finish_reason":"error","error":null}`:                                    `"error"`,
		`{"index":0,"delta":{},"finish_reason":"Model_Overloaded"}`:                                      `"Model_Overloaded"`,
		`{"index":0,"delta":{},"finish_reason":"time\u006fut"}`:                                          `"timeout"`,
		`{"index":0,"delta":{},"finish_reason":{"type":"abort","message":"x"}}`:                          `"abort"`,
		`{"index":0,"delta":{},"finish_reason":"error ` + strings.Repeat("é", 40) + `"}`:                 `"error \u00e9`,
	} {
		for _, endpoint := range []wire.Endpoint{wire.ChatCompletions, wire.Messages} {
			translator := lanes.Answer(&lane.Call{Endpoint: endpoint, Stream: true})
			for range 3 { // so that there is a pattern
				_, err := translator.Event(clean("", chunk))
				require.NoError(t, err)
			}
			_, err := translator.Event(clean("", `{"id":"c1","choices":[`+choice+`]}`))
			f := failure(t, err)
			assert.Equal(t, outcome.UpstreamErrorEvent, f.Outcome, choice)
			assert.Equal(t, outcome.ClassServer, f.Class, choice)
			assert.Contains(t, f.Err.Message, message)

			whole := strings.Replace(choice, `"delta":{`, `"message":{"content":"a"},"x":{`, 1)
			_, err = lanes.Answer(&lane.Call{Endpoint: endpoint}).Whole([]byte(`{"id":"c1","choices":[` + whole + `]}`))
			assert.Equal(t, outcome.UpstreamErrorEvent, failure(t, err).Outcome, whole)
		}
	}
}

func TestMoreChoicesThanAreToldApartAreNoHarm(t *testing.T) {
	translator := native()
	for _, index := range []string{"-1", "128", "1000000", "9223372036854775807", "1e3", `"0"`, "null"} {
		_, err := translator.Event(clean("", `{"choices":[{"index":`+index+`,"delta":{"content":"a"},"finish_reason":null}]}`))
		require.NoError(t, err, index)
	}
	_, err := translator.End()
	assert.Equal(t, outcome.UpstreamTruncated, failure(t, err).Outcome)
}

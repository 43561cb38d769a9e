package chat

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"one-api/relay/format"
)

func TestOnlyOneFreeAnswerThatContinuesNothingCanBeContinued(t *testing.T) {
	const hi = `"messages":[{"role":"user","content":"hi"}]`
	for body, want := range map[string]bool{
		`{` + hi + `}`:                  true,
		`{` + hi + `,"n":1}`:            true,
		`{` + hi + `,"n":null}`:         true,
		`{` + hi + `,"n":2}`:            false,
		`{` + hi + `,"logprobs":true}`:  false,
		`{` + hi + `,"logprobs":false}`: true,
		`{` + hi + `,` + hi + `}`:       false,
		`{"messages":[]}`:               false,
		`{}`:                            false,
		`{` + hi + `,"response_format":{"type":"text"}}`:                                          true,
		`{` + hi + `,"response_format":{"type":"json_object"}}`:                                   false,
		`{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"Once"}]}`:     false,
		`{"messages":[{"role":"assistant","content":"Once"},{"role":"tool","tool_call_id":"x"}]}`: true,
	} {
		assert.Equal(t, want, rescue{}.Continuable([]byte(body)), body)
	}
}

func TestTheBeginningOfAnAnswerIsTheLastMessageOfARequest(t *testing.T) {
	const asked = ` {"model":"m","messages" : [ {"role":"user","content":"hi"} ] ,"stream":true} `
	for told, want := range map[format.Hint]string{
		"":                       ` {"model":"m","messages" : [ {"role":"user","content":"hi"} ,{"role":"assistant","content":"Once \"upon\" "}] ,"stream":true} `,
		format.HintPrefix:        ` {"model":"m","messages" : [ {"role":"user","content":"hi"} ,{"role":"assistant","content":"Once \"upon\" ","prefix":true}] ,"stream":true} `,
		format.HintContinueFinal: ` {"model":"m","messages" : [ {"role":"user","content":"hi"} ,{"role":"assistant","content":"Once \"upon\" "}] ,"stream":true,"continue_final_message":true,"add_generation_prompt":false} `,
	} {
		assert.Equal(t, want, string(rescue{}.Continue([]byte(asked), `Once "upon" `, told)), told)
	}
	assert.Equal(t, `{"model":"m"}`, string(rescue{}.Continue([]byte(`{"model":"m"}`), "x", "")))
}

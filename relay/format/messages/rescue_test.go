package messages

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"one-api/relay/format"
)

func TestOnlyAFreeAnswerThatContinuesNothingCanBeContinued(t *testing.T) {
	const hi = `"messages":[{"role":"user","content":"hi"}]`
	for body, want := range map[string]bool{
		`{` + hi + `}`: true,
		`{` + hi + `,"output_config":{"effort":"high"}}`:        true,
		`{` + hi + `,"output_config":{"format":{"schema":{}}}}`: false,
		`{` + hi + `,"output_format":{"type":"json_schema"}}`:   false,
		`{` + hi + `,` + hi + `}`:                               false,
		`{"messages":[]}`:                                       false,
		`{"messages":[{"role":"assistant","content":"Once"}]}`:  false,
		`{"messages":"hi"}`:                                     false,
	} {
		assert.Equal(t, want, rescue{}.Continuable([]byte(body)), body)
	}
}

func TestTheBeginningOfAnAnswerIsTheLastMessageOfARequest(t *testing.T) {
	const asked = `{"messages":[{"role":"user","content":"hi"}],"max_tokens":5}`
	assert.Equal(t, `{"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"Once"}],"max_tokens":5}`,
		string(rescue{}.Continue([]byte(asked), "Once", format.HintPrefix)))
	assert.Equal(t, `{"max_tokens":5}`, string(rescue{}.Continue([]byte(`{"max_tokens":5}`), "x", "")))
}

package messages

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReasoningOfEarlierTurnsIsLeftOutWhoeverHasSignedIt(t *testing.T) {
	for name, tc := range map[string]struct{ body, want string }{
		"between texts": {
			`{"model":"m","thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"user","content":"a"},` +
				`{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"redacted_thinking","data":"d"},{"type":"text","text":"b"}]},` +
				`{"role":"user","content":"c"},{"role":"assistant","content":"d"},{"role":"user","content":"e"}]}`,
			`{"model":"m","thinking":{"type":"enabled","budget_tokens":1024},"messages":[{"role":"user","content":"a"},` +
				`{"role":"assistant","content":[{"type":"text","text":"b"}]},{"role":"user","content":"c"},{"role":"assistant","content":"d"},{"role":"user","content":"e"}]}`,
		},
		"in front of calls that are answered now: thinking is switched off": {
			`{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"tool_use","id":"i","name":"n","input":{}}]},` +
				`{"role":"user","content":[{"type":"tool_result","tool_use_id":"i"}]}],"thinking":{"type":"enabled","budget_tokens":1024}}`,
			`{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"tool_use","id":"i","name":"n","input":{}}]},` +
				`{"role":"user","content":[{"type":"tool_result","tool_use_id":"i"}]}],"thinking":{"type":"disabled"}}`,
		},
		"not there": {`{"messages":[{"role":"user","content":"my thinking"}]}`, `{"messages":[{"role":"user","content":"my thinking"}]}`},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tc.want, string(Unsigned([]byte(tc.body)))) })
	}
}

package responses

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReasoningThatOnlyItsMakerCanReadIsLeftOutWithTheIDsBehindIt(t *testing.T) {
	body := `{"model":"m","input":[{"role":"user","content":"a"},{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"gAAA"},` +
		`{"type":"function_call","id":"fc_1","call_id":"c","name":"n","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"x"}],"store":false}`
	want := `{"model":"m","input":[{"role":"user","content":"a"},{"type":"function_call","call_id":"c","name":"n","arguments":"{}"},` +
		`{"type":"function_call_output","call_id":"c","output":"x"}],"store":false}`
	require.Equal(t, want, string(Unsealed([]byte(body))))
	for _, same := range []string{`{"input":"a"}`, `{"input":[{"role":"user","content":"a"}]}`, `{"input":[{"type":"reasoning","encrypted_content":"x"}]}`} {
		require.Equal(t, same, string(Unsealed([]byte(same))))
	}
}

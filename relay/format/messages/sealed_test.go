package messages_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/format"
	"one-api/relay/format/messages"
)

// TestReasoningThatAnotherProviderHasSealedNeverReachesAnthropic takes what a client of the Messages API has from a provider of the
// Responses API, when its conversation continues with Claude itself.
func TestReasoningThatAnotherProviderHasSealedNeverReachesAnthropic(t *testing.T) {
	sealed := format.NewSeal("s", "gpt").Into("", "rs:ENC")
	got, lost := messages.Clean([]byte(`{"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"` + sealed +
		`"},{"type":"redacted_thinking","data":"` + sealed + `"},{"type":"thinking","thinking":"own","signature":"SIG"},{"type":"redacted_thinking","data":"RED"},{"type":"text","text":"b"}]}]}`))
	require.JSONEq(t, `{"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"own","signature":"SIG"},
		{"type":"redacted_thinking","data":"RED"},{"type":"text","text":"b"}]}]}`, string(got))
	require.True(t, lost)
}

// TestIDsOfOthersAreSuchAsAnthropicTakes in a native call: the same in the call and in its result.
func TestIDsOfOthersAreSuchAsAnthropicTakes(t *testing.T) {
	body := func(id string) string {
		return `{"model":"m","messages":[{"role":"user","content":"\"id\":\"a.b\""},{"role":"assistant","content":[{"type":"tool_use","id":"` + id + `","name":"f","input":{"id":"a.b"}}]},` +
			`{"role":"user","content":[{"type":"tool_result","tool_use_id":"` + id + `","content":"r"}]}],"x":1e400}`
	}
	for id, want := range map[string]string{
		"toolu_01A": "toolu_01A", "functions.get_time:0": "functions_get_time_0", strings.Repeat("a", 65): strings.Repeat("a", 47) + "_" + "635361c48bb9eab1",
	} {
		got, lost := messages.Clean([]byte(body(id)))
		require.Equal(t, body(want), string(got))
		require.False(t, lost)
	}
}

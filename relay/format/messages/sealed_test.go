package messages_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/format"
	"one-api/relay/format/messages"
)

// TestReasoningThatAnotherProviderHasSealedNeverReachesAnthropic takes what a client of the Messages API has from a provider of the
// Responses API, when its conversation continues with Claude itself.
func TestReasoningThatAnotherProviderHasSealedNeverReachesAnthropic(t *testing.T) {
	sealed := format.NewSeal("s", "gpt").Into("", "rs:ENC")
	got := messages.Clean([]byte(`{"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"` + sealed +
		`"},{"type":"redacted_thinking","data":"` + sealed + `"},{"type":"thinking","thinking":"own","signature":"SIG"},{"type":"redacted_thinking","data":"RED"},{"type":"text","text":"b"}]}]}`))
	require.JSONEq(t, `{"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"own","signature":"SIG"},
		{"type":"redacted_thinking","data":"RED"},{"type":"text","text":"b"}]}]}`, string(got))
}

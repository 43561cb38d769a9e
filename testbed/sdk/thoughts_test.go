package sdk

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/harness"
	"one-api/testbed/standin"
)

// TestAConversationWithoutItsReasoningIsSentOnceMore has what OpenAI's SDK gives back of an answer by itself (runTools): its calls, and
// no reasoning_content.
func TestAConversationWithoutItsReasoningIsSentOnceMore(t *testing.T) {
	const forgetful = `{"model":"m","stream":%t,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}],"messages":[{"role":"user","content":"Hi"},` +
		`{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"call_1","content":"r"}]}`
	for _, v := range standin.Vendors() {
		if !strings.Contains("deepseek moonshot zhipu", v.Type()) {
			continue
		}
		t.Run(v.Type(), func(t *testing.T) {
			t.Parallel()
			r, server := relayToVendor(t, v, standin.Key, standin.Answer{Thought: "Hm.", Text: []string{"Done."}})
			for n, stream := range []bool{false, true, false} {
				status, answer, _ := r.Ask("/v1/chat/completions", fmt.Sprintf(forgetful, stream))
				require.Equal(t, 200, status, answer)
				require.Contains(t, answer, "Done.")
				require.Len(t, r.Outcomes(n+1), n+1, "it is one attempt")
			}
			require.Len(t, server.Refused(), 1, "what has been refused once is not sent so again")
			asked := server.Asked()
			require.Len(t, asked, 4)
			require.NotContains(t, string(asked[0].Text), "reasoning_content", "nobody has asked for it")
			require.Contains(t, string(asked[1].Text), `"reasoning_content":" "`)
			require.Equal(t, "healthy", string(r.Server.Pool().Set().All()[0].State(r.Attempt(0).Began)))
			require.Equal(t, 1, strings.Count(r.Log.String(), "refuses conversations without the reasoning"))
		})
	}
}

// TestARequestThatIsRefusedForOtherThingsIsNotSentOnceMore since a 400 is the client's.
func TestARequestThatIsRefusedForOtherThingsIsNotSentOnceMore(t *testing.T) {
	for _, words := range []string{"something is wrong", "reasoning_content is not supported by this model", "Unknown parameter: 'messages[1].reasoning_content'."} {
		u := harness.NewUpstream(t, false, harness.Answers(400, `{"error":{"message":`+fmt.Sprintf("%q", words)+`,"type":"invalid_request_error"}}`))
		r := harness.StartRelay(t, fmt.Sprintf("channels:\n  - {name: a, type: deepseek, base_url: %q, keys: [k], models: [m]}\n", u.URL))
		status, answer, _ := r.Ask("/v1/chat/completions", harness.Chat)
		require.Equal(t, 400, status, answer)
		require.EqualValues(t, 1, u.Requests.Load(), words)
	}
}

// TestAnthropicsToolRunnerGoesOnWithoutAThread since its SDK takes the refusal that names it for that.
func TestAnthropicsToolRunnerGoesOnWithoutAThread(t *testing.T) {
	r, server := relayToTurns(t, standin.OpenAI{}, func(map[string]any) standin.Answer { return standin.Answer{Text: []string{"x"}} })
	status, answer, _ := r.Ask("/v1/messages", `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"thread":{"type":"create"}}`)
	require.Equal(t, 400, status)
	require.Contains(t, answer, `"error":{"details":{"error_code":"thread_unsupported_request","unsupported":["thread"]},"type":"invalid_request_error","message":"thread has the provider keep`)
	require.Empty(t, server.Asked())

	r, _ = relayToTurns(t, standin.Anthropic{}, func(map[string]any) standin.Answer { return standin.Answer{Text: []string{"x"}} })
	status, answer, _ = r.Ask("/v1/messages", `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"thread":{"type":"continue","previous_message_id":"msg_1"}}`)
	require.Equal(t, 400, status)
	require.Contains(t, answer, `"details":{"error_code":"thread_not_found"}`, "Anthropic's own word, after which the SDK sends the whole conversation")
}

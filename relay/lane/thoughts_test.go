package lane_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
)

// TestABlankStandsWhereReasoningIsMissing once an upstream has refused a conversation for that (Target.Thoughts).
func TestABlankStandsWhereReasoningIsMissing(t *testing.T) {
	const call = `"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]`
	for name, tc := range map[string]struct{ messages, want string }{
		"not given back":      {`{"role":"user","content":"a"}, {"role":"assistant",` + call + `},{"role":"tool","tool_call_id":"a","content":"r"}`, `{"role":"user","content":"a"},{"reasoning_content":" ","role":"assistant",` + call + `},{"role":"tool","tool_call_id":"a","content":"r"}`},
		"given back as null":  {`{"role":"assistant","reasoning_content":null,"content":"x"}`, `{"role":"assistant","reasoning_content":" ","content":"x"}`},
		"given back as empty": {`{"role":"assistant","reasoning_content":"","content":"x"},{"role":"user","content":"y"}`, `{"role":"assistant","reasoning_content":" ","content":"x"},{"role":"user","content":"y"}`},
		"given back":          {`{"role":"assistant", "reasoning_content":"I think", "content":"x"} ,{"role":"user","content":"y"}`, `{"role":"assistant", "reasoning_content":"I think", "content":"x"} ,{"role":"user","content":"y"}`},
		"nothing answered":    {`{"role":"user","content":"assistant"}, 7`, `{"role":"user","content":"assistant"}, 7`},
	} {
		t.Run(name, func(t *testing.T) {
			s := to(t, "deepseek", "m", true, wire.ChatCompletions)
			s.target.AskUsage = false
			require.NoError(t, s.ask(`"messages":[`+tc.messages+`],"z":1`))
			require.Equal(t, `{"model":"m","messages":[`+tc.messages+`],"z":1}`, string(s.sent.Body), "nobody has refused it")
			s.target.Thoughts = true
			require.NoError(t, s.ask(`"messages":[`+tc.messages+`],"z":1`))
			require.Equal(t, `{"model":"m","messages":[`+tc.want+`],"z":1}`, string(s.sent.Body))
		})
	}
	s := to(t, "openai", "gpt-x", false, wire.Messages)
	s.target.Thoughts = true
	require.Equal(t, " ", at(t, s.saw(`"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]`), "messages", 1, "reasoning_content"), "in a conversion as well")
}

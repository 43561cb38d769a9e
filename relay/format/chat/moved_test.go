package chat_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/format"
	"one-api/relay/format/chat"
	"one-api/relay/provider"
)

// conversation has a call of a tool, by its id, and what another provider may have put into the answer beside it.
func conversation(id, beside string) string {
	return `{"model":"m","messages":[{"role":"user","content":"\"id\":\"a.b\""},{"role":"assistant",` + beside + `"tool_calls":[{"id":"` + id + `","type":"function","function":{"name":"f","arguments":"{\"id\":\"a.b\"}"}}]},` +
		`{"role":"tool","tool_call_id":"` + id + `","content":"r"}],"x":1e400}`
}

// TestIDsOfOthersAreSuchAsTheNextProviderTakes in a native call: the same in the call and in its result, and every time.
func TestIDsOfOthersAreSuchAsTheNextProviderTakes(t *testing.T) {
	mistral, openAI := &provider.Quirks{ShortIDs: true}, &provider.Quirks{LongestID: 40}
	long := "call_" + strings.Repeat("0123456789", 7)
	for _, tc := range []struct {
		quirks *provider.Quirks
		id     string
		stays  bool
	}{
		{mistral, "VvvODy9mT", true}, {mistral, "call_abc", false}, {mistral, "functions.f:0", false}, {mistral, long, false},
		{openAI, "call_abc", true}, {openAI, "functions.f:0", true}, {openAI, long, false}, {&provider.Quirks{}, long, true}, {nil, long, true},
	} {
		body := conversation(tc.id, "")
		got, lost := chat.Clean([]byte(body), tc.quirks)
		assert.False(t, lost)
		if tc.stays {
			require.Equal(t, body, string(got))
			continue
		}
		require.NotContains(t, string(got), tc.id)
		again, _ := chat.Clean(got, tc.quirks)
		require.Equal(t, string(got), string(again), "it fits now")
		_, rest, _ := strings.Cut(string(got), `"tool_calls":[{"id":"`)
		id, _, _ := strings.Cut(rest, `"`)
		require.Equal(t, conversation(id, ""), string(got), "nothing else has changed")
	}
}

func TestNothingThatIsSealedForAnotherReachesAProviderOfTheSameFormat(t *testing.T) {
	sealed := format.NewSeal("s", "gemini").CallID("call_1", "", "SIG")
	got, lost := chat.Clean([]byte(conversation(sealed, "")), nil)
	require.Equal(t, conversation("call_1", ""), string(got))
	require.True(t, lost)
	got, lost = chat.Clean([]byte(conversation(format.NewSeal("s", "kimi").CallID("call_1", "f.f:0", ""), "")), nil)
	require.Equal(t, conversation("call_1", ""), string(got))
	require.False(t, lost, "an id is no reasoning")
}

func TestMembersThatSayNothingAreLeftOutForThoseWhoRefuseThem(t *testing.T) {
	body := conversation("call_1", `"refusal":null,"annotations":[],"content":null,`)
	got, _ := chat.Clean([]byte(body), nil)
	require.Equal(t, body, string(got))
	got, _ = chat.Clean([]byte(body), &provider.Quirks{Bare: true})
	require.Equal(t, conversation("call_1", `"content":null,`), string(got))
	said := conversation("call_1", `"refusal":"no",`)
	got, _ = chat.Clean([]byte(said), &provider.Quirks{Bare: true})
	require.Equal(t, said, string(got), "what says something is for the provider to refuse")
}

func TestReasoningOfEarlierTurnsIsLeftOutInWhicheverFormItStands(t *testing.T) {
	for given, want := range map[string]string{
		`"reasoning_content":"Hm.",`: ``, `"reasoning":"Hm.","reasoning_details":[{"type":"reasoning.text","text":"Hm.","signature":"S"}],`: ``,
		`"content":[{"type":"thinking","thinking":[{"type":"text","text":"Hm."}]},{"type":"text","text":"a"}],`: `"content":[{"type":"text","text":"a"}],`,
		`"content":[{"type":"thinking","thinking":[]}],`:                                                        `"content":"",`,
		`"content":"reasoning_content",`:                                                                        `"content":"reasoning_content",`,
	} {
		body := []byte(conversation("call_1", given))
		require.Equal(t, conversation("call_1", want), string(chat.Unthought(body)))
		require.Equal(t, given != want, chat.HoldsThoughts(body))
	}
	signed := strings.Replace(conversation("call_1", ""), `"type":"function"`, `"extra_content":{"google":{"thought_signature":"S"}},"type":"function"`, 1)
	require.Equal(t, conversation("call_1", ""), string(chat.Unthought([]byte(signed))))
	require.False(t, chat.HoldsThoughts([]byte(`{"model":"m","reasoning":{"effort":"low"},"messages":[{"role":"user","content":"assistant"}]}`)))
}

package lane_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/format"
	"one-api/relay/format/gemini"
	"one-api/relay/lane"
	"one-api/relay/lane/lanetest"
	"one-api/relay/llm"
	"one-api/relay/wire"
)

// FuzzGeminiAnswerRoundTrip makes an answer of the bytes, says it as Anthropic and as OpenAI do, whole and streamed, and has it told to a
// client of Gemini's. What that gets is taken for Gemini's own answer and told to a client of OpenAI's: after both steps the texts, thoughts,
// calls and counts are those of the beginning.
func FuzzGeminiAnswerRoundTrip(f *testing.F) {
	for seed := range byte(12) {
		b := make([]byte, 300)
		for i := range b {
			b[i] = byte(i)*(2*seed+3) ^ seed<<3
		}
		f.Add(b)
	}
	f.Add([]byte{})
	body := []byte(`{"contents":[{"parts":[{"text":"a"}]}],"generationConfig":{"thinkingConfig":{"includeThoughts":true}}}`)
	geminiWhole := &lane.Call{Endpoint: wire.GeminiGenerate, Body: body}
	geminiStreamed := &lane.Call{Endpoint: wire.GeminiStream, Stream: true, Query: "alt=sse", Body: body}
	whole := &lane.Call{Endpoint: wire.ChatCompletions, Body: []byte(`{}`)}
	streamed := &lane.Call{Endpoint: wire.ChatCompletions, Stream: true, Body: []byte(`{"messages":[{"role":"user","content":"a"}],"stream_options":{"include_usage":true}}`)}
	f.Fuzz(func(t *testing.T, input []byte) {
		s := &source{input}
		a := s.answer()
		want := a.view()
		for i := range want.Calls {
			want.Calls[i].Arguments = compact(t, want.Calls[i].Arguments)
		}
		first := want.Usage
		merged := first // Gemini has no word for what was written to its cache
		merged.Uncached, merged.CacheWrite5m = merged.Uncached+merged.CacheWrite5m, 0
		want.Usage = merged

		for kind, said := range map[*lane.Family][]byte{lane.Anthropic: a.messages(s), lane.OpenAI: a.chat()} {
			told := atOnce(t, lanetest.Of(kind.Lanes), geminiWhole, said, first)
			back := atOnce(t, lanetest.Of(lane.Gemini.Lanes), whole, told, merged)
			requireView(t, want, unsealed(chatView(t, back)), told)
		}
		for kind, said := range map[*lane.Family][]byte{lane.Anthropic: a.messagesStream(s), lane.OpenAI: a.chatStream(s)} {
			told, usage := through(t, lanetest.Of(kind.Lanes), geminiStreamed, said, s)
			require.Equal(t, first, usage)
			back, usage := through(t, lanetest.Of(lane.Gemini.Lanes), streamed, endless(told), s)
			require.Equal(t, merged, usage)
			requireView(t, want, unsealed(chatStreamView(t, back)), told)
		}
	})
}

// unsealed is a view without what each of two steps has sealed into the ids of calls.
func unsealed(v *view) *view {
	for i := range v.Calls {
		v.Calls[i].ID = format.Unsealed(v.Calls[i].ID)
	}
	return v
}

// endless is a stream of Gemini's with what has the test's reader know that it is over: the API itself only ends it.
func endless(stream []byte) []byte { return append(stream, "data: [DONE]\n\n"...) }

// FuzzGeminiRequest has whatever is sent by a client of Gemini's read, and what comes of it built for Gemini and read again: nothing
// panics, and the second reading says what the first one did.
func FuzzGeminiRequest(f *testing.F) {
	for _, all := range [][]saying{inGemini, inGeminiToChat, inGeminiToMessages, inGeminiToResponses} {
		for _, said := range all {
			if said.members != "" {
				f.Add([]byte(`{"contents":[{"parts":[{"text":"go"}]}],` + said.members + `}`))
			}
		}
	}
	f.Fuzz(func(t *testing.T, input []byte) {
		first, problem := gemini.Format.Client.Parse(input)
		if problem != nil || !json.Valid(input) {
			return
		}
		to := &format.Target{Model: "gemini-3-flash-preview", Seal: format.NewSeal("s", "c")}
		built, _, problem := gemini.Format.Server.Build(first, to)
		if problem != nil {
			return
		}
		require.True(t, json.Valid(built), "%s of %s", built, input)
		second, problem := gemini.Format.Client.Parse(built)
		require.Nil(t, problem, "%s of %s", built, input)
		require.Equal(t, spoken(first), spoken(second), "%s of %s", built, input)
		said := texts(second)
		for i := range first.Turns {
			for _, p := range first.Turns[i].Parts {
				if p.Kind == llm.Text && strings.TrimSpace(p.Text) != "" {
					require.Contains(t, said, p.Text, "%s of %s", built, input)
				}
			}
		}
		require.Len(t, second.Tools, len(first.Tools))
		if first.MaxTokens > 0 {
			require.Equal(t, first.MaxTokens, second.MaxTokens)
		}
	})
}

// texts is all that was said.
func texts(r *llm.Request) string {
	var all strings.Builder
	for i := range r.Turns {
		for _, p := range r.Turns[i].Parts {
			if p.Kind == llm.Text {
				all.WriteString(p.Text)
			}
		}
	}
	return all.String()
}

// spoken counts what a conversation has in it, by kind.
func spoken(r *llm.Request) (n [3]int) {
	for i := range r.Turns {
		for _, p := range r.Turns[i].Parts {
			switch p.Kind {
			case llm.ToolCall:
				n[0]++
			case llm.ToolResult:
				n[1]++
			case llm.Image:
				n[2]++
			default: // texts are held to what was said, and not counted: dots stand where the API wants a turn
			}
			for _, inner := range p.Parts {
				if inner.Kind == llm.Image {
					n[2]++
				}
			}
		}
	}
	return n
}

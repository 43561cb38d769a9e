package voice

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestWhatAVoiceSaysIsOfItsFormat reads all that it says as its clients do.
func TestWhatAVoiceSaysIsOfItsFormat(t *testing.T) {
	for name, v := range map[string]Voice{"OpenAI": {Model: "m", In: 11, Out: 7}, "Anthropic": {Anthropic: true, Model: "m", In: 11, Out: 7}} {
		t.Run(name, func(t *testing.T) {
			input, output := "prompt_tokens", "completion_tokens"
			if v.Anthropic {
				input, output = "input_tokens", "output_tokens"
			}
			var whole struct {
				Model string
				Usage map[string]int
			}
			require.NoError(t, json.Unmarshal([]byte(v.Whole("hi")), &whole))
			require.Equal(t, "m", whole.Model)
			require.Equal(t, 11, whole.Usage[input])
			require.Equal(t, 7, whole.Usage[output])

			stream := v.Opening("hi") + v.KeepAlive() + v.More(" there") + v.BeforeTerminator() + v.Usage() + v.Terminator()
			terminated := false
			for _, event := range strings.Split(strings.TrimSuffix(stream, "\n\n"), "\n\n") {
				require.False(t, terminated, "something behind the end")
				if strings.HasPrefix(event, ":") {
					continue
				}
				named, data, found := strings.Cut(event, "data: ")
				require.True(t, found, event)
				if data == "[DONE]" {
					terminated = true
					continue
				}
				var of struct{ Type string }
				require.NoError(t, json.Unmarshal([]byte(data), &of), data)
				if v.Anthropic {
					require.Equal(t, "event: "+of.Type+"\n", named, "the event has its type's name")
					terminated = of.Type == "message_stop"
				}
			}
			require.True(t, terminated)
			require.Contains(t, stream, `"`+output+`":7`)
			require.Equal(t, v.Opening("hi"), v.Preamble()+v.More("hi"))
		})
	}
}

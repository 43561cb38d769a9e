package gate

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/lane"
	"one-api/relay/wire"
)

// TestABodyThatIsNoJSONIsCalledWhatItIs so that whoever has sent it knows what to change.
func TestABodyThatIsNoJSONIsCalledWhatItIs(t *testing.T) {
	for name, test := range map[string]struct{ body, says string }{
		"curl -F":              {"--------------------------7d1c\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--------------------------7d1c--\r\n", "a form (multipart/form-data)"},
		"curl -d without JSON": {"model=m&stream=true", "a form (application/x-www-form-urlencoded)"},
		"nothing":              {" \r\n", "ends too early"},
		"a word":               {"hello", "does not begin with {"},
		"a list":               {`["model=m"]`, "does not begin with {"},
		"cut":                  {`{"model":"m"`, "ends too early"},
	} {
		_, refusal := parseCall(&lane.Call{}, wire.ChatCompletions, []byte(test.body))
		require.NotNil(t, refusal, name)
		require.Equal(t, http.StatusBadRequest, refusal.Err.Status)
		require.Contains(t, refusal.Err.Message, test.says, name)
		if strings.Contains(test.says, "form") {
			require.Contains(t, refusal.Err.Message, "application/json", name)
		}
	}
}

// TestJSONIsNoRecording unless it says where the sound is, as some providers have it.
func TestJSONIsNoRecording(t *testing.T) {
	for _, e := range []wire.Endpoint{wire.AudioTranscribe, wire.AudioTranslate} {
		refusal := refuseNoUpload(e, []byte(`{"model":"whisper-1","file":"sound.mp3"}`))
		require.NotNil(t, refusal)
		require.Equal(t, "file", refusal.Err.Param)
		require.Contains(t, refusal.Err.Message, "multipart/form-data")
		require.Nil(t, refuseNoUpload(e, []byte(`{"model":"m","input_audio":{"data":"AAAA","format":"wav"}}`)))
	}
	require.Nil(t, refuseNoUpload(wire.AudioSpeech, []byte(`{"model":"m"}`)))
}

package exchange

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/relay/channel"
	"one-api/relay/config"
	"one-api/relay/lane"
	"one-api/relay/outcome"
	"one-api/relay/redact"
)

// TestNothingIsCutBeforeSecretsAreOut puts a key where messages are cut.
func TestNothingIsCutBeforeSecretsAreOut(t *testing.T) {
	const secret = `sk-proj-"Ab/C+d=0123456789"-wxyz`
	r := redact.New(config.Channel{Keys: []string{secret}})
	for at := longestMessage - len(secret) - 2; at <= longestMessage+2; at++ {
		x := &Exchange{Slot: channel.Slot{Channel: &channel.Channel{Redact: r}}, call: &lane.Call{}}
		body, err := json.Marshal(map[string]any{"error": map[string]string{"message": strings.Repeat("y", at) + " " + secret + " z"}})
		require.NoError(t, err)
		f := x.censored(outcome.StatusFailure(400, nil, body))
		for n := 8; n <= len(secret); n++ {
			require.NotContains(t, f.Err.Message, secret[:n])
		}
		require.LessOrEqual(t, len(f.Err.Message), longestMessage+len("…"))
	}
}

func TestALongMessageIsCutBetweenRunes(t *testing.T) {
	x := &Exchange{Slot: channel.Slot{Channel: &channel.Channel{Redact: redact.New(config.Channel{})}}, call: &lane.Call{}}
	f := x.censored(outcome.StatusFailure(400, nil, []byte(`{"message":"a`+strings.Repeat("é", 3000)+`"}`)))
	require.Len(t, f.Err.Message, 1999+len("…"))
	require.Equal(t, "aéé", f.Err.Message[:5])
	require.True(t, strings.HasSuffix(f.Err.Message, "é…"))
}

package wire

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnOverflowHasTheWordThatTheFormatsClientsGoBy(t *testing.T) {
	for said, want := range map[*Error][2]string{ // OpenAI's code; Anthropic's message
		{Message: "This model's maximum context length is 8192 tokens. However, your messages resulted in 9631 tokens.", Code: "context_length_exceeded"}: {
			"context_length_exceeded", "prompt is too long: 9631 tokens > 8192 maximum: This model's maximum context length is 8192 tokens. However, your messages resulted in 9631 tokens."},
		{Message: "This model's maximum context length is 8192 tokens. However, you requested about 9000 tokens (8000 in the messages)."}: {
			"context_length_exceeded", "prompt is too long: 9000 tokens > 8192 maximum: This model's maximum context length is 8192 tokens. However, you requested about 9000 tokens (8000 in the messages)."},
		{Message: "This model's maximum prompt length is 131072 but the request contains 140000 tokens.", Code: "Client specified an invalid argument"}: {
			"context_length_exceeded", "prompt is too long: 140000 tokens > 131072 maximum: This model's maximum prompt length is 131072 but the request contains 140000 tokens."},
		{Message: "Range of input length should be [1, 129024]"}:                                              {"context_length_exceeded", "prompt is too long: Range of input length should be [1, 129024]"},
		{Message: "prompt is too long: 208310 tokens > 200000 maximum"}:                                       {"context_length_exceeded", "prompt is too long: 208310 tokens > 200000 maximum"},
		{Message: "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease it"}: {"context_length_exceeded", "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease it"},
	} {
		said.Status, said.Overflow = 400, true
		for _, format := range []Format{OpenAI, Responses} {
			require.Equal(t, want[0], errorIn(t, format.ErrorBody(said, "id"))["code"], said.Message)
			require.Equal(t, said.Message+" (request id: id)", errorIn(t, format.ErrorBody(said, "id"))["message"])
		}
		require.Contains(t, string(Responses.ErrorEvent(said, "id")), `"code":"context_length_exceeded"`)
		require.Equal(t, want[1]+" (request id: id)", errorIn(t, Anthropic.ErrorBody(said, "id"))["message"])
		said.Overflow = false
		require.Equal(t, said.Message+" (request id: id)", errorIn(t, Anthropic.ErrorBody(said, "id"))["message"])
	}
}

func errorIn(t *testing.T, body []byte) map[string]any {
	t.Helper()
	var answer struct {
		Error map[string]any `json:"error"`
	}
	require.NoError(t, json.Unmarshal(body, &answer), string(body))
	return answer.Error
}

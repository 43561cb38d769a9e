package outcome

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"one-api/relay/wire"
)

func TestProvidersSayInTheirOwnWordsThatARequestIsTooLong(t *testing.T) {
	for said, want := range map[*wire.Error]bool{
		{Message: "no", Code: "context_length_exceeded"}:                                                                                              true,
		{Message: "This model's maximum context length is 8192 tokens. However, your messages resulted in 9631 tokens."}:                              true,
		{Message: "prompt is too long: 208310 tokens > 200000 maximum", Type: "invalid_request_error"}:                                                true,
		{Message: "input length and `max_tokens` exceed context limit: 188240 + 21333 > 200000, decrease input length or `max_tokens` and try again"}: true,
		{Message: "This model's maximum prompt length is 131072 but the request contains 140000 tokens."}:                                             true,
		{Message: "The input token count (1100000) exceeds the maximum number of tokens allowed (1048576)."}:                                          true,
		{Message: "Input is too long for requested model."}:                                                                                           true,
		{Message: "Please reduce the length of the messages or completion."}:                                                                          true,
		{Message: "Range of input length should be [1, 129024]"}:                                                                                      true,
		{Message: "Invalid request: Your request exceeded model token limit: 131072"}:                                                                 true,
		{Message: "the request exceeds the available context size, try increasing it", Type: "exceed_context_size_error"}:                             true,
		{Message: "Your request was rejected as a result of our safety system.", Code: "content_policy_violation"}:                                    false,
		{Message: "max_tokens is too large: 200000. This model supports at most 16384 completion tokens"}:                                             false,
		{Message: "Invalid value: 'x'."}: false,
	} {
		f := statusFailure(t, http.StatusBadRequest, *said)
		assert.Equal(t, want, f.Overflows(), said.Message)
		assert.Equal(t, want, f.Err.Overflow, said.Message)
	}
	f := statusFailure(t, http.StatusInternalServerError, wire.Error{Message: "the context window of the cache is full"})
	assert.False(t, f.Overflows(), "no word on the request")
}

func statusFailure(t *testing.T, status int, said wire.Error) *Failure {
	t.Helper()
	body, err := json.Marshal(map[string]any{"error": map[string]string{"message": said.Message, "type": said.Type, "code": said.Code}})
	require.NoError(t, err)
	return StatusFailure(status, http.Header{}, body)
}

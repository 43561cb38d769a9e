package exam

import (
	"testing"

	"github.com/stretchr/testify/require"

	"one-api/testbed/standin"
)

// errorsOf are a kind of error as each provider words it: OpenAI and who is like it, Anthropic, Gemini, Bedrock.
type errorsOf struct {
	openAI, anthropic, gemini, bedrock standin.Refusal
	status                             int               // that the client is told
	words                              map[string]string // by the surface: the error's type, or its code
	says                               string            // of the provider's words; empty: none
}

var errorKinds = map[string]errorsOf{
	"a limit": {
		openAI:    standin.Refusal{Status: 429, Kind: "requests", Code: "rate_limit_exceeded", Message: "Rate limit reached for it"},
		anthropic: standin.Refusal{Status: 429, Kind: "rate_limit_error", Message: "Rate limit reached for it"},
		gemini:    standin.Refusal{Status: 429, Kind: "RESOURCE_EXHAUSTED", Message: "Rate limit reached for it"},
		bedrock:   standin.Refusal{Status: 429, Kind: "ThrottlingException", Message: "Too many requests: Rate limit reached for it"},
		status:    429, says: "Rate limit reached",
		words: map[string]string{"chat": "rate_limit_exceeded", "messages": "rate_limit_error", "responses": "rate_limit_exceeded", "websocket": "rate_limit_exceeded", "gemini": "RESOURCE_EXHAUSTED"},
	},
	"a mistake": {
		openAI:    standin.Refusal{Status: 400, Kind: "invalid_request_error", Param: "temperature", Message: "Invalid 'temperature': decimal above maximum value."},
		anthropic: standin.Refusal{Status: 400, Kind: "invalid_request_error", Message: "Invalid 'temperature': decimal above maximum value."},
		gemini:    standin.Refusal{Status: 400, Kind: "INVALID_ARGUMENT", Message: "Invalid 'temperature': decimal above maximum value."},
		bedrock:   standin.Refusal{Status: 400, Kind: "ValidationException", Message: "Invalid 'temperature': decimal above maximum value."},
		status:    400, says: "Invalid 'temperature'",
		words: map[string]string{"chat": "invalid_request_error", "messages": "invalid_request_error", "responses": "invalid_request_error", "websocket": "invalid_request_error", "gemini": "INVALID_ARGUMENT"},
	},
	"a conversation that is too long": {
		openAI:    standin.Refusal{Status: 400, Kind: "invalid_request_error", Code: "context_length_exceeded", Message: "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."},
		anthropic: standin.Refusal{Status: 400, Kind: "invalid_request_error", Message: "prompt is too long: 208310 tokens > 200000 maximum"},
		gemini:    standin.Refusal{Status: 400, Kind: "INVALID_ARGUMENT", Message: "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."},
		bedrock:   standin.Refusal{Status: 400, Kind: "ValidationException", Message: "Input is too long for requested model."},
		status:    400,
		words:     map[string]string{"chat": "context_length_exceeded", "messages": "prompt is too long", "responses": "context_length_exceeded", "websocket": "context_length_exceeded", "gemini": "INVALID_ARGUMENT"},
	},
	"a key that is refused": {
		openAI:    standin.Refusal{Status: 401, Kind: "invalid_request_error", Code: "invalid_api_key", Message: "Incorrect API key provided: sk-up-a."},
		anthropic: standin.Refusal{Status: 401, Kind: "authentication_error", Message: "invalid x-api-key"},
		gemini:    standin.Refusal{Status: 400, Kind: "INVALID_ARGUMENT", Code: "API_KEY_INVALID", Message: "API key not valid. Please pass a valid API key."},
		bedrock:   standin.Refusal{Status: 403, Kind: "UnrecognizedClientException", Message: "The security token included in the request is invalid."},
		status:    502,
		words:     map[string]string{"chat": "upstream_refused_credentials", "messages": "api_error", "responses": "upstream_refused_credentials", "websocket": "upstream_refused_credentials", "gemini": "UNAVAILABLE"},
	},
	"a failure": {
		openAI:    standin.Refusal{Status: 500, Kind: "server_error", Message: "The server had an error while processing your request."},
		anthropic: standin.Refusal{Status: 500, Kind: "api_error", Message: "Internal server error"},
		gemini:    standin.Refusal{Status: 500, Kind: "INTERNAL", Message: "An internal error has occurred."},
		bedrock:   standin.Refusal{Status: 500, Kind: "InternalServerException", Message: "The system encountered an unexpected error during processing."},
		status:    502,
		words:     map[string]string{"messages": "api_error", "gemini": "UNAVAILABLE"},
	},
	"an overload": {
		openAI:    standin.Refusal{Status: 503, Kind: "server_error", Message: "The engine is currently overloaded, please try again later."},
		anthropic: standin.Refusal{Status: 529, Kind: "overloaded_error", Message: "Overloaded"},
		gemini:    standin.Refusal{Status: 503, Kind: "UNAVAILABLE", Message: "The model is overloaded. Please try again later."},
		bedrock:   standin.Refusal{Status: 503, Kind: "ServiceUnavailableException", Message: "The service is overloaded."},
		status:    502,
		words:     map[string]string{"gemini": "UNAVAILABLE"},
	},
}

func (e errorsOf) of(p provider) *standin.Refusal {
	switch {
	case p.dialect == nil:
		return &e.bedrock
	case p.kind == "anthropic":
		return &e.anthropic
	case p.kind == "gemini":
		return &e.gemini
	}
	return &e.openAI
}

// TestAnErrorIsToldInTheWordsOfItsSurface with the status that its clients go by, and nothing of the operator's.
func TestAnErrorIsToldInTheWordsOfItsSurface(t *testing.T) {
	everywhere(t, func(t *testing.T, q surface, p provider, stream bool) {
		for name, e := range errorKinds {
			s := p.stage(t, hello)
			s.fails.Store(e.of(p))
			a := q.ask(t, s, q.asks("Hi!", stream))
			require.NotNil(t, a.failed, name)
			require.Equal(t, e.status, a.failed.status, "%s: %+v", name, a.failed)
			require.Contains(t, a.failed.kind+" "+a.failed.code+" "+a.failed.message, e.words[q.name], "%s: %+v", name, a.failed)
			require.Contains(t, a.failed.message, e.says, name)
			require.Contains(t, a.failed.message, "(request id: ", name)
			require.NotContains(t, a.failed.message, standin.Key, name)
			require.NotContains(t, a.failed.message, s.u.URL, name)
			require.Equal(t, []string{"upstream_status"}, s.Outcomes(1), name)
		}
	})
}

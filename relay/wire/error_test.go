package wire

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnErrorIsToldInTheFormatOfTheClient(t *testing.T) {
	limited := &Error{Status: http.StatusTooManyRequests, Message: "slow <down>"}
	named := &Error{Status: http.StatusBadRequest, Type: "invalid_request_error", Code: "c", Param: "model", Message: "no"}
	for _, c := range []struct {
		name   string
		format Format
		err    *Error
		want   string
	}{
		{"OpenAI, with what is known", OpenAI, named, `{"error":{"message":"no (request id: r1)","type":"invalid_request_error","param":"model","code":"c"}}`},
		{"OpenAI, with nulls for the rest", OpenAI, limited, `{"error":{"message":"slow <down> (request id: r1)","type":"rate_limit_error","param":null,"code":null}}`},
		{"Anthropic", Anthropic, limited, `{"type":"error","error":{"type":"rate_limit_error","message":"slow <down> (request id: r1)"},"request_id":"r1"}`},
		{"Anthropic, for a type that it does not know", Anthropic, &Error{Status: 502, Type: "server_error", Message: "x"}, `{"type":"error","error":{"type":"api_error","message":"x (request id: r1)"},"request_id":"r1"}`},
		{"Anthropic, for a type of its own", Anthropic, &Error{Status: 502, Type: "overloaded_error", Message: "x"}, `{"type":"error","error":{"type":"overloaded_error","message":"x (request id: r1)"},"request_id":"r1"}`},
	} {
		t.Run(c.name, func(t *testing.T) { require.JSONEq(t, c.want, string(c.format.ErrorBody(c.err, "r1"))) })
	}
}

func TestEveryStatusHasATypeInBothFormats(t *testing.T) {
	for status, want := range map[int][2]string{
		400: {"invalid_request_error", "invalid_request_error"}, 401: {"authentication_error", "authentication_error"},
		403: {"permission_error", "permission_error"}, 404: {"invalid_request_error", "not_found_error"},
		413: {"invalid_request_error", "request_too_large"}, 422: {"invalid_request_error", "invalid_request_error"},
		429: {"rate_limit_error", "rate_limit_error"}, 500: {"api_error", "api_error"}, 502: {"api_error", "api_error"},
		503: {"api_error", "overloaded_error"}, 504: {"api_error", "timeout_error"},
	} {
		require.Equal(t, want, [2]string{OpenAI.errorType(&Error{Status: status}), Anthropic.errorType(&Error{Status: status})}, status)
	}
}

func TestAnErrorEventEndsAStreamWithoutATerminator(t *testing.T) {
	e := &Error{Status: 504, Message: "silent"}
	require.Equal(t, "data: "+string(OpenAI.ErrorBody(e, "r"))+"\n\n", string(OpenAI.ErrorEvent(e, "r")))
	require.Equal(t, "event: error\ndata: "+string(Anthropic.ErrorBody(e, "r"))+"\n\n", string(Anthropic.ErrorEvent(e, "r")))
}

func TestUsageIsTheSameWhateverFormatItCameIn(t *testing.T) {
	openai := &ChatUsage{PromptTokens: 110, CompletionTokens: 20, PromptTokensDetails: &PromptTokensDetails{CachedTokens: 100}, CompletionTokensDetails: &CompletionTokensDetails{ReasoningTokens: 5}}
	require.Equal(t, Usage{Uncached: 10, CacheRead: 100, Text: 20, Reasoning: 5}, openai.Neutral())
	anthropic := &MessagesUsage{InputTokens: 7, CacheCreationInputTokens: 3, CacheReadInputTokens: 100, OutputTokens: 20}
	require.Equal(t, Usage{Uncached: 7, CacheWrite5m: 3, CacheRead: 100, Text: 20}, anthropic.Neutral())
	require.Equal(t, Usage{}, (*ChatUsage)(nil).Neutral())
	require.Equal(t, Usage{}, (*MessagesUsage)(nil).Neutral())
}

func TestAClippedTextIsBoundedAndStillUTF8(t *testing.T) {
	require.Equal(t, "short", Clip("short", 5))
	require.Equal(t, "longe…", Clip("longer", 5))
	require.Equal(t, "a…", Clip("aé", 2), "a rune that is cut in two is left out")
	require.Equal(t, "", Clip("", 0))
}

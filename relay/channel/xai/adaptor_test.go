package xai_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"

	"one-api/relay/channel"
	"one-api/relay/channel/xai"
	"one-api/relay/wire"
)

const refusedPrompt = `{"code":"The caller does not have permission to execute the specified operation","error":"Content violates usage guidelines. Team: 11111111-2222-3333-4444-555555555555, API key ID: 99999999-2222-3333-4444-555555555555, Model: grok-4-0709, Failed check: SAFETY_CHECK_TYPE_BIO"}`

func TestARefusedPromptIsTheClientsFaultAndNotTheKeys(t *testing.T) {
	for name, tc := range map[string]struct{ body, message string }{
		"with the operator's account": {
			refusedPrompt,
			"Content violates usage guidelines. Model: grok-4-0709, Failed check: SAFETY_CHECK_TYPE_BIO",
		},
		"short":          {`{"code":"permission-denied","error":"Content violates usage guidelines. "}`, "Content violates usage guidelines."},
		"other words":    {`{"code":"permission-denied","error":"Blocked by our Content Policy."}`, "Blocked by our Content Policy."},
		"a failed check": {`{"error":{"message":"SAFETY_CHECK_TYPE_X, Team: T"}}`, "SAFETY_CHECK_TYPE_X,"},
	} {
		t.Run(name, func(t *testing.T) {
			f := failed(http.StatusForbidden, nil, []byte(tc.body))
			assert.Equal(t, channel.UpstreamStatus, f.Outcome)
			assert.Equal(t, channel.ClassRequest, f.Class)
			assert.False(t, f.Verdict().MoveOn)
			assert.Equal(t, channel.KeyKeeps, f.Verdict().Key)
			assert.Equal(t, &wire.Error{
				Status: http.StatusForbidden, Type: "invalid_request_error", Code: "content_policy_violation", Message: tc.message,
			}, f.Err)
			assert.Equal(t, tc.message, f.Detail)
		})
	}
}

func TestOtherErrorsAreClassedByWhatTheyMean(t *testing.T) {
	for name, tc := range map[string]struct {
		status int
		body   string
		class  channel.Class
	}{
		"a wrong key, which comes with a 400": {400, `{"code":"Client specified an invalid argument","error":"Incorrect API key provided: xx***yy. You can obtain an API key from https://console.x.ai."}`, channel.ClassKeyRefused},
		"a blocked key":                       {403, `{"code":"permission-denied","error":"Your API key is blocked."}`, channel.ClassKeyRefused},
		"a 403 without a body":                {403, ``, channel.ClassForbidden}, // it may be about the prompt
		"no credit left, which comes with a 429": {429, `{"code":"Some resource has been exhausted","error":"Your team 11111111-2222-3333-4444-555555555555 has either used all available credits or reached its monthly spending limit."}`,
			channel.ClassKeyRefused},
		"too fast":         {429, `{"code":"x","error":"Too many requests for team 11111111-2222-3333-4444-555555555555 and model grok-4."}`, channel.ClassKeyLimited},
		"a bad request":    {400, `{"code":"Client specified an invalid argument","error":"Invalid temperature."}`, channel.ClassRequest},
		"words as in 403s": {400, `{"code":"x","error":"the content policy field is unknown"}`, channel.ClassRequest},
		"an unknown model": {404, `{"code":"x","error":"The model grok-9 does not exist or your team 11111111-2222-3333-4444-555555555555 does not have access to it."}`, channel.ClassElsewhere},
		"its own trouble":  {503, `{"code":"x","error":"Service temporarily unavailable."}`, channel.ClassServer},
	} {
		t.Run(name, func(t *testing.T) {
			f := failed(tc.status, nil, []byte(tc.body))
			assert.Equal(t, tc.class, f.Class)
			assert.Equal(t, tc.status, f.Status)
			assert.NotContains(t, f.Err.Message+f.Detail, "11111111")
			assert.NotEmpty(t, f.Err.Message)
			if tc.class == channel.ClassKeyRefused {
				assert.Equal(t, "upstream_refused_credentials", f.Err.Code)
			}
		})
	}
}

func TestTheTeamIsTakenOutOfAMessageThatIsPassedOn(t *testing.T) {
	f := failed(429, nil, []byte(`{"code":"x","error":"Too many requests for team 11111111-2222-3333-4444-555555555555 and model grok-4."}`))
	assert.Equal(t, "Too many requests for team and model grok-4.", f.Err.Message)
}

func TestAMessageThatIsNothingButTheAccountLeavesAMessage(t *testing.T) {
	f := failed(500, nil, []byte(`{"error":"Team: T, API key ID: K"}`))
	assert.Equal(t, "the upstream reported an error", f.Err.Message)
}

func TestARefusalInsideAnAnswerIsCorrectedToo(t *testing.T) {
	f := channel.EventFailure([]byte(refusedPrompt))
	xai.Correct(f)
	assert.Equal(t, channel.UpstreamErrorEvent, f.Outcome)
	assert.Equal(t, channel.ClassRequest, f.Class)
	assert.NotContains(t, f.Err.Message, "11111111")
}

// failed is what becomes of an answer of another status than 2xx.
func failed(status int, header http.Header, body []byte) *channel.Failure {
	f := channel.StatusFailure(status, header, body)
	xai.Correct(f)
	return f
}
